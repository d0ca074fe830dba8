"""DomainTransform and DomainTransformForwardOnly."""

import math

import pytest
import torch
from golden_oracle import run_golden
from layers.support import goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError

SHAPES = (2, 3, 5, 4), (2, 1, 5, 4), (2, 2, 1, 1)
SIZES = torch.tensor([[5.0, 4.0], [3.0, 2.0]]).view(2, 2, 1, 1)
TRANSFORM = 'type: "DomainTransform" domain_transform_param { %s }'
FORWARD_ONLY = 'type: "DomainTransformForwardOnly" domain_transform_param { %s }'
FIELDS = "num_iter: 2 spatial_sigma: 4 range_sigma: 1"


@pytest.mark.parametrize("path", goldens("domaintransform*"))
def test_golden(path):
    run_golden(path)


def test_worked_numbers():
    """Section 13, number 12."""
    image, edges = (torch.tensor(values).view(1, 1, 1, 4) for values in ([0.0, 0, 1, 1], [0.0, 0, 1, 0]))
    layer = make_layer(TRANSFORM % "num_iter: 1 spatial_sigma: 2 range_sigma: 1", image.shape, edges.shape, (1, 2))
    expected = torch.tensor([0.053792, 0.109095, 0.910089, 0.940894])
    torch.testing.assert_close(layer(image, edges, torch.tensor([[1.0, 4.0]])).flatten(), expected, atol=2e-6, rtol=0)


def restated(image, edges, iterations, spatial_sigma, range_sigma, clamp):
    """One image's valid area, pixel by pixel; also each round's slope of the exponent and its weights, as leaves."""
    pixels = [[image[:, y, x] for x in range(image.shape[2])] for y in range(image.shape[1])]
    rounds = []
    for i in range(iterations):
        sigma = spatial_sigma * math.sqrt(3) * 2 ** (iterations - (i + 1)) / math.sqrt(4**iterations - 1)
        w = torch.exp(-math.sqrt(2) / sigma * (1 + edges * spatial_sigma / range_sigma))
        w = (w if clamp is None else w.clamp(clamp, 1)).detach().requires_grad_()
        rounds.append((-math.sqrt(2) / sigma * spatial_sigma / range_sigma, w))
        height, width = edges.shape
        for y in range(height):
            for x in range(1, width):
                pixels[y][x] = pixels[y][x] + w[y, x] * (pixels[y][x - 1] - pixels[y][x])
            for x in range(width - 2, -1, -1):
                pixels[y][x] = pixels[y][x] + w[y, x + 1] * (pixels[y][x + 1] - pixels[y][x])
        for x in range(width):
            for y in range(1, height):
                pixels[y][x] = pixels[y][x] + w[y, x] * (pixels[y - 1][x] - pixels[y][x])
            for y in range(height - 2, -1, -1):
                pixels[y][x] = pixels[y][x] + w[y + 1, x] * (pixels[y + 1][x] - pixels[y][x])
    return torch.stack([torch.stack(row, -1) for row in pixels], -2), rounds


@pytest.mark.parametrize(("fields", "clamp"), [(FIELDS, 0.0), (f"{FIELDS} min_weight: 0.625", 0.625)])
def test_values_and_stated_gradient(fields, clamp):
    """Edges below 0 push weights to the clamp at 1, min_weight to the one below; the gradient passes through both."""
    image, edges = numbers(*SHAPES[0]), numbers(*SHAPES[1], seed=1)
    top = make_layer(TRANSFORM % fields, *SHAPES)(image, edges, SIZES)
    gradient = torch.randn_like(top)
    image_gradient, edge_gradient = torch.autograd.grad(top, (image, edges), gradient)
    clamped = 0
    for n, (height, width) in enumerate(((5, 4), (3, 2))):
        area = (n, slice(None), slice(height), slice(width))
        expected, rounds = restated(image[area], edges[area][0], 2, 4, 1, clamp)
        torch.testing.assert_close(top[area], expected)
        wanted, *slopes = torch.autograd.grad(expected, (image, *(w for _, w in rounds)), gradient[area])
        torch.testing.assert_close(image_gradient[area], wanted[area])
        stated = sum(rate * w * slope for (rate, w), slope in zip(rounds, slopes, strict=True))
        torch.testing.assert_close(edge_gradient[area][0], stated)
        clamped += sum(int(((w == 1) | (w == clamp)).sum()) for _, w in rounds)
    assert clamped > 10
    outside = torch.ones(5, 4, dtype=torch.bool)
    outside[:3, :2] = False
    assert top[1][:, outside].equal(image[1][:, outside])
    assert image_gradient[1][:, outside].equal(gradient[1][:, outside])
    assert edge_gradient[1][:, outside].eq(0).all()


@pytest.mark.parametrize(
    ("fields", "sizes"),
    [
        (FIELDS, SIZES),
        ("num_iter: 3 spatial_sigma: 2 range_sigma: 3", torch.tensor([[1.0, 4.0], [5.0, 1.0]])),
    ],
)
def test_gradient_where_no_weight_is_clamped(fields, sizes):
    layer = make_layer(TRANSFORM % fields, *SHAPES)
    image, edges = numbers(*SHAPES[0]), numbers(*SHAPES[1], seed=1).detach().abs().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, g: layer(x, g, sizes), (image, edges))


def test_forward_only_neither_clamps_nor_learns():
    image, edges = numbers(*SHAPES[0]), numbers(*SHAPES[1], seed=1)
    top = make_layer(FORWARD_ONLY % f"{FIELDS} min_weight: 0.625", *SHAPES)(image, edges, SIZES)
    assert not top.requires_grad
    expected, rounds = restated(image[0], edges[0, 0], 2, 4, 1, None)
    torch.testing.assert_close(top[0], expected)
    assert any(bool((w > 1).any()) for _, w in rounds)


@pytest.mark.parametrize("text", [TRANSFORM, FORWARD_ONLY])
@pytest.mark.parametrize(
    ("fields", "shapes", "sentence"),
    [
        ("num_iter: 0", SHAPES, "num_iter must be positive, not 0"),
        ("spatial_sigma: 0", SHAPES, "spatial_sigma must be positive"),
        ("range_sigma: -1", SHAPES, "range_sigma must be positive, not -1"),
        ("min_weight: -0.5", SHAPES, "min_weight must lie between 0 and 1"),
        ("", [SHAPES[0], SHAPES[0], SHAPES[2]], "edges must have shape (N, 1, H, W)"),
        ("", [*SHAPES[:2], (2, 1)], "height and width for each of 2 images"),
        ("", [*SHAPES[:2], (1, 2)], "height and width for each of 2 images"),
        ("", [(2, 3, 5), (2, 1, 5), (2, 2)], "(N, C, H, W)"),
        ("", SHAPES[:2], "takes 3 bottom"),
    ],
)
def test_refused(text, fields, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text % fields, *shapes)
    assert sentence in str(error.value)


@pytest.mark.parametrize("text", [TRANSFORM, FORWARD_ONLY])
@pytest.mark.parametrize("size", [(6, 4), (5, 5), (-1, 4)])
def test_a_valid_area_that_does_not_fit_is_refused(text, size):
    layer = make_layer(text % "", *SHAPES)
    with pytest.raises(CaffeError, match="of image 1 must fit into an image of 5 x 4"):
        layer(torch.zeros(SHAPES[0]), torch.zeros(SHAPES[1]), torch.tensor([[5.0, 4.0], size]))
