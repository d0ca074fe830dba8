"""Compiled kernels for the CPU: what masked convolutions, masked sums and window distances do in cache and registers.

`setup.py` builds them where there is a C++ compiler. They are plain functions behind ctypes, so that
building needs no PyTorch and running no particular one; `door` checks all that they are given.
Everything they do, `ops.masked`, `ops.distance` and `ops.pooling` do in PyTorch too, which is the
fallback and the oracle; `why_not` says when and why it is taken.
"""

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.native.door import MAX_TAPS, Sizes, call
from segaware_caffe.ops.native.loading import load
from segaware_caffe.ops.watched import is_watched

__all__ = [
    "MAX_TAPS",
    "Finish",
    "best_set",
    "distance_gradients",
    "grouped",
    "library",
    "masked_convolution",
    "masked_gradients",
    "masked_sum",
    "max_pool",
    "pack_weights",
    "pool",
    "set_lanes",
    "why_not",
    "why_not_tensors",
    "winograd",
    "winograd_outputs",
    "winograd_tiles",
    "write_distances",
]

#: tiles of 4x4 outputs that `winograd` transforms together: as many as stay in cache with their products
WINOGRAD_BLOCK = 54


class Finish(NamedTuple):
    """What the sums of a convolution get before they are written, in this order."""

    #: (O), added
    bias: torch.Tensor | None = None
    #: (N, O, H', W'), added
    shortcut: torch.Tensor | None = None
    #: (O), times what is below zero
    slopes: torch.Tensor | None = None
    least: float = -math.inf
    most: float = math.inf
    #: (N, O, H', W') with channels innermost, written instead of new memory
    out: torch.Tensor | None = None


def library() -> ctypes.CDLL | None:
    """The compiled kernels; None where they were not built, are refused, or SEGAWARE_CAFFE_NATIVE=0 forbids them."""
    found = load()
    return None if isinstance(found, str) else found


def _library() -> ctypes.CDLL:
    found = load()
    if isinstance(found, str):
        raise CaffeError(f"no compiled kernel can be called: {found}")
    return found


@cache
def best_set() -> int:
    """The number of the best instruction set that this processor has."""
    return max(number for number in range(_library().sets()) if _library().set_runs(number))


def why_not_tensors(*tensors: torch.Tensor) -> str | None:
    """Why the kernels cannot take these tensors; None if they can."""
    if is_watched():
        return "the compiled kernels cannot be traced"
    found = load()
    if isinstance(found, str):
        return found
    if any(tensor.device.type != "cpu" for tensor in tensors):
        return "the compiled kernels run on the CPU"
    if any(tensor.dtype != torch.float32 for tensor in tensors):
        return "the compiled kernels compute in float32"
    return None


def why_not(geometry: Geometry, *tensors: torch.Tensor) -> str | None:
    """Why the kernels cannot take these tensors in this geometry; None if they can."""
    if any(stride != 1 for stride in geometry.stride):
        return "the compiled kernels have stride 1"
    return why_not_tensors(*tensors)


def pack_weights(weight: torch.Tensor, instruction_set: int | None = None) -> torch.Tensor:
    """Weights (O, C, kh, kw) in the order in which a masked convolution sweeps over them: (O / R, C, taps, R), R rows of a tile."""
    depth = weight.flatten(2)
    (packed,) = _call("pack_weights", instruction_set, {"weights": weight.flatten(1)})
    return packed.unflatten(1, depth.shape[1:])


def masked_convolution(
    x: torch.Tensor,
    mask: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    geometry: Geometry,
    relu: bool = False,
    instruction_set: int | None = None,
) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W'), weight (O, C, kh, kw), bias (O) -> (N, O, H', W')."""
    tensors = {"x": x, "mask": mask, "packed": pack_weights(weight, instruction_set), "bias": bias}
    return _call("masked_convolution", instruction_set, tensors, geometry, {"O": len(weight)}, relu=relu)[0]


def masked_gradients(
    x: torch.Tensor,
    mask: torch.Tensor,
    weight: torch.Tensor,
    gradient: torch.Tensor,
    geometry: Geometry,
    wanted: Sequence[bool],
    instruction_set: int | None = None,
) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
    """The gradients of x, mask and weight, as far as they are `wanted`, from that of their masked convolution."""
    tensors = {"x": x, "mask": mask, "gradient": gradient}
    found: list[torch.Tensor | None] = [None] * 3
    if wanted[0] or wanted[1]:
        packed = {"packed": _packed_by_tap(weight, instruction_set)}
        found[:2] = _call("masked_gradients", instruction_set, tensors | packed, geometry)
    if wanted[2]:
        (by_tap,) = _call("weight_gradients", instruction_set, tensors, geometry)
        found[2] = by_tap.view(weight.shape)
    x_gradient, mask_gradient, weight_gradient = (value if want else None for value, want in zip(found, wanted, strict=True))
    return x_gradient, mask_gradient, weight_gradient


def _packed_by_tap(weight: torch.Tensor, instruction_set: int | None) -> torch.Tensor:
    """Weights (O, C, kh, kw) packed as rows of O, (C / R, taps, O, R): for each tile's worth of channels, tap by tap."""
    rows = _library().set_rows(best_set() if instruction_set is None else instruction_set)
    weight = torch.nn.functional.pad(weight.flatten(2), (0, 0, 0, -weight.shape[1] % rows))
    by_tap = weight.unflatten(1, (-1, rows)).permute(1, 3, 2, 0)
    (packed,) = _call("pack_weights", instruction_set, {"weights": by_tap.flatten(0, 2)})
    return packed.unflatten(0, by_tap.shape[:2])


def masked_sum(x: torch.Tensor, mask: torch.Tensor, geometry: Geometry, instruction_set: int | None = None) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W') -> (N, C, H', W')."""
    return _call("masked_sum", instruction_set, {"x": x, "mask": mask}, geometry)[0]


def write_distances(x: torch.Tensor, y: torch.Tensor, geometry: Geometry, l1: bool, instruction_set: int | None = None) -> None:
    """Write the distances of x (N, C, H, W) into y (N, taps, H', W'), where tap and centre are different pixels of the image."""
    _call("distances", instruction_set, {"x": x, "y": y}, geometry, l1=l1)


def distance_gradients(
    x: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, l1: bool, instruction_set: int | None = None
) -> torch.Tensor:
    """The gradient of x (N, C, H, W) from that of its distances (N, taps, H', W')."""
    return _call("distance_gradients", instruction_set, {"x": x, "gradient": gradient}, geometry, l1=l1)[0]


def max_pool(
    x: torch.Tensor,
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    instruction_set: int | None = None,
) -> torch.Tensor:
    """x (N, C, H, W) -> (N, C, *output), the maximum of each window; -FLT_MAX where all are NaN or -inf."""
    sizes = dict(zip(("H'", "W'"), output, strict=True))
    return _call("max_pool", instruction_set, {"x": x}, sizes=sizes, kernel=kernel, stride=stride, pad=pad)[0]


def set_lanes(instruction_set: int | None = None) -> int:
    """How many floats a vector of an instruction set holds."""
    return _library().set_lanes(best_set() if instruction_set is None else instruction_set)


def winograd_outputs(instruction_set: int | None = None) -> int:
    """How many output channels the weights of `winograd` are packed by."""
    return _library().set_outputs(best_set() if instruction_set is None else instruction_set)


def winograd_tiles(output: Sequence[int], dilation: Sequence[int]) -> int:
    """Tiles of 4x4 that cover an output (height, width): under dilation, each of the images that it interleaves."""
    return math.prod(step * -(-size // (4 * step)) for size, step in zip(output, dilation, strict=True))


def winograd(
    x: torch.Tensor, packed: torch.Tensor, outputs: int, geometry: Geometry, finish: Finish, instruction_set: int | None = None
) -> torch.Tensor:
    """x (N, C, H, W), the weights of a 3x3 convolution as `ops.winograd.pack` has them -> (N, O, H', W'), channels innermost.

    Raises FloatingPointError if a value is infinite, NaN or overflows: it would spread over its whole tile.
    """
    return _of_pixels("winograd", instruction_set, x, packed, finish, geometry, {"O": outputs}, _winograd_blocks)


def grouped(
    x: torch.Tensor, packed: torch.Tensor, groups: int, geometry: Geometry, finish: Finish, instruction_set: int | None = None
) -> torch.Tensor:
    """x (N, C, H, W), the weights of a convolution as `ops.convolution.pack` has them -> (N, C, H', W'), channels innermost."""
    return _of_pixels("grouped", instruction_set, x, packed, finish, geometry, {"G": groups})


def _of_pixels(
    name: str,
    instruction_set: int | None,
    x: torch.Tensor,
    packed: torch.Tensor,
    finish: Finish,
    geometry: Geometry,
    sizes: Mapping[str, int],
    plan: Callable[[Sizes, int], Mapping[str, int]] | None = None,
) -> torch.Tensor:
    """A convolution of images whose channels lie innermost."""
    bounds = _bounds(finish.least, finish.most)
    tensors = {"x": x.movedim(1, -1), "weights": packed, "bias": finish.bias, "slopes": finish.slopes, "bounds": bounds}
    tensors["shortcut"] = None if finish.shortcut is None else finish.shortcut.movedim(1, -1)
    if finish.out is not None:
        tensors["y"] = finish.out.movedim(1, -1)
    return _call(name, instruction_set, tensors, geometry, sizes, plan)[0].movedim(-1, 1)


@cache
def _bounds(least: float, most: float) -> torch.Tensor:
    return torch.tensor([least, most], dtype=torch.float32)


def pool(
    x: torch.Tensor,
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    mean: bool,
    out: torch.Tensor | None = None,
    instruction_set: int | None = None,
) -> torch.Tensor:
    """x (N, C, H, W) -> (N, C, *output), channels innermost: each window's mean, or maximum as `max_pool` has it."""
    sizes = dict(zip(("H'", "W'"), output, strict=True))
    tensors = {"x": x.movedim(1, -1)} | ({} if out is None else {"y": out.movedim(1, -1)})
    return _call("pool", instruction_set, tensors, sizes=sizes, kernel=kernel, stride=stride, pad=pad, mean=mean)[0].movedim(-1, 1)


def _winograd_blocks(sizes: Sizes, threads: int) -> dict[str, int]:
    """How the work is cut: tiles of a block, blocks of an image, parts of the output channels."""
    tiles = winograd_tiles(sizes.shape("H' W'"), sizes.geometry.dilation)
    blocks = -(-tiles // WINOGRAD_BLOCK)
    # an image of few blocks is divided by output channels too; each part transforms the image anew, so only as far as threads need
    ranges = min(sizes["O/P"], max(1, 2 * threads // max(1, blocks * sizes["N"])))
    return {"block": -(-tiles // blocks), "blocks": blocks, "ranges": ranges}


def _call(name: str, instruction_set: int | None, *args: Any, **options: Any) -> list[torch.Tensor]:
    return call(_library(), name, best_set() if instruction_set is None else instruction_set, *args, **options)
