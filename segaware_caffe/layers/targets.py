"""Labels as losses, metrics and bias layers read them: floats cut to class indices, some of them ignored."""

import math
from collections.abc import Collection

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.ops.device import stops


def class_indices(layer: Layer, labels: torch.Tensor, classes: int, ignored: Collection[int] = ()) -> tuple[torch.Tensor, torch.Tensor]:
    """The labels cut to integers (0 where ignored), and a mask of those that are not ignored.

    Raises CaffeError for a label outside [0, classes) that is not ignored; the reference reads
    memory out of bounds for it. A GPU stops at it by itself, later (`ops.device.stops`).
    """
    labels = labels.detach()
    indices = labels.long()
    valid = torch.ones_like(indices, dtype=torch.bool)
    if not ignored and labels.numel() and labels.device.type == "cpu":  # the usual case, in fewer operators
        low, high = torch.aminmax(labels)
        if low > -1 and high < classes:
            return indices, valid
    for value in ignored:
        valid &= indices != value
    outside = valid & ~((labels > -1) & (labels < classes))
    rule = f"is outside [0, {classes}) and not ignored (ignored labels: {', '.join(map(str, ignored)) or 'none'})"
    if stops(outside.any(), layer.message(f"a label {rule}")):
        layer.fail(f"label {labels[outside][0]:g} {rule}")
    return indices.masked_fill(~valid, 0), valid


def check_label_count(layer: Layer, scores: Shape, labels: Shape, axis: int) -> None:
    """One label is needed for each position of the scores, the class axis left out."""
    expected = math.prod(scores[:axis]) * math.prod(scores[axis + 1 :])
    layer.check(
        math.prod(labels) == expected,
        "Number of labels must match number of predictions; e.g., if label axis == 1 and prediction shape is "
        f"(N, C, H, W), label count (number of labels) must be N*H*W, with integer values in"
        f" {{0, 1, ..., C-1}}: "
        f"predictions are {dims(scores)}, labels {dims(labels)}, the class axis is {axis}",
    )
