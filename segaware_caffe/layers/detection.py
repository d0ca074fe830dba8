"""Layers of detectors: ROIPooling (Fast R-CNN), PSROIPooling and BoxAnnotatorOHEM (R-FCN), PriorBox and DetectionOutput (SSD)."""

import itertools
import logging
import math
from typing import Any

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.detection import (
    decode_centres,
    decode_corners,
    decode_scaled_corners,
    hardest,
    position_sensitive_pool,
    roi_pool,
    suppress,
)
from segaware_caffe.ops.watched import is_watched

logger = logging.getLogger(__name__)


@register("ROIPooling", source="Fast R-CNN")
class ROIPooling(Layer):
    """The maximum in a grid of bins inside each region (Fast R-CNN).

    (N, C, H, W) and regions (R, 5) = (sample, x1, y1, x2, y2) -> (R, C, pooled_h, pooled_w). Corners times
    `spatial_scale`, rounded, are the region's first and last pixel. Bins that lie outside the image
    are 0. The first maximum gets the gradient, the regions get none.
    """

    bottoms = 2
    param_field = "roi_pooling_param"
    no_forced_gradient = (1,)

    def setup(self, bottom: Shape, rois: Shape) -> None:
        for field in ("pooled_h", "pooled_w"):
            self.check(getattr(self.options, field) > 0, f"{field} must be > 0")

    def reshape(self, bottom: Shape, rois: Shape) -> Shape:
        self.check(len(bottom) == 4, f"the first bottom must have 4 axes, not {len(bottom)}")
        self.check(len(rois) >= 2 and math.prod(rois[1:]) == 5, f"ROI layer C x W x H must be == 5: the regions' shape is {rois}")
        return rois[0], bottom[1], self.options.pooled_h, self.options.pooled_w

    def forward(self, bottom: torch.Tensor, rois: torch.Tensor) -> torch.Tensor:
        param = self.options
        rois = rois.detach().flatten(1)
        self.check_indices(rois[:, 0].long(), len(bottom), "a region's sample")
        return roi_pool(bottom, rois, (param.pooled_h, param.pooled_w), param.spatial_scale)


@register("PSROIPooling", source="R-FCN")
class PSROIPooling(Layer):
    """The mean in a grid of bins inside each region, each bin from a group of channels of its own (R-FCN).

    (N, output_dim * group_size^2, H, W) and regions (R, 5) = (sample, x1, y1, x2, y2) ->
    (R, output_dim, group_size, group_size). Corners are rounded, then multiplied by `spatial_scale`; a bin
    that lies outside the map is 0. The regions get no gradient.
    """

    bottoms = 2
    param_field = "psroi_pooling_param"
    no_forced_gradient = (1,)

    def setup(self, bottom: Shape, rois: Shape) -> None:
        for field in ("spatial_scale", "output_dim", "group_size"):
            self.check(getattr(self.options, field) > 0, f"{field} must be > 0, not {getattr(self.options, field):g}")

    def reshape(self, bottom: Shape, rois: Shape) -> Shape:
        param = self.options
        channels = param.output_dim * param.group_size**2
        self.check(
            len(bottom) == 4 and bottom[1] == channels,
            f"input channel number does not match layer parameters: output_dim * group_size^2 = {channels}, "
            f"the first bottom has shape {dims(bottom)}",
        )
        self.check(len(rois) >= 2 and math.prod(rois[1:]) == 5, f"the regions must have 5 values each: their shape is {dims(rois)}")
        return rois[0], param.output_dim, param.group_size, param.group_size

    def forward(self, bottom: torch.Tensor, rois: torch.Tensor) -> torch.Tensor:
        param = self.options
        rois = rois.detach().flatten(1)
        self.check_indices(rois[:, 0].long(), len(bottom), "a region's sample")
        return position_sensitive_pool(bottom, rois, param.output_dim, param.group_size, param.spatial_scale)


@register("BoxAnnotatorOHEM", source="R-FCN")
class BoxAnnotatorOHEM(Layer):
    """Labels and box weights of each image's hardest regions only (R-FCN's online hard example mining).

    Regions (R, 5, ...), the loss, label (R, 1, ...) and box weights (R, B, ...) of each -> labels and box weights
    of their shapes. Of each image the `roi_per_img` regions of largest loss keep theirs; the
    others' labels become `ignore_label` (-1), their weights 0. No gradient.
    """

    differentiable = False
    bottoms = 4
    tops = 2
    param_field = "box_annotator_ohem_param"
    no_forced_gradient = (0, 1, 2, 3)

    def setup(self, *bottoms: Shape) -> None:
        self.check(self.options.roi_per_img > 0, f"roi_per_img must be > 0, not {self.options.roi_per_img}")

    def reshape(self, rois: Shape, loss: Shape, labels: Shape, weights: Shape) -> list[Shape]:
        self.check(len(rois) >= 2 and rois[1] == 5, f"the regions must have 5 channels: their shape is {dims(rois)}")
        self.check(len(weights) >= 2, f"the box weights must have 2 or more axes: their shape is {dims(weights)}")
        count = math.prod(rois) // 5
        for what, shape in (("loss", loss), ("label", labels)):
            self.check(math.prod(shape) == count, f"one {what} for each of {count} regions is needed, not shape {dims(shape)}")
        self.check(math.prod(weights) // max(1, weights[1]) == count, f"box weights of shape {dims(weights)} do not fit {count} regions")
        return [labels, weights]

    @torch.no_grad()
    def forward(self, rois: torch.Tensor, loss: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
        kept = hardest(loss.flatten(), rois[:, 0].long().flatten(), self.options.roi_per_img)
        of_weights = kept.view(len(weights), 1, *weights.shape[2:])
        return [torch.where(kept.view(labels.shape), labels, self.options.ignore_label), torch.where(of_weights, weights, 0)]


@register("PriorBox", source="SSD")
class PriorBox(Layer):
    """The default boxes of a feature map (SSD): (N, C, H, W) and the image -> (1, 2, H * W * P * 4).

    Channel 0 holds the boxes' corners as fractions of the image, for each pixel in turn its P boxes,
    channel 1 their `variance` (0.1; one or four values). Each `min_size` makes a square of that
    size, one of the mean of it and its `max_size`, and boxes of each `aspect_ratio`, with `flip`
    turned too; the mean is the geometric one. Sizes are truncated to integers. Boxes are centred
    (pixel + offset) * step into the image, where `step` and the image's size come from the fields
    `step*` and `img_*` or the bottoms. No gradient.
    """

    differentiable = False
    bottoms = 2
    param_field = "prior_box_param"
    no_forced_gradient = (0, 1)

    def setup(self, features: Shape, image: Shape) -> None:
        param = self.options
        self.check(min(param.min_size, default=0) > 0, "must provide min_size, and min_size must be positive.")
        self.check(len(param.max_size) in (0, len(param.min_size)), "max_size must be given once per min_size, if at all")
        self.check(
            all(largest > least for least, largest in zip(param.min_size, param.max_size, strict=False)),
            "max_size must be greater than min_size.",
        )
        self.check(
            len(param.variance) in (0, 1, 4) and min(param.variance, default=1) > 0,
            f"variance must be one or four positive values, not {list(param.variance)}",
        )
        self._pair("img_size", "img_h", "img_w")
        self._pair("step", "step_h", "step_w")
        self.box_sizes = self._box_sizes()
        #: the last top, for the shapes, type and device that it was made for: it depends on nothing else
        self._made: tuple[Any, torch.Tensor] = None, torch.empty(0)

    def reshape(self, features: Shape, image: Shape) -> Shape:
        self.check(len(features) == 4 and len(image) == 4, f"the bottoms must have 4 axes, not {len(features)} and {len(image)}")
        return 1, 2, features[2] * features[3] * len(self.box_sizes) * 4

    def forward(self, features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        if is_watched():  # nothing is left behind in a trace
            return self._boxes(features.shape, image.shape).to(features)
        key = features.shape, image.shape, features.dtype, features.device
        if self._made[0] != key:
            self._made = key, self._boxes(features.shape, image.shape).to(features)
        return self._made[1].clone()

    def _boxes(self, features: Shape, image: Shape) -> torch.Tensor:
        """The top, in float64, from the bottoms' shapes."""
        param = self.options
        height, width = self._pair("img_size", "img_h", "img_w") or image[2:]
        rows, columns = features[2:]
        step_h, step_w = self._pair("step", "step_h", "step_w") or (height / rows, width / columns)
        y = (torch.arange(rows, dtype=torch.float64) + param.offset) * step_h
        x = (torch.arange(columns, dtype=torch.float64) + param.offset) * step_w
        centres = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[:, :, None]
        half = torch.tensor(self.box_sizes, dtype=torch.float64) / 2
        corners = torch.cat([centres - half, centres + half], -1) / torch.tensor([width, height] * 2)
        if param.clip:
            corners = corners.clamp(0, 1)
        variance = torch.tensor(list(param.variance) or [0.1], dtype=torch.float64).expand_as(corners)
        return torch.stack([corners.flatten(), variance.flatten()])[None]

    def _box_sizes(self) -> list[tuple[float, float]]:
        """Width and height of the P boxes, in their order."""
        param = self.options
        ratios: list[float] = []
        for ratio in param.aspect_ratio:
            if all(abs(ratio - known) >= 1e-6 for known in (1.0, *ratios)):
                ratios += [ratio, 1 / ratio] if param.flip else [ratio]
        sizes = []
        for least, largest in itertools.zip_longest(map(int, param.min_size), map(int, param.max_size)):
            sizes.append((least, least))
            if largest is not None:
                sizes.append((math.sqrt(least * largest),) * 2)
            sizes += [(least * math.sqrt(ratio), least / math.sqrt(ratio)) for ratio in ratios]
        return sizes

    def _pair(self, both: str, height: str, width: str) -> tuple[float, float] | None:
        """A height and a width that are given together or apart, or None."""
        param = self.options
        apart = param.HasField(height) or param.HasField(width)
        self.check(not (apart and param.HasField(both)), f"Either {both} or {height}/{width} should be specified; not both.")
        if not apart and not param.HasField(both):
            return None
        pair = (getattr(param, height), getattr(param, width)) if apart else (getattr(param, both),) * 2
        self.check(min(pair) > 0, f"{both}, or {height} and {width}, should be larger than 0.")
        return pair


@register("DetectionOutput", source="SSD")
class DetectionOutput(Layer):
    """The detections that predictions stand for: (1, 1, D, 7) (SSD).

    Bottoms: box offsets (N, P * 4), or with `share_location: false` (N, P * num_classes * 4), class
    scores (N, P * num_classes), and PriorBox's top (1, 2, P * 4). A row of the top is (sample, label, score,
    xmin, ymin, xmax, ymax). Per class, boxes above `confidence_threshold` go through non-maximum
    suppression (`nms_param`); of each sample's the `keep_top_k` best remain. Without any detection
    there is a row (sample, -1, -1, ...) for each sample. No gradient.

    differs: nothing is drawn or written; `save_output_param` and `visualize` only give a warning.
    """

    takes_empty = False
    differentiable = False
    unsettled = True
    bottoms = (3, 4)
    param_field = "detection_output_param"
    no_forced_gradient = (0, 1, 2, 3)

    def setup(self, *bottoms: Shape) -> None:
        param = self.options
        self.check(param.HasField("num_classes"), "Must specify num_classes")
        self.check(param.nms_param.nms_threshold >= 0, "nms_threshold must be non negative.")
        self.check(0 < param.nms_param.eta <= 1, f"eta must be in (0, 1], not {param.nms_param.eta:g}")
        self.location_classes = 1 if param.share_location else param.num_classes
        self.decode = {1: decode_corners, 2: decode_centres, 3: decode_scaled_corners}[param.code_type]
        if param.save_output_param.output_directory or param.visualize:
            logger.warning("layer '%s' (DetectionOutput): save_output_param and visualize are ignored", self.name)

    def reshape(self, locations: Shape, scores: Shape, priors: Shape, *_: Shape) -> Shape:
        count = priors[2] // 4 if len(priors) > 2 else 0
        self.check(
            locations[0] == scores[0], f"locations and scores must have the same number of samples, not {locations[0]} and {scores[0]}"
        )
        self.check(
            math.prod(locations[1:]) == count * self.location_classes * 4,
            f"Number of priors must match number of location predictions: {count} priors, locations {locations}",
        )
        self.check(
            math.prod(scores[1:]) == count * self.options.num_classes,
            f"Number of priors must match number of confidence predictions: {count} priors, scores {scores}",
        )
        return 1, 1, 1, 7

    @torch.no_grad()
    def forward(self, locations: torch.Tensor, scores: torch.Tensor, priors: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        corners, variances = priors[0].reshape(2, -1, 1, 4)
        offsets = locations.reshape(len(locations), -1, self.location_classes, 4)
        if not self.options.variance_encoded_in_target:
            offsets = offsets * variances
        boxes = self.decode(offsets, corners).transpose(1, 2)
        by_class = scores.reshape(len(scores), -1, self.options.num_classes).transpose(1, 2)
        rows = [row for sample in range(len(scores)) for row in self._sample(sample, boxes[sample], by_class[sample])]
        if not rows:
            rows = [scores.new_tensor([sample] + [-1] * 6) for sample in range(len(scores))]
        return torch.stack(rows)[None, None]

    def _sample(self, sample: int, boxes: torch.Tensor, scores: torch.Tensor) -> list[torch.Tensor]:
        """The rows of one sample: `boxes` (location classes, P, 4), `scores` (classes, P)."""
        param, nms = self.options, self.options.nms_param
        top_k = nms.top_k if nms.HasField("top_k") and nms.top_k >= 0 else None
        threshold = param.confidence_threshold if param.HasField("confidence_threshold") else -math.inf
        found = []
        for label in range(param.num_classes):
            if label == param.background_label_id:
                continue
            own = boxes[0 if param.share_location else label]
            kept = suppress(own, scores[label], nms.nms_threshold, nms.eta, top_k, threshold)
            found += [(scores[label, index], label, own[index]) for index in kept]
        if 0 <= param.keep_top_k < len(found):
            found = sorted(found, key=lambda item: -float(item[0]))[: param.keep_top_k]
            found.sort(key=lambda item: item[1])
        return [torch.cat([scores.new_tensor([sample, label]), score[None], box]) for score, label, box in found]
