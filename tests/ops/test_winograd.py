"""Winograd's algorithm against the direct sum in float64, with every instruction set of this processor."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from segaware_caffe.ops import native, winograd
from segaware_caffe.ops.geometry import Geometry

pytestmark = pytest.mark.skipif(native.library() is None, reason="the kernels were not built: no C++ compiler")

SETS = [number for number in range(native.library().sets()) if native.library().set_runs(number)] if native.library() else []

every_set = pytest.mark.parametrize("number", SETS, ids=lambda number: native.library().set_name(number).decode())


def window(pad: tuple[int, int], dilation: tuple[int, int]) -> Geometry:
    return Geometry((3, 3), (1, 1), pad, dilation)


geometries = st.builds(window, st.tuples(st.integers(0, 5), st.integers(0, 5)), st.sampled_from([(1, 1), (2, 2), (4, 4), (1, 3), (12, 12)]))
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
cases = st.tuples(geometries, sizes).filter(lambda case: min(case[0].output(case[1])) > 0)


def both(number, geometry, x, weight, bias, relu):
    """Its result and the direct sum in float64."""
    finish = native.Finish(bias, least=0.0 if relu else -torch.inf)
    result = native.winograd(x, winograd.pack(weight, number), len(weight), geometry, finish, number)
    bias = None if bias is None else bias.double()
    expected = functional.conv2d(x.double(), weight.double(), bias, padding=geometry.pad, dilation=geometry.dilation)
    return result, expected.clamp(min=0) if relu else expected


@every_set
@settings(deadline=None, max_examples=60)
@given(cases, st.integers(1, 3), st.sampled_from([1, 7, 16, 130]), st.sampled_from([1, 21, 64, 70]), st.booleans(), st.booleans(),
       st.integers(0, 99))  # fmt: skip
def test_it_is_the_convolution(number, case, batch, channels, outputs, biased, relu, seed):
    geometry, size = case
    torch.manual_seed(seed)
    x, weight, bias = torch.randn(batch, channels, *size), torch.randn(outputs, channels, 3, 3), torch.randn(outputs)
    result, expected = both(number, geometry, x, weight, bias if biased else None, relu)
    assert result.is_contiguous(memory_format=torch.channels_last)
    # 1e-5 of the largest outputs: of three standard deviations, for even an image of padding nearly alone is rounded as a whole tile
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-5 * 3 * (9 * channels) ** 0.5)


@every_set
@pytest.mark.parametrize("dilation", [1, 2])
def test_it_rounds_within_ten_times_the_direct_sum(number, dilation):
    geometry = window((dilation,) * 2, (dilation,) * 2)
    torch.manual_seed(0)
    x, weight, bias = torch.randn(1, 64, 41, 41), torch.randn(70, 64, 3, 3), torch.randn(70)
    result, expected = both(number, geometry, x, weight, bias, False)
    direct = functional.conv2d(x, weight, bias, padding=dilation, dilation=dilation)
    assert (result - expected).abs().max() <= 10 * (direct - expected).abs().max()


@every_set
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 3e38])
def test_what_is_not_finite_is_refused_and_never_spread(number, value, relu):
    for row, column in [(0, 0), (11, 13), (29, 29)]:
        x = torch.randn(2, 32, 30, 30)
        x[1, 5, row, column] = value
        with pytest.raises(FloatingPointError):
            both(number, window((1, 1), (1, 1)), x, torch.randn(40, 32, 3, 3), torch.zeros(40), relu)


@every_set
def test_weights_that_are_not_finite_are_refused(number):
    weight = torch.randn(40, 32, 3, 3)
    weight[39, 0, 0, 0] = float("inf")
    with pytest.raises(FloatingPointError):
        both(number, window((1, 1), (1, 1)), torch.randn(1, 32, 30, 30), weight, torch.zeros(40), False)


def test_any_number_of_threads_gives_the_same_bits():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 33, 50, 41), torch.randn(150, 33, 3, 3)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 7):
            torch.set_num_threads(count)
            results.append(native.winograd(x, winograd.pack(weight), 150, window((1, 1), (1, 1)), native.Finish()))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


@pytest.mark.parametrize(
    ("size", "dilation", "expected"),
    [((224, 224), 1, True), ((28, 28), 1, True), ((14, 14), 1, False), ((65, 65), 4, True), ((65, 65), 12, False), ((1, 4000), 1, False)],
)
def test_it_pays_for_large_images_whose_tiles_are_mostly_inside(size, dilation, expected):
    assert (winograd.why_not_image(window((dilation,) * 2, (dilation,) * 2), size) is None) is expected


@pytest.mark.parametrize(
    ("geometry", "shape", "expected"),
    [
        (window((0, 0), (3, 3)), (32, 32, 3, 3), True),
        (window((0, 0), (1, 1)), (31, 64, 3, 3), False),
        (window((0, 0), (1, 1)), (64, 3, 3, 3), False),
        (Geometry((3, 3), (2, 2), (1, 1), (1, 1)), (64, 64, 3, 3), False),
        (Geometry((5, 5), (1, 1), (1, 1), (1, 1)), (64, 64, 5, 5), False),
    ],
)
def test_it_applies_to_3x3_windows_of_stride_1_and_enough_channels(geometry, shape, expected):
    assert (winograd.why_not(geometry, shape) is None) is expected
