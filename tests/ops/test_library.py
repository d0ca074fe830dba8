"""Our operators in `torch.library`: PyTorch's own checks of them, and gradients of a watched call against those of a direct one."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from segaware_caffe.ops.distance import im2dist
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_sum

OPERATORS = torch.ops.segaware_caffe
#: with padding that keeps the size, and a stride, which the compiled kernels leave to PyTorch
GEOMETRIES = [Geometry((3, 3), (1, 1), (2, 2), (2, 2)), Geometry((3, 3), (2, 2), (1, 1), (1, 1))]


def tensors(geometry: Geometry) -> list[torch.Tensor]:
    """x, mask, weight and bias."""
    torch.manual_seed(0)
    shapes = (2, 4, 7, 9), (2, 9, *geometry.output((7, 9))), (5, 4, 3, 3), (5,)
    return [torch.rand(shape, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_pytorch_finds_them_in_order(geometry):
    x, mask, weight, bias = tensors(geometry)
    window = geometry.numbers
    assert Geometry.of_numbers(window) == geometry
    for operator, arguments in (
        (OPERATORS.masked_convolution, (x, mask, weight, bias, window, 1)),
        (OPERATORS.masked_convolution, (x, mask, weight.detach(), None, window, 1)),
        (OPERATORS.masked_sum, (x, mask, window)),
        (OPERATORS.im2dist, (x, window, True, False, True)),
    ):
        torch.library.opcheck(operator.default, arguments)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(
    "function",
    [
        lambda g, x, mask, weight, bias: masked_convolution(x, mask, weight, bias, g, relu=True),
        lambda g, x, mask, weight, bias: masked_sum(x, mask, g),
        lambda g, x, mask, weight, bias: im2dist(x, g, l1=True),
        lambda g, x, mask, weight, bias: im2dist(x, g),
    ],
)
def test_a_watched_call_is_the_direct_one(function, geometry):
    found = []
    for watch in (False, True):
        inputs = tensors(geometry)
        if watch:
            with FlopCounterMode(display=False):
                result = function(geometry, *inputs)
                result.square().sum().backward()
        else:
            result = function(geometry, *inputs)
            result.square().sum().backward()
        found.append([result.detach(), *(value.grad for value in inputs)])
    torch.testing.assert_close(found[1], found[0])
