"""The segmentation-aware layers, written out or recognised by the passes, as calls of helpers."""

from typing import Any

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.source import helpers
from segaware_caffe.export.source.registry import converter
from segaware_caffe.export.source.writer import Source, Value, literal
from segaware_caffe.ops.geometry import Geometry


def window(layer: Any, geometry: Geometry) -> tuple[str, ...]:
    """Kernel, stride, pad and dilation as the helpers take them."""
    if len(geometry.kernel) != 2 or not all(geometry.dilation):
        raise refuse(layer, "only windows with two axes and a dilation of 1 or more have a form in plain PyTorch here")
    return tuple(map(literal, (geometry.kernel, geometry.stride, geometry.pad, geometry.dilation)))


def options_of(layer: Any) -> dict[str, bool]:
    """Im2dist's options that are not off."""
    param = layer.options
    given = {"l1": param.norm == param.L1, "remove_center": param.remove_center, "remove_bounds": param.remove_bounds}
    return {name: True for name, value in given.items() if value}


@converter("Im2col")
def im2col(s: Source, layer: Any, x: Value) -> str:
    if layer.channel_axis != 1:
        raise refuse(layer, "an axis other than 1 has no form in plain PyTorch here")
    return s.use(helpers.im2col, x, *window(layer, layer.geometry))


@converter("Im2dist")
def im2dist(s: Source, layer: Any, x: Value) -> str:
    return s.use(helpers.im2dist, x, *window(layer, layer.geometry), **options_of(layer))


@converter("ChannelReduce")
def channel_reduce(s: Source, layer: Any, x: Value) -> str:
    groups = layer.options.num_channels
    if layer.options.operation == layer.options.SUM:
        return f"{x}.unflatten(1, ({groups}, -1)).sum(2)"
    return s.use(helpers.channel_maxima, x, groups)


@converter("MaskedConvolution")
def masked_convolution(s: Source, module: Any, image: Value, mask: Value) -> str:
    layer = module.convolution
    bias = s.parameter(layer.blob(1), "bias") if layer.options.bias_term else "None"
    weight = s.parameter(layer.blob(0).reshape(layer.num_output, -1, *module.geometry.kernel))
    return s.use(helpers.masked_convolution, image, mask, weight, bias, layer.group, *window(layer, module.geometry))


@converter("MaskedSum")
def masked_sum(s: Source, module: Any, image: Value, mask: Value) -> str:
    return s.use(helpers.masked_sum, image, mask, *window(module, module.geometry))


@converter("MaskTotal")
def mask_total(s: Source, module: Any, mask: Value) -> str:
    return f"{mask}.sum(1, keepdim=True).expand(-1, {module.channels}, -1, -1)"


@converter("NormConv")
def norm_conv(s: Source, layer: Any, image: Value, embedding: Value) -> str:
    shape = window(layer, layer.geometry)
    scale = s.parameter(layer.blob(len(layer.specs) - 1), "scale") if layer.options.scale_term else "-1"
    mask = s.use(helpers.softmax_mask, embedding, scale, *shape, **options_of(layer))
    bias = s.parameter(layer.blob(1), "bias") if layer.proto.convolution_param.bias_term else "None"
    return s.use(helpers.masked_convolution, image, mask, s.parameter(layer.blob(0)), bias, layer.group, *shape)


@converter("NormConvMeanfield", "NospConvMeanfield")
def mean_field(s: Source, layer: Any, unary: Value, initial: Value, *embeddings: Value) -> str:
    classes, shapes = unary.shape[1], [window(layer, fields.geometry) for fields in layer.fields]
    names = ("spatial", "bilateral")[2 - layer.kernels :]
    *weights, compatibility = (
        s.parameter(layer.blob(index).view(classes, classes), what) for index, what in enumerate((*names, "compatibility"))
    )
    masks = []
    for embedding, fields, shape, what in zip(embeddings, layer.fields, shapes, reversed(names), strict=True):
        removed = {"remove_center": fields.remove_center, "remove_bounds": fields.remove_bounds}
        given = {name: True for name, value in removed.items() if value}
        masks.append(s.assign(f"{what}_mask", s.use(helpers.softmax_mask, embedding, fields.scale, *shape, **given)))
    windows = ", ".join(f"({', '.join(shape)})" for shape in shapes)
    mixed = ", ".join(reversed(weights))  # the fields name the bilateral kernel first, the learned blobs the spatial one
    return s.use(
        helpers.mean_field,
        unary,
        initial,
        f"[{', '.join(masks)}]",
        f"[{windows}]",
        f"[{mixed}]",
        compatibility,
        layer.options.num_iterations,
    )
