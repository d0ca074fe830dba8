"""Convolutions of images with their channels innermost by compiled kernels: which one takes a convolution, and how weights are packed.

`dense` takes any: as a product of matrices, pixels by channels times channels by outputs, for each group, where the columns
of a block of pixels are packed in cache (a 1x1 convolution needs none). `sparse` takes groups of one channel (depthwise) or of
a few that share a vector: sums over taps, channel by channel.
"""

import torch
from torch.nn import functional

from segaware_caffe.ops import native
from segaware_caffe.ops.activation import Activation


def is_sparse(weight_shape: tuple[int, ...], groups: int, instruction_set: int | None = None) -> bool:
    """Whether `sparse` takes a convolution with weights (O, C / group, kh, kw)."""
    outputs, members = weight_shape[:2]
    return (
        groups > 1
        and outputs == members * groups
        and members < native.set_lanes(instruction_set)
        and native.set_lanes(instruction_set) % members == 0
    )


def pack_dense(weight: torch.Tensor, groups: int, instruction_set: int | None = None) -> torch.Tensor:
    """Weights (O, C / group, kh, kw) as (group, O / group / L, taps * C / group, L), L outputs a vector, zeros beyond the last.

    So the size; in memory, panels of `native.winograd_outputs` outputs follow each other, in each the rows of taps and channels.
    """
    lanes, panel = native.set_lanes(instruction_set), native.winograd_outputs(instruction_set)
    rows = weight.unflatten(0, (groups, -1)).permute(0, 3, 4, 2, 1).flatten(1, 3)  # (group, taps * C / group, O / group)
    rows = functional.pad(rows, (0, -rows.shape[2] % lanes))
    panels = [part.flatten(1) for part in rows.split(panel, 2)]
    return torch.cat(panels, 1).view(groups, rows.shape[2] // lanes, rows.shape[1], lanes)


def pack_sparse(weight: torch.Tensor, instruction_set: int | None = None) -> torch.Tensor:
    """Weights (C, C / group, kh, kw) as (taps, C / group, C / L, L), zeros beyond the last channel."""
    lanes = native.set_lanes(instruction_set)
    rows = weight.permute(2, 3, 1, 0).flatten(0, 1)
    return functional.pad(rows, (0, -rows.shape[2] % lanes)).unflatten(2, (-1, lanes)).contiguous()


def finishing(bias: torch.Tensor | None, shortcut: torch.Tensor | None, activation: Activation | None, channels: int) -> native.Finish:
    """What is done to sums of `channels` output channels before they are written."""
    if activation is None:
        return native.Finish(bias, shortcut)
    return native.Finish(bias, shortcut, activation.slopes(channels), *activation.bounds)
