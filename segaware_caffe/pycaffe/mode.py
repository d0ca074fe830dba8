"""What pycaffe keeps for the whole process: where its nets run, how many solvers there are, what it may do and says."""

import logging
import os
import sys
import time
import warnings

#: lets every net of pycaffe run its Python layers if it is 1
PYTHON_LAYERS = "SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS"
#: the least severity that is logged
MIN_LEVEL = "GLOG_minloglevel"

_settings = {"solver_count": 1, "solver_rank": 0, "multiprocess": False, "python_layers": False, "log_level": 0}
logger = logging.getLogger(__name__)


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


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Log from severity `level` on: 0 information, 1 warnings, 2 errors, 3 nothing less than fatal."""
    _settings["log_level"] = level


def log(message: str) -> None:
    """Write a line of glog's form at level information to stderr."""
    if max(_settings["log_level"], _minimum()) > 0:
        return
    frame = sys._getframe(1)
    now = time.time()
    stamp = time.strftime("%m%d %H:%M:%S", time.localtime(now))
    place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
    print(f"I{stamp}.{int(now % 1 * 1e6):06d} {os.getpid():5d} {place}] {message}", file=sys.stderr)


def _minimum() -> int:
    value = os.environ.get(MIN_LEVEL, "")
    return int(value) if value.isdigit() else 0
