"""Masked sums and convolutions, and the loops over taps under them, against patches looked up one by one."""

import patches
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from segaware_caffe.ops import geometry as windows
from segaware_caffe.ops.distance import im2dist
from segaware_caffe.ops.geometry import BAND_ELEMENTS, Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_sum


@settings(deadline=None, max_examples=50)
@given(patches.geometries(), st.integers(1, 40))
def test_taps_and_pairs_read_what_the_patches_hold(case, band):
    geometry, size = case
    expected = patches.patches(torch.arange(1.0, size[0] * size[1] + 1).view(1, 1, *size), geometry)
    image = torch.arange(1.0, size[0] * size[1] + 1).view(size)
    height, width = geometry.output(size)
    read = torch.zeros(geometry.taps, height, width)
    centres = torch.zeros_like(read)
    for first in range(0, height, band):
        rows = slice(first, min(first + band, height))
        for index, at, reads in windows.taps(geometry, size, rows):
            read[index, rows][at] += image[reads]
        for index, at, _, centre in windows.pairs(geometry, size, rows):
            centres[index, rows][at] += image[centre]
    assert read.equal(expected.values[0, 0])
    c = patches.centre_tap(geometry)
    same = (expected.rows == expected.rows[c]) & (expected.columns == expected.columns[c])
    both = expected.inside & expected.inside[c] & ~same
    assert centres.equal(expected.values[0, 0, c] * both)


@settings(deadline=None, max_examples=50)
@given(patches.geometries(), st.integers(1, 2), st.sampled_from([(1, 1), (2, 1), (4, 2), (4, 4)]), st.integers(0, 99))
def test_masked_convolution_and_sum(case, batch, channels_groups, seed):
    geometry, size = case
    channels, groups = channels_groups
    torch.manual_seed(seed)
    x = torch.randn(batch, channels, *size, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(batch, geometry.taps, *geometry.output(size), dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2 * groups, channels // groups, *geometry.kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2 * groups, dtype=torch.float64, requires_grad=True)
    one = torch.ones(channels, 1, *geometry.kernel, dtype=torch.float64)

    convolved = patches.masked_convolution(x, mask, weight, geometry, groups) + bias[:, None, None]
    assert_same(masked_convolution(x, mask, weight, bias, geometry, groups), convolved, (x, mask, weight, bias))
    assert_same(masked_sum(x, mask, geometry), patches.masked_convolution(x, mask, one, geometry, channels), (x, mask))


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2)])
def test_gradients_of_some_inputs_alone(wanted):
    geometry = Geometry((3, 3), (1, 1), (1, 1), (1, 1))
    values = [torch.randn(1, 2, 5, 4), torch.rand(1, 9, 5, 4), torch.randn(3, 2, 3, 3)]
    leaves = [value.double().requires_grad_(index in wanted) for index, value in enumerate(values)]
    expected = patches.masked_convolution(*leaves, geometry)
    assert_same(masked_convolution(*leaves, None, geometry), expected, [leaves[index] for index in wanted])


def assert_same(result, expected, leaves):
    """Equal values, and equal gradients for the same random gradient of the result."""
    assert result.shape == expected.shape
    torch.testing.assert_close(result, expected)
    gradient = torch.randn_like(expected)
    actual = torch.autograd.grad(result, leaves, gradient)
    for got, want in zip(actual, torch.autograd.grad(expected, leaves, gradient), strict=True):
        torch.testing.assert_close(got, want)


class Largest(TorchDispatchMode):
    """Notes the number of elements of the largest storage that any operator makes."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **kwargs or {})
        if isinstance(result, torch.Tensor):
            self.elements = max(self.elements, result.untyped_storage().nbytes() // result.element_size())
        return result


@pytest.mark.parametrize("operator", ["im2dist", "masked_sum", "masked_convolution"])
def test_no_column_matrix_in_either_pass(operator):
    geometry = Geometry((7, 7), (1, 1), (3, 3), (1, 1))
    x = torch.randn(1, 64, 40, 40, requires_grad=True)
    mask = torch.rand(1, 49, 40, 40, requires_grad=True)
    weight = torch.randn(8, 64, 7, 7, requires_grad=True)
    column = x.numel() * geometry.taps
    with Largest() as seen:
        if operator == "im2dist":
            result = im2dist(x, geometry)
        elif operator == "masked_sum":
            result = masked_sum(x, mask, geometry)
        else:
            result = masked_convolution(x, mask, weight, None, geometry)
        result.sum().backward()
    assert 0 < seen.elements <= BAND_ELEMENTS < column / 4
