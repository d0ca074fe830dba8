"""Nets as ONNX models, written layer by layer from the net's own graph. Needs the extra `onnx`.

`convert(writer, layer, *bottoms)` functions, one module a family of layers, are registered by
type; `model` puts their operators together.
"""

from segaware_caffe.export.onnx import (  # noqa: F401  (importing a family registers its converters)
    arithmetic,
    convolutions,
    detection,
    distances,
    domain_transform,
    losses,
    neurons,
    normalization,
    pooling,
    recurrent,
    reduction,
    shaping,
    sources,
)
from segaware_caffe.export.onnx.model import write_model
from segaware_caffe.export.onnx.registry import CONVERTERS

__all__ = ["CONVERTERS", "write_model"]
