"""Convolutions and pooling of images with channels innermost against PyTorch's in float64, with every instruction set of this processor."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from segaware_caffe.ops import native
from segaware_caffe.ops.convolution import pack, takes
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.pooling import Windows, average_pool, max_pool

pytestmark = pytest.mark.skipif(native.library() is None, reason="the kernels were not built: no C++ compiler")

SETS = [number for number in range(native.library().sets()) if native.library().set_runs(number)] if native.library() else []

every_set = pytest.mark.parametrize("number", SETS, ids=lambda number: native.library().set_name(number).decode())


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most))


geometries = st.builds(Geometry, st.one_of(st.just((1, 1)), pairs(1, 5)), pairs(1, 3), pairs(0, 3), pairs(1, 3))
cases = st.tuples(geometries, pairs(1, 23)).filter(lambda case: min(case[0].output(case[1])) > 0 and not any(case[0].shortfall(case[1])))
finishes = st.sets(st.sampled_from(["bias", "shortcut", "slopes", "bounds", "out"]))


def check(number, case, groups, members, batch, wanted, seed):
    """A random convolution, with what is `wanted` at its end, against PyTorch's in float64: within 1e-5 of three standard deviations."""
    geometry, size = case
    assume(takes((groups * members, members, *geometry.kernel), groups, number))
    torch.manual_seed(seed)
    x, weight = torch.randn(batch, groups * members, *size), torch.randn(groups * members, members, *geometry.kernel)
    bias, slopes = (torch.randn(groups * members) if name in wanted else None for name in ("bias", "slopes"))
    expected = functional.conv2d(
        x.double(), weight.double(), None if bias is None else bias.double(), geometry.stride, geometry.pad, geometry.dilation, groups
    )
    shortcut = torch.randn(expected.shape) if "shortcut" in wanted else None
    expected = expected if shortcut is None else expected + shortcut
    expected = expected if slopes is None else functional.prelu(expected, slopes.double())
    least, most = (-1.0, 1.5) if "bounds" in wanted else (-torch.inf, torch.inf)
    out = torch.empty(batch, *expected.shape[2:], len(weight) + 5).movedim(-1, 1)[:, 3:-2] if "out" in wanted else None
    finish = native.Finish(bias, shortcut, slopes, least, most, out)
    result = native.grouped(x, pack(weight, number), groups, geometry, finish, number)
    torch.testing.assert_close(result.double(), expected.clamp(least, most), rtol=0, atol=1e-5 * 3 * weight[0].numel() ** 0.5)
    assert out is None or result.data_ptr() == out.data_ptr()


@every_set
@settings(deadline=None, max_examples=50)
@given(cases, st.integers(2, 70), st.sampled_from([1, 1, 2, 4, 8]), st.integers(1, 2), finishes, st.integers(0, 99))
def test_those_in_small_groups(number, case, groups, members, batch, wanted, seed):
    check(number, case, groups, members, batch, wanted, seed)


@every_set
@settings(deadline=None, max_examples=50)
@given(
    pairs(1, 5),
    pairs(1, 5),
    pairs(0, 4),
    pairs(1, 17),
    st.sampled_from([1, 3, 8, 21, 40]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_pooling(number, kernel, stride, pad, size, channels, mean, ceil, seed):
    windows = Windows(kernel, stride, tuple(min(p, k - 1) for p, k in zip(pad, kernel, strict=True)), ceil)
    if min(windows.output(size)) < 1 or windows.empty(size):
        return
    torch.manual_seed(seed)
    x = torch.randn(2, channels, *size)
    expected = average_pool(x.double(), windows) if mean else max_pool(x.double(), windows)[0]
    result = native.pool(x, windows.output(size), kernel, stride, windows.pad, mean, instruction_set=number)
    torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-6)


@every_set
def test_nan_is_never_a_maximum_and_stays_everywhere_else(number):
    x = torch.randn(1, 5, 4, 4)
    x[0, 2, 1, 1] = torch.nan
    assert native.pool(x, (2, 2), (2, 2), (2, 2), (0, 0), False, instruction_set=number).isfinite().all()
    assert native.pool(x, (2, 2), (2, 2), (2, 2), (0, 0), True, instruction_set=number).isnan().sum() == 1
    geometry, finish = Geometry((1, 1), (1, 1), (0, 0), (1, 1)), native.Finish(slopes=torch.zeros(5), least=0, most=6)
    assert native.grouped(x, pack(torch.ones(5, 1, 1, 1), number), 5, geometry, finish, number).isnan().sum() == 1


def test_any_number_of_threads_gives_the_same_bits():
    torch.manual_seed(0)
    x, weight, geometry = torch.randn(2, 36, 20, 11), torch.randn(36, 4, 3, 3), Geometry((3, 3), (1, 1), (1, 1), (1, 1))
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 7):
            torch.set_num_threads(count)
            results.append(native.grouped(x, pack(weight), 9, geometry, native.Finish()))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])
