"""CONTRIBUTING.md's walks, each followed to the letter in a copy of the package.

A block of code is a file if the words before it end in its name, "`NAME`:"; a `diff` block is a change of the files it names; an `sh`
block is run, and must end well.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
WALKS = re.findall(r"^## (\d\. .*)\n", TEXT, re.MULTILINE)
#: what a contributor's checkout has that the walks need
CHECKOUT = ("segaware_caffe", "configs", "pyproject.toml", "tests/conftest.py")


class Block(NamedTuple):
    """A fenced block of a page: the words before it, its language, its text."""

    before: str
    language: str
    text: str


def blocks(walk: str) -> Iterator[Block]:
    """The blocks of a walk, in order."""
    (section,) = re.findall(rf"^## {re.escape(walk)}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    for before, language, text in re.findall(r"(.*?)^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        yield Block(before, language, text)


def follow(block: Block, checkout: Path) -> None:
    """Do what a block says."""
    name = re.search(r"`([\w/.]+)`:\s*\Z", block.before)
    if name:
        path = checkout / name[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), f"{name[1]} is there already"
        path.write_text(block.text)
    elif block.language == "diff":
        for target, hunks in re.findall(r"^--- .*\n\+\+\+ b/(.*)\n((?:[@ +-].*\n)+?)(?=---|\Z)", block.text, re.MULTILINE):
            for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
                change(checkout / target, hunk.splitlines(keepends=True))
    else:
        assert block.language == "sh", f"what is to be done with this block? {block.text}"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text], cwd=checkout, env={**os.environ, "PATH": path, "PYTHONPATH": str(checkout)},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"


def change(path: Path, hunk: list[str]) -> None:
    """Apply a hunk of a diff, whose old lines must stand in the file once."""
    old, new = ("".join(line[1:] for line in hunk if line[0] in signs) for signs in (" -", " +"))
    text = path.read_text()
    assert old and text.count(old) == 1, f"{path}: these lines are there {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new))


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
    steps = list(blocks(walk))
    assert any(step.language == "sh" for step in steps)
    for step in steps:
        follow(step, tmp_path)
