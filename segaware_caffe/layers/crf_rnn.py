"""MultiStageMeanfield: the fully connected CRF of CRF-RNN, which learns."""

import torch

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.meanfield import diagonal
from segaware_caffe.layers.registry import register
from segaware_caffe.layers.valid_area import check_finite
from segaware_caffe.limits import STEPS
from segaware_caffe.ops.crf_rnn import averaging, mean_field_network
from segaware_caffe.ops.densecrf import Kernel

#: what theta_alpha, theta_beta and theta_gamma are where they are not given
THETA = 10.0


@register("MultiStageMeanfield", source="CRF-RNN")
class MultiStageMeanfield(Layer):
    """Mean-field iterations of a fully connected CRF whose weights are learned (CRF-RNN).

    bottoms: unary scores (N, K, H, W), initial scores of that shape, image (N, 3, H, W) -> top (N, K, H, W),
    scores, not probabilities. An iteration averages softmax(q) over pixels that are near (standard deviation
    theta_gamma pixels), and near and of like colour (theta_alpha pixels, theta_beta grey levels), and sets
    q = unary - compatibility @ (spatial weights @ spatial average + bilateral weights @ bilateral average).
    The image gets no gradient.

    Learned blobs (1, 1, K, K): spatial weights (spatial_filter_weight times the identity), bilateral weights
    (bilateral_filter_weight times the identity), compatibility (minus the identity).

    differs: the weights' first values are the fields', where the fork reads files spatial.par and
    bilateral.par; gradients of learned blobs add up over iter_size; shapes may change.
    """

    takes_empty = False
    bottoms = 3
    param_field = "multi_stage_meanfield_param"
    no_forced_gradient = (2,)

    def setup(self, unary: Shape, *_: Shape) -> None:
        param = self.options
        self.check_limit(STEPS, param.num_iterations, "num_iterations:")
        self.check(param.num_iterations > 1, f"Number of iterations must be greater than 1, not {param.num_iterations}")
        alpha, beta, gamma = (self._theta(f"theta_{name}") for name in ("alpha", "beta", "gamma"))
        self.spatial = Kernel(1, gamma, gamma)
        self.bilateral = Kernel(1, alpha, alpha, (beta,) * 3)
        self.check(len(unary) == 4, f"the unary scores must have 4 axes, not shape {dims(unary)}", ShapeError)
        shape = (1, 1, unary[1], unary[1])
        for field in ("spatial_filter_weight", "bilateral_filter_weight"):
            self.add_blob(shape, diagonal(getattr(param, field) if param.HasField(field) else 1))
        self.add_blob(shape, diagonal(-1))

    def _theta(self, field: str) -> float:
        value = getattr(self.options, field) if self.options.HasField(field) else THETA
        self.check(value > 0, f"{field} must be positive, not {value:g}")
        return value

    def reshape(self, unary: Shape, initial: Shape, image: Shape) -> Shape:
        self.check(unary == initial, f"unary and initial scores must have one shape, not {dims(unary)} and {dims(initial)}")
        classes = self.specs[0].shape[-1]
        self.check(len(unary) == 4 and unary[1] == classes, f"the scores must have {classes} channels, not shape {dims(unary)}")
        self.check(
            image == (unary[0], 3, *unary[2:]), f"the image must have shape (N, 3, H, W) for scores {dims(unary)}, not {dims(image)}"
        )
        return unary

    def forward(self, unary: torch.Tensor, initial: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        precise = torch.promote_types(unary.dtype, torch.float32)
        spatial, bilateral, compatibility = (self.blob(index).flatten(0, 2).to(precise) for index in range(3))
        image = image.detach().to(precise)
        check_finite(self, image)
        near = averaging(self.spatial, image[0])
        tops = []
        for energies, scores, pixels in zip(unary.to(precise), initial.to(precise), image, strict=True):
            filters = [(near, spatial), (averaging(self.bilateral, pixels), bilateral)]
            tops.append(mean_field_network(energies, scores, filters, compatibility, self.options.num_iterations))
        return torch.stack(tops).to(unary.dtype)
