"""Every block of code on every page runs, in turn, in a folder of its own (see tests/pages.py)."""

import re
import subprocess
import sys
from runpy import run_path

import pytest
from pages import PAGES, ROOT, Block, blocks, follow, stand

import segaware_caffe

#: pages that other tests run, since they need more than a folder
ELSEWHERE = {"CONTRIBUTING.md": "test_contributing.py", "docs/finetuning.md": "test_finetuning.py"}
#: languages of blocks that are run, read or done, and of those that are only shown
RUN, SHOWN = {"python", "bash", "sh", "console", "prototxt", "diff"}, {"text", "proto", "{eval-rst}"}
BLOCKS = {str(page.relative_to(ROOT)): list(blocks(page.read_text())) for page in PAGES}
RUNNING = [name for name, found in BLOCKS.items() if RUN & {block.language for block in found}]


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_has_a_language(name):
    assert [(block.line, block.language) for block in BLOCKS[name] if block.language not in RUN | SHOWN] == []
    fences = re.findall(r"^ *```", (ROOT / name).read_text(), re.MULTILINE)
    assert len(fences) == 2 * len(BLOCKS[name]), "a block that is not closed, or indented"


def test_few_blocks_are_left_out():
    assert sorted({block.reason for found in BLOCKS.values() for block in found if block.reason}) == [
        "it needs VOC2012 and DeepLab's weights",
        "it needs VOC2012 and the authors' weights",
        "it needs two machines",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RUNNING if name not in ELSEWHERE])
def test_page(name, tmp_path):
    stand(tmp_path)
    command = [sys.executable, str(ROOT / "tests" / "pages.py"), str(ROOT / name)]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "block, complaint",
    [
        (Block("", "bash", "false\n", 1), "false"),
        (Block("", "python", ">>> 1 + 1\n3\n", 1), "Got:\n    2"),
        (Block("", "console", "$ echo here\nthere\n", 1), "here\n--- instead of\nthere"),
        (Block("", "console", "$ exit 2\n", 1), "status 2"),
        (Block("", "console", "$ echo segaware-caffe: no\nsegaware-caffe: no\n", 1), "status 0"),
        (Block("", "bash", "make no_such_target\n", 1), "no_such_target"),
        (Block("", "diff", "--- a/x\n+++ b/x\n@@\n-two\n+three\n", 1), "0 times"),
    ],
)
def test_what_is_wrong_is_found(block, complaint, tmp_path):
    (tmp_path / "x").write_text("one\n")
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        follow(block, tmp_path, {})


def test_what_is_right_runs(tmp_path):
    names = {}
    page = """`a.txt`:\n
```text\none\n```
```console\n$ cat \\\n  a.txt\none\n$ echo segaware-caffe: no >&2; exit 1\nsegaware-caffe: no\n```
```python\nx = 1\n```
```python\n>>> x\n1\n>>> y = 2\n```
*Not run: no reason.*\n
```bash\nfalse\n```
```bash\nmake test && pip install no_such_package\n```
"""
    for block in blocks(page):
        follow(block, tmp_path, names)
    assert (names["x"], names["y"]) == (1, 2)


def test_a_prototxt_is_read(tmp_path):
    with pytest.raises(segaware_caffe.ParseError):
        follow(Block("", "prototxt", "layer {\n", 1), tmp_path, {})
    follow(Block("", "prototxt", 'net: "x.prototxt"\nbase_lr: 1\n', 1), tmp_path, {})


def test_the_extras_that_pages_name_are_there(monkeypatch):
    monkeypatch.setattr("setuptools.setup", lambda **_: None)
    known = run_path(str(ROOT / "setup.py"))["EXTRAS"]
    lists = [found for page in PAGES for found in re.findall(r"pip install \S*\[([\w,]+)\]", page.read_text())]
    named = {extra for found in lists for extra in found.split(",")}
    assert named and named <= {*known}
