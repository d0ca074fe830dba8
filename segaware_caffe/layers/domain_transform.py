"""The domain transform: smoothing that stops at edges."""

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.valid_area import check_sizes_shape, read_sizes
from segaware_caffe.limits import STEPS
from segaware_caffe.ops.domain_transform import domain_transform


@register("DomainTransform", source="spec/layers.md 4.6")
class DomainTransform(Layer):
    """Smooths an image along rows and columns except across the edges of another.

    bottoms: image (N, C, H, W), edges (N, 1, H, W), sizes (N, 2 or more values: height and width of the
    valid area, at its top left) -> top (N, C, H, W); outside the valid area the image is copied.
    num_iter rounds of four recursive passes, of standard deviations that add up to spatial_sigma;
    an edge of strength range_sigma counts as much as a distance of spatial_sigma. The filter's
    weights are clamped to [min_weight, 1].

    The gradient to the edges passes through that clamp, as in the reference. Sizes have none.
    """

    takes_empty = False
    bottoms = 3
    no_forced_gradient = (2,)
    param_field = "domain_transform_param"

    def setup(self, *bottoms: Shape) -> None:
        options = self.options
        for field in ("num_iter", "spatial_sigma", "range_sigma"):
            self.check(getattr(options, field) > 0, f"{field} must be positive, not {getattr(options, field):g}")
        self.check_limit(STEPS, options.num_iter, "num_iter:")
        self.check(0 <= options.min_weight <= 1, f"min_weight must lie between 0 and 1, not {options.min_weight:g}")

    def reshape(self, image: Shape, edges: Shape, sizes: Shape) -> Shape:
        check_sizes_shape(self, image, sizes)
        self.check(
            edges == (image[0], 1, *image[2:]),
            f"the edges must have shape (N, 1, H, W) for an image of shape {dims(image)}, not {dims(edges)}",
        )
        return image

    def forward(self, image: torch.Tensor, edges: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        return self.smooth(image, edges, sizes, self.options.min_weight)

    def smooth(self, image: torch.Tensor, edges: torch.Tensor, sizes: torch.Tensor, min_weight: float | None) -> torch.Tensor:
        """Every image's valid area, smoothed; `min_weight` None leaves the weights unclamped."""
        options, top = self.options, image.clone()
        for index, (height, width) in enumerate(read_sizes(self, sizes)):
            self.check(
                0 <= height <= image.shape[2] and 0 <= width <= image.shape[3],
                f"the valid area {height} x {width} of image {index} must fit into an image of {image.shape[2]} x {image.shape[3]}",
            )
            area = (index, slice(None), slice(height), slice(width))
            top[area] = domain_transform(
                image[area], edges[area][0], options.num_iter, options.spatial_sigma, options.range_sigma, min_weight
            )
        return top


@register("DomainTransformForwardOnly", source="spec/layers.md 4.7")
class DomainTransformForwardOnly(DomainTransform):
    """DomainTransform without a gradient and without a clamp on its weights.

    bottoms: image (N, C, H, W), edges (N, 1, H, W), sizes (N, 2 or more values) -> top (N, C, H, W).
    min_weight has no effect; edges below 0 may give weights above 1. No gradient.
    """

    differentiable = False

    def forward(self, image: torch.Tensor, edges: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        return self.smooth(image.detach(), edges.detach(), sizes, None)
