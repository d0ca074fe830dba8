"""`caffe.pycaffe`: the classes that pycaffe completes in Python, under the module's own name."""

from segaware_caffe.pycaffe.nccl import NCCL
from segaware_caffe.pycaffe.net import Net
from segaware_caffe.pycaffe.solver import AdaDeltaSolver, AdaGradSolver, AdamSolver, NesterovSolver, RMSPropSolver, SGDSolver
from segaware_caffe.pycaffe.timer import Timer

__all__ = ["NCCL", "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "NesterovSolver", "Net", "RMSPropSolver", "SGDSolver", "Timer"]
