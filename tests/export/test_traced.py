"""The helpers that torch.export traces are those of the written source: the same calls, the same numbers."""

import inspect

import pytest
import torch

from segaware_caffe.export.source import helpers
from segaware_caffe.export.traced import FORMS

WINDOWS = [
    ((3, 3), (1, 1), (1, 1), (1, 1)),
    ((3, 5), (2, 1), (1, 4), (1, 2)),
    ((1, 1), (1, 1), (0, 0), (1, 1)),
    ((5, 5), (1, 1), (12, 12), (6, 6)),  # taps that no position has inside
]


@pytest.fixture(params=WINDOWS, ids=str)
def window(request):
    return request.param


@pytest.fixture
def image():
    return torch.randn(2, 4, 8, 9, generator=torch.Generator().manual_seed(1))


def mask_for(image, window):
    columns = helpers.im2col(image, *window)
    taps = columns.shape[1] // image.shape[1]
    return torch.rand(len(image), taps, *columns.shape[2:], generator=torch.Generator().manual_seed(2))


def test_calls():
    for name, form in FORMS.items():
        assert inspect.signature(form) == inspect.signature(getattr(helpers, name))


def test_columns_are_the_same_to_the_last_bit(image, window):
    torch.testing.assert_close(FORMS["im2col"](image, *window), helpers.im2col(image, *window), rtol=0, atol=0)


@pytest.mark.parametrize("options", [{}, {"l1": True}, {"remove_center": True}, {"remove_bounds": True, "remove_center": True}], ids=str)
def test_distances(image, window, options):
    torch.testing.assert_close(FORMS["im2dist"](image, *window, **options), helpers.im2dist(image, *window, **options))


@pytest.mark.parametrize("groups", [1, 2])
def test_masked_convolution(image, window, groups):
    mask = mask_for(image, window)
    weight = torch.randn(6, 4 // groups, *window[0], generator=torch.Generator().manual_seed(3))
    found, expected = (
        function(image, mask, weight, torch.arange(6.0), groups, *window)
        for function in (FORMS["masked_convolution"], helpers.masked_convolution)
    )
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_masked_sum(image, window):
    mask = mask_for(image, window)
    found, expected = (function(image, mask, *window) for function in (FORMS["masked_sum"], helpers.masked_sum))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
