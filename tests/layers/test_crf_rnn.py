"""MultiStageMeanfield against its definition, with the lattice filter as a matrix; finite differences; refusals."""

import numpy as np
import pytest
import torch
from layers.support import check_gradients, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.permutohedral import build_lattice, gaussian_filter

TEXT = 'type: "MultiStageMeanfield" multi_stage_meanfield_param { num_iterations: 3 theta_alpha: 4 theta_beta: 0.5 theta_gamma: 2 %s }'
SHAPE = (2, 3, 5, 6)


def filter_matrix(points):
    """What the lattice does to n points, as an (n, n) matrix whose rows sum to 1."""
    matrix = gaussian_filter(build_lattice(torch.tensor(points, dtype=torch.float64)), torch.eye(len(points), dtype=torch.float64)).numpy()
    return matrix / matrix.sum(1, keepdims=True)


def plain_mean_field(unary, initial, image, blobs, iterations=3, alpha=4.0, beta=0.5, gamma=2.0):
    """One sample, (K, H, W) and (3, H, W), in NumPy, as Zheng et al. 2015 state it."""
    classes, height, width = unary.shape
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    spatial = filter_matrix(np.stack([x / gamma, y / gamma], 1))
    bilateral = filter_matrix(np.stack([x / alpha, y / alpha, *(image.reshape(3, -1) / beta)], 1))
    u, q = unary.reshape(classes, -1), initial.reshape(classes, -1)
    for _ in range(iterations):
        p = np.exp(q - q.max(0))
        p /= p.sum(0)
        q = u - blobs[2] @ (blobs[0] @ p @ spatial.T + blobs[1] @ p @ bilateral.T)
    return q.reshape(unary.shape)


def inputs():
    return [numbers(*SHAPE, seed=seed).detach() for seed in range(3)]


def test_is_its_definition_for_learned_weights():
    layer = make_layer(TEXT % "", SHAPE, SHAPE, SHAPE).double()
    with torch.no_grad():
        for index, blob in enumerate(layer.blobs):
            blob.add_(0.3 * numbers(*blob.shape, seed=10 + index))
    bottoms, blobs = inputs(), [blob.detach().numpy()[0, 0] for blob in layer.blobs]
    expected = [plain_mean_field(*(bottom[n].numpy() for bottom in bottoms), blobs) for n in range(2)]
    torch.testing.assert_close(layer(*bottoms), torch.tensor(np.stack(expected)), rtol=1e-9, atol=1e-9)


def test_the_weights_start_as_the_fields_say():
    layer = make_layer(TEXT % "spatial_filter_weight: 3 bilateral_filter_weight: 5", SHAPE, SHAPE, SHAPE)
    for blob, value in zip(layer.blobs, (3, 5, -1), strict=True):
        assert torch.equal(blob.detach(), value * torch.eye(3).view(1, 1, 3, 3))
    ones = make_layer(TEXT % "", SHAPE, SHAPE, SHAPE)
    assert ones.blobs[0].sum().item() == ones.blobs[1].sum().item() == 3


@pytest.mark.slow
def test_gradients():
    unary, initial, image = inputs()
    layer = make_layer(TEXT % "", SHAPE, SHAPE, SHAPE)
    check_gradients(layer, unary.requires_grad_(), initial.requires_grad_(), image)


def test_the_image_gets_no_gradient_and_half_precision_is_filtered_in_single():
    layer = make_layer(TEXT % "", SHAPE, SHAPE, SHAPE)
    unary, initial, image = (bottom.half().float() for bottom in inputs())
    image.requires_grad_()
    top = layer(unary.requires_grad_(), initial, image)
    assert torch.autograd.grad(top.sum(), image, allow_unused=True)[0] is None
    half = layer.half()(unary.half(), initial.half(), image.half())
    assert half.dtype == torch.half
    torch.testing.assert_close(half.float(), top, atol=0.02, rtol=0.02)


@pytest.mark.parametrize(
    ("fields", "shapes", "sentence"),
    [
        ("num_iterations: 1", (SHAPE,) * 3, "Number of iterations must be greater than 1, not 1"),
        ("num_iterations: 2 theta_beta: 0", (SHAPE,) * 3, "theta_beta must be positive, not 0"),
        ("num_iterations: 2", (SHAPE, (2, 4, 5, 6), SHAPE), "unary and initial scores must have one shape"),
        ("num_iterations: 2", (SHAPE, SHAPE, (2, 1, 5, 6)), "the image must have shape (N, 3, H, W)"),
    ],
)
def test_refusals(fields, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(f'type: "MultiStageMeanfield" multi_stage_meanfield_param {{ {fields} }}', *shapes)
    assert sentence in str(caught.value)
