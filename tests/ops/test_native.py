"""The compiled kernels against patches looked up one by one, with every instruction set of this processor."""

import patches
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segaware_caffe.ops import native
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import why_not_native
from segaware_caffe.ops.pooling import Windows, max_pool

pytestmark = pytest.mark.skipif(native.library() is None, reason="the kernels were not built: no C++ compiler")

SETS = [number for number in range(native.library().sets()) if native.library().set_runs(number)] if native.library() else []


def stride_1(case):
    geometry, size = case
    return Geometry(geometry.kernel, (1, 1), geometry.pad, geometry.dilation), size


def cases():
    """Geometries of stride 1 and sizes, small ones and ones that span several panels and blocks."""
    kernels = [((3, 3), (1, 1), (1, 1)), ((3, 3), (12, 12), (12, 12)), ((2, 5), (3, 0), (1, 2))]
    wide = st.tuples(
        st.sampled_from([Geometry(kernel, (1, 1), pad, dilation) for kernel, pad, dilation in kernels]),
        st.sampled_from([(5, 70), (31, 33), (1, 300), (20, 48)]),
    )
    return st.one_of(patches.geometries().map(stride_1), wide).filter(lambda case: min(case[0].output(case[1])) > 0)


@pytest.mark.parametrize("number", SETS, ids=lambda number: native.library().set_name(number).decode())
class TestEveryInstructionSet:
    @settings(deadline=None, max_examples=30)
    @given(cases(), st.integers(1, 2), st.sampled_from([1, 3, 50]), st.sampled_from([1, 8, 21]), st.booleans(), st.integers(0, 99))
    def test_masked_convolution(self, number, case, batch, channels, outputs, relu, seed):
        geometry, size = case
        torch.manual_seed(seed)
        x, mask = torch.randn(batch, channels, *size), torch.rand(batch, geometry.taps, *geometry.output(size))
        weight, bias = torch.randn(outputs, channels, *geometry.kernel), torch.randn(outputs)
        result = native.masked_convolution(x, mask, weight, bias, geometry, relu, number)
        expected = patches.masked_convolution(x.double(), mask.double(), weight.double(), geometry) + bias.double()[:, None, None]
        torch.testing.assert_close(result, (expected.clamp(min=0) if relu else expected).float(), rtol=1e-5, atol=1e-4)

    @settings(deadline=None, max_examples=30)
    @given(cases(), st.integers(1, 2), st.sampled_from([1, 6, 7, 21]), st.integers(0, 99))
    def test_masked_sum(self, number, case, batch, channels, seed):
        geometry, size = case
        torch.manual_seed(seed)
        x, mask = torch.randn(batch, channels, *size), torch.rand(batch, geometry.taps, *geometry.output(size))
        one = torch.ones(channels, 1, *geometry.kernel, dtype=torch.float64)
        expected = patches.masked_convolution(x.double(), mask.double(), one, geometry, channels)
        torch.testing.assert_close(native.masked_sum(x, mask, geometry, number), expected.float(), rtol=1e-5, atol=1e-5)

    @settings(deadline=None, max_examples=30)
    @given(cases(), st.integers(1, 2), st.sampled_from([1, 5, 64]), st.booleans(), st.integers(0, 99))
    def test_distances(self, number, case, batch, channels, l1, seed):
        geometry, size = case
        torch.manual_seed(seed)
        x = torch.randn(batch, channels, *size)
        result = torch.zeros(batch, geometry.taps, *geometry.output(size))
        native.write_distances(x, result, geometry, l1, number)
        expected = patches.im2dist(x.double(), geometry, l1, False, False)
        torch.testing.assert_close(result, expected.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("number", SETS, ids=lambda number: native.library().set_name(number).decode())
@settings(deadline=None, max_examples=25)
@given(cases(), st.integers(1, 2), st.sampled_from([1, 5]), st.booleans(), st.integers(0, 99))
def test_distance_gradients(number, case, batch, channels, l1, seed):
    geometry, size = case
    torch.manual_seed(seed)
    x, gradient = torch.randn(batch, channels, *size).round(decimals=1), torch.randn(batch, geometry.taps, *geometry.output(size))
    leaf = x.double().requires_grad_()
    expected = torch.autograd.grad(patches.im2dist(leaf, geometry, l1, False, False), leaf, gradient.double())[0]
    torch.testing.assert_close(native.distance_gradients(x, gradient, geometry, l1, number), expected.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_nothing(threads):
    torch.manual_seed(0)
    geometry = Geometry((3, 3), (1, 1), (1, 1), (1, 1))
    x, mask, weight = torch.randn(1, 20, 33, 41), torch.rand(1, 9, 33, 41), torch.randn(10, 20, 3, 3)
    before = torch.get_num_threads()
    try:
        results = []
        for count in (1, threads):
            torch.set_num_threads(count)
            results.append(native.masked_convolution(x, mask, weight, None, geometry))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"dtype": torch.float64}, "float32"),
        ({"stride": 2}, "stride 1"),
        ({"kernel": 8}, "at most 49 taps"),
        ({"groups": 2}, "no groups"),
    ],
)
def test_it_says_why_it_cannot_be_taken(change, reason):
    kernel = change.get("kernel", 3)
    geometry = Geometry((kernel,) * 2, (change.get("stride", 1),) * 2, (1, 1), (1, 1))
    x = torch.zeros(1, 4, 9, 9, dtype=change.get("dtype", torch.float32))
    why = why_not_native(x, x, x, geometry, change.get("groups", 1))
    assert why is None if reason is None else reason in why


@pytest.mark.parametrize("number", SETS, ids=lambda number: native.library().set_name(number).decode())
@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "size"),
    [
        ((3, 3), (2, 2), (1, 1), (321, 41)),
        ((2, 2), (2, 2), (0, 0), (5, 7)),
        ((3, 5), (1, 2), (2, 4), (6, 18)),
        ((7, 7), (7, 7), (0, 0), (7, 7)),
    ],
)
def test_max_pool(number, kernel, stride, pad, size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size)
    x[0, 0, 0, :3] = torch.tensor([float("nan"), float("-inf"), float("inf")])
    x[1, 1] = float("nan")
    windows = Windows(kernel, stride, pad)
    result = native.max_pool(x, windows.output(size), kernel, stride, pad, number)
    assert torch.equal(result, max_pool(x, windows)[0])


@pytest.mark.parametrize("number", SETS, ids=lambda number: native.library().set_name(number).decode())
@settings(deadline=None, max_examples=25)
@given(cases(), st.integers(1, 2), st.sampled_from([1, 3, 17]), st.sampled_from([1, 8, 21]), st.integers(0, 99))
def test_masked_gradients(number, case, batch, channels, outputs, seed):
    geometry, size = case
    torch.manual_seed(seed)
    x, mask = torch.randn(batch, channels, *size), torch.rand(batch, geometry.taps, *geometry.output(size))
    weight, gradient = torch.randn(outputs, channels, *geometry.kernel), torch.randn(batch, outputs, *geometry.output(size))
    leaves = [value.double().requires_grad_() for value in (x, mask, weight)]
    expected = torch.autograd.grad(patches.masked_convolution(*leaves, geometry), leaves, gradient.double())
    for actual, want in zip(native.masked_gradients(x, mask, weight, gradient, geometry, (True,) * 3, number), expected, strict=True):
        torch.testing.assert_close(actual, want.float(), rtol=1e-4, atol=1e-4)
