"""The names of Caffe's Python module, so that scripts written for it run: `import segaware_caffe.pycaffe as caffe`."""

from segaware_caffe.blob import Blob
from segaware_caffe.layers import set_random_seed
from segaware_caffe.layers.python_layer import PythonLayer as Layer
from segaware_caffe.pycaffe.mode import set_device, set_mode_cpu, set_mode_gpu
from segaware_caffe.pycaffe.net import TEST, TRAIN, Net
from segaware_caffe.pycaffe.solver import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Layer",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "get_solver",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]
