"""DenseCRF: the fully connected CRF as a layer."""

import logging

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.valid_area import check_finite, check_sizes_shape, read_sizes
from segaware_caffe.limits import STEPS
from segaware_caffe.ops.densecrf import Kernel, dense_crf

logger = logging.getLogger(__name__)

#: the reference's FLT_MIN, below which probabilities are raised before their logarithm is taken
SMALLEST_FLOAT = 1.17549435e-38


@register("DenseCRF", source="spec/layers.md 4.8")
class DenseCRF(Layer):
    """The fully connected CRF of pixels that are near, and near and of like colour.

    bottoms: scores (N, K, H, W), sizes (N, 2 or more values: height and width of the valid area, at the top
    left), image (N, 3, H, W) -> top (N, K, H, W): class probabilities after max_iter mean-field
    iterations, or their logarithms where output_probability is false; 0 outside the valid area.

    Kernels, any number of each: pos_w, pos_xy_std (pixels) and bi_w, bi_xy_std (pixels), bi_rgb_std (grey
    levels, of the image as it is fed). No gradient.

    As in the release, the first image serves all samples of a batch: batches of one are what it is for.

    differs: without the image as third bottom it is refused, where the release crashes; so is a valid
    area that is larger than the blob in one direction only.
    """

    takes_empty = False
    differentiable = False
    bottoms = 3
    param_field = "dense_crf_param"

    def setup(self, *bottoms: Shape) -> None:
        options = self.options
        self._check_lists("pos_w", "pos_xy_std")
        self._check_lists("bi_w", "bi_xy_std", "bi_rgb_std")
        self.check(len(options.bi_w) > 0, "with an image, bi_w, bi_xy_std and bi_rgb_std must be given at least once")
        self.check_limit(STEPS, options.max_iter, "max_iter:")
        self.check(options.max_iter >= 0, f"max_iter must not be negative, but is {options.max_iter}")
        positional = zip(options.pos_w, options.pos_xy_std, strict=True)
        bilateral = zip(options.bi_w, options.bi_xy_std, options.bi_rgb_std, strict=True)
        self.kernels = [Kernel(weight, xy, xy) for weight, xy in positional]
        self.kernels += [Kernel(weight, xy, xy, (rgb,) * 3) for weight, xy, rgb in bilateral]

    def _check_lists(self, weight: str, *stds: str) -> None:
        for std in stds:
            values = getattr(self.options, std)
            self.check(len(values) == len(getattr(self.options, weight)), f"{weight} and {std} must be given equally often")
            self.check(all(value > 0 for value in values), f"{std} must be positive, not {list(values)}")

    def reshape(self, scores: Shape, sizes: Shape, image: Shape) -> Shape:
        check_sizes_shape(self, scores, sizes)
        self.check(
            image == (scores[0], 3, *scores[2:]),
            f"the image must have shape (N, 3, H, W) for scores of shape {dims(scores)}, not {dims(image)}",
        )
        if scores[0] > 1:
            logger.warning(
                "layer '%s' (DenseCRF): as in the release, the first image serves all %d samples of a batch", self.name, scores[0]
            )
        return scores

    def forward(self, scores: torch.Tensor, sizes: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        scores, image = scores.detach(), image[0].detach()
        check_finite(self, image)
        top = torch.zeros_like(scores)
        for index, size in enumerate(read_sizes(self, sizes)):
            height, width = self._valid_area(index, size, tuple(scores.shape[2:]))
            area = (..., slice(height), slice(width))
            result = dense_crf(scores[index][area], image[area], self.kernels, self.options.max_iter)
            top[index][area] = result if self.options.output_probability else result.clamp(min=SMALLEST_FLOAT).log()
        return top

    def _valid_area(self, index: int, size: tuple[int, int], limit: tuple[int, ...]) -> tuple[int, int]:
        """The stated size; all of the blob where both sides of it are as large or larger."""
        if all(stated >= side for stated, side in zip(size, limit, strict=True)):
            return limit[0], limit[1]
        self.check(
            all(0 < stated <= side for stated, side in zip(size, limit, strict=True)),
            f"the valid area {size[0]} x {size[1]} of image {index} must fit into {limit[0]} x {limit[1]}",
        )
        return size
