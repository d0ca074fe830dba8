"""Random changes of training images for optical flow."""

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.ops import augmentation


@register("Augmentation", source="spec/layers.md 4.11")
class Augmentation(Layer):
    """Random translation and colour changes of an image pair and its flow.

    bottoms: two images (N, 3, H, W), the flow (N, 2, H, W) -> the same three and a mask (N, 1, H, W)
    that is 1 where the translation brought in a border. The first num_transformations of these
    steps are applied, each sample with its own numbers between the fields' min and max:
    translation (a fraction of the width, on both axes), rotation, scaling (both without effect, as
    in the release), Gaussian noise, colour factors (mcc), contrast, gamma, brightness (always of
    deviation 0.2). TRAIN and TEST alike; no gradient.
    """

    takes_empty = False
    differentiable = False
    bottoms = 3
    tops = 4
    param_field = "aug_param"

    def setup(self, *bottoms: Shape) -> None:
        self.check(
            self.options.num_transformations >= 0, f"num_transformations must not be negative, not {self.options.num_transformations}"
        )
        for field in ("translation", "gaussian", "mcc", "contrast", "gamma"):
            low, high = self._range(field)
            self.check(low <= high, f"min_{field} {low:g} must not exceed max_{field} {high:g}")

    def reshape(self, first: Shape, second: Shape, flow: Shape) -> list[Shape]:
        self.check(len(first) == 4 and first[1] == 3, f"the images must have shape (N, 3, H, W), not {dims(first)}")
        self.check(second == first, f"the images must have one shape, not {dims(first)} and {dims(second)}")
        samples, _, height, width = first
        self.check(flow == (samples, 2, height, width), f"the flow must have shape {dims((samples, 2, height, width))}, not {dims(flow)}")
        furthest = int(max(map(abs, self._range("translation"))) * width)
        self.check(
            self.options.num_transformations == 0 or furthest < min(height, width),
            f"a translation by up to {furthest} pixels would leave nothing of images of {height} x {width}",
        )
        return [first, second, flow, (samples, 1, height, width)]

    def forward(self, first: torch.Tensor, second: torch.Tensor, flow: torch.Tensor) -> tuple[torch.Tensor, ...]:
        pairs = torch.stack((first, second), 1).detach()
        samples = [self._augment(*sample) for sample in zip(pairs, flow.detach(), strict=True)]
        images, flow, mask = (torch.stack(parts) for parts in zip(*samples, strict=True))
        return images[:, 0], images[:, 1], flow, mask

    def _augment(self, images: torch.Tensor, flow: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        steps = self.options.num_transformations
        mask = torch.zeros_like(flow[:1])
        if steps >= 1:
            shift = int(augmentation.uniform(*self._range("translation")) * flow.shape[2])
            images, flow = augmentation.translate(images, shift), augmentation.translate_flow(flow, shift)
            mask = augmentation.translate(mask, shift, 1.0)
        if steps >= 4:
            images = augmentation.add_noise(images, *self._range("gaussian"))
        if steps >= 5:
            images = augmentation.scale_colours(images, *self._range("mcc"))
        if steps >= 6:
            images = augmentation.change_contrast(images, *self._range("contrast"))
        if steps >= 7:
            images = augmentation.change_gamma(images, *self._range("gamma"))
        if steps >= 8:
            images = augmentation.change_brightness(images)
        return images, flow, mask

    def _range(self, field: str) -> tuple[float, float]:
        return getattr(self.options, f"min_{field}"), getattr(self.options, f"max_{field}")
