"""Layers of detectors: ROIPooling, PriorBox and DetectionOutput.

The suppression of DetectionOutput is ONNX's NonMaxSuppression, in whose order, by sample, class and
score, the detections come, as in the layer.
"""

from typing import Any

import numpy as np
import torch
from onnx import TensorProto, helper

from segaware_caffe.export.converters import refuse
from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer

CORNER, CENTER_SIZE, CORNER_SIZE = 1, 2, 3
#: scores of boxes that may not be chosen
NEVER = -1e30


@converter("ROIPooling")
def roi_pooling(w: Writer, layer: Any, bottom: Blob, rois: Blob) -> str:
    options = layer.options
    regions = rois.name if len(rois.shape) == 2 else w.op("Flatten", rois.name, axis=1)
    return w.op("MaxRoiPool", bottom.name, regions, pooled_shape=[options.pooled_h, options.pooled_w], spatial_scale=options.spatial_scale)


@converter("PSROIPooling")
def psroi_pooling(w: Writer, layer: Any, bottom: Blob, rois: Blob) -> str:
    options, groups = layer.options, layer.options.group_size
    regions = rois.name if len(rois.shape) == 2 else w.op("Flatten", rois.name, axis=1)
    sample = w.squeeze(w.cast(w.slice(regions, 1, 0, 1), np.int64), 1)
    shape = w.concat([w.integers(-1, options.output_dim, groups, groups), w.shape(bottom.name, 2)], 0)
    maps = w.op("Reshape", w.op("Gather", bottom.name, sample), shape)  # (R, outputs, groups, groups, H, W)
    rows, columns = (_bin_weights(w, regions, axis, groups, options.spatial_scale, w.shape(bottom.name, 4 - axis)) for axis in (2, 1))
    means = w.sum(w.mul(maps, w.unsqueeze(columns, 1, 2, 4)), 5)
    return w.sum(w.mul(means, w.unsqueeze(rows, 1, 3)), 4)


def _bin_weights(w: Writer, regions: str, axis: int, count: int, scale: float, size: str) -> str:
    """What averages the positions of each bin along one axis: (R, count, size)."""
    first, last = (w.slice(regions, 1, column, column + 1) for column in (axis, axis + 2))
    first, last = (w.op("Floor", w.affine(edge, 1, 0.5)) for edge in (first, last))
    start, end = w.affine(first, scale, 0), w.affine(w.affine(last, 1, 1), scale, 0)
    step = w.affine(w.op("Max", w.op("Sub", end, start), w.constant(0.1)), 1 / count, 0)
    length = w.squeeze(w.slice(size, 0, 0, 1), 0)
    edges = [
        w.op("Clip", w.op(rounding, w.add(w.mul(step, w.constant([bins])), start)), w.constant(0.0), w.cast(length))
        for rounding, bins in (("Floor", list(range(count))), ("Ceil", list(range(1, count + 1))))
    ]
    position = w.cast(w.op("Range", w.constant(0, np.int64), length, w.constant(1, np.int64)))
    begin, stop = (w.unsqueeze(edge, 2) for edge in edges)
    inside = w.op("And", w.op("GreaterOrEqual", position, begin), w.op("Less", position, stop))
    return w.op("Div", w.cast(inside), w.op("Max", w.op("Sub", stop, begin), w.constant(1.0)))


@converter("PriorBox")
def prior_box(w: Writer, layer: Any, features: Blob, image: Blob) -> str:
    with torch.no_grad():
        return w.constant(layer(*(torch.empty(shape) for shape in (features.shape, image.shape))).numpy())


@converter("DetectionOutput")
def detection_output(w: Writer, layer: Any, locations: Blob, scores: Blob, priors: Blob, *_: Blob) -> str:
    options, nms = layer.options, layer.options.nms_param
    if not options.share_location:
        raise refuse(layer, "share_location: false has no ONNX form here")
    if nms.eta != 1:
        raise refuse(layer, "nms_param's eta must be 1: ONNX's NonMaxSuppression keeps its threshold")
    boxes = _decoded(w, layer, locations, priors)
    by_class = w.op("Transpose", w.reshape(scores.name, (0, -1, options.num_classes)), perm=[0, 2, 1])
    chosen = w.op(
        "NonMaxSuppression",
        boxes,
        _candidates(w, layer, by_class, priors.shape[2] // 4),
        w.integers(priors.shape[2] // 4),
        w.constant([nms.nms_threshold]),
        w.constant([options.confidence_threshold if options.HasField("confidence_threshold") else NEVER / 2]),
    )
    found = w.op("GatherND", by_class, chosen)
    if options.keep_top_k >= 0:
        best = _best_of_each_sample(w, chosen, found, options.keep_top_k)
        chosen, found = (w.op("Compress", value, best, axis=0) for value in (chosen, found))
    sample, label, box = (w.slice(chosen, 1, index, index + 1) for index in range(3))
    corners = w.op("GatherND", boxes, w.concat([sample, box], 1))
    rows = w.concat([w.cast(sample), w.cast(label), w.unsqueeze(found, 1), corners], 1)
    return w.unsqueeze(w.concat([rows, _nothing_found(w, scores, found)], 0), 0, 1)


def _decoded(w: Writer, layer: Any, locations: Blob, priors: Blob) -> str:
    """Boxes (N, P, 4) from offsets (N, P * 4) and PriorBox's top."""
    options = layer.options
    offsets = w.reshape(locations.name, (0, -1, 4))
    corners, variances = (w.reshape(w.slice(priors.name, 1, row, row + 1), (1, -1, 4)) for row in range(2))
    if not options.variance_encoded_in_target:
        offsets = w.mul(offsets, variances)
    if options.code_type == CORNER:
        return w.add(corners, offsets)
    least, most = (w.slice(corners, 2, first, first + 2) for first in (0, 2))
    size = w.op("Sub", most, least)
    if options.code_type == CORNER_SIZE:
        return w.add(corners, w.mul(offsets, w.concat([size, size], 2)))
    moved, grown = (w.slice(offsets, 2, first, first + 2) for first in (0, 2))
    centre = w.add(w.affine(w.add(least, most), 0.5, 0), w.mul(moved, size))
    half = w.affine(w.mul(w.op("Exp", grown), size), 0.5, 0)
    return w.concat([w.op("Sub", centre, half), w.add(centre, half)], 2)


def _candidates(w: Writer, layer: Any, by_class: str, count: int) -> str:
    """The scores (N, classes, P), without the background's, and without those beyond the `top_k` of their class."""
    options, nms = layer.options, layer.options.nms_param
    allowed = torch.zeros(1, options.num_classes, 1)
    if 0 <= options.background_label_id < options.num_classes:
        allowed[:, options.background_label_id] = NEVER
    scores = w.add(by_class, w.constant(allowed.numpy()))
    if not nms.HasField("top_k") or not 0 <= nms.top_k < count:
        return scores
    best, _ = w.ops("TopK", 2, scores, w.integers(max(1, nms.top_k)), axis=2)
    return w.where(w.op("Less", scores, w.slice(best, 2, -1, 2**63 - 1)), w.constant(NEVER), scores)


def _best_of_each_sample(w: Writer, chosen: str, found: str, keep: int) -> str:
    """Which detections fewer than `keep` others of their sample outdo; of equals the earlier counts as better."""
    sample = w.slice(chosen, 1, 0, 1)
    order = w.op("CumSum", w.op("ConstantOfShape", w.shape(found), value=_one()), w.constant(0, "i8"))
    together = w.op("Equal", sample, w.op("Transpose", sample, perm=[1, 0]))
    mine, other = w.unsqueeze(found, 1), w.unsqueeze(found, 0)
    earlier = w.op("Less", w.unsqueeze(order, 0), w.unsqueeze(order, 1))
    better = w.op("Or", w.op("Greater", other, mine), w.op("And", w.op("Equal", other, mine), earlier))
    rank = w.sum(w.cast(w.op("And", together, better)), 1)
    return w.op("Less", rank, w.constant(keep))


def _one() -> Any:
    return helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])


def _nothing_found(w: Writer, scores: Blob, found: str) -> str:
    """A row (sample, -1, ...) for each sample if there is no detection at all, else no row."""
    samples = w.op("Range", w.constant(0, "i8"), w.squeeze(w.shape(scores.name, 0, 1), 0), w.constant(1, "i8"))
    rest = w.op("Expand", w.constant([[-1.0] * 6]), w.concat([w.shape(scores.name, 0, 1), w.integers(1)], 0))
    rows = w.concat([w.cast(w.unsqueeze(samples, 1)), rest], 1)
    none = w.op("Equal", w.op("Size", found), w.constant(0, "i8"))
    return w.op("Compress", rows, w.op("Expand", none, w.shape(scores.name, 0, 1)), axis=0)
