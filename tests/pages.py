"""The repository's pages, and what is done with the blocks of code on them.

`python tests/pages.py PAGE` runs a page: its blocks in turn, in the working directory, where a reader is supposed to have photo.jpg,
net.prototxt and net.caffemodel (docs/index.md says so). By the block's language:

    python      run, all of a page in one namespace; where it has `>>>`, its output must be the one shown
    bash, sh    run, and must end well
    console     each line after `$ ` is run, and its output must be the one shown ("..." stands for anything); where that begins with
                "segaware-caffe:", it must end badly, and that is what it says on its other stream
    prototxt    read as a net, or as a solver
    diff        changes the files that it names
    text, none  shown only

A block of any language is a file if the words before it end in its name, "`NAME`:". A block is left out if the line before it is
"*Not run: REASON.*". In a shell `make` only says whether it knows its targets, and `pip` does nothing: CI has run both before.
"""

import doctest
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path for pattern in ("*.md", "docs/**/*.md", "segaware_caffe/**/*.md", "scripts/**/*.md") for path in ROOT.glob(pattern))

SHELL = f"""make() {{ command make -nC {ROOT} "$@" > /dev/null; }}; pip() {{ :; }}
"""


class Block(NamedTuple):
    """A fenced block of a page: the words before it, its language, its text and the line where it begins."""

    before: str
    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block is, if it is one."""
        found = re.search(r"`([\w/]+\.(?:proto|prototxt|py|txt|vars))`:\s*\Z", self.before)
        return found and found[1]

    @property
    def reason(self) -> str | None:
        """Why it is not run, if it is not."""
        found = re.search(r"^\*Not run: (.+)\.\*\s*\Z", self.before, re.MULTILINE)
        return found and found[1]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page or a part of it, in order."""
    end = 0
    for found in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(text[end : found.start()], found[1], found[2], text.count("\n", 0, found.start()) + 1)
        end = found.end()


def follow(block: Block, folder: Path, names: dict[str, Any]) -> None:
    """Do what a block says, in `folder`; Python's names are those in `names`."""
    if block.reason:
        return
    if block.file:
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), f"{block.file} is there already"
        path.write_text(block.text)
    elif block.language == "python":
        _python(block, names)
    elif block.language in ("bash", "sh"):
        done = _shell(block.text, folder)
        assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    elif block.language == "console":
        for command, shown in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
            done = _shell(command, folder)
            _compare(shown, done.stdout + (done.stderr if done.returncode else ""), command)
            assert (done.returncode != 0) == shown.startswith("segaware-caffe:"), f"{command}: status {done.returncode}"
    elif block.language == "prototxt":
        _read(block.text)
    elif block.language == "diff":
        for target, hunks in re.findall(r"^--- .*\n\+\+\+ b/(.*)\n((?:[@ +-].*\n)+?)(?=---|\Z)", block.text, re.MULTILINE):
            for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
                _change(folder / target, hunk.splitlines(keepends=True))
    else:
        assert block.language in ("", "text") or block.language.startswith("{"), f"what is to be done with this block? {block.text}"


def _python(block: Block, names: dict[str, Any]) -> None:
    if ">>> " not in block.text:
        exec(compile(block.text, f"<block at line {block.line}>", "exec"), names)
        return
    report: list[str] = []
    test = doctest.DocTestParser().get_doctest(block.text, {}, "block", None, block.line)
    test.globs = names
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test, out=report.append, clear_globs=False)
    assert not report, "".join(report)


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess:
    """Run it with this Python's programs and this checkout's package."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    paths = os.pathsep.join(filter(None, [str(folder if (folder / "segaware_caffe").exists() else ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", SHELL + command], cwd=folder, env={**os.environ, "PATH": path, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


def _compare(shown: str, printed: str, command: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if shown and not doctest.OutputChecker().check_output(shown, printed, flags):
        raise AssertionError(f"$ {command}\n{printed}--- instead of\n{shown}")


def _read(text: str) -> None:
    from segaware_caffe import read_net, read_solver

    (read_solver if re.search(r"^(base_lr|net):", text, re.MULTILINE) else read_net)(text)


def _change(path: Path, hunk: list[str]) -> None:
    """Apply a hunk of a diff, whose old lines must stand in the file once."""
    old, new = ("".join(line[1:] for line in hunk if line[0] in signs) for signs in (" -", " +"))
    text = path.read_text()
    assert old and text.count(old) == 1, f"{path}: these lines are there {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new))


def stand(folder: Path) -> None:
    """What a page begins with: a photograph and a network, and the checkout's scripts."""
    from PIL import Image
    from skimage import data

    from segaware_caffe.models import CAMVID_PLAIN as MODEL

    (folder / "scripts").symlink_to(ROOT / "scripts")
    Image.fromarray(data.coffee()).save(folder / "photo.jpg")
    shutil.copy(MODEL.prototxt, folder / "net.prototxt")
    shutil.copy(MODEL.weights, folder / "net.caffemodel")


if __name__ == "__main__":
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for each in blocks(Path(sys.argv[1]).read_text()):
        try:
            follow(each, Path.cwd(), namespace)
        except BaseException as error:
            error.add_note(f"{sys.argv[1]}:{each.line}")
            raise
