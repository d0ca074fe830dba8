"""The page of `segaware-caffe train --view`: the curves in the log lines, written again while training goes on."""

import logging
import time
from pathlib import Path

from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.solver import LogReader, Solver
from segaware_caffe.view import read_curves, write_curves
from segaware_caffe.view.curves import MOST, REFRESH, standing, thinned

logger = logging.getLogger(__name__)

#: of the time, writing may take one part in so many
SHARE = 20


class LivePage(logging.Handler):
    """Collects the values in log lines and, as a watcher of the solver, writes them into a page every few seconds; then when training ends.

    A resumed training goes on with the curves that the page has. CaffeError if it is no such page, or cannot be written.
    """

    def __init__(self, path: str, title: str, resumed: bool = False):
        super().__init__()
        if Path(path).suffix.lower() != ".html":
            raise CaffeError(f"--view {path}: the page is written to a name that ends in .html")
        self._path, self._title = path, title
        before = read_curves(path) if resumed and Path(path).exists() else {}
        self._curves = next(iter(before.values()), {})
        self._reader = LogReader()
        self._complained = False
        self._next = 0.0
        self._write(live=True)

    def emit(self, record: logging.LogRecord) -> None:
        point = self._reader.read(f"] {record.getMessage()}")
        if point is None:
            return
        points = self._curves.setdefault(point.curve, [])
        points.append((point.iteration, point.value))
        if len(points) > 2 * MOST:
            points[:] = thinned(standing(points), MOST)
        self._is_behind = True

    def __call__(self, solver: Solver) -> None:
        """Write what came, if it is time, after an update of a solver that this watches."""
        if self._is_behind and time.monotonic() >= self._next:
            self._write_or_complain(live=True)

    def close(self) -> None:
        self._write_or_complain(live=False)
        super().close()

    def _write_or_complain(self, live: bool) -> None:
        """A full disk does not end a training: it is told, once."""
        try:
            self._write(live)
        except FileError as error:
            if not self._complained:
                self._complained = True
                logger.warning("%s; training goes on without", error)

    def _write(self, live: bool) -> None:
        start = time.monotonic()
        write_curves({self._title: self._curves} if self._curves else {}, self._path, title=self._title, live=live)
        end = time.monotonic()
        self._is_behind = False
        self._next = end + max(REFRESH, SHARE * (end - start))
