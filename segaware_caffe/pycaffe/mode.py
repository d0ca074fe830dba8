"""What pycaffe keeps for the whole process: where its nets run, how many solvers there are, what it may do and says."""

import logging
import os
import sys
import warnings
from collections.abc import Iterable

from segaware_caffe.log_lines import PACKAGE, GlogFormatter, least_level, level_of

#: lets every net of pycaffe run its Python layers if it is 1
PYTHON_LAYERS = "SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS"

_settings = {"solver_count": 1, "solver_rank": 0, "multiprocess": False, "python_layers": False, "log_level": 0}
_places: list[str] = []


_ON_CPU = "segaware_caffe.pycaffe runs on the CPU; for a GPU use segaware_caffe.Net(...).to('cuda')"


def set_mode_cpu() -> None:
    """Run on the CPU: what these nets always do, since their blobs are numpy memory."""


def set_mode_gpu() -> None:
    """Warn: these nets stay on the CPU."""
    warnings.warn(_ON_CPU, stacklevel=2)


def set_device(device: int) -> None:
    """Warn: these nets stay on the CPU, so GPU `device` is not used."""
    warnings.warn(_ON_CPU, stacklevel=2)


def solver_count() -> int:
    """How many solvers train one net together, each in a process of its own (see `NCCL`)."""
    return _settings["solver_count"]


def set_solver_count(count: int) -> None:
    """Say how many there are, before solvers and `NCCL` are made."""
    _settings["solver_count"] = int(count)


def solver_rank() -> int:
    """Which of them this process has, from 0 on."""
    return _settings["solver_rank"]


def set_solver_rank(rank: int) -> None:
    """Say which one this process has."""
    _settings["solver_rank"] = int(rank)


def set_multiprocess(multiprocess: bool) -> None:
    """Say whether each solver has a process of its own: here it always has."""
    _settings["multiprocess"] = bool(multiprocess)


def allow_python_layers(allow: bool = True) -> None:
    """Let the nets made from now on run the code that their Python layers name, or not."""
    _settings["python_layers"] = allow


def python_layers_allowed() -> bool:
    """Whether `allow_python_layers` or the environment variable says so."""
    return bool(_settings["python_layers"]) or os.environ.get(PYTHON_LAYERS, "").lower() in ("1", "true", "yes")


def allow_paths(*places: str) -> None:
    """Let the texts of the nets and solvers made from now on name files in these folders too; without any, in no further ones."""
    _places[:] = [*_places, *places] if places else []


def paths_allowed(own: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = ()) -> list[str | os.PathLike[str]]:
    """What `allow_paths` has named, and a net's own."""
    return [*_places, *([own] if isinstance(own, (str, os.PathLike)) else own)]


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Show what nets and solvers log, and `log`, in glog's form on stderr, from a severity on.

    `level` is 0 for information, 1 for warnings, 2 for errors, 3 for nothing less than fatal;
    GLOG_minloglevel may ask for less.
    """
    _settings["log_level"] = level
    package = logging.getLogger(PACKAGE)
    for handler in [handler for handler in package.handlers if isinstance(handler, _Stderr)]:
        package.removeHandler(handler)
    shown = _Stderr(max(level_of(level), least_level()))
    shown.setFormatter(GlogFormatter())
    package.addHandler(shown)
    if shown.level < package.getEffectiveLevel():
        package.setLevel(shown.level)


def log(message: str) -> None:
    """Write a line of glog's form at level information to stderr."""
    if max(level_of(_settings["log_level"]), least_level()) > logging.INFO:
        return
    frame = sys._getframe(1)
    record = logging.LogRecord(PACKAGE, logging.INFO, frame.f_code.co_filename, frame.f_lineno, "%s", (message,), None)
    print(GlogFormatter().format(record), file=sys.stderr)


class _Stderr(logging.Handler):
    """To whatever sys.stderr is by then."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)
