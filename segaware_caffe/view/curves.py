"""The curves of training runs as one HTML file: a panel for each quantity, with all runs in it."""

import json
import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes
from segaware_caffe.pages import write_document

Points = Sequence[tuple[int, float]]
Curves = Mapping[str, Points]

#: points of a curve that are drawn, and of all curves of a page: it stays below 2 MB
MOST, MOST_TOGETHER, LEAST = 4000, 80_000, 100
#: seconds between two looks of a live page at its file
REFRESH = 5
#: the last panel
RATE = "learning rate"
_DATA = re.compile(r'<script id="page" type="application/json">(.*?)</script>', re.DOTALL)


def write_curves(runs: Mapping[str, Curves], path: str | os.PathLike[str], *, title: str = "Curves", live: bool = False) -> None:
    """Write what there is to see of training runs to the HTML file `path`, completely or not at all.

    Args:
        runs: name -> curves, as `segaware_caffe.solver.read_log` gives them.
        live: the file will be written again: the page looks at it every few seconds.

    >>> write_curves({"mine": {"loss": [(0, 0.7), (10, 0.4)], "test0/accuracy": [(10, 0.9)]}}, "curves.html")
    """
    count = sum(len(curves) for curves in runs.values())
    most = max(LEAST, min(MOST, MOST_TOGETHER // max(1, count)))
    panels: dict[str, list[dict[str, Any]]] = {}
    for run, curves in runs.items():
        for name, points in curves.items():
            panels.setdefault(quantity(name), []).append({"run": run, "name": name} | _curve(points, most))
    page = {
        "runs": [{"name": run, "resumed": _resumed(curves)} for run, curves in runs.items()],
        "panels": [{"title": title, "curves": found} for title, found in sorted(panels.items(), key=lambda panel: panel[0] == RATE)],
        "refresh": REFRESH if live else None,
        "written": time.time(),
    }
    write_document(path, "view/curves.html", page, title=title)


def read_curves(path: str | os.PathLike[str]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """The runs of a page that `write_curves` wrote, as many points as are drawn. FileError if it is not such a page."""
    try:
        panels = json.loads(_DATA.findall(read_bytes(path).decode())[0])["panels"]
        runs: dict[str, dict[str, list[tuple[int, float]]]] = {}
        for curve in (curve for panel in panels for curve in panel["curves"]):
            values = (math.nan if value is None else float(value) for value in curve["values"])
            runs.setdefault(curve["run"], {})[curve["name"]] = list(zip(map(int, curve["iterations"]), values, strict=True))
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FileError(f"{path}: it is no page of curves, which a resumed training could go on with; give another name") from error
    return runs


def quantity(name: str) -> str:
    """What a curve measures: nets that are trained and tested share a panel for what they both put out.

    >>> quantity("train/accuracy"), quantity("test0/accuracy"), quantity("test0 loss"), quantity("lr")
    ('accuracy', 'accuracy', 'loss', 'learning rate')
    """
    return RATE if name == "lr" else re.sub(r"^(train/|test\d+[/ ])", "", name)


def standing(points: Points) -> list[tuple[int, float]]:
    """The points that stand, in the order of iterations: a run that was resumed goes over some again, and the last word holds.

    So it does, as in Caffe's parse_log, for several values of one iteration.

    >>> standing([(0, 9.0), (10, 8.0), (20, 7.0), (10, 8.5), (15, 6.0)])
    [(0, 9.0), (10, 8.5), (15, 6.0)]
    """
    kept: list[tuple[int, float]] = []
    for point in points:
        while kept and kept[-1][0] >= point[0]:
            kept.pop()
        kept.append(point)
    return kept


def thinned(points: Points, most: int) -> Points:
    """About `most` points at which a curve looks the same: of each stretch the least, the greatest, and one that is not finite."""
    if len(points) <= most:
        return points
    size = math.ceil(2 * len(points) / most)
    kept = {0, len(points) - 1}
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        finite = [index for index in stretch if math.isfinite(points[index][1])]
        if finite:
            kept |= {min(finite, key=lambda index: points[index][1]), max(finite, key=lambda index: points[index][1])}
        kept |= set([index for index in stretch if not math.isfinite(points[index][1])][:1])
    return [points[index] for index in sorted(kept)]


def _curve(points: Points, most: int) -> dict[str, Any]:
    """A curve's points that are drawn, and what the table says of all."""
    points = standing(points)
    finite = [point for point in points if math.isfinite(point[1])]
    strange = [iteration for iteration, value in points if not math.isfinite(value)]
    drawn = thinned(points, most)
    return {
        "iterations": [iteration for iteration, _ in drawn],
        "values": [value for _, value in drawn],
        "count": len(points),
        "last": points[-1] if points else None,
        "least": min(finite, key=lambda point: point[1], default=None),
        "greatest": max(finite, key=lambda point: point[1], default=None),
        "not_finite": {"count": len(strange), "first": strange[0]} if strange else None,
    }


def _resumed(curves: Curves) -> list[int]:
    """The iterations that a run went back to, by the curve with the most points."""
    points = max(curves.values(), key=len, default=())
    return [after for (before, _), (after, _) in pairwise(points) if after < before]
