"""Curves from the log lines of a training run, the reference's or ours."""

import os
import re
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from typing import NamedTuple

from segaware_caffe.errors import FileError
from segaware_caffe.files import open_file

_NUMBER = r"([-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|nan|inf))"
#: upstream writes the speed between iteration and loss
_LOSS = re.compile(rf"\] Iteration (\d{{1,18}})(?: \([^)]*\))?, loss = {_NUMBER}")
_RATE = re.compile(rf"\] Iteration (\d{{1,18}}), lr = {_NUMBER}")
_TESTING = re.compile(r"\] Iteration (\d{1,18}), Testing net \(#(\d{1,18})\)")
_OUTPUT = re.compile(rf"\]\s+(Train|Test) net output #\d+: (\S+) = {_NUMBER}")
_TEST_LOSS = re.compile(rf"\] Test loss: {_NUMBER}")


#: characters; no line of a training run is so long
MAX_LINE = 10_000


class Point(NamedTuple):
    """A value of a curve: "loss", "lr", "train/<blob>", "test0/<blob>" or "test0 loss" (0: the number of the test net)."""

    curve: str
    iteration: int
    value: float


class LogReader:
    """Turns log lines, one by one, into points. Lines of no interest give none."""

    def __init__(self) -> None:
        self._iteration = 0
        self._test = "test0"

    def read(self, line: str) -> Point | None:
        """The point that a line holds."""
        if len(line) > MAX_LINE:
            return None
        for pattern, curve in ((_LOSS, "loss"), (_RATE, "lr")):
            match = pattern.search(line)
            if match:
                self._iteration = int(match[1])
                return Point(curve, self._iteration, float(match[2]))
        match = _TESTING.search(line)
        if match:
            self._iteration, self._test = int(match[1]), f"test{match[2]}"
            return None
        match = _OUTPUT.search(line)
        if match:
            place = "train" if match[1] == "Train" else self._test
            return Point(f"{place}/{match[2]}", self._iteration, float(match[3]))
        match = _TEST_LOSS.search(line)
        return Point(f"{self._test} loss", self._iteration, float(match[1])) if match else None


def points(lines: Iterable[str]) -> Iterator[Point]:
    """All points of a log, in its order."""
    reader = LogReader()
    return (point for point in map(reader.read, lines) if point)


def read_log(path: str | os.PathLike[str]) -> dict[str, list[tuple[int, float]]]:
    """The curves of a log file: name -> (iteration, value) in the log's order. CaffeError if it has none."""
    curves: dict[str, list[tuple[int, float]]] = {}
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8", errors="replace") as file:
            for point in points(file):
                curves.setdefault(point.curve, []).append((point.iteration, point.value))
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    if not curves:
        raise FileError(f"{path}: no lines of a training run: it needs such as '... solver.cpp:229] Iteration 10, loss = 1.5'")
    return curves
