"""Pages say what is so: the rooms of the architecture page, and links that lead somewhere."""

import re

import pytest
from pages import PAGES, ROOT
from test_house import BELOW, PACKAGE

INDEX = ROOT / "docs" / "index.md"


def test_the_architecture_page_has_the_rooms_and_their_arrows():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    rooms = {room for room in BELOW if (PACKAGE / room).is_dir()}
    assert {room: set(re.findall(r"`(\w+)`", below)) for room, below in rows} == {room: rooms & {*BELOW[room]} for room in rooms}


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_in_the_index_once():
    listed = [(INDEX.parent / target).resolve() for target in re.findall(r"^\* \[.*?\]\((.*?)\)", INDEX.read_text(), re.MULTILINE)]
    assert sorted(listed) == [page for page in PAGES if page != INDEX], "a page belongs into a list of docs/index.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        name, _, part = target.partition("#")
        if "://" in name:
            continue
        path = page.parent / name if name else page
        assert path.exists(), target
        assert not part or part in map(anchor, re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)), target
