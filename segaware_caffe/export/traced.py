"""Helpers of exported source, in the form that `torch.export` gets to trace.

Where sizes may change, every operator that computes shapes (views, slices, index grids, which `unfold` becomes in core
ATen operators) is dear to trace, and a convolution is cheap. So columns are a convolution here, with one kernel a tap
that is 1 there and 0 elsewhere: the same numbers, as long as they are finite, in fewer operators and less time.
"""

import torch
from torch.nn import functional


def _picks(x, kernel):
    """(taps, 1, *kernel): for each tap the kernel that picks it."""
    taps = kernel[0] * kernel[1]
    return torch.eye(taps, dtype=x.dtype, device=x.device).view(taps, 1, *kernel)


def _channelwise(x, kernels, stride, pad, dilation):
    """Every kernel (taps, 1, h, w) on every channel: (N, C, H, W) -> (N, C * taps, H', W')."""
    channels = x.shape[1]
    return functional.conv2d(x, kernels.repeat(channels, 1, 1, 1), None, stride, pad, dilation, channels)


def im2col(x, kernel, stride, pad, dilation):
    """The taps of every window as channels."""
    return _channelwise(x, _picks(x, kernel), stride, pad, dilation)


def im2dist(x, kernel, stride, pad, dilation, l1=False, remove_center=False, remove_bounds=False):
    """How far each tap of a window is from its centre."""
    picks = _picks(x, kernel)
    centre = kernel[0] // 2 * kernel[1] + kernel[1] // 2
    difference = _channelwise(x, picks[centre] - picks, stride, pad, dilation).unflatten(1, (x.shape[1], -1))
    inside = functional.conv2d(torch.ones_like(x[:1, :1]), picks, None, stride, pad, dilation)
    there = inside[:, centre : centre + 1]
    distances = (difference.abs() if l1 else difference.square() / 2).sum(1) * (inside * there)
    if remove_bounds:
        distances = distances + 3.4028234663852886e36 * there * (1 - inside)
    if remove_center:
        at_centre = torch.eye(len(picks), dtype=x.dtype, device=x.device)[centre].view(-1, 1, 1)
        distances = distances + 3.4028234663852886e36 * there * at_centre
    return distances


def _masked_columns(x, mask, *window):
    """The taps of every window under a mask that all channels share, (N, C * taps, H', W')."""
    return im2col(x, *window) * mask.repeat(1, x.shape[1], 1, 1)


def masked_convolution(x, mask, weight, bias, groups, kernel, stride, pad, dilation):
    """A convolution whose taps are weighted by a mask of their own at every position."""
    columns = _masked_columns(x, mask, kernel, stride, pad, dilation)
    return functional.conv2d(columns, weight.flatten(1)[:, :, None, None], bias, groups=groups)


def masked_sum(x, mask, kernel, stride, pad, dilation):
    """The sum of the taps of every window under a mask."""
    columns = _masked_columns(x, mask, kernel, stride, pad, dilation)
    ones = columns.new_ones(x.shape[1], mask.shape[1], 1, 1)
    return functional.conv2d(columns, ones, groups=x.shape[1])


#: what stands in the place of helpers of the same names
FORMS = {function.__name__: function for function in (im2col, im2dist, masked_convolution, masked_sum)}
