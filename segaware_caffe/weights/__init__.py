"""Weights of Caffe nets: .caffemodel, .h5, .safetensors, .npz and PyTorch files, read, written, compared, loaded.

Reading executes nothing and trusts nothing: every size is checked before memory is taken for it.
"""

from segaware_caffe.weights.blobs import ArrayBlob, BlobRef, LayerWeights, Weights
from segaware_caffe.weights.caffemodel import read_caffemodel
from segaware_caffe.weights.compare import Comparison, compare
from segaware_caffe.weights.formats import Conversion, convert, read_weights, write_weights
from segaware_caffe.weights.hdf5 import check_hdf5_names, read_hdf5, write_hdf5
from segaware_caffe.weights.load import LoadReport, LoadTarget, load_weights, plan_load
from segaware_caffe.weights.solverstate import NO_LOSS, SolverState, read_solverstate, write_solverstate
from segaware_caffe.weights.write import write_caffemodel

__all__ = [
    "NO_LOSS",
    "ArrayBlob",
    "BlobRef",
    "Comparison",
    "Conversion",
    "LayerWeights",
    "LoadReport",
    "LoadTarget",
    "SolverState",
    "Weights",
    "check_hdf5_names",
    "compare",
    "convert",
    "load_weights",
    "plan_load",
    "read_caffemodel",
    "read_hdf5",
    "read_solverstate",
    "read_weights",
    "write_caffemodel",
    "write_hdf5",
    "write_solverstate",
    "write_weights",
]
