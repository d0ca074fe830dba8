"""NormConvMeanfield and NospConvMeanfield."""

import patches
import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.geometry import Geometry

MEANFIELD = 'type: "NormConvMeanfield" norm_conv_meanfield_param { num_iterations: 2 %s }'
NOSP = 'type: "NospConvMeanfield" norm_conv_meanfield_param { num_iterations: 2 %s }'


@pytest.mark.parametrize("path", goldens("meanfield_*"))
def test_golden(path):
    run_golden(path)


def test_worked_numbers():
    """Section 13, number 5."""
    unary = torch.tensor([[1.0, 0.0], [0.0, 2.0]]).view(1, 2, 1, 2)
    place = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    fields = "kernel_size: [3, 3] pad: [1, 1] dilation: [1, 1] scale: [1, 2]"
    layer = make_layer(MEANFIELD % fields, unary.shape, unary.shape, place.shape, place.shape)
    expected = torch.tensor([[1.508616, 0.744214], [1.491384, 3.255786]])
    torch.testing.assert_close(layer(unary, unary, place, place)[0, :, 0], expected, atol=2e-6, rtol=0)


def average(probabilities, embedding, geometry, scale, remove_center, remove_bounds):
    """NormConv with weights of 1 and a group for each class."""
    distances = patches.im2dist(embedding, geometry, False, remove_center, remove_bounds)
    classes = probabilities.shape[1]
    weight = torch.ones(classes, 1, *geometry.kernel, dtype=probabilities.dtype)
    return patches.masked_convolution(probabilities, torch.softmax(-scale * distances, 1), weight, geometry, classes)


def mix(weight, classes):
    return torch.einsum("kj,njhw->nkhw", weight[0, 0], classes)


def test_against_iterations_spelt_out():
    """Bilateral fields come first, the spatial learned blob comes first; batch 2."""
    shapes = (2, 3, 5, 6), (2, 3, 5, 6), (2, 4, 5, 6), (2, 2, 5, 6)
    fields = "kernel_size: [3, 5] pad: [2, 2] dilation: [2, 1] scale: [0.5, 1.5] remove_center: [true, false] remove_bounds: [false, true]"
    layer = make_layer(MEANFIELD % fields, *shapes).double()
    unary, initial, bilateral, spatial = (numbers(*shape, seed=seed) for seed, shape in enumerate(shapes))
    with torch.no_grad():
        for index, blob in enumerate(layer.blobs):
            blob.copy_(numbers(*blob.shape, seed=10 + index))
    spatial_weight, bilateral_weight, compatibility = layer.blobs
    scores = initial
    for _ in range(2):
        p = torch.softmax(scores, 1)
        far = average(p, bilateral, Geometry((3, 3), (1, 1), (2, 2), (2, 2)), 0.5, True, False)
        near = average(p, spatial, Geometry((5, 5), (1, 1), (2, 2), (1, 1)), 1.5, False, True)
        scores = unary - mix(compatibility, mix(spatial_weight, near) + mix(bilateral_weight, far))
    result = layer(unary, initial, bilateral, spatial)
    torch.testing.assert_close(result, scores)
    leaves = [unary, initial, bilateral, spatial, *layer.parameters()]
    gradient = torch.randn_like(result)
    actual = torch.autograd.grad(result, leaves, gradient)
    for got, want in zip(actual, torch.autograd.grad(scores, leaves, gradient), strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "bottoms"),
    [
        (MEANFIELD % "kernel_size: [3, 2] pad: [2, 1] dilation: [2, 2] scale: [1, 2]", 4),
        (MEANFIELD % "kernel_size: [1, 3] pad: [0, 1] dilation: [1, 1] scale: [1, 2] remove_bounds: [false, false]", 4),
        (NOSP % "kernel_size: 3 pad: 3 dilation: 3 scale: 0.5", 3),
        (NOSP % "kernel_size: 5", 3),
    ],
)
def test_gradient(text, bottoms):
    shapes = [(2, 2, 3, 4), (2, 2, 3, 4), (2, 3, 3, 4), (2, 1, 3, 4)][:bottoms]
    check_gradients(make_layer(text, *shapes), *(numbers(*shape, seed=seed) for seed, shape in enumerate(shapes)))


def test_learned_blobs_start_as_identities_and_accumulate():
    shapes = [(1, 3, 4, 4), (1, 3, 4, 4), (1, 2, 4, 4), (1, 2, 4, 4)]
    layer = make_layer(MEANFIELD % "kernel_size: [3, 3] pad: [1, 1] dilation: [1, 1]", *shapes)
    eye = torch.eye(3).view(1, 1, 3, 3)
    for blob, expected in zip(layer.blobs, (eye, eye, -eye), strict=True):
        assert blob.equal(expected)
    bottoms = [torch.randn(shape) for shape in shapes]
    layer(*bottoms).square().sum().backward()
    once = [blob.grad.clone() for blob in layer.blobs]
    layer(*bottoms).square().sum().backward()
    for blob, gradient in zip(layer.blobs, once, strict=True):
        torch.testing.assert_close(blob.grad, 2 * gradient)


def test_without_dilation_every_tap_is_the_pixel_itself():
    """Dilation is 0 by default: both averages are softmax(q)."""
    unary = torch.randn(2, 3, 4, 5)
    embedding = torch.randn(2, 2, 4, 5)
    shapes = unary.shape, unary.shape, embedding.shape, embedding.shape
    layer = make_layer(MEANFIELD % "kernel_size: [3, 5] scale: [1, 1]", *shapes)
    q = unary
    for _ in range(2):
        q = unary + 2 * torch.softmax(q, 1)
    torch.testing.assert_close(layer(unary, unary, embedding, embedding), q)


def test_without_scale_the_averages_are_box_means():
    """Scale is 0 by default: removed taps weigh as much as others, and those outside read 0."""
    unary = torch.randn(1, 3, 6, 5)
    embedding = torch.randn(1, 2, 6, 5)
    layer = make_layer(NOSP % "kernel_size: 3 pad: 1 dilation: 1", unary.shape, unary.shape, embedding.shape)
    q = unary
    for _ in range(2):
        q = unary + torch.nn.functional.avg_pool2d(torch.softmax(q, 1), 3, 1, 1)
    torch.testing.assert_close(layer(unary, unary, embedding), q)


def test_nosp_applies_the_bilateral_weights_and_then_the_compatibility():
    """The release's GPU rule; its CPU path has the compatibility twice."""
    shapes = (2, 3, 4, 4), (2, 3, 4, 4), (2, 2, 4, 4)
    layer = make_layer(NOSP % "kernel_size: 3 pad: 1 dilation: 1 scale: 1", *shapes).double()
    unary, initial, embedding = (numbers(*shape, seed=seed) for seed, shape in enumerate(shapes))
    weight, compatibility = layer.blobs
    assert weight.equal(-compatibility)
    scores = initial
    for _ in range(2):
        geometry = Geometry((3, 3), (1, 1), (1, 1), (1, 1))
        message = average(torch.softmax(scores, 1), embedding, geometry, 1.0, True, True)
        scores = unary - mix(compatibility, mix(weight, message))
    torch.testing.assert_close(layer(unary, initial, embedding), scores)


def test_shapes_may_change():
    shapes = [(1, 3, 4, 4), (1, 3, 4, 4), (1, 2, 4, 4)]
    layer = make_layer(NOSP % "kernel_size: 3 pad: 1 dilation: 1 scale: 1", *shapes)
    assert layer.top_shapes((2, 3, 7, 5), (2, 3, 7, 5), (2, 2, 7, 5)) == [(2, 3, 7, 5)]
    assert layer(torch.randn(2, 3, 7, 5), torch.randn(2, 3, 7, 5), torch.randn(2, 2, 7, 5)).shape == (2, 3, 7, 5)


SCORES, EMBEDDING = (1, 3, 4, 4), (1, 2, 4, 4)
FOUR = [SCORES, SCORES, EMBEDDING, EMBEDDING]
GOOD = "kernel_size: [3, 3] pad: [1, 1] dilation: [1, 1]"


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        (MEANFIELD % "", FOUR, "kernel_size must be given 2 time(s), not 0"),
        (MEANFIELD % "kernel_size: 3", FOUR, "kernel_size must be given 2 time(s), not 1"),
        (MEANFIELD % "kernel_size: [3, 0]", FOUR, "kernel_size must be positive"),
        (MEANFIELD % "kernel_size: [3, 3] pad: 1", FOUR, "pad must be given 2 time(s) or not"),
        (MEANFIELD % "kernel_size: [3, 3] pad: [1, 1]", FOUR, "it must keep the size"),
        (MEANFIELD % f"{GOOD} stride: [2, 1]", FOUR, "it must keep the size"),
        (MEANFIELD % f"{GOOD} stride: [0, 1]", FOUR, "stride must be positive"),
        (MEANFIELD.replace("2", "1", 1) % GOOD, FOUR, "num_iterations must be greater than 1"),
        (MEANFIELD % GOOD, [SCORES, (1, 2, 4, 4), EMBEDDING, EMBEDDING], "must have one shape (N, K, H, W)"),
        (MEANFIELD % GOOD, [SCORES, SCORES, (2, 2, 4, 4), EMBEDDING], "every embedding must have the scores' N, H and W"),
        (MEANFIELD % GOOD, [SCORES, SCORES, EMBEDDING, (1, 2, 4, 5)], "every embedding must have the scores' N, H and W"),
        (MEANFIELD % GOOD, [SCORES[1:]] * 4, "must have one shape (N, K, H, W)"),
        (MEANFIELD % GOOD, FOUR[:3], "takes 4 bottom"),
        (NOSP % "", FOUR[:3], "kernel_size must be given 1 time(s), not 0"),
        (NOSP % "kernel_size: 3 scale: [1, 1]", FOUR[:3], "scale must be given 1 time(s) or not"),
    ],
)
def test_refused(text, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text, *shapes)
    assert sentence in str(error.value)
