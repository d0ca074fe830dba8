"""Interp: the reference's numbers, its rules for sizes, and its definition."""

import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError


def interp(fields, *shape):
    return make_layer(f'type: "Interp" interp_param {{ {fields} }}', shape)


@pytest.mark.parametrize("file", goldens("interp_*"))
def test_golden(file):
    run_golden(file)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("height: 7 width: 9", (7, 9)),
        ("height: 7 width: 9 zoom_factor: 2", (9, 9)),
        ("height: 7 width: 9 shrink_factor: 2", (3, 3)),
        ("height: 7 width: 9 zoom_factor: 2 shrink_factor: 2", (7, 9)),
        ("zoom_factor: 3 shrink_factor: 2", (7, 7)),
        ("height: 7 zoom_factor: 2", (9, 9)),
        ("shrink_factor: 3", (2, 2)),
        ("zoom_factor: 2 pad_beg: -1 pad_end: -2", (3, 3)),
    ],
)
def test_sizes_of_a_5x5_bottom(fields, expected):
    """spec/layers.md 4.1 and 13.7: a single factor wins over height and width, whatever their values."""
    assert interp(fields, 1, 1, 5, 5).top_shapes((1, 1, 5, 5))[0][2:] == expected


def test_worked_numbers():
    row = torch.tensor([0.0, 10.0, 40.0]).view(1, 1, 1, 3)
    torch.testing.assert_close(interp("height: 1 width: 4", 1, 1, 1, 3)(row).flatten(), torch.tensor([0, 20 / 3, 20, 40]))
    ramp = torch.arange(16.0).view(1, 1, 4, 4)
    assert interp("shrink_factor: 2", 1, 1, 4, 4)(ramp).flatten().tolist() == [0, 3, 12, 15]


def test_a_size_of_one_takes_the_first_pixel():
    assert interp("height: 1 width: 1", 1, 1, 3, 3)(torch.arange(9.0).view(1, 1, 3, 3)).item() == 0


def test_labels_are_subsampled_exactly_where_the_factor_divides():
    labels = torch.randint(0, 255, (1, 1, 321, 321)).float()
    assert torch.equal(interp("shrink_factor: 8", 1, 1, 321, 321)(labels), labels[:, :, ::8, ::8])


def test_it_is_its_definition():
    """The four neighbours, weighted, at coordinates in float32."""
    x = numbers(1, 1, 6, 11).detach().float()
    top = interp("height: 10 width: 7", 1, 1, 6, 11)(x)[0, 0]
    ratio = [torch.tensor((6 - 1) / (10 - 1)), torch.tensor((11 - 1) / (7 - 1))]
    for i in range(10):
        for j in range(7):
            y, z = ratio[0] * i, ratio[1] * j
            y0, z0 = int(y), int(z)
            y1, z1 = min(y0 + 1, 5), min(z0 + 1, 10)
            dy, dz = y - y0, z - z0
            upper = (1 - dz) * x[0, 0, y0, z0] + dz * x[0, 0, y0, z1]
            lower = (1 - dz) * x[0, 0, y1, z0] + dz * x[0, 0, y1, z1]
            torch.testing.assert_close(top[i, j], (1 - dy) * upper + dy * lower, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "shape"),
    [("height: 7 width: 3", (2, 2, 4, 5)), ("zoom_factor: 2 pad_beg: -1", (2, 1, 4, 5)), ("shrink_factor: 2", (2, 2, 6, 3))],
)
def test_gradients(fields, shape):
    check_gradients(interp(fields, *shape), numbers(*shape))


@pytest.mark.parametrize(
    ("fields", "shape", "sentence"),
    [
        ("", (1, 1, 5, 5), "needs zoom_factor, shrink_factor, or both height and width"),
        ("height: 7", (1, 1, 5, 5), "needs zoom_factor, shrink_factor, or both height and width"),
        ("height: 7 width: 0", (1, 1, 5, 5), "height and width must be positive, not [7, 0]"),
        ("zoom_factor: 0", (1, 1, 5, 5), "zoom_factor must be positive, not 0"),
        ("shrink_factor: -1", (1, 1, 5, 5), "shrink_factor must be positive, not -1"),
        ("zoom_factor: 2 pad_beg: 1", (1, 1, 5, 5), "Only supports non-pos padding (cropping): pad_beg is 1"),
        ("zoom_factor: 2 pad_end: -5", (1, 1, 5, 5), "pad_beg and pad_end leave nothing"),
        ("zoom_factor: 2", (1, 5, 5), "the bottom must have 4 axes, not 3"),
    ],
)
def test_bad_parameters(fields, shape, sentence):
    with pytest.raises(CaffeError) as error:
        interp(fields, *shape)
    assert sentence in str(error.value)
