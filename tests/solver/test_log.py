"""Reading training logs: the reference's, upstream's and ours, into curves."""

import pytest
from solver.support import GOLDEN, counting_solver

from segaware_caffe import CaffeError
from segaware_caffe.solver import points, read_log

PREFIX = "I0101 12:00:00.000000  1234 solver.cpp:229] "


def test_the_references_log():
    curves = read_log(GOLDEN / "logs" / "train.log")
    assert sorted(curves) == ["loss", "lr", "test0/accuracy", "test0/aux", "test0/loss", "train/aux", "train/loss"]
    assert curves["loss"] == [(0, 2.70327), (3, 2.67736), (6, 2.54789), (9, 2.31341), (12, 2.11996)]
    assert curves["lr"] == [(0, 0.1), (3, 0.1), (6, 0.05), (9, 0.025)]
    assert curves["test0/accuracy"] == [(0, 0.125), (5, 0.5), (10, 0.375)]
    assert curves["train/aux"][1] == (3, 2.09332)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Iteration 20 (3.2 iter/s, 6.25s/20 iters), loss = 1.5e-05"], [("loss", 20, 1.5e-05)]),
        (["Iteration 0, loss = -3"], [("loss", 0, -3.0)]),
        (["Iteration 7, lr = 1e-06"], [("lr", 7, 1e-06)]),
        (
            ["Iteration 8, Testing net (#1)", "Test loss: 2", "    Test net output #0: top = 0.5"],
            [("test1 loss", 8, 2.0), ("test1/top", 8, 0.5)],
        ),
        (["Iteration 8, loss = 4", "    Train net output #0: fc/8 = 4 (* 1 = 4 loss)"], [("loss", 8, 4.0), ("train/fc/8", 8, 4.0)]),
        (["Iteration 8, loss = inf"], [("loss", 8, float("inf"))]),
        (["Solving net", "Top shape: 1 2 (2)", "Iteration: 1 forward-backward time: 2 ms."], []),
    ],
)
def test_lines(lines, expected):
    assert list(points(PREFIX + line for line in lines)) == expected


def test_nan_is_read_as_such():
    (point,) = points([PREFIX + "Iteration 8, loss = nan"])
    assert point.value != point.value


def test_what_a_solver_logs_comes_back(caplog):
    caplog.set_level("INFO", "segaware_caffe.solver")
    solver = counting_solver("display: 1 test_iter: 1 test_interval: 2 test_compute_loss: true", size=1)
    solver.step(3)
    read = {}
    for point in points(f"] {line}" for line in caplog.messages):
        read.setdefault(point.curve, []).append((point.iteration, point.value))
    assert read == {
        "test0 loss": [(0, 0), (2, -2)],
        "test0/loss": [(0, 0), (2, -2)],
        "loss": [(0, 0), (1, -1), (2, -2)],
        "train/loss": [(0, 0), (1, -1), (2, -2)],
        "lr": [(0, 1), (1, 1), (2, 1)],
    }


@pytest.mark.parametrize(("text", "sentence"), [("nothing of the kind\n", "no lines of a training run"), (None, "cannot be read: No such")])
def test_other_files_are_refused(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "x.log").write_text(text)
    with pytest.raises(CaffeError, match=sentence):
        read_log(tmp_path / "x.log")
