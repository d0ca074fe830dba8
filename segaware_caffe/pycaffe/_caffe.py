"""`caffe._caffe`: the names of pycaffe's compiled module."""

from segaware_caffe.layers import set_random_seed
from segaware_caffe.layers.registry import registered
from segaware_caffe.pycaffe.blobs import Blob
from segaware_caffe.pycaffe.mode import (
    init_log,
    log,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from segaware_caffe.pycaffe.nccl import NCCL, has_nccl
from segaware_caffe.pycaffe.net import Net
from segaware_caffe.pycaffe.python_layer import PythonLayer as Layer
from segaware_caffe.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)
from segaware_caffe.pycaffe.solver import LiteralSolver as Solver
from segaware_caffe.pycaffe.timer import Timer
from segaware_caffe.schema import SolverParameter

#: the version of Caffe whose Python module this follows; this package's own is `segaware_caffe.__version__`
__version__ = "1.0.0"


def layer_type_list() -> list[str]:
    """The names of all layer types, in alphabetical order."""
    return list(registered())


__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Layer",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "SolverParameter",
    "Timer",
    "__version__",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "log",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]
