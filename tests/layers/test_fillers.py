"""Initial values: ranges, moments, the worked rows of the bilinear filler, refusals (spec/layers.md 2.2)."""

import math

import pytest
import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers.fillers import filler
from segaware_caffe.schema import parse_text


def refuse(sentence):
    raise CaffeError(sentence)


def filled(fields, *shape):
    """A blob of `shape` as the filler with these fields fills it."""
    torch.manual_seed(0)
    blob = torch.full(shape, math.nan)
    filler(parse_text(fields, "FillerParameter"), shape, refuse)(blob)
    return blob


def test_a_missing_filler_is_zero():
    blob = torch.ones(3)
    filler(None, (3,), refuse)(blob)
    assert blob.tolist() == [0, 0, 0]


def test_constant():
    assert filled("", 2).tolist() == [0, 0]
    assert filled('type: "constant" value: 0.5', 2, 1).tolist() == [[0.5], [0.5]]


def test_uniform():
    blob = filled('type: "uniform" min: -1 max: 3', 10000)
    assert blob.min() >= -1 and blob.max() <= 3
    assert blob.mean().item() == pytest.approx(1, abs=0.05)
    assert filled('type: "uniform" min: 2 max: 2', 5).tolist() == [2] * 5


def test_gaussian():
    blob = filled('type: "gaussian" mean: 2 std: 0.5', 10000)
    assert blob.mean().item() == pytest.approx(2, abs=0.03)
    assert blob.std().item() == pytest.approx(0.5, abs=0.03)


def test_sparse_gaussian_keeps_a_share_of_the_elements():
    """sparse / shape[0] of them."""
    blob = filled('type: "gaussian" sparse: 5', 20, 500)
    assert (blob != 0).double().mean().item() == pytest.approx(5 / 20, abs=0.02)


def test_positive_unitball():
    blob = filled('type: "positive_unitball"', 3, 4, 5)
    assert (blob >= 0).all()
    torch.testing.assert_close(blob.sum((1, 2)), torch.ones(3))


@pytest.mark.parametrize(("norm", "n"), [("FAN_IN", 50), ("FAN_OUT", 200), ("AVERAGE", 125)])
def test_xavier_and_msra_scale_with_the_fan(norm, n):
    """A blob (20, 5, 2, 5): fan-in 50, fan-out 200."""
    xavier = filled(f'type: "xavier" variance_norm: {norm}', 20, 5, 2, 5)
    limit = math.sqrt(3 / n)
    assert 0.98 * limit < xavier.abs().max() <= limit
    msra = filled(f'type: "msra" variance_norm: {norm}', 20, 5, 2, 5)
    assert msra.std().item() == pytest.approx(math.sqrt(2 / n), rel=0.08)


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (1, [1]),
        (2, [0.5, 0.5]),
        (3, [0.5, 1, 0.5]),
        (4, [0.25, 0.75, 0.75, 0.25]),
        (6, [1 / 6, 0.5, 5 / 6, 5 / 6, 0.5, 1 / 6]),
    ],
)
def test_bilinear_is_upstreams(width, row):
    """Every plane is the outer product of one line with itself."""
    blob = filled('type: "bilinear"', 2, 3, width, width)
    line = torch.tensor(row, dtype=torch.float32)
    torch.testing.assert_close(blob, torch.outer(line, line).expand(2, 3, width, width))


def test_xy():
    assert filled('type: "xy"', 2, 2, 2, 3)[1].tolist() == [[[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]]]


@pytest.mark.parametrize(
    ("fields", "shape", "sentence"),
    [
        ('type: "orthogonal"', (2,), "Unknown filler name: orthogonal (known: bilinear, constant,"),
        ('type: "uniform" min: 1 max: 0', (2,), "min 1 must not exceed max 0"),
        ('type: "gaussian" std: 0', (2,), "std must be positive, not 0"),
        ('type: "gaussian" sparse: 3', (2, 5), "sparse 3 must not exceed the blob's first dimension"),
        ('type: "xavier" sparse: 1', (2,), "Sparsity not supported by the filler xavier"),
        ('type: "bilinear"', (1, 1, 2, 3), "the blob must have 4 axes and a square kernel, not shape (1, 1, 2, 3)"),
        ('type: "xy"', (1, 3, 2, 2), "the blob must have shape (N, 2, H, W), not (1, 3, 2, 2)"),
        ('type: "positive_unitball"', (), "the blob needs at least one axis"),
    ],
)
def test_refusals(fields, shape, sentence):
    with pytest.raises(CaffeError) as error:
        filled(fields, *shape)
    assert sentence in str(error.value)
