"""The forms in few operators, on the CPU, against patches looked up one by one; whole, and in pieces."""

import patches
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segaware_caffe.ops import batched

EVERYTHING = (True, True, True)


def gradients(result, leaves):
    """A random gradient of the result, and those of the leaves that follow from it."""
    gradient = torch.randn_like(result)
    return gradient, torch.autograd.grad(result, leaves, gradient)


@settings(deadline=None, max_examples=60)
@given(
    patches.geometries(), st.integers(1, 3), st.sampled_from([(1, 1), (2, 1), (4, 2)]), st.sampled_from([1, 400, 2**29]), st.integers(0, 99)
)
def test_sums_and_convolutions(case, batch, channels_groups, workspace, seed):
    geometry, size = case
    channels, groups = channels_groups
    torch.manual_seed(seed)
    x = torch.randn(batch, channels, *size, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(batch, geometry.taps, *geometry.output(size), dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2 * groups, channels // groups, *geometry.kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2 * groups, dtype=torch.float64)
    one = torch.ones(channels, 1, *geometry.kernel, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(batched, "WORKSPACE", workspace)
        convolved = patches.masked_convolution(x, mask, weight, geometry, groups)
        same(batched.masked_convolution(x, mask, weight, bias, geometry, groups), convolved + bias[:, None, None])
        with torch.enable_grad():
            gradient, expected = gradients(patches.masked_convolution(x, mask, weight, geometry, groups), (x, mask, weight))
        same(batched.masked_convolution_gradients(x, mask, weight, gradient, geometry, groups, EVERYTHING), expected)
        with torch.enable_grad():
            summed = patches.masked_convolution(x, mask, one, geometry, channels)
            gradient, expected = gradients(summed, (x, mask))
        same(batched.masked_sum(x, mask, geometry), summed)
        same(batched.masked_sum_gradients(x, mask, gradient, geometry, EVERYTHING), expected)


@settings(deadline=None, max_examples=60)
@given(
    patches.geometries(),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 400, 2**29]),
    st.integers(0, 99),
)
def test_distances(case, batch, l1, remove_center, remove_bounds, workspace, seed):
    geometry, size = case
    torch.manual_seed(seed)
    x = torch.randint(-2, 3, (batch, 3, *size)).double().requires_grad_()  # few values, so that differences of 0 are frequent
    centre, bounds = (patches.SENTINEL if removed else 0.0 for removed in (remove_center, remove_bounds))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batched, "WORKSPACE", workspace)
        expected = patches.im2dist(x, geometry, l1, remove_center, remove_bounds)
        gradient, (of_x,) = gradients(expected, (x,))
        with torch.no_grad():
            same(batched.distances(x, geometry, l1, centre, bounds), expected)
            same(batched.distance_gradient(x, gradient, geometry, l1), of_x)


def same(actual, expected):
    torch.testing.assert_close(actual, expected)
