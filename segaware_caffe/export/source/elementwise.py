"""Elementwise layers, and sums and products of blobs, as expressions."""

import math
from typing import Any

import torch

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.source import helpers
from segaware_caffe.export.source.registry import converter
from segaware_caffe.export.source.writer import Source, Value, literal


def affine(value: str, scale: float, shift: float) -> str:
    """scale * value + shift, as short as it can be said."""
    text = value if scale == 1 else f"{literal(float(scale))} * {value}"
    return text if shift == 0 else f"{text} + {literal(float(shift))}"


def wrapped(text: str) -> str:
    """Parentheses round an expression of more than a name or a call."""
    return f"({text})" if " " in text and not text.endswith(")") else text


@converter("AbsVal")
def absolute(s: Source, layer: Any, x: Value) -> str:
    return f"{x}.abs()"


@converter("BNLL")
def bnll(s: Source, layer: Any, x: Value) -> str:
    return f"functional.softplus({x}, threshold=50)"


@converter("Sigmoid")
def sigmoid(s: Source, layer: Any, x: Value) -> str:
    return f"{x}.sigmoid()"


@converter("TanH")
def tanh(s: Source, layer: Any, x: Value) -> str:
    return f"{x}.tanh()"


@converter("ReLU")
def relu(s: Source, layer: Any, x: Value) -> str:
    slope = layer.options.negative_slope
    return f"functional.leaky_relu({x}, {literal(slope)})" if slope else f"functional.relu({x})"


@converter("ReLU6")
def relu6(s: Source, layer: Any, x: Value) -> str:
    slope = layer.options.negative_slope
    return f"functional.leaky_relu({x}, {literal(slope)}).clamp(max=6)" if slope else f"functional.relu6({x})"


@converter("PReLU")
def prelu(s: Source, layer: Any, x: Value) -> str:
    slopes = layer.blob(0).reshape(-1)
    return f"{s.module('nn.PReLU', len(slopes), state={'weight': slopes})}({x})"


@converter("ELU")
def elu(s: Source, layer: Any, x: Value) -> str:
    return f"functional.elu({x}, {literal(layer.options.alpha)})"


@converter("Clip")
def clip(s: Source, layer: Any, x: Value) -> str:
    return f"{x}.clamp(max={literal(layer.options.max)}).clamp(min={literal(layer.options.min)})"


@converter("Dropout")
def dropout(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    if options.sample_weights_test or not options.scale_train:
        raise refuse(layer, "sample_weights_test and scale_train: false are not what nn.Dropout does")
    return f"{s.module('nn.Dropout', options.dropout_ratio)}({x})" if options.dropout_ratio else x.name


@converter("SpatialDropout")
def spatial_dropout(s: Source, layer: Any, x: Value) -> str:
    axes = len(x.shape) - 2
    return f"{s.module(f'nn.Dropout{axes}d' if axes else 'nn.Dropout', layer.options.dropout_ratio)}({x})"


@converter("Exp")
def exp(s: Source, layer: Any, x: Value) -> str:
    base = 1.0 if layer.options.base == -1 else math.log(layer.options.base)
    return f"torch.exp({affine(x.name, layer.options.scale * base, layer.options.shift * base)})"


@converter("Log")
def log(s: Source, layer: Any, x: Value) -> str:
    text = f"torch.log({affine(x.name, layer.options.scale, layer.options.shift)})"
    return text if layer.options.base == -1 else f"{text} / {literal(math.log(layer.options.base))}"


@converter("Power")
def power(s: Source, layer: Any, x: Value) -> str:
    text = affine(x.name, layer.options.scale, layer.options.shift)
    return text if layer.options.power == 1 else f"{wrapped(text)}.pow({literal(layer.options.power)})"


@converter("Swish")
def swish(s: Source, layer: Any, x: Value) -> str:
    return f"{x} * torch.sigmoid({affine(x.name, layer.options.beta, 0)})"


@converter("Threshold")
def threshold(s: Source, layer: Any, x: Value) -> str:
    return f"({x} > {literal(layer.options.threshold)}).to({x}.dtype)"


@converter("InnerProduct")
def inner_product(s: Source, layer: Any, x: Value) -> str:
    options, axis = layer.options, layer.feature_axis
    weight = layer.blob(0).T if options.transpose else layer.blob(0)
    state = {"weight": weight} | ({"bias": layer.blob(1)} if options.bias_term else {})
    linear = s.module("nn.Linear", layer.features, options.num_output, state=state, **({} if options.bias_term else {"bias": False}))
    return f"{linear}({x})" if axis == len(x.shape) - 1 else f"{linear}({x}.flatten({axis}))"


@converter("Scale")
def scale(s: Source, layer: Any, x: Value, *operand: Value) -> str:
    text = f"{x} * {_operand(s, layer, x, *operand)}"
    return f"{text} + {_learned(s, layer, x, len(layer.specs) - 1, 'bias')}" if layer.options.bias_term else text


@converter("Bias")
def bias(s: Source, layer: Any, x: Value, *operand: Value) -> str:
    return f"{x} + {_operand(s, layer, x, *operand)}"


def _operand(s: Source, layer: Any, x: Value, *operand: Value) -> str:
    if not operand:
        return _learned(s, layer, x, 0, "weight")
    start = layer.start_axis(len(x.shape), len(operand[0].shape))
    if start + len(operand[0].shape) == len(x.shape):
        return operand[0].name
    return s.use(helpers.along_axis, x, operand[0], start)


def _learned(s: Source, layer: Any, x: Value, index: int, what: str) -> str:
    return s.parameter(layer.aligned(torch.empty(x.shape, device="meta"), layer.blob(index)), what)


@converter("Eltwise")
def eltwise(s: Source, layer: Any, *bottoms: Value) -> str:
    options, names = layer.options, [bottom.name for bottom in bottoms]
    if options.operation == options.PROD:
        return " * ".join(names)
    if options.operation == options.MAX:
        text = names[0]
        for name in names[1:]:
            text = f"torch.maximum({text}, {name})"
        return text
    return " + ".join(affine(name, factor, 0) for name, factor in zip(names, options.coeff or [1.0] * len(names), strict=True))


@converter("SpatialProduct")
def spatial_product(s: Source, layer: Any, x: Value, factor: Value) -> str:
    return f"{x} * {factor}"


@converter("Axpy")
def axpy(s: Source, layer: Any, factor: Value, x: Value, y: Value) -> str:
    missing = len(x.shape) - len(factor.shape)
    return f"{factor}{f'[(...,) + (None,) * {missing}]' if missing else ''} * {x} + {y}"


@converter("Embed")
def embed(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    text = f"{s.module('nn.Embedding', options.input_dim, options.num_output, state={'weight': layer.blob(0)})}({x}.long())"
    return f"{text} + {s.parameter(layer.blob(1), 'bias')}" if options.bias_term else text


@converter("Parameter")
def parameter(s: Source, layer: Any) -> str:
    return s.parameter(layer.blob(0))
