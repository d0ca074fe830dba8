"""Layers that arrange values and compute nothing."""

from collections.abc import Sequence
from typing import Any

from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer
from segaware_caffe.layers.shaping import read_axis


@converter("Split")
def split(w: Writer, layer: Any, bottom: Blob) -> list[str]:
    return [bottom.name] * layer.num_tops


@converter("Silence")
def silence(w: Writer, layer: Any, *bottoms: Blob) -> list[str]:
    return []


@converter("Concat")
def concat(w: Writer, layer: Any, *bottoms: Blob) -> str:
    return w.concat([bottom.name for bottom in bottoms], read_axis(layer, len(bottoms[0].shape), "concat_dim"))


@converter("Slice")
def slice_(w: Writer, layer: Any, bottom: Blob) -> list[str]:
    axis = read_axis(layer, len(bottom.shape), "slice_dim")
    sizes = [shape[axis] for shape in layer.top_shapes(bottom.shape)]
    return w.ops("Split", len(sizes), bottom.name, w.integers(*sizes), axis=axis)


@converter("Tile")
def tile(w: Writer, layer: Any, bottom: Blob) -> str:
    axis = layer.axis(layer.options.axis, len(bottom.shape))
    return w.op("Tile", bottom.name, w.integers(*(layer.options.tiles if a == axis else 1 for a in range(len(bottom.shape)))))


@converter("Flatten")
def flatten(w: Writer, layer: Any, bottom: Blob) -> str:
    ndim = len(bottom.shape)
    start, end = layer.axis(layer.options.axis, ndim), layer.axis(layer.options.end_axis, ndim) + 1
    if (start, end) == (1, ndim):
        return w.op("Flatten", bottom.name, axis=1)
    return _with_middle(w, bottom, start, end, [-1])


@converter("Reshape")
def reshape(w: Writer, layer: Any, bottom: Blob) -> str:
    options, ndim = layer.options, len(bottom.shape)
    start = options.axis if options.axis >= 0 else ndim + options.axis + 1
    end = ndim if options.num_axes == -1 else start + options.num_axes
    return _with_middle(w, bottom, start, end, list(options.shape.dim))


def _with_middle(w: Writer, bottom: Blob, start: int, end: int, middle: Sequence[int]) -> str:
    """Axes start..end replaced by `middle`, where 0 copies the bottom's dimension at that place and one may be -1."""
    after = len(bottom.shape) - end
    if not after or len(middle) == end - start:  # every axis that is kept keeps its place
        return w.reshape(bottom.name, [0] * start + list(middle) + [0] * after)
    parts = [w.shape(bottom.name, 0, start)] if start else []
    parts += [w.integers(dim) if dim else w.shape(bottom.name, start + i, start + i + 1) for i, dim in enumerate(middle)]
    return w.op("Reshape", bottom.name, w.concat([*parts, w.shape(bottom.name, end)], 0))


@converter("Permute")
def permute(w: Writer, layer: Any, bottom: Blob) -> str:
    order = list(layer.options.order)
    return w.op("Transpose", bottom.name, perm=order + [axis for axis in range(len(bottom.shape)) if axis not in order])


@converter("ShuffleChannel")
def shuffle_channel(w: Writer, layer: Any, bottom: Blob) -> str:
    group = layer.options.group
    dealt = w.reshape(bottom.name, (0, group, bottom.shape[1] // group, -1))
    return w.op("Reshape", w.op("Transpose", dealt, perm=[0, 2, 1, 3]), w.shape(bottom.name))


@converter("Crop")
def crop(w: Writer, layer: Any, bottom: Blob, reference: Blob) -> str:
    ndim = len(bottom.shape)
    axis, offsets = layer.axis(layer.options.axis, ndim), list(layer.options.offset)
    starts = offsets if len(offsets) == ndim - axis else (offsets or [0]) * (ndim - axis)
    ends = w.add(w.shape(reference.name, axis, ndim), w.integers(*starts))
    return w.op("Slice", bottom.name, w.integers(*starts), ends, w.integers(*range(axis, ndim)))


@converter("BatchReindex")
def batch_reindex(w: Writer, layer: Any, bottom: Blob, indices: Blob) -> str:
    return w.op("Gather", bottom.name, w.cast(indices.name, "i8"))


@converter("Filter")
def filter_(w: Writer, layer: Any, *bottoms: Blob) -> list[str]:
    *kept, selector = bottoms
    chosen = w.cast(w.reshape(selector.name, (-1,)), "?")
    return [w.op("Compress", bottom.name, chosen, axis=0) for bottom in kept]
