"""A training log, the reference's or ours, as tables: a row for each time that a net's outputs were printed."""

import math
import os
import re
from datetime import datetime, timedelta
from io import TextIOWrapper

from segaware_caffe.errors import FileError
from segaware_caffe.files import open_file
from segaware_caffe.solver.log import LogReader

Row = dict[str, float]

#: glog writes no year: a leap year takes every day
_STAMP = re.compile(r"^[IWEF](\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d+)")
_YEAR = 2000


def read_tables(path: str | os.PathLike[str]) -> dict[str, list[Row]]:
    """{"train": rows, "test": rows}: NumIters, Seconds since "Solving", LearningRate, and the outputs by their names.

    LearningRate is the last one printed before the row, as in Caffe's parse_log.py. The outputs of
    test nets but the first are called `<name> #<net>`. FileError if it holds no training run.
    """
    tables: dict[str, list[Row]] = {"train": [], "test": []}
    reader = LogReader()
    start: datetime | None = None
    last: datetime | None = None
    rate = math.nan
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8", errors="replace") as file:
            for line in file:
                last = _time(line, last) or last
                if start is None and "Solving" in line:
                    start = last
                point = reader.read(line)
                if point is None or start is None or last is None:
                    continue
                if point.curve == "lr":
                    rate = point.value
                    continue
                place, _, name = point.curve.partition("/")
                if name:
                    kind = "train" if place == "train" else "test"
                    if place not in ("train", "test0"):
                        name = f"{name} #{place.removeprefix('test')}"
                    _row(tables[kind], point.iteration, (last - start).total_seconds(), rate)[name] = point.value
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    if not any(tables.values()):
        raise FileError(
            f"{path}: no outputs of a training run: it needs a line 'Solving ...' and such as 'Train net output #0: loss = 1.5'"
        )
    for rows in tables.values():
        _first_rate(rows, rate)
    return tables


def _row(rows: list[Row], iteration: int, seconds: float, rate: float) -> Row:
    """The last row, if it is of this iteration, or a new one."""
    if not rows or rows[-1]["NumIters"] != iteration:
        rows.append({"NumIters": float(iteration), "Seconds": seconds, "LearningRate": rate})
    return rows[-1]


def _time(line: str, last: datetime | None) -> datetime | None:
    """When a line was written, in the year of the line before or, if months run backwards, in the next."""
    match = _STAMP.match(line)
    if not match:
        return None
    month, day, clock = match.groups()
    try:
        found = datetime.strptime(f"{_YEAR if last is None else last.year} {month} {day} {clock}", "%Y %m %d %H:%M:%S.%f")
    except ValueError:
        return None
    return found + timedelta(days=366) if last is not None and found.month < last.month else found


def _first_rate(rows: list[Row], known: float) -> None:
    """The first row is printed before any rate is: it takes the second row's, or the one known in the end."""
    if rows and math.isnan(rows[0]["LearningRate"]):
        rows[0]["LearningRate"] = rows[1]["LearningRate"] if len(rows) > 1 else known
