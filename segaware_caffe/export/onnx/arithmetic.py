"""Sums and products of bottoms and learned blobs."""

from functools import reduce
from typing import Any

import torch

from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer


@converter("InnerProduct")
def inner_product(w: Writer, layer: Any, bottom: Blob) -> str:
    axis, options = layer.feature_axis, layer.options
    inputs = [w.learned(layer.blob(0), f"{layer.name}.0")]
    if options.bias_term:
        inputs.append(w.learned(layer.blob(1), f"{layer.name}.1"))
    value = bottom.name if (axis, len(bottom.shape)) == (1, 2) else w.op("Flatten", bottom.name, axis=axis)
    top = w.op("Gemm", value, *inputs, transB=int(not options.transpose))
    if axis == 1:
        return top
    return w.op("Reshape", top, w.concat([w.shape(bottom.name, 0, axis), w.integers(options.num_output)], 0))


@converter("Scale")
def scale(w: Writer, layer: Any, bottom: Blob, *operand: Blob) -> str:
    top = w.mul(bottom.name, _operand(w, layer, bottom, *operand))
    return w.add(top, _learned(w, layer, bottom, len(layer.specs) - 1)) if layer.options.bias_term else top


@converter("Bias")
def bias(w: Writer, layer: Any, bottom: Blob, *operand: Blob) -> str:
    return w.add(bottom.name, _operand(w, layer, bottom, *operand))


def _operand(w: Writer, layer: Any, bottom: Blob, *operand: Blob) -> str:
    """What the first bottom is scaled or moved by: the second bottom, or learned blob 0."""
    if not operand:
        return _learned(w, layer, bottom, 0)
    name, shape = operand[0]
    after = len(bottom.shape) - layer.start_axis(len(bottom.shape), len(shape)) - len(shape)
    return w.unsqueeze(name, *range(len(shape), len(shape) + after)) if after else name


def _learned(w: Writer, layer: Any, bottom: Blob, index: int) -> str:
    value = layer.aligned(torch.empty(bottom.shape, device="meta"), layer.blob(index))
    return w.learned(value, f"{layer.name}.{index}")


@converter("Eltwise")
def eltwise(w: Writer, layer: Any, *bottoms: Blob) -> str:
    options, names = layer.options, [bottom.name for bottom in bottoms]
    if options.operation == options.MAX:
        return w.op("Max", *names)
    if options.operation == options.PROD:
        return reduce(w.mul, names)
    terms = [w.affine(name, factor, 0) for name, factor in zip(names, options.coeff or [1.0] * len(names), strict=True)]
    return w.add(*terms) if len(terms) == 2 else w.op("Sum", *terms)


@converter("SpatialProduct")
def spatial_product(w: Writer, layer: Any, bottom: Blob, factor: Blob) -> str:
    return w.mul(bottom.name, factor.name)


@converter("Axpy")
def axpy(w: Writer, layer: Any, factor: Blob, x: Blob, y: Blob) -> str:
    missing = range(len(factor.shape), len(x.shape))
    name = w.unsqueeze(factor.name, *missing) if missing else factor.name
    return w.add(w.mul(name, x.name), y.name)


@converter("Embed")
def embed(w: Writer, layer: Any, bottom: Blob) -> str:
    vectors = w.op("Gather", w.learned(layer.blob(0), f"{layer.name}.0"), w.cast(bottom.name, "i8"))
    return w.add(vectors, w.learned(layer.blob(1), f"{layer.name}.1")) if layer.options.bias_term else vectors


@converter("Parameter")
def parameter(w: Writer, layer: Any) -> str:
    return w.learned(layer.blob(0), f"{layer.name}.0")
