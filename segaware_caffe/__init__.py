"""Caffe, alive on PyTorch: prototxt in, PyTorch module out; segmentation-aware networks first of all."""

from segaware_caffe.data import set_random_seed
from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Layer, register
from segaware_caffe.net import Net
from segaware_caffe.schema import filter_net, read_net, read_solver
from segaware_caffe.solver import Solver

__version__ = "0.1.0"
__all__ = ["CaffeError", "Layer", "Net", "Solver", "__version__", "filter_net", "read_net", "read_solver", "register", "set_random_seed"]
