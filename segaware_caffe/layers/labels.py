"""DeepLab's layers for weak supervision: lists of labels, and scores biased by the labels that are there."""

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.targets import class_indices
from segaware_caffe.limits import STEPS
from segaware_caffe.ops.adaptive_bias import adaptive_bias

NO_LABEL = -1


@register("AdaptiveBiasChannel", source="spec/layers.md 4.4")
class AdaptiveBiasChannel(Layer):
    """Raises the labelled classes' scores until each wins its portion of the pixels.

    bottoms: scores (N, C, H, W), image labels (N, L, 1, 1) padded with -1 -> top (N, C, H, W).
    Class 0 gets bg_portion, others fg_portion of the pixels, in num_iter rounds; suppress_others
    first pushes the other classes margin_others below. The order of several foreground classes is
    random. No gradient.
    """

    takes_empty = False
    differentiable = False
    bottoms = 2
    param_field = "adaptive_bias_channel_param"

    def setup(self, scores: Shape, labels: Shape) -> None:
        options = self.options
        self.check_limit(STEPS, options.num_iter, "num_iter:")
        self.check(options.num_iter > 0, f"num_iter must be positive, not {options.num_iter}")
        for field in ("bg_portion", "fg_portion"):
            self.check(0 <= getattr(options, field) < 1, f"{field} must be in [0, 1), not {getattr(options, field):g}")
        self.check(options.margin_others >= 0, f"margin_others must not be negative, not {options.margin_others:g}")

    def reshape(self, scores: Shape, labels: Shape) -> Shape:
        self.check(len(scores) == 4 and scores[1] > 1, f"the scores must have 4 axes and several channels, not shape {dims(scores)}")
        check_image_labels(self, scores, labels)
        return scores

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        options, classes = self.options, scores.shape[1]
        indices, valid = class_indices(self, labels, classes, (NO_LABEL,))
        flat = scores.detach().flatten(2)
        # in float32 as in the reference: 0.7 of 10 pixels are 7 there, and 6 in double precision
        portions = torch.tensor([options.bg_portion, *[options.fg_portion] * (classes - 1)], dtype=torch.float32)
        wins = (portions * flat.shape[2]).int().tolist()
        margin = options.margin_others if options.suppress_others else None
        images = [
            adaptive_bias(image, sorted(present[mask].tolist()), wins, options.num_iter, margin)
            for image, present, mask in zip(flat, indices, valid, strict=True)
        ]
        return torch.stack(images).view_as(scores)


@register("BiasChannel", source="spec/layers.md 4.3")
class BiasChannel(Layer):
    """Adds bg_bias or fg_bias to the scores of the labelled classes.

    bottoms: scores (N, C, H, W); labels (N, L, 1, 1) for label_type IMAGE, (N, 1, H, W) for PIXEL.
    IMAGE: for each label its channel gains fg_bias, or bg_bias if it is 0. PIXEL: the channel of
    the pixel's label gains fg_bias; if background_label or bg_bias is given, background pixels
    gain bg_bias in place of it, and so does the background channel of all others. -1 and the
    labels listed in ignore_label add nothing. The labels get no gradient.
    """

    bottoms = 2
    param_field = "bias_channel_param"

    def setup(self, scores: Shape, labels: Shape) -> None:
        for field in ("bg_bias", "fg_bias"):
            self.check(getattr(self.options, field) >= 0, f"{field} must not be negative, not {getattr(self.options, field):g}")
        self._has_background = self.options.HasField("background_label") or self.options.HasField("bg_bias")
        self._of_image = self.options.label_type == self.options.IMAGE

    def reshape(self, scores: Shape, labels: Shape) -> Shape:
        self.check(len(scores) == 4, f"the scores must have 4 axes, not shape {dims(scores)}")
        background = self.options.background_label
        if self._of_image:
            check_image_labels(self, scores, labels)
        else:
            expected = (scores[0], 1, *scores[2:])
            self.check(labels == expected, f"PIXEL labels must have shape {dims(expected)}, not {dims(labels)}")
            self.check(
                not self._has_background or 0 <= background < scores[1], f"background_label {background} is outside [0, {scores[1]})"
            )
        return scores

    def forward(self, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        options, classes = self.options, scores.shape[1]
        indices, valid = class_indices(self, labels, classes, (NO_LABEL, *options.ignore_label))
        if self._of_image:
            gains = torch.where(indices == 0, options.bg_bias, options.fg_bias) * valid
            bias = scores.new_zeros(len(scores), classes, 1, 1).scatter_add_(1, indices, gains.to(scores.dtype))
        else:
            behind = (indices == options.background_label) & self._has_background
            gains = (valid & ~behind) * options.fg_bias
            bias = torch.zeros_like(scores).scatter_(1, indices, gains.to(scores.dtype))
            if self._has_background:
                bias[:, options.background_label] += valid[:, 0] * options.bg_bias
        return scores + bias


@register("UniqueLabel", source="spec/layers.md 4.5")
class UniqueLabel(Layer):
    """The distinct labels of each image in ascending order, padded with -1.

    bottom (N, 1, H, W) -> top (N, max_labels, 1, 1). Labels listed in ignore_label are left out,
    those in force_label always there. More than max_labels are an error. No gradient.
    """

    differentiable = False
    param_field = "unique_label_param"

    def setup(self, labels: Shape) -> None:
        forced = set(self.options.force_label)
        self.check(
            self.options.max_labels > len(forced),
            f"max_labels {self.options.max_labels} must exceed the {len(forced)} labels in force_label",
        )

    def reshape(self, labels: Shape) -> Shape:
        self.check(len(labels) == 4 and labels[1] == 1, f"the labels must have shape (N, 1, H, W), not {dims(labels)}")
        return (labels[0], self.options.max_labels, 1, 1)

    def forward(self, labels: torch.Tensor) -> torch.Tensor:
        rows = [self._row(set(image.unique().tolist())) for image in labels.detach()]
        return labels.new_tensor(rows).reshape(self.top_shapes(tuple(labels.shape))[0])

    def _row(self, found: set[float]) -> list[float]:
        row = sorted((found - set(self.options.ignore_label)) | set(self.options.force_label))
        spare = self.options.max_labels - len(row)
        self.check(spare >= 0, f"an image has {len(row)} labels, more than max_labels {self.options.max_labels}")
        return row + [float(NO_LABEL)] * spare


def check_image_labels(layer: Layer, scores: Shape, labels: Shape) -> None:
    """Image labels come as (N, L, 1, 1), L places for each sample."""
    layer.check(
        len(labels) == 4 and labels[0] == scores[0] and labels[2:] == (1, 1),
        f"image labels must have shape ({scores[0]}, L, 1, 1), not {dims(labels)}",
    )
