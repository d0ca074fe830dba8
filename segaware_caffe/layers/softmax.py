"""The softmax, and the losses that are computed from its scores."""

import logging
import math
from typing import Any

import numpy as np
import torch

from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import read_bytes
from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.losses import LossLayer
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.targets import check_label_count, class_indices
from segaware_caffe.ops import losses
from segaware_caffe.schema.blobproto import read_blobproto

logger = logging.getLogger(__name__)


@register("Softmax", source="spec/layers.md 5.45")
class Softmax(Layer):
    """exp(x) divided by its sum over `axis`. The top has the bottom's shape; in-place allowed."""

    param_field = "softmax_param"

    def reshape(self, bottom: Shape) -> Shape:
        self.axis(self.options.axis, len(bottom))
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.softmax(self.axis(self.options.axis, bottom.ndim))


class ScoreLoss(LossLayer):
    """A loss of scores along a class axis against one label for each position, with loss_param's options.

    bottoms: scores, labels -> the loss, and optionally the probabilities (scores' shape, no gradient), and the loss of
    each position (one channel, no gradient).
    """

    tops = (1, 2)

    def setup(self, *bottoms: Shape) -> None:
        logger.info("Creating layer %s", self.name)  # the reference makes the softmax inside as a layer of this name

    def reshape(self, scores: Shape, labels: Shape, *more: Any) -> list[Shape]:
        super().reshape(scores, labels)
        axis = self.class_axis(len(scores))
        check_label_count(self, scores, labels, axis)
        return [(), scores, (*scores[:axis], 1, *scores[axis + 1 :])][: self.num_tops]

    def forward(self, scores: torch.Tensor, labels: torch.Tensor, *more: torch.Tensor) -> list[torch.Tensor]:
        axis = self.class_axis(scores.ndim)
        outer, classes = math.prod(scores.shape[:axis]), scores.shape[axis]
        logs = scores.reshape(outer, classes, -1).log_softmax(1)
        indices, valid = class_indices(self, labels.reshape(outer, 1, -1), classes, self.ignored_labels())
        values = self.loss(logs, indices, *more)
        loss = self.normalized(values, valid, self.read_normalization(self.proto.loss_param.VALID), outer, self.counts(indices))
        if self.num_tops == 1:
            return [loss]
        each = values.detach().masked_fill(~valid, 0).reshape(*scores.shape[:axis], 1, *scores.shape[axis + 1 :])
        return [loss, logs.detach().exp().reshape(scores.shape), each][: self.num_tops]

    def class_axis(self, ndim: int) -> int:
        """The class axis of scores of `ndim` axes: the field `axis` of the layer's own message."""
        return self.axis(self.options.axis, ndim)

    def loss(self, logs: torch.Tensor, indices: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """The loss of each position, (outer, 1, inner), from the log-probabilities (outer, classes, inner)."""
        raise NotImplementedError

    def counts(self, indices: torch.Tensor) -> torch.Tensor | None:
        """For how much each position counts in the divisor of VALID, (outer, 1, inner); None: all for 1."""
        return None


@register("SoftmaxWithLoss", source="spec/layers.md 5.46")
class SoftmaxWithLoss(ScoreLoss):
    """The mean of -log(max(p, FLT_MIN)) of the labels' softmax probabilities.

    bottoms: scores (N, C, ...), labels (N, ...) with one label for each position; softmax_param's
    axis is the class axis. loss_param: positions labelled ignore_label count nothing; the sum is
    divided by the number of counted labels (normalization VALID), of all (FULL), of those in front
    of the class axis (BATCH_SIZE) or by 1 (NONE). The gradient is p - onehot, also where the
    logarithm is clamped. An optional second top holds the probabilities.

    Two ways to weigh the classes, which are multiplied in, in the gradient too: loss_param's `class_weighting`, a
    weight for each class, where `weight_by_label_freqs` is true (SegNet), leaves the divisor as it is; the
    weights in the text file softmaxloss_param's `weight_source` (DeepLab v1) make a weighted average, VALID
    dividing by the sum of the labels' weights. softmaxloss_param's ignore_label may be given more than once.

    differs: a label outside [0, C) is an error; the second top, which does not work in the reference, does; where
    nothing counts the loss is 0.
    """

    param_field = "softmax_param"

    def setup(self, *bottoms: Shape) -> None:
        super().setup(*bottoms)
        freqs, self.averages = self.proto.loss_param.weight_by_label_freqs, self.proto.softmaxloss_param.HasField("weight_source")
        self.check(not (freqs and self.averages), "weights of classes are given by weight_by_label_freqs OR weight_source, not both")
        if self.proto.loss_param.class_weighting and not freqs:
            logger.warning("layer '%s' (%s): class_weighting has no effect without weight_by_label_freqs: true", self.name, self.type)
        self.register_buffer("class_weights", None, persistent=False)
        if freqs:
            self.class_weights = torch.tensor(list(self.proto.loss_param.class_weighting))
        elif self.averages:
            self.class_weights = torch.tensor(
                self._read_weights(self.allowed_path(self.proto.softmaxloss_param.weight_source, "weight_source"))
            )

    def reshape(self, scores: Shape, labels: Shape, *more: Shape) -> list[Shape]:
        tops = super().reshape(scores, labels)
        classes = scores[self.class_axis(len(scores))]
        count = classes if self.class_weights is None else len(self.class_weights)
        self.check(
            count == classes,
            f"Number of class weight values does not match the number of classes: {count} weights, {classes} classes",
        )
        return tops

    def ignored_labels(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys((*super().ignored_labels(), *self.proto.softmaxloss_param.ignore_label)))

    def loss(self, logs: torch.Tensor, indices: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        values = losses.softmax_loss(logs, indices)
        return values if self.class_weights is None else values * self.class_weights.to(values)[indices]

    def counts(self, indices: torch.Tensor) -> torch.Tensor | None:
        return self.class_weights[indices] if self.averages and self.class_weights is not None else None

    def _read_weights(self, path: str) -> list[float]:
        """The numbers in a text file."""
        try:
            weights = [float(word) for word in read_bytes(path).decode(errors="replace").split()]
        except OSError as error:
            self.fail(f"weight_source: Could not open '{path}': {error.strerror}", FileError)
        except ValueError as error:
            self.fail(f"weight_source: '{path}' must hold one number for each class: {error}", FileError)
        self.check(all(weight >= 0 for weight in weights), f"weight_source: Weights cannot be negative: '{path}'")
        return weights


@register("SoftmaxWithLossOHEM", source="R-FCN")
class SoftmaxWithLossOHEM(SoftmaxWithLoss):
    """SoftmaxWithLoss with a third top: the loss of each position, of the scores' shape but for one class, without gradient."""

    tops = (1, 3)


@register("InfogainLoss", source="spec/layers.md 16.5")
class InfogainLoss(ScoreLoss):
    """The mean over positions of -sum over j of H[label, j] * log(max(p[j], 1e-20)), p the scores' softmax.

    bottoms: scores, labels as for SoftmaxWithLoss, and the C x C matrix H, which is otherwise read
    from the file infogain_loss_param's `source` (a binary BlobProto). `axis` is the class axis,
    loss_param as for SoftmaxWithLoss. The gradient is p * rowsum(H[label]) - H[label], also where
    the logarithm is clamped; H gets none. An optional second top holds the probabilities.

    differs: the release takes probabilities in place of scores.
    """

    bottoms = (2, 3)
    param_field = "infogain_loss_param"

    def setup(self, *bottoms: Shape) -> None:
        super().setup(*bottoms)
        self.check(not self.proto.loss_param.HasField("normalize"), 'normalize is deprecated. use "normalization"')
        self.register_buffer("gain", None, persistent=False)
        if len(bottoms) == 2:
            self.check(
                bool(self.options.source),
                "Infogain matrix source must be specified: infogain_loss_param { source: ... }, or a third bottom",
            )
            source = self.allowed_path(self.options.source, "source")
            try:
                self.gain = torch.from_numpy(read_blobproto(source).astype(np.float32, copy=False))
            except CaffeError as error:
                self.fail(str(error), type(error))

    def reshape(self, scores: Shape, labels: Shape, *gain: Shape) -> list[Shape]:
        tops = super().reshape(scores, labels)
        classes, shape = scores[self.class_axis(len(scores))], gain[0] if gain else tuple(self.gain.shape)
        self.check(math.prod(shape) == classes**2, f"the infogain matrix must have {classes} x {classes} elements, not shape {shape}")
        return tops

    def loss(self, logs: torch.Tensor, indices: torch.Tensor, *gain: torch.Tensor) -> torch.Tensor:
        matrix = (gain[0] if gain else self.gain).detach().to(logs)
        return losses.infogain_loss(logs, indices, matrix.reshape(logs.shape[1], -1))
