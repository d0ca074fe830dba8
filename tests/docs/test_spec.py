"""Every section of the specification that code, scripts, tests and pages cite is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "docs" / "spec"
PAGES = ("layers", "pipeline", "dialects")
NUMBER = r"\d+(?:\.\d+)*"
#: "spec/layers.md 5.4, 16.3" or "spec/pipeline.md 7.1 to 7.4"; after a comma another page may follow without its folder
CITATION = re.compile(
    rf"spec/(?:{'|'.join(PAGES)})\.md(?:(?:,|\s+to|\s+and)?\s+(?:(?:spec/)?(?:{'|'.join(PAGES)})\.md|{NUMBER}(?![\w-])))+"
)
FILES = sorted(
    path
    for folder, suffixes in {
        "segaware_caffe": (".py", ".cpp", ".inl", ".html", ".md"), "scripts": (".py", ".sh"), "tests": (".py", ".md"), "docs": (".md",),
        "benchmarks": (".py",), "proto": (".proto",),
    }.items()
    for path in (ROOT / folder).rglob("*") if path.suffix in suffixes
)  # fmt: skip


def sections(page: str) -> set[str]:
    """The numbers of a page's headings, and of the items of numbered lists: item 3 of section 16 is 16.3."""
    found, section = set(), ""
    for line in (SPEC / f"{page}.md").read_text().splitlines():
        if heading := re.match(rf"#+ ({NUMBER})\.? ", line):
            section = heading[1]
            found.add(section)
        elif item := re.match(r"(\d+)\. ", line):
            found.add(f"{section}.{item[1]}")
    return found


def citations(text: str) -> list[tuple[str, str]]:
    """(page, section) of each citation; a comment's line may end within one."""
    found = []
    for citation in CITATION.finditer(re.sub(r"\n\s*(?:#|//)?\s*", " ", text)):
        page = ""
        for name, number in re.findall(rf"(\w+)\.md|({NUMBER})", citation[0]):
            page = name or page
            if number:
                found.append((page, number))
    return found


def test_the_forms_of_a_citation():
    text = (
        "(spec/pipeline.md 1.2, layers.md 16), spec/layers.md 5.4,\n    # 16.3; spec/pipeline.md 7.1 to 7.4 and 9."
        " In docs/layers.md 5 rows; spec/dialects.md 4 a"
    )
    expected = "pipeline 1.2, layers 16, layers 5.4, layers 16.3, pipeline 7.1, pipeline 7.4, pipeline 9, dialects 4"
    assert [" ".join(each) for each in citations(text)] == expected.split(", ")


def test_every_section_that_is_cited_is_there():
    known = {page: sections(page) for page in PAGES}
    cited = {path: citations(path.read_text()) for path in FILES if path != Path(__file__)}
    assert sum(map(len, cited.values())) > 250
    missing = [
        f"{path.relative_to(ROOT)}: {page}.md {number}"
        for path, each in cited.items()
        for page, number in each
        if number not in known[page]
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_cites_its_own_sections_and_the_others(page):
    """`see 5.33`, `§7.5`, `(3.1, 3.7)` at the end of a line, and `(pipeline 4.5)`."""
    text = (SPEC / f"{page}.md").read_text()
    own = re.findall(rf"(?:see |§)({NUMBER})(?=[\s;,).|])", text)
    for group in re.findall(rf" \(({NUMBER}(?:, {NUMBER})*)\)$", text, re.MULTILINE):
        own += group.split(", ")
    others = re.findall(rf"\((layers|pipeline) ({NUMBER})\)", text)
    assert own or page == "dialects"
    assert [number for number in own if number not in sections(page)] == []
    assert [number for other, number in others if number not in sections(other)] == []
