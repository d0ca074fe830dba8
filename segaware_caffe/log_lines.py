"""Log lines in glog's form, and what its environment variables say."""

import logging
import os

PACKAGE = "segaware_caffe"
#: the variable that leaves out lines below a severity
MIN_LEVEL = "GLOG_minloglevel"
#: logging's levels by glog's numbers
SEVERITIES = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_LETTERS = {logging.CRITICAL: "F"}


class GlogFormatter(logging.Formatter):
    """Level, date, time, thread, file:line, message."""

    def format(self, record: logging.LogRecord) -> str:
        letter = _LETTERS.get(record.levelno, record.levelname[0])
        stamp = self.formatTime(record, "%m%d %H:%M:%S")
        micros = int(record.created % 1 * 1e6)
        return f"{letter}{stamp}.{micros:06d} {os.getpid():5d} {record.filename}:{record.lineno}] {record.getMessage()}"


def least_level() -> int:
    """The logging level that GLOG_minloglevel stands for."""
    text = os.environ.get(MIN_LEVEL, "")
    return level_of(int(text)) if text.isdigit() else logging.INFO


def level_of(severity: int) -> int:
    """The logging level of a severity of glog's: 0 information, 1 warning, 2 error, 3 and more fatal."""
    return SEVERITIES[min(max(severity, 0), len(SEVERITIES) - 1)]
