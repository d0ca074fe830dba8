"""Im2dist, Im2parity and DistLoss, alone and in the nets they are made for."""

import patches
import pytest
import torch
from golden_oracle import run_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.distance import im2dist, im2parity

S = patches.SENTINEL
PADDED = "convolution_param { kernel_size: 3 pad: 1 }"


FAMILY = "im2dist_*", "im2parity_*", "distloss_*", "embedding_side_loss", "segconv_*"


@pytest.mark.parametrize("path", goldens(*FAMILY))
def test_golden(path):
    run_golden(path)


# -- Im2dist -------------------------------------------------------------------------------

IMAGE = torch.tensor([[1.0, 2.0], [4.0, 8.0]]).view(1, 1, 2, 2)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", [0, 0, 0, 0, 0, 0.5, 0, 4.5, 24.5]),
        ("remove_bounds: true", [S, S, S, S, 0, 0.5, S, 4.5, 24.5]),
        ("remove_center: true", [0, 0, 0, 0, S, 0.5, 0, 4.5, 24.5]),
        ("norm: L1", [0, 0, 0, 0, 0, 1, 0, 3, 7]),
    ],
)
def test_im2dist_at_the_corner(fields, expected):
    layer = make_layer(f'type: "Im2dist" {PADDED} im2dist_param {{ {fields} }}', IMAGE.shape)
    torch.testing.assert_close(layer(IMAGE)[0, :, 0, 0], torch.tensor(expected, dtype=torch.float32))


def test_the_centre_of_an_even_kernel_is_after_the_middle():
    layer = make_layer('type: "Im2dist" convolution_param { kernel_size: 2 } im2dist_param { norm: L1 }', IMAGE.shape)
    assert layer(IMAGE).flatten().tolist() == [7, 6, 4, 0]


@settings(deadline=None, max_examples=100)
@given(patches.geometries(), st.integers(1, 2), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99))
def test_im2dist_against_its_table_of_cases(case, batch, l1, remove_center, remove_bounds, seed):
    geometry, size = case
    torch.manual_seed(seed)
    # few values, so that differences of 0 are frequent
    x = torch.randint(-2, 3, (batch, 3, *size)).double().requires_grad_()
    result = im2dist(x, geometry, l1, remove_center, remove_bounds)
    expected = patches.im2dist(x, geometry, l1, remove_center, remove_bounds)
    torch.testing.assert_close(result, expected)
    gradient = torch.randn_like(result)
    (actual,) = torch.autograd.grad(result, x, gradient)
    torch.testing.assert_close(actual, torch.autograd.grad(expected, x, gradient)[0])


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize(
    "geometry",
    [
        "kernel_size: 3 pad: 1",
        "kernel_size: 2 pad: 3",
        "kernel_size: 5 pad: 4 stride: 2",
        "kernel_size: 3 pad: 3 dilation: 3",
        "kernel_h: 3 kernel_w: 1 pad_h: 2 pad_w: 0 stride_h: 2 stride_w: 1",
        "kernel_size: 3 pad: 1 dilation: 0",
    ],
)
@pytest.mark.parametrize("removed", ["", "remove_center: true remove_bounds: true"])
def test_im2dist_gradient(norm, geometry, removed):
    shape = (2, 2, 3, 4)
    fields = f"convolution_param {{ {geometry} }} im2dist_param {{ norm: {norm} {removed} }}"
    layer = make_layer(f'type: "Im2dist" {fields}', shape)
    check_gradients(layer, numbers(*shape))


def test_l1_has_no_gradient_at_differences_of_zero_nor_outside_the_image():
    x = torch.ones(1, 1, 1, 1, requires_grad=True)
    make_layer(f'type: "Im2dist" {PADDED} im2dist_param {{ norm: L1 }}', x.shape)(x).sum().backward()
    assert x.grad.item() == 0  # the release's CPU path says -8


def test_im2dist_in_half_precision_stays_finite():
    layer = make_layer(f'type: "Im2dist" {PADDED} im2dist_param {{ remove_center: true }}', IMAGE.shape)
    distances = layer(IMAGE.half())
    assert distances.dtype == torch.half
    assert distances[0, 4].eq(torch.finfo(torch.half).max).all()


# -- Im2parity -----------------------------------------------------------------------------

LABELS = torch.tensor([[[1.0, 1.0], [2.0, 2.0]], [[0.0, 3.7], [3.2, 255.0]]])[None]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", [1, 1, 1, 1, 1, 0, 1, 0, 0]),
        ("ignore_label: 255", [1, 1, 1, 1, 1, 0, 1, 0, 255]),
        ("ignore_label: 0", [0] * 9),
    ],
)
def test_im2parity_reads_the_last_channel_cut_to_integers(fields, expected):
    layer = make_layer(f'type: "Im2parity" {PADDED} im2parity_param {{ {fields} }}', LABELS.shape)
    assert layer(LABELS)[0, :, 0, 0].tolist() == expected


@pytest.mark.parametrize(("fields", "ring"), [("ignore_label: 9", 9), ("", 0)])
def test_a_window_whose_centre_is_outside(fields, ring):
    geometry = "convolution_param { kernel_size: 1 pad: 1 }"
    layer = make_layer(f'type: "Im2parity" {geometry} im2parity_param {{ {fields} }}', (1, 1, 2, 2))
    expected = torch.full((4, 4), float(ring))
    expected[1:3, 1:3] = 1
    assert layer(LABELS[:, :1])[0, 0].equal(expected)


@settings(deadline=None, max_examples=60)
@given(patches.geometries(), st.sampled_from([None, 0, 1, 255]), st.integers(0, 99))
def test_im2parity_against_its_table_of_cases(case, ignore, seed):
    geometry, size = case
    torch.manual_seed(seed)
    labels = torch.tensor([0.0, 1.0, 1.9, 255.0])[torch.randint(0, 4, (2, 2, *size))]
    assert im2parity(labels, geometry, ignore).equal(patches.im2parity(labels, geometry, ignore))


def test_im2parity_gives_labels_no_gradient():
    layer = make_layer(f'type: "Im2parity" {PADDED}', (1, 1, 4, 4))
    assert not layer(torch.zeros(1, 1, 4, 4, requires_grad=True)).requires_grad


# -- DistLoss ------------------------------------------------------------------------------

DIST_LOSS = 'type: "DistLoss" convolution_param { kernel_size: 3 } dist_loss_param { alpha: 0.5 beta: 2 %s }'
DISTANCES = torch.tensor([3.0, 1.0, 3.0, 1.0]).view(2, 1, 1, 2)


@pytest.mark.parametrize(
    ("fields", "parity", "loss", "slopes"),
    [
        ("", [1, 0, 1, 0], 1.75, [0.625, -0.25, 0.625, -0.25]),
        ("", [1.9, 0.9, -1, -0.9], 1.75, [0.625, -0.25, 0.625, -0.25]),
        ("", [0, 1, 0, 1], 0.25, [0, 0.125, 0, 0.125]),
        ("ignore_label: 255", [1, 255, 255, 0], 0.875, [0.625, 0, 0, -0.25]),
        ("ignore_label: 0", [1, 0, 1, 0], 1.25, [0.625, 0, 0.625, 0]),
    ],
)
@pytest.mark.parametrize("weight", [1, 3])
def test_dist_loss_and_its_stated_gradient(fields, parity, loss, slopes, weight):
    """The gradient is violation / count times the top's diff, not +-1 / count."""
    distances = DISTANCES.clone().requires_grad_()
    labels = torch.tensor(parity, dtype=torch.float32).view(DISTANCES.shape).requires_grad_()
    top = make_layer(DIST_LOSS % fields, DISTANCES.shape, DISTANCES.shape)(distances, labels)
    assert top.shape == () and top.item() == loss
    (weight * top).backward()
    torch.testing.assert_close(distances.grad.flatten(), weight * torch.tensor(slopes))
    assert labels.grad is None


def test_a_violation_beyond_float_squares_keeps_its_gradient_finite():
    distances = torch.full((1, 1, 1, 1), S, requires_grad=True)
    make_layer(DIST_LOSS % "", (1, 1, 1, 1), (1, 1, 1, 1))(distances, torch.ones(1, 1, 1, 1)).backward()
    assert distances.grad.item() == pytest.approx(S, rel=1e-6)


# -- what is refused -----------------------------------------------------------------------

IMAGE_SHAPE = (1, 2, 6, 6)


@pytest.mark.parametrize("type_name", ["Im2dist", "Im2parity"])
@pytest.mark.parametrize(
    ("fields", "shape", "sentence"),
    [
        ("", IMAGE_SHAPE, "needs kernel_size"),
        ("kernel_size: 0", IMAGE_SHAPE, "kernel dimensions must be positive"),
        ("kernel_size: 3 kernel_h: 3", IMAGE_SHAPE, "not both"),
        ("kernel_h: 3", IMAGE_SHAPE, "kernel dimensions must be positive"),
        ("kernel_size: 3 stride: 0", IMAGE_SHAPE, "stride must be positive"),
        ("kernel_size: [3, 3, 3]", IMAGE_SHAPE, "once per spatial axis"),
        ("kernel_size: 7", IMAGE_SHAPE, "does not fit"),
        ("kernel_size: 3 axis: 2", IMAGE_SHAPE, "axis must be 1"),
        ("kernel_size: 3", (1, 2, 6), "(N, C, H, W)"),
        ("kernel_size: 3", (1, 2, 6, 6, 6), "(N, C, H, W)"),
    ],
)
def test_windows_refused(type_name, fields, shape, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(f'name: "l" type: "{type_name}" convolution_param {{ {fields} }}', shape)
    assert sentence in str(error.value) and str(error.value).startswith(f"layer 'l' ({type_name}): ")


PAIR = [IMAGE_SHAPE, IMAGE_SHAPE]
WINDOW = "convolution_param { kernel_size: 3 }"
MARGINS = "dist_loss_param { alpha: 1 beta: 2 }"


@pytest.mark.parametrize(
    ("fields", "shapes", "sentence"),
    [
        (WINDOW, PAIR, "alpha must be positive"),
        (f"{WINDOW} dist_loss_param {{ alpha: 1 }}", PAIR, "missing required fields: beta"),
        (f"{WINDOW} dist_loss_param {{ alpha: 0 beta: 2 }}", PAIR, "alpha must be positive, not 0"),
        (f"{WINDOW} dist_loss_param {{ alpha: 2 beta: 2 }}", PAIR, "beta 2 must be greater than alpha 2"),
        (MARGINS, PAIR, "needs kernel_size"),
        (f"{WINDOW} {MARGINS}", [IMAGE_SHAPE, (1, 2, 6, 5)], "same count"),
        (f"{WINDOW} {MARGINS}", [IMAGE_SHAPE, (2, 1, 6, 6)], "same first dimension"),
        (f"{WINDOW} {MARGINS}", [IMAGE_SHAPE], "takes 2 bottom"),
    ],
)
def test_dist_loss_refused(fields, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(f'name: "l" type: "DistLoss" {fields}', *shapes)
    assert sentence in str(error.value)
