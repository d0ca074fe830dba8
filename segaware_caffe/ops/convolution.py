"""Convolutions in groups of a few channels, channels innermost, by a compiled kernel: which ones it takes, and how weights are packed.

Groups that share a vector are taken together: sums over taps, a vector of channels at a time.
"""

import torch
from torch.nn import functional

from segaware_caffe.ops import native
from segaware_caffe.ops.activation import Activation


def takes(weight_shape: tuple[int, ...], groups: int, instruction_set: int | None = None) -> bool:
    """Whether `grouped` takes a convolution with weights (O, C / group, kh, kw)."""
    outputs, members = weight_shape[:2]
    return (
        groups > 1
        and outputs == members * groups
        and members < native.set_lanes(instruction_set)
        and native.set_lanes(instruction_set) % members == 0
    )


def pack(weight: torch.Tensor, instruction_set: int | None = None) -> torch.Tensor:
    """Weights (C, C / group, kh, kw) as (taps, C / group, C / L, L), zeros beyond the last channel."""
    lanes = native.set_lanes(instruction_set)
    rows = weight.permute(2, 3, 1, 0).flatten(0, 1)
    return functional.pad(rows, (0, -rows.shape[2] % lanes)).unflatten(2, (-1, lanes)).contiguous()


def finishing(bias: torch.Tensor | None, shortcut: torch.Tensor | None, activation: Activation | None, channels: int) -> native.Finish:
    """What is done to sums of `channels` output channels before they are written."""
    if activation is None:
        return native.Finish(bias, shortcut)
    return native.Finish(bias, shortcut, activation.slopes(channels), *activation.bounds)
