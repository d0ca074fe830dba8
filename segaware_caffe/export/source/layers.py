"""Convolution, pooling, normalisation, recurrence, and layers that arrange values."""

from typing import Any

import torch

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.source import helpers
from segaware_caffe.export.source.registry import converter
from segaware_caffe.export.source.writer import Several, Source, Value, call, literal
from segaware_caffe.layers.shaping import read_axis
from segaware_caffe.ops.pooling import Windows


def short(values: tuple[int, ...]) -> Any:
    """One number where all are the same."""
    return values[0] if len(set(values)) == 1 else values


@converter("Convolution", "DepthwiseConvolution", "ConvolutionDepthwise", "Deconvolution")
def convolution(s: Source, layer: Any, *bottoms: Value) -> list[str]:
    name = _convolution(s, layer, layer.blob(0), layer.blob(1) if layer.options.bias_term else None)
    return [f"{name}({bottom})" for bottom in bottoms]


@converter("FoldedConvolution")
def folded_convolution(s: Source, module: Any, x: Value) -> str:
    return f"{_convolution(s, module.convolution, *module.weight_and_bias())}({x})"


def _convolution(s: Source, layer: Any, weight: torch.Tensor, bias: torch.Tensor | None) -> str:
    """The module of a convolution layer that has these weights."""
    geometry, axes = layer.geometry, len(layer.geometry.kernel)
    if layer.channel_axis != 1 or not axes:
        raise refuse(layer, "an axis other than 1, or no spatial axis, has no module in torch.nn")
    kernel, fields = geometry.kernel, {"stride": geometry.stride, "padding": geometry.pad, "dilation": geometry.dilation}
    if layer.options.bottom_is_im2col:
        kernel, weight, fields = (1,) * axes, weight.reshape(len(weight), -1, *[1] * axes), {}
    plain = {"stride": 1, "padding": 0, "dilation": 1}
    words = {name: literal(short(value)) for name, value in fields.items() if short(value) != plain[name]}
    if layer.group != 1:
        words["groups"] = literal(layer.group)
    state = {"weight": weight}
    if bias is None:
        words["bias"] = "False"
    else:
        state["bias"] = bias
    kind = "ConvTranspose" if layer.type == "Deconvolution" else "Conv"
    return s.module(f"nn.{kind}{axes}d", layer.channels, layer.num_output, short(kernel), state=state, **words)


@converter("Pooling")
def pooling(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    if options.global_pooling and options.pool != options.STOCHASTIC and layer.num_tops == 1:
        return f"{x}.amax((2, 3), keepdim=True)" if options.pool == options.MAX else f"{x}.mean((2, 3), keepdim=True)"
    windows = layer.windows(x.shape)
    if layer.num_tops == 1:
        return pool(s, layer, x, windows)
    if not windows.native(x.shape[2:]):
        raise refuse(layer, "a second top of windows that are empty or have padding over half the kernel has no form in torch.nn")
    fields = _fields(windows) | {"return_indices": "True"}
    return Several(f"{s.module('nn.MaxPool2d', short(windows.kernel), **fields)}({x})")


def _fields(windows: Windows) -> dict[str, Any]:
    words = {"stride": windows.stride, "padding": windows.pad}
    text = {name: literal(short(value)) for name, value in words.items() if name == "stride" or any(value)}
    return text | ({"ceil_mode": "True"} if windows.ceil else {})


def pool(s: Source, layer: Any, x: Value, windows: Windows) -> str:
    """One pooling by the method that the `pool` field names."""
    options = layer.options
    if windows.empty(x.shape[2:]):
        raise refuse(layer, "a stride that leaves the last window empty has no form in torch.nn")
    kernel, stride, pad = (literal(value) for value in (windows.kernel, windows.stride, windows.pad))
    if options.pool == options.STOCHASTIC:
        return s.use(helpers.stochastic_mean, x, kernel, stride, windows.ceil)
    if windows.native(x.shape[2:]):
        kind = "nn.MaxPool2d" if options.pool == options.MAX else "nn.AvgPool2d"
        return f"{s.module(kind, short(windows.kernel), **_fields(windows))}({x})"
    return s.use(helpers.max_pool if options.pool == options.MAX else helpers.average_pool, x, kernel, stride, pad, windows.ceil)


@converter("SPP")
def spp(s: Source, layer: Any, x: Value) -> str:
    pools = [pool(s, layer, x, windows) for windows in layer.levels(x.shape)]
    return pools[0] if len(pools) == 1 else f"torch.cat([{', '.join(f'{text}.flatten(1)' for text in pools)}], 1)"


@converter("Upsample")
def upsample(s: Source, layer: Any, x: Value, mask: Value) -> str:
    ((*_, height, width),) = layer.top_shapes(x.shape, mask.shape)
    return s.use(helpers.unpool, x, mask, height, width)


@converter("LRN")
def lrn(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    if options.norm_region == options.ACROSS_CHANNELS:
        fields: dict[str, Any] = {name: literal(getattr(options, name)) for name in ("alpha", "beta", "k")}
        return f"{s.module('nn.LocalResponseNorm', options.local_size, **fields)}({x})"
    return s.use(helpers.within_channel_norm, x, options.local_size, options.alpha, options.beta)


@converter("BatchNorm")
def batch_norm(s: Source, layer: Any, x: Value) -> str:
    if not layer.takes_stored():
        text = s.use(helpers.batch_statistics_norm, x, layer.eps)
        return _sloped(s, text, len(x.shape), layer.blob(3), layer.blob(4)) if layer.scaled else text
    mean, variance = layer.stored()
    return _norm(s, x, layer.channels, layer.eps, mean, variance, *(layer.blob(i) for i in (3, 4) if layer.scaled))


def _norm(s: Source, x: Value, channels: int, eps: float, mean: torch.Tensor, variance: torch.Tensor, *affine: torch.Tensor) -> str:
    state = {"running_mean": mean, "running_var": variance, "num_batches_tracked": torch.tensor(0)}
    state |= dict(zip(("weight", "bias"), affine, strict=False))
    fields = {"eps": literal(eps)} | ({} if affine else {"affine": "False"})
    axes = max(1, len(x.shape) - 2)
    return f"{s.module(f'nn.BatchNorm{axes}d', channels, state=state, **fields)}({x})"


def _sloped(s: Source, text: str, ndim: int, slope: torch.Tensor, bias: torch.Tensor) -> str:
    """text * slope + bias, each a number a channel."""
    weight, shift = (s.parameter(value.reshape(-1, *[1] * (ndim - 2)), what) for value, what in ((slope, "weight"), (bias, "bias")))
    return f"{text} * {weight} + {shift}"


@converter("FoldedBatchNorm")
def folded_batch_norm(s: Source, module: Any, x: Value) -> str:
    return _sloped(s, x.name, len(x.shape), *module.statistics.factor_and_offset())


@converter("BN")
def bn(s: Source, layer: Any, x: Value) -> str:
    slope, bias = (layer.blob(index).flatten() for index in range(2))
    if layer.options.bn_mode == layer.options.INFERENCE:
        return _sloped(s, x.name, len(x.shape), slope, bias)
    if layer.options.frozen or layer.uses_stored:
        return _norm(s, x, len(slope), layer.eps, layer.blob(2).flatten(), layer.blob(3).flatten(), slope, bias)
    return _sloped(s, s.use(helpers.batch_statistics_norm, x, layer.eps), len(x.shape), slope, bias)


@converter("MVN")
def mvn(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    return s.use(helpers.mean_variance_norm, x, 1 if options.across_channels else 2, options.normalize_variance, options.eps)


@converter("Normalize")
def normalize(s: Source, layer: Any, x: Value) -> str:
    axes = tuple(range(1, len(x.shape))) if layer.options.across_spatial else (1,)
    return s.use(helpers.unit_norm, x, axes, layer.options.eps, s.parameter(layer.blob(0)))


@converter("Interp")
def interp(s: Source, layer: Any, x: Value) -> str:
    options, value = layer.options, x.name
    if options.pad_beg or options.pad_end:
        edges = f"{-options.pad_beg or ''}:{options.pad_end or ''}"
        value = f"{value}[:, :, {edges}, {edges}]"
    if options.HasField("shrink_factor") == options.HasField("zoom_factor") and options.HasField("height") and options.HasField("width"):
        size = literal((options.height, options.width))
        return call("functional.interpolate", value, size, mode='"bilinear"', align_corners="True")
    return s.use(helpers.resize, value, options.shrink_factor, options.zoom_factor)


@converter("Softmax")
def softmax(s: Source, layer: Any, x: Value) -> str:
    return f"{x}.softmax({layer.axis(layer.options.axis, len(x.shape))})"


@converter("SoftmaxWithLoss")
def softmax_with_loss(s: Source, layer: Any, scores: Value, labels: Value) -> list[str]:
    param, axis = layer.proto.loss_param, layer.class_axis(len(scores.shape))
    modes = {param.VALID: "VALID", param.FULL: "FULL", param.BATCH_SIZE: "BATCH_SIZE", param.NONE: "NONE"}
    mode = modes.get(layer.read_normalization(param.VALID))
    if layer.class_weights is not None or mode is None:
        raise refuse(layer, "weights of classes and PRE_FIXED have no form in plain PyTorch here")
    loss = s.use(helpers.softmax_loss, scores, labels, axis, tuple(layer.ignored_labels()), f'"{mode}"')
    return [loss] if layer.num_tops == 1 else [loss, f"{scores}.softmax({axis})"]


@converter("EuclideanLoss")
def euclidean_loss(s: Source, layer: Any, first: Value, second: Value) -> str:
    other = second.name if second.shape == first.shape else f"{second}.reshape({first}.shape)"
    return f"({first} - {other}).square().sum() / (2 * len({first}))"


@converter("SigmoidCrossEntropyLoss")
def sigmoid_loss(s: Source, layer: Any, scores: Value, targets: Value) -> str:
    param = layer.proto.loss_param
    if layer.ignored_labels() or layer.read_normalization(param.BATCH_SIZE) != param.BATCH_SIZE:
        raise refuse(layer, "ignore_label and other normalizations than BATCH_SIZE have no form in plain PyTorch here")
    target = targets.name if targets.shape == scores.shape else f"{targets}.reshape({scores}.shape)"
    return f'functional.binary_cross_entropy_with_logits({scores}, {target}, reduction="sum") / len({scores})'


@converter("Concat")
def concat(s: Source, layer: Any, *bottoms: Value) -> str:
    axis = read_axis(layer, len(bottoms[0].shape), "concat_dim")
    return f"torch.cat([{', '.join(bottom.name for bottom in bottoms)}], {axis})"


@converter("Slice")
def slice_(s: Source, layer: Any, x: Value) -> str:
    axis = read_axis(layer, len(x.shape), "slice_dim")
    return Several(f"{x}.split({literal([shape[axis] for shape in layer.top_shapes(x.shape)])}, {axis})")


@converter("Split")
def split(s: Source, layer: Any, x: Value) -> list[str]:
    return [x.name] * layer.num_tops


@converter("Silence")
def silence(s: Source, layer: Any, *bottoms: Value) -> list[str]:
    return []


@converter("Flatten")
def flatten(s: Source, layer: Any, x: Value) -> str:
    start, end = (layer.axis(value, len(x.shape)) for value in (layer.options.axis, layer.options.end_axis))
    return f"{x}.flatten({start})" if end == len(x.shape) - 1 else f"{x}.flatten({start}, {end})"


@converter("Reshape")
def reshape(s: Source, layer: Any, x: Value) -> str:
    options, ndim = layer.options, len(x.shape)
    start = options.axis if options.axis >= 0 else ndim + options.axis + 1
    end = ndim if options.num_axes == -1 else start + options.num_axes
    middle = [str(dim) if dim else f"{x}.shape[{start + i}]" for i, dim in enumerate(options.shape.dim)]
    before = [f"*{x}.shape[:{start}]"] if start > 1 else [f"{x}.shape[0]"] * start
    return f"{x}.reshape({', '.join([*before, *middle, *([f'*{x}.shape[{end}:]'] if end < ndim else [])])})"


@converter("Permute")
def permute(s: Source, layer: Any, x: Value) -> str:
    order = list(layer.options.order)
    return f"{x}.permute({', '.join(map(str, order + [axis for axis in range(len(x.shape)) if axis not in order]))})"


@converter("ShuffleChannel")
def shuffle_channel(s: Source, layer: Any, x: Value) -> str:
    return s.use(helpers.shuffle_channels, x, layer.options.group)


@converter("Crop")
def crop(s: Source, layer: Any, x: Value, reference: Value) -> str:
    ndim = len(x.shape)
    axis, offsets = layer.axis(layer.options.axis, ndim), list(layer.options.offset)
    starts = offsets if len(offsets) == ndim - axis else (offsets or [0]) * (ndim - axis)
    return s.use(helpers.crop, x, reference, axis, tuple(starts))


@converter("BatchReindex")
def batch_reindex(s: Source, layer: Any, x: Value, indices: Value) -> str:
    return f"{x}[{indices}.long()]"


@converter("Filter")
def filter_(s: Source, layer: Any, *bottoms: Value) -> list[str]:
    *kept, selector = bottoms
    return [f"{bottom}[{selector}.flatten() != 0]" for bottom in kept]


@converter("Tile")
def tile(s: Source, layer: Any, x: Value) -> str:
    axis = layer.axis(layer.options.axis, len(x.shape))
    return f"{x}.repeat({', '.join(str(layer.options.tiles if a == axis else 1) for a in range(len(x.shape)))})"


@converter("Reduction")
def reduction(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    kinds = {options.SUM: ".sum(-1)", options.ASUM: ".abs().sum(-1)", options.SUMSQ: ".square().sum(-1)", options.MEAN: ".mean(-1)"}
    text = f"{x}.flatten({layer.axis(options.axis, len(x.shape))}){kinds[options.operation]}"
    return text if options.coeff == 1 else f"{literal(options.coeff)} * {text}"


@converter("ArgMax")
def argmax(s: Source, layer: Any, x: Value) -> str:
    options = layer.options
    if options.HasField("axis"):
        axis = layer.axis(options.axis, len(x.shape))
        return f"{s.use(helpers.largest, x, options.top_k, axis)}[{0 if options.out_max_val else 1}]"
    found = s.use(helpers.largest, f"{x}.flatten(1)", options.top_k, 1)
    shape = ", ".join(["-1", str(2 if options.out_max_val else 1), str(options.top_k), *["1"] * (len(x.shape) - 3)])
    return f"torch.stack({found}[::-1], 1).reshape({shape})" if options.out_max_val else f"{found}[1].reshape({shape})"


def _driven(s: Source, layer: Any, x: Value, more: tuple[Value, ...]) -> tuple[str, str, tuple[Value, ...]]:
    """What the inputs give each step, the recurrent weights, and the initial states."""
    exposed = len(layer.states) if layer.options.expose_hidden else 0
    static = len(more) > exposed
    weight, bias = s.parameter(layer.blob(0), "input"), s.parameter(layer.blob(1), "bias")
    drive = f"functional.linear({x}{'.flatten(2)' if len(x.shape) != 3 else ''}, {weight}, {bias})"
    if static:
        drive += f" + functional.linear({more[0]}.flatten(1), {s.parameter(layer.blob(2), 'static')})"
    return drive, s.parameter(layer.blob(3 if static else 2), "recurrent"), more[static:]


def _tops(layer: Any, text: str) -> Several:
    return Several(text, spare=0 if layer.options.expose_hidden else len(layer.states))


@converter("LSTM")
def lstm(s: Source, layer: Any, x: Value, cont: Value, *more: Value) -> str:
    drive, recurrent, states = _driven(s, layer, x, more)
    return _tops(layer, s.use(helpers.lstm, drive, cont, recurrent, *states))


@converter("LSTMUnit")
def lstm_unit(s: Source, layer: Any, cell: Value, gates: Value, cont: Value) -> str:
    return Several(s.use(helpers.lstm_unit, cell, gates, f"{cont}[..., None]"))


@converter("RNN")
def rnn(s: Source, layer: Any, x: Value, cont: Value, *more: Value) -> str:
    drive, recurrent, states = _driven(s, layer, x, more)
    last = len(layer.specs)
    output = [s.parameter(layer.blob(last - 2), "output"), s.parameter(layer.blob(last - 1), "output_bias")]
    return _tops(layer, s.use(helpers.rnn, drive, cont, recurrent, *output, *states))
