"""CONTRIBUTING.md's walks, each followed to the letter in a copy of the package, as tests/pages.py does it."""

import re
import shutil

import pytest
from pages import ROOT, blocks, follow

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
WALKS = re.findall(r"^## (\d\. .*)\n", TEXT, re.MULTILINE)
#: what a contributor's checkout has that the walks need
CHECKOUT = ("segaware_caffe", "configs", "pyproject.toml", "tests/conftest.py")


def section(walk: str) -> str:
    """The text of a walk."""
    (found,) = re.findall(rf"^## {re.escape(walk)}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return found


def test_there_are_six():
    assert len(WALKS) == 6


@pytest.mark.slow
@pytest.mark.parametrize("walk", WALKS)
def test_walk(walk, tmp_path):
    for name in CHECKOUT:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    steps = list(blocks(section(walk)))
    assert any(step.language == "sh" for step in steps)
    for step in steps:
        follow(step, tmp_path, {})
