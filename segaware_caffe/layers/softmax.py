"""The softmax, and the losses that are computed from its scores."""

import logging
import math

import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.losses import LossLayer
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.targets import check_label_count, class_indices
from segaware_caffe.ops import losses
from segaware_caffe.weights import read_blobproto

logger = logging.getLogger(__name__)


@register("Softmax")
class Softmax(Layer):
    """exp(x) divided by its sum over `axis` (spec/layers.md 5.45). The top has the bottom's shape; in-place allowed."""

    param_field = "softmax_param"

    def reshape(self, bottom: Shape) -> Shape:
        self._axis = self.axis(self.options.axis, len(bottom))
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.softmax(self._axis)


class ScoreLoss(LossLayer):
    """A loss of scores along a class axis against one label for each position, with loss_param's options.

    bottoms: scores, labels -> the loss, and optionally the probabilities (scores' shape, no gradient).
    """

    tops = (1, 2)

    def setup(self, *bottoms: Shape) -> None:
        logger.info("Creating layer %s", self.name)  # the reference makes the softmax inside as a layer of this name

    def class_axis(self) -> int:
        """The field that names the class axis."""
        raise NotImplementedError

    def reshape(self, scores: Shape, labels: Shape, *more: Shape) -> list[Shape]:
        super().reshape(scores, labels)
        self._axis = self.axis(self.class_axis(), len(scores))
        check_label_count(self, scores, labels, self._axis)
        return [(), scores][: self.num_tops]

    def forward(self, scores: torch.Tensor, labels: torch.Tensor, *more: torch.Tensor) -> list[torch.Tensor]:
        outer, classes = math.prod(scores.shape[: self._axis]), scores.shape[self._axis]
        logs = scores.reshape(outer, classes, -1).log_softmax(1)
        indices, valid = class_indices(self, labels.reshape(outer, 1, -1), classes, self.ignored_labels())
        values = self.loss(logs, indices, *more)
        loss = self.normalized(values, valid, self.read_normalization(self.proto.loss_param.VALID), outer)
        return [loss] if self.num_tops == 1 else [loss, logs.detach().exp().reshape(scores.shape)]

    def loss(self, logs: torch.Tensor, indices: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """The loss of each position, (outer, 1, inner), from the log-probabilities (outer, classes, inner)."""
        raise NotImplementedError


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(ScoreLoss):
    """The mean of -log(max(p, FLT_MIN)) of the labels' softmax probabilities (spec/layers.md 5.46).

    bottoms: scores (N, C, ...), labels (N, ...) with one label for each position; softmax_param's
    axis is the class axis. loss_param: positions labelled ignore_label count nothing; the sum is
    divided by the number of counted labels (normalization VALID), of all (FULL), of those in front
    of the class axis (BATCH_SIZE) or by 1 (NONE). The gradient is p - onehot, also where the
    logarithm is clamped. An optional second top holds the probabilities.

    differs: a label outside [0, C) is an error; the second top, which does not work in the reference, does.
    """

    param_field = "softmax_param"

    def class_axis(self) -> int:
        return self.options.axis

    def loss(self, logs: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        return losses.softmax_loss(logs, indices)


@register("InfogainLoss")
class InfogainLoss(ScoreLoss):
    """The mean over positions of -sum over j of H[label, j] * log(max(p[j], 1e-20)), p the scores' softmax
    (upstream; spec/layers.md 16.5).

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
        self.register_buffer("_gain", None, persistent=False)
        if len(bottoms) == 2:
            self.check(
                bool(self.options.source),
                "Infogain matrix source must be specified: infogain_loss_param { source: ... }, or a third bottom",
            )
            try:
                self._gain = torch.from_numpy(read_blobproto(self.options.source))
            except CaffeError as error:
                self.fail(str(error), type(error))

    def class_axis(self) -> int:
        return self.options.axis

    def reshape(self, scores: Shape, labels: Shape, *gain: Shape) -> list[Shape]:
        tops = super().reshape(scores, labels)
        classes, shape = scores[self._axis], gain[0] if gain else tuple(self._gain.shape)
        self.check(math.prod(shape) == classes**2, f"the infogain matrix must have {classes} x {classes} elements, not shape {shape}")
        return tops

    def loss(self, logs: torch.Tensor, indices: torch.Tensor, *gain: torch.Tensor) -> torch.Tensor:
        matrix = (gain[0] if gain else self._gain).detach().to(logs)
        return losses.infogain_loss(logs, indices, matrix.reshape(logs.shape[1], -1))
