"""Elementwise layers."""

import math
from typing import Any

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer

#: types that are one operator of ONNX, without attributes
SAME = {"AbsVal": "Abs", "BNLL": "Softplus", "Sigmoid": "Sigmoid", "TanH": "Tanh"}


@converter(*SAME)
def same(w: Writer, layer: Any, bottom: Blob) -> str:
    return w.op(SAME[layer.type], bottom.name)


@converter("ReLU")
def relu(w: Writer, layer: Any, bottom: Blob) -> str:
    return leaky(w, bottom.name, layer.options.negative_slope)


@converter("ReLU6")
def relu6(w: Writer, layer: Any, bottom: Blob) -> str:
    slope = layer.options.negative_slope
    if slope:
        return w.op("Min", leaky(w, bottom.name, slope), w.constant(6.0))
    return w.op("Clip", bottom.name, w.constant(0.0), w.constant(6.0))


def leaky(w: Writer, value: str, slope: float) -> str:
    """max(x, 0) + slope * min(x, 0)."""
    return w.op("LeakyRelu", value, alpha=slope) if slope else w.op("Relu", value)


@converter("PReLU")
def prelu(w: Writer, layer: Any, bottom: Blob) -> str:
    slopes = w.channels(layer.blob(0).reshape(-1), len(bottom.shape))
    return w.op("PRelu", bottom.name, w.learned(slopes, f"{layer.name}.0"))


@converter("ELU")
def elu(w: Writer, layer: Any, bottom: Blob) -> str:
    return w.op("Elu", bottom.name, alpha=layer.options.alpha)


@converter("Clip")
def clip(w: Writer, layer: Any, bottom: Blob) -> str:
    return w.op("Max", w.op("Min", bottom.name, w.constant(layer.options.max)), w.constant(layer.options.min))


@converter("Dropout")
def dropout(w: Writer, layer: Any, bottom: Blob) -> str:
    options = layer.options
    if options.sample_weights_test:
        raise refuse(layer, "sample_weights_test drops elements at random in TEST too")
    return bottom.name if options.scale_train else w.affine(bottom.name, 1 - options.dropout_ratio, 0)


@converter("SpatialDropout")
def spatial_dropout(w: Writer, layer: Any, bottom: Blob) -> str:
    return bottom.name


@converter("Exp")
def exp(w: Writer, layer: Any, bottom: Blob) -> str:
    base = 1.0 if layer.options.base == -1 else math.log(layer.options.base)
    return w.op("Exp", w.affine(bottom.name, layer.options.scale * base, layer.options.shift * base))


@converter("Log")
def log(w: Writer, layer: Any, bottom: Blob) -> str:
    base = 1.0 if layer.options.base == -1 else math.log(layer.options.base)
    return w.affine(w.op("Log", w.affine(bottom.name, layer.options.scale, layer.options.shift)), 1 / base, 0)


@converter("Power")
def power(w: Writer, layer: Any, bottom: Blob) -> str:
    value = w.affine(bottom.name, layer.options.scale, layer.options.shift)
    return value if layer.options.power == 1 else w.op("Pow", value, w.constant(layer.options.power))


@converter("Swish")
def swish(w: Writer, layer: Any, bottom: Blob) -> str:
    return w.mul(bottom.name, w.op("Sigmoid", w.affine(bottom.name, layer.options.beta, 0)))


@converter("Threshold")
def threshold(w: Writer, layer: Any, bottom: Blob) -> str:
    return w.cast(w.op("Greater", bottom.name, w.constant(layer.options.threshold)))
