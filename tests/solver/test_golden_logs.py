"""What the reference's command line printed, printed by ours: `train`, resumed, `test`, `time`, and two mistakes."""

import re
import shutil

import numpy as np
import pytest
from log_lines import assert_same_lines, messages, words
from solver.support import GOLDEN

from segaware_caffe import cli
from segaware_caffe.cli import caffe
from segaware_caffe.schema import NetParameter, SolverState

LOGS = GOLDEN / "logs"

#: In the first test of `train` all scores are equal. The release gives the label that is the last class of such a tie to
#: the prediction; upstream, whose rule Accuracy follows (see its docstring), counts ties against the label.
ALL_TIED = "    Test net output #0: accuracy = 0.125"
TIED_AS_UPSTREAM = "    Test net output #0: accuracy = 0"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the nets and the data of the logs, and the snapshot to resume from."""
    for path in LOGS.iterdir():
        if path.suffix != ".log" and "iter_12" not in path.name:
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reference(name: str) -> list[str]:
    return messages((LOGS / f"{name}.log").read_text())


def ours(capsys) -> list[str]:
    return messages(capsys.readouterr().err)


def run_caffe(line: str) -> int:
    return caffe.main(line.split())


def run_segaware(line: str) -> int:
    return cli.main(line.split())


both = pytest.mark.parametrize("run", [run_caffe, run_segaware])


@both
def test_train(here, capsys, run):
    assert run("train --solver solver.prototxt") == 0
    expected = [TIED_AS_UPSTREAM if line == ALL_TIED else line for line in reference("train")]
    assert expected.count(TIED_AS_UPSTREAM) == 1
    assert_same_lines(ours(capsys), expected)


@both
def test_resumed_train_from_the_references_own_files(here, capsys, run):
    assert run("train --solver=solver.prototxt --snapshot=tiny_iter_6.solverstate") == 0
    assert_same_lines(ours(capsys), reference("resume"))


@pytest.mark.parametrize(
    ("name", "kind", "blobs_of"),
    [
        ("tiny_iter_12.caffemodel", NetParameter, lambda net: [blob for layer in net.layer for blob in layer.blobs]),
        ("tiny_iter_12.solverstate", SolverState, lambda state: state.history),
    ],
)
def test_the_files_of_train_differ_from_the_references_in_the_last_digits_alone(here, name, kind, blobs_of):
    assert run_caffe("train --solver solver.prototxt") == 0
    mine, theirs = (folder.joinpath(name).read_bytes() for folder in (here, LOGS))
    assert len(mine) == len(theirs)
    mine, theirs = kind.FromString(mine), kind.FromString(theirs)
    for blob, expected in zip(blobs_of(mine), blobs_of(theirs), strict=True):
        np.testing.assert_allclose(blob.data, expected.data, atol=1e-6)
        blob.data[:] = expected.data
    assert mine == theirs


@both
def test_test(here, capsys, run):
    shutil.copy(LOGS / "tiny_iter_12.caffemodel", here)
    assert run("test --model net.prototxt --weights tiny_iter_12.caffemodel --iterations 3") == 0
    assert_same_lines(ours(capsys), reference("test"))


@both
def test_time_but_for_the_times(here, capsys, run):
    assert run("time --model net.prototxt --iterations 2") == 0
    mine, expected = ours(capsys), reference("time")
    timed = re.compile(r"[\d.e-]+ ms\.$")
    assert [timed.sub("# ms.", line) for line in mine] == [timed.sub("# ms.", line) for line in expected]


@pytest.mark.parametrize(("line", "name"), [("bogus", "bogus_command"), ("test -model net.prototxt", "missing_file")])
def test_mistakes(here, capsys, line, name):
    assert run_caffe(line) == 2
    assert [words(text) for text in ours(capsys)] == [words(text) for text in reference(name)]
