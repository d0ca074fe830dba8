"""Log lines in glog's form on stderr, as Caffe's tools write them and as parsers written for Caffe read them."""

import getpass
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from segaware_caffe.log_lines import PACKAGE, GlogFormatter, least_level

#: the variable that names a folder for log files
LOG_DIR = "GLOG_log_dir"
#: the variable that keeps the log from files
TO_STDERR = "GLOG_logtostderr"


class Screen(logging.StreamHandler[TextIO]):
    """The log on stderr, and if that is a terminal a live line below it, which log lines never run into."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.is_live = self.stream.isatty()
        self._live = ""

    def show(self, text: str) -> None:
        """Make `text` the live line; "" takes it away."""
        if self.is_live and text != self._live:
            self._live = text[: shutil.get_terminal_size().columns - 1]
            self._draw(self._live)

    def emit(self, record: logging.LogRecord) -> None:
        if self._live:
            self._draw("")
        super().emit(record)
        if self._live:
            self._draw(self._live)

    def _draw(self, text: str) -> None:
        self.stream.write(f"\r\x1b[K{text}")
        self.stream.flush()


class Once(logging.Filter):
    """Lets a record that is marked `once` pass the first time only."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "once", False):
            return True
        message = record.getMessage()
        new = message not in self._seen
        self._seen.add(message)
        return new


@contextmanager
def log_like_caffe(level: int = logging.INFO, *others: logging.Handler) -> Iterator[Screen]:
    """Send the package's log to stderr and to `others` while the block runs; to a file too if LOG_DIR names a folder.

    The environment has the say, as with glog: GLOG_minloglevel, GLOG_logtostderr.
    """
    level = max(level, least_level())
    screen = Screen()
    handlers: list[logging.Handler] = [screen, *others]
    if os.environ.get(LOG_DIR) and level <= logging.INFO and not _is_set(TO_STDERR):
        handlers += _file_handlers(Path(os.environ[LOG_DIR]))
    logger = logging.getLogger(PACKAGE)
    before = logger.level, logger.propagate
    for handler in handlers:
        handler.setFormatter(GlogFormatter())
        handler.addFilter(Once())
        logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield screen
    finally:
        screen.show("")
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "t", "true", "y", "yes")


def _file_handlers(folder: Path) -> list[logging.Handler]:
    """A log file of this run in a folder, which is made; <program>.INFO links to it. If it cannot be made, a line says so."""
    program = Path(sys.argv[0]).name
    name = f"{program}.{socket.gethostname()}.{getpass.getuser()}.log.INFO.{time.strftime('%Y%m%d-%H%M%S')}.{os.getpid()}"
    link = folder / f"{program}.INFO"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(folder / name)
        link.unlink(missing_ok=True)
        link.symlink_to(name)
    except OSError as error:
        print(f"COULD NOT CREATE LOGFILE '{folder / name}': {error.strerror}", file=sys.stderr)
        return []
    return [handler]
