"""Layers without bottoms that compute what they give. All others are inputs of the exported graph."""

from typing import Any

import torch

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Writer

#: fillers that give other numbers in every run
RANDOM = ("uniform", "gaussian", "xavier", "msra", "positive_unitball")


@converter("DummyData")
def dummy_data(w: Writer, layer: Any) -> list[str]:
    drawn = [filler.type for filler in layer.options.data_filler if filler.type in RANDOM]
    if drawn:
        raise refuse(layer, f"data_filler {drawn[0]} draws other numbers in every run; feed them, with an Input layer in its place")
    with torch.no_grad():
        return [w.constant(top.numpy()) for top in layer()]
