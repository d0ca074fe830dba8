"""Caffe's Python module, so that scripts written for it run: `import segaware_caffe.pycaffe as caffe`.

`install()` makes `import caffe` mean this; `segaware-caffe run SCRIPT` does so for a script as it is.
"""

from segaware_caffe.pycaffe import _caffe, coord_map, draw, io, net_spec, proto, pycaffe
from segaware_caffe.pycaffe._caffe import (
    NCCL,
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    Blob,
    Layer,
    NesterovSolver,
    Net,
    RMSPropSolver,
    SGDSolver,
    Timer,
    __version__,
    get_solver,
    has_nccl,
    init_log,
    layer_type_list,
    log,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_multiprocess,
    set_random_seed,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
from segaware_caffe.pycaffe.alias import install
from segaware_caffe.pycaffe.classifier import Classifier
from segaware_caffe.pycaffe.detector import Detector
from segaware_caffe.pycaffe.net_spec import NetSpec, layers, params, to_proto
from segaware_caffe.pycaffe.proto.caffe_pb2 import TEST, TRAIN

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Classifier",
    "Detector",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "Timer",
    "__version__",
    "_caffe",
    "coord_map",
    "draw",
    "get_solver",
    "has_nccl",
    "init_log",
    "install",
    "io",
    "layer_type_list",
    "layers",
    "log",
    "net_spec",
    "params",
    "proto",
    "pycaffe",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
