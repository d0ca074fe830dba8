"""Losses that compare two blobs, or a blob with labels, without a softmax of their own; and what all losses share."""

import math
from typing import Any, ClassVar

import torch
from torch.nn import functional

from segaware_caffe.layers.base import Count, Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.targets import class_indices
from segaware_caffe.ops import losses
from segaware_caffe.ops.substitute import substitute


class LossLayer(Layer):
    """2 -> 1, a scalar with loss weight 1 unless the prototxt says otherwise (spec/layers.md 2.3).

    The top may be left out. `force_backward` does not reach bottom 1, the labels.
    """

    takes_empty = False
    bottoms: ClassVar[Count] = 2
    auto_tops = True
    default_loss_weight = 1.0
    no_forced_gradient: ClassVar[tuple[int, ...]] = (1,)

    def reshape(self, *bottoms: Any) -> Shape | list[Shape]:
        self.check(
            bottoms[0][:1] == bottoms[1][:1],
            f"The data and label should have the same first dimension.  Data has shape {dims(bottoms[0])}, label {dims(bottoms[1])}",
        )
        return ()

    def read_normalization(self, default: int) -> int:
        """loss_param's normalization, or the deprecated normalize where only that is given, or the default."""
        param = self.proto.loss_param
        if param.HasField("normalization"):
            return param.normalization
        if param.HasField("normalize"):
            return param.VALID if param.normalize else param.BATCH_SIZE
        return default

    def ignored_labels(self) -> tuple[int, ...]:
        """loss_param's ignore_label, where it is given."""
        param = self.proto.loss_param
        return (param.ignore_label,) if param.HasField("ignore_label") else ()

    def normalized(
        self, values: torch.Tensor, valid: torch.Tensor, mode: int, batch: int, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The sum of the valid values, divided as the normalization `mode` says, by at least 1.

        `valid` has the shape of `values`; `batch` is what BATCH_SIZE divides by. With `weights` of that shape
        VALID divides by the sum of those that are valid (if it is 0, by 1), and PRE_FIXED (R-FCN) by loss_param's
        pre_fixed_normalizer, whatever it is.
        """
        param = self.proto.loss_param
        summed = losses.total(torch.where(valid, values, 0))
        if mode == param.VALID and weights is not None:
            weight = losses.total(torch.where(valid, weights, 0))
            return summed / torch.where(weight > 0, weight, 1)
        if mode == param.VALID:
            return summed / valid.sum().clamp(min=1)
        if mode == param.PRE_FIXED:
            self.check(param.pre_fixed_normalizer > 0, f"pre_fixed_normalizer must be positive, not {param.pre_fixed_normalizer:g}")
            return summed / param.pre_fixed_normalizer
        return summed / max(1, {param.FULL: valid.numel(), param.BATCH_SIZE: batch, param.NONE: 1}[mode])


@register("ContrastiveLoss", source="spec/layers.md 5.10")
class ContrastiveLoss(LossLayer):
    """Pulls similar pairs together and pushes others `margin` apart.

    bottoms a and b (N, C), y (N) -> the sum over pairs, divided by 2N, of d^2 where y (cut to an
    integer) is not 0, else of max(margin - d, 0)^2, or max(margin - d^2, 0) with legacy_version,
    where d = |a - b|. In its gradient, d + 1e-4 stands for d.
    """

    bottoms = 3
    no_forced_gradient = (2,)
    param_field = "contrastive_loss_param"

    def reshape(self, first: Shape, second: Shape, similar: Shape) -> Shape:
        self.check(first == second, f"the bottoms to compare must have one shape, not {dims(first)} and {dims(second)}")
        self.check(all(d == 1 for d in first[2:]), f"the bottoms must have height and width 1, not shape {dims(first)}")
        self.check(
            similar[:1] == first[:1] and all(d == 1 for d in similar[1:]),
            f"bottom 2 must hold one value for each of the {first[0]} pairs, not have shape {dims(similar)}",
        )
        return ()

    def forward(self, first: torch.Tensor, second: torch.Tensor, similar: torch.Tensor) -> torch.Tensor:
        alike = similar.detach().flatten().trunc() != 0
        pairs = losses.contrastive_loss(first.flatten(1), second.flatten(1), alike, self.options.margin, self.options.legacy_version)
        return losses.total(pairs) / (2 * len(first))


@register("EuclideanLoss", source="spec/layers.md 5.18")
class EuclideanLoss(LossLayer):
    """Half the sum of squared differences, divided by the batch size.

    bottoms of equal count with one first dimension; gradients for both.
    """

    no_forced_gradient = ()

    def reshape(self, first: Shape, second: Shape) -> Shape:
        super().reshape(first, second)
        self.check(math.prod(first[1:]) == math.prod(second[1:]), f"Inputs must have the same dimension: {dims(first)} and {dims(second)}")
        return ()

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return losses.total((first - second.reshape(first.shape)).square()) / (2 * len(first))


@register("HingeLoss", source="spec/layers.md 5.24")
class HingeLoss(LossLayer):
    """The sum of max(0, 1 - x) for the label's score and max(0, 1 + x) for the others, divided by the batch size;
    with norm L2, of their squares.

    bottoms: scores (N, ...), one label (N) for each sample. The gradient at the margin is 0.
    """

    param_field = "hinge_loss_param"

    def reshape(self, scores: Shape, labels: Shape) -> Shape:
        super().reshape(scores, labels)
        self.check(math.prod(labels) == scores[0], f"one label for each of the {scores[0]} samples is needed, not {dims(labels)}")
        return ()

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        scores = scores.flatten(1)
        classes, _ = class_indices(self, labels.reshape(-1, 1), scores.shape[1])
        return losses.total(losses.hinge_loss(scores, classes, self.options.norm == self.options.L2)) / len(scores)


@register("L1Loss", source="spec/layers.md 4.12")
class L1Loss(LossLayer):
    """The sum of absolute differences, or of magnitudes of a single bottom, for each sample.

    bottoms (N, C, ...), one or two -> the sum of |d| where d is not NaN and |d| >= plateau, divided by N,
    or with normalize_by_num_entries by the number of elements that are not NaN over C. With
    l2_per_location, the sum over locations of sqrt(q + epsilon), where q is the sum of d^2 over
    the channels (its mean with l2_prescale_by_channels), 0 below plateau^2. The gradient at
    d = 0 is -1, as in the reference. Gradients for both bottoms.

    differs: the reference runs on a GPU only and overwrites masked elements of a single bottom with 0.
    """

    bottoms = (1, 2)
    no_forced_gradient = ()
    param_field = "l1_loss_param"

    def reshape(self, *bottoms: Shape) -> Shape:
        self.check(bottoms[0] == bottoms[-1], f"the bottoms must have one shape, not {dims(bottoms[0])} and {dims(bottoms[-1])}")
        self.check(len(bottoms[0]) >= 2, f"the bottoms must have at least 2 axes, not shape {dims(bottoms[0])}")
        return ()

    def forward(self, *bottoms: torch.Tensor) -> torch.Tensor:
        options, difference = self.options, bottoms[0] - bottoms[1] if len(bottoms) == 2 else bottoms[0]
        samples: torch.Tensor | int = len(difference)
        if options.normalize_by_num_entries:
            samples = (~difference.isnan()).sum().clamp(min=1) / difference.shape[1]
        if options.l2_per_location:
            values = losses.l2_loss_per_location(difference, options.plateau, options.epsilon, options.l2_prescale_by_channels)
        else:
            values = losses.l1_loss(difference, options.plateau)
        return losses.total(values) / samples


@register("MultinomialLogisticLoss", source="spec/layers.md 5.31")
class MultinomialLogisticLoss(LossLayer):
    """The mean of -log(max(p, 1e-20)) of the labels' probabilities.

    bottoms: probabilities (N, ...), one label (N) for each sample. The gradient is
    -1 / max(p, 1e-20), also where p is clamped.
    """

    def reshape(self, probabilities: Shape, labels: Shape) -> Shape:
        super().reshape(probabilities, labels)
        self.check(math.prod(labels) == labels[0], f"one label for each of the {labels[0]} samples is needed, not {dims(labels)}")
        return ()

    def forward(self, probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        probabilities = probabilities.flatten(1)
        classes, _ = class_indices(self, labels.reshape(-1, 1), probabilities.shape[1])
        return losses.total(losses.multinomial_loss(probabilities, classes)) / len(probabilities)


@register("SigmoidCrossEntropyLoss", source="spec/layers.md 5.42, 16.6")
class SigmoidCrossEntropyLoss(LossLayer):
    """The cross entropy of sigmoid(x) and targets.

    bottoms: scores x and targets of equal count. loss_param: targets that are ignore_label when
    cut to integers count nothing; normalization is BATCH_SIZE unless given.

    differs: the release has no loss_param here; the default is its rule.
    """

    def reshape(self, scores: Shape, targets: Shape) -> Shape:
        super().reshape(scores, targets)
        self.check(
            math.prod(scores) == math.prod(targets),
            f"SIGMOID_CROSS_ENTROPY_LOSS layer inputs must have the same count: {dims(scores)} and {dims(targets)}",
        )
        return ()

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        targets = targets.detach().reshape(scores.shape)
        valid = torch.ones_like(targets, dtype=torch.bool)
        for label in self.ignored_labels():
            valid &= targets.trunc() != label
        values = functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
        return self.normalized(values, valid, self.read_normalization(self.proto.loss_param.BATCH_SIZE), len(scores))


@register("SmoothL1Loss", source="spec/layers.md 4.13")
class SmoothL1Loss(LossLayer):
    """The sum of f(w * (a - b)) with f(d) = d^2 / 2 where |d| < 1, else |d| - 1/2.

    bottoms a and b (N, C, H, W), optionally weights w of their shape -> the sum divided by N*H*W.
    As in the release, the gradient lacks the factor w, and the loss weight is 0 unless given.
    With four bottoms (Fast R-CNN's: a, b, inside weights, outside weights), the sum of
    outside * f(inside * (a - b)) divided by N, with its true gradient; smooth_l1_loss_param's
    sigma makes f quadratic where |d| < 1 / sigma^2. The weights get no gradient.
    """

    bottoms = (2, 4)
    default_loss_weight = 0.0
    no_forced_gradient = ()
    param_field = "smooth_l1_loss_param"

    def reshape(self, *bottoms: Shape) -> Shape:
        self.check(self.options.sigma > 0, f"sigma must be positive, not {self.options.sigma:g}")
        padded = [(*bottom, *[1] * (4 - len(bottom))) for bottom in bottoms]
        self.check(len(set(padded)) == 1, f"the bottoms must have one shape, not {' and '.join(map(dims, bottoms))}")
        self.check(len(bottoms[0]) >= 2, f"the bottoms must have at least 2 axes, not shape {dims(bottoms[0])}")
        return ()

    def forward(self, first: torch.Tensor, second: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        sigma, difference = self.options.sigma, first - second.reshape(first.shape)
        weights = tuple(weight.detach().reshape(first.shape) for weight in weights)
        if len(weights) == 2:
            inside, outside = weights
            return losses.total(outside * losses.smooth_l1_loss(inside * difference, sigma)) / len(first)
        if weights:
            difference = substitute(difference, weights[0] * difference)
        return losses.total(losses.smooth_l1_loss(difference, sigma)) / (first.numel() // first.shape[1])


@register("SmoothL1LossOHEM", source="R-FCN")
class SmoothL1LossOHEM(LossLayer):
    """The sum of f(w * (a - b)) with f(d) = d^2 / 2 where |d| < 1, else |d| - 1/2, and that of each sample.

    bottoms a and b (N, C, ...), optionally weights w of their shape -> the sum, divided by the number of positions
    in all samples (normalization VALID or FULL), of samples (BATCH_SIZE), by 1 (NONE) or pre_fixed_normalizer
    (PRE_FIXED); optionally the sum over the channels of each position (N, 1, ...), which has no gradient. As in
    the fork, the gradient lacks the factor w; the weights get none.
    """

    bottoms = (2, 3)
    tops = (1, 2)
    no_forced_gradient = ()

    def reshape(self, *bottoms: Shape) -> list[Shape]:
        self.check(len(set(bottoms)) == 1, f"the bottoms must have one shape, not {' and '.join(map(dims, bottoms))}")
        self.check(len(bottoms[0]) >= 2, f"the bottoms must have at least 2 axes, not shape {dims(bottoms[0])}")
        return [(), (bottoms[0][0], 1, *bottoms[0][2:])][: self.num_tops]

    def forward(self, first: torch.Tensor, second: torch.Tensor, *weights: torch.Tensor) -> list[torch.Tensor]:
        difference = first - second
        if weights:
            difference = substitute(difference, weights[0].detach() * difference)
        values = losses.smooth_l1_loss(difference).sum(1, keepdim=True)
        valid = torch.ones_like(values, dtype=torch.bool)
        loss = self.normalized(values, valid, self.read_normalization(self.proto.loss_param.VALID), len(first))
        return [loss, values.detach()][: self.num_tops]
