"""The Triton kernels in Triton's interpreter, on the CPU, against PyTorch's operators: values, and gradients from any gradient.

`test_triton` runs these in a process of its own: Triton decides when it is imported whether it interprets.
"""

import pytest
import torch

from segaware_caffe.ops import batched
from segaware_caffe.ops import triton as kernels
from segaware_caffe.ops.geometry import Geometry

EVERYTHING = (True, True, True)
SENTINEL = 3.4e36


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks smaller than what they cover, as they are on a GPU."""
    for size in ("BLOCK", "BLOCK_OUT", "BLOCK_IN", "BLOCK_CHANNELS"):
        monkeypatch.setattr(kernels, size, 16)
    monkeypatch.setattr(kernels, "LEAST_PART", 40)


#: geometry, size, samples, channels, outputs, groups
CASES = [
    (Geometry((3, 3), (1, 1), (1, 1), (1, 1)), (7, 6), 2, 18, 5, 1),
    (Geometry((3, 2), (2, 1), (3, 2), (2, 3)), (8, 7), 1, 4, 6, 2),
    (Geometry((3, 3), (4, 4), (0, 0), (2, 2)), (4, 9), 1, 3, 2, 1),  # the kernel exceeds the image
    (Geometry((3, 3), (1, 1), (0, 0), (0, 0)), (4, 5), 2, 2, 2, 1),  # all taps read one pixel
    (Geometry((2, 2), (3, 3), (1, 1), (1, 1)), (7, 8), 1, 2, 17, 1),
]


@pytest.fixture(params=CASES, ids=lambda case: "x".join(map(str, case[0].kernel)) + f", {case[1]}")
def tensors(request):
    """The geometry and the groups, then x, mask, weight, bias, and gradients of their masked convolution and sum."""
    geometry, size, samples, channels, outputs, groups = request.param
    torch.manual_seed(0)
    x = torch.randn(samples, channels, *size)
    mask = torch.rand(samples, geometry.taps, *geometry.output(size))
    weight, bias = torch.randn(outputs, channels // groups, *geometry.kernel), torch.randn(outputs)
    return geometry, groups, x, mask, weight, bias


def test_masked_convolutions(tensors):
    geometry, groups, x, mask, weight, bias = tensors
    for used in (bias, None):
        result = kernels.masked_convolution(x, mask, weight, used, geometry, groups)
        same(result, batched.masked_convolution(x, mask, weight, used, geometry, groups))
    arguments = x, mask, weight, torch.randn_like(result), geometry, groups
    same(kernels.masked_convolution_gradients(*arguments, EVERYTHING), batched.masked_convolution_gradients(*arguments, EVERYTHING))
    for index in range(3):
        found = kernels.masked_convolution_gradients(*arguments, [number == index for number in range(3)])
        assert [value is not None for value in found] == [number == index for number in range(3)]


def test_masked_sums(tensors):
    geometry, _, x, mask, *_ = tensors
    result = kernels.masked_sum(x, mask, geometry)
    same(result, batched.masked_sum(x, mask, geometry))
    arguments = x, mask, torch.randn_like(result), geometry
    for wanted in ((True, True), (True, False), (False, True)):
        same(kernels.masked_sum_gradients(*arguments, wanted), batched.masked_sum_gradients(*arguments, wanted))


@pytest.mark.parametrize("l1", [False, True])
def test_distances(tensors, l1):
    geometry, _, x, mask, *_ = tensors
    x = (2 * x).round()  # few values, so that differences of 0 are frequent
    for centre, bounds in ((0.0, 0.0), (SENTINEL, SENTINEL)):
        same(kernels.distances(x, geometry, l1, centre, bounds), batched.distances(x, geometry, l1, centre, bounds))
    gradient = torch.randn_like(mask)
    same(kernels.distance_gradient(x, gradient, geometry, l1), batched.distance_gradient(x, gradient, geometry, l1))


def test_halves_add_up_in_float32():
    geometry = Geometry((3, 3), (1, 1), (1, 1), (1, 1))
    x, mask, weight = torch.rand(1, 20, 4, 4), torch.rand(1, 9, 4, 4), torch.rand(3, 20, 3, 3)
    expected = batched.masked_convolution(x, mask, weight, None, geometry, 1)
    result = kernels.masked_convolution(x.half(), mask.half(), weight.half(), None, geometry, 1)
    assert result.dtype == torch.float16
    torch.testing.assert_close(result.float(), expected, rtol=2e-3, atol=0)


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
