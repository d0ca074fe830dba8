"""`caffe.Timer`: a stopwatch."""

import time


class Timer:
    """`start()`, `stop()`, and then `ms` tells the milliseconds between; a running one tells those so far."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._stop: float | None = None

    def start(self) -> None:
        """Begin."""
        self._start, self._stop = time.perf_counter(), None

    def stop(self) -> None:
        """End; without a start nothing happens."""
        if self._start is not None and self._stop is None:
            self._stop = time.perf_counter()

    @property
    def ms(self) -> float:
        """Milliseconds; 0 before the first start."""
        if self._start is None:
            return 0.0
        return 1000 * ((time.perf_counter() if self._stop is None else self._stop) - self._start)
