"""Layers that compare scores with labels and give no gradient."""

import math

import torch

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.targets import check_label_count, class_indices
from segaware_caffe.ops.accuracy import confusion_matrix, counts, in_top, segmentation_scores
from segaware_caffe.ops.ranking import largest


@register("Accuracy", source="spec/layers.md 5.2")
class Accuracy(Layer):
    """The share of labels that are among the top_k classes.

    bottoms: scores (N, C, ...), labels (N, ...) with one label for each position; `axis` is the
    class axis; positions labelled ignore_label do not count. A label is among the top_k if at most
    that many classes, itself included, score as high or higher: ties count against it. All
    ignored gives 0. An optional second top (C) holds the share for each class, 0 where it has no labels.
    No gradient.

    differs: the release breaks ties by the larger index and gives NaN if all is ignored (this is
    upstream's rule); a true class that scores NaN is wrong; a label outside [0, C) is an error.
    """

    takes_empty = False
    differentiable = False
    bottoms = 2
    tops = (1, 2)
    param_field = "accuracy_param"

    def reshape(self, scores: Shape, labels: Shape) -> list[Shape]:
        axis = self.axis(self.options.axis, len(scores))
        classes = scores[axis]
        check_label_count(self, scores, labels, axis)
        self.check(
            self.options.top_k <= classes, f"top_k {self.options.top_k} must be less than or equal to the number of classes {classes}."
        )
        return [(), (classes,)][: self.num_tops]

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
        axis = self.axis(self.options.axis, scores.ndim)
        outer, classes = math.prod(scores.shape[:axis]), scores.shape[axis]
        ignored = (self.options.ignore_label,) if self.options.HasField("ignore_label") else ()
        indices, valid = class_indices(self, labels.reshape(outer, 1, -1), classes, ignored)
        correct = in_top(scores.detach().reshape(outer, classes, -1), indices, self.options.top_k) & valid
        accuracy = (correct.sum() / valid.sum().clamp(min=1)).to(scores.dtype)
        if self.num_tops == 1:
            return [accuracy]
        labelled, right = (counts(indices, mask, classes) for mask in (valid, correct))
        return [accuracy, (right / labelled.clamp(min=1)).to(scores.dtype)]


@register("SegAccuracy", source="spec/layers.md 4.9")
class SegAccuracy(Layer):
    """Pixel accuracy, mean class recall and mean IoU, always all three.

    bottoms: scores (N, K, H, W), labels (N, 1, H, W) -> top (1, 1, 1, 3). The largest score
    predicts, the larger index on ties; labels listed in ignore_label are skipped. A class that is
    neither labelled nor predicted has an IoU of 1. With `reset: false` the counts add up over
    forward passes. `metric` is read and has no effect. No gradient.
    """

    differentiable = False
    bottoms = 2
    param_field = "seg_accuracy_param"

    _confusion: torch.Tensor

    def setup(self, scores: Shape, labels: Shape) -> None:
        self.check(len(scores) == 4, f"the scores must have 4 axes, not shape {dims(scores)}", ShapeError)
        self.register_buffer("_confusion", torch.zeros(scores[1], scores[1], dtype=torch.int64), persistent=False)

    def reshape(self, scores: Shape, labels: Shape) -> Shape:
        self.check(
            scores[:1] + scores[2:] == labels[:1] + labels[2:] and labels[1:2] == (1,),
            f"the labels must have shape {dims((scores[0], 1, *scores[2:]))}, not {dims(labels)}",
        )
        self.check(scores[1] == len(self._confusion), f"the number of classes changed from {len(self._confusion)} to {scores[1]}")
        return (1, 1, 1, 3)

    @property
    def repeatable(self) -> bool:
        return self.options.reset

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        classes = scores.shape[1]
        truth, valid = class_indices(self, labels, classes, self.options.ignore_label)
        _, predicted = largest(scores.detach(), 1, 1)
        matrix = confusion_matrix(truth, predicted, valid, classes)
        self._confusion = matrix if self.options.reset else self._confusion + matrix
        return segmentation_scores(self._confusion).to(scores.dtype).view(1, 1, 1, 3)
