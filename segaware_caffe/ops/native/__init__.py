"""Compiled kernels for the CPU: what masked convolutions, masked sums and window distances do in cache and registers.

`setup.py` builds them where there is a C++ compiler. They are plain functions behind ctypes, so that
building needs no PyTorch and running no particular one. Everything they do, `ops.masked` and
`ops.distance` do in PyTorch too, which is the fallback and the oracle; `why_not` says when and why
it is taken.
"""

import ctypes
import importlib.util
import math
import os
from collections.abc import Iterable, Sequence
from functools import cache

import torch

from segaware_caffe.ops.geometry import Geometry, Pair, pairs, taps
from segaware_caffe.ops.geometry import Tap as Window

Pointer = ctypes.c_void_p

#: the most taps of a masked convolution (MAX_TAPS of native.cpp)
MAX_TAPS = 49

#: tiles of 4x4 outputs that `winograd` transforms together: as many as stay in cache with their products
WINOGRAD_BLOCK = 54


class Plane(ctypes.Structure):
    _fields_ = [("height", ctypes.c_int), ("width", ctypes.c_int)]


class Tap(ctypes.Structure):
    """Output rows and columns for which a tap reads inside the image, and how far away that pixel is."""

    _fields_ = [(name, ctypes.c_int) for name in ("index", "first_row", "end_row", "first_column", "end_column", "down", "right")]


class Weights(ctypes.Structure):
    _fields_ = [("weights", Pointer), ("packed", Pointer), ("outputs", ctypes.c_int), ("depth", ctypes.c_int)]


class Convolution(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "mask", "packed", "bias", "y")),
        ("taps", ctypes.POINTER(Tap)),
        *((name, ctypes.c_int) for name in ("tap_count", "channels", "outputs", "relu")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class Gradients(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "mask", "packed", "gradient", "x_gradient", "mask_gradient")),
        ("taps", ctypes.POINTER(Tap)),
        *((name, ctypes.c_int) for name in ("tap_count", "channels", "outputs")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class WeightGradients(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "mask", "gradient", "weight_gradient")),
        ("taps", ctypes.POINTER(Tap)),
        *((name, ctypes.c_int) for name in ("tap_count", "channels", "outputs")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class Sum(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "mask", "y")),
        ("taps", ctypes.POINTER(Tap)),
        *((name, ctypes.c_int) for name in ("tap_count", "channels")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class Distances(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "y")),
        ("taps", ctypes.POINTER(Tap)),
        *((name, ctypes.c_int) for name in ("tap_count", "channels", "centre_down", "centre_right")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class DistanceGradients(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "gradient", "x_gradient")),
        ("taps", ctypes.POINTER(Tap)),
        *((name, ctypes.c_int) for name in ("tap_count", "channels", "centre_down", "centre_right")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class Pool(ctypes.Structure):
    _fields_ = [
        ("x", Pointer),
        ("y", Pointer),
        ("planes", ctypes.c_int),
        *((name, ctypes.c_int * 2) for name in ("kernel", "stride", "pad")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


class Winograd(ctypes.Structure):
    _fields_ = [
        *((name, Pointer) for name in ("x", "weights", "bias", "y")),
        *((name, ctypes.c_int) for name in ("samples", "channels", "outputs", "relu")),
        *((name, ctypes.c_int * 2) for name in ("pad", "dilation")),
        *((name, ctypes.c_int) for name in ("block", "blocks", "ranges")),
        ("in_plane", Plane),
        ("out_plane", Plane),
    ]


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels; None where they were not built, or SEGAWARE_CAFFE_NATIVE=0 forbids them."""
    spec = importlib.util.find_spec("segaware_caffe.ops.native.kernels")
    if spec is None or spec.origin is None or os.environ.get("SEGAWARE_CAFFE_NATIVE") == "0":
        return None
    lib = ctypes.CDLL(spec.origin)
    return declare(lib)


def declare(lib: ctypes.CDLL) -> ctypes.CDLL:
    """Tell ctypes what the functions take."""
    lib.set_name.restype = ctypes.c_char_p
    return lib


@cache
def best_set() -> int:
    """The number of the best instruction set that this processor has."""
    return max(number for number in range(library().sets()) if library().set_runs(number))


def why_not_tensors(*tensors: torch.Tensor) -> str | None:
    """Why the kernels cannot take these tensors; None if they can."""
    if library() is None:
        return "the compiled kernels were not built"
    if torch.compiler.is_compiling():
        return "the compiled kernels cannot be traced"
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


def pack_weights(weight: torch.Tensor, instruction_set: int) -> torch.Tensor:
    """Weights (O, C, kh, kw) in the order in which a masked convolution sweeps over them."""
    outputs, depth = len(weight), weight[0].numel()
    rows = library().set_rows(instruction_set)
    packed = weight.new_empty(-(-outputs // rows) * rows * depth)
    weight = weight.contiguous()
    job = Weights(_address(weight), _address(packed), outputs, depth)
    library().pack_weights(instruction_set, torch.get_num_threads(), ctypes.byref(job))
    return packed


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
    number = best_set() if instruction_set is None else instruction_set
    windows = _every_tap(geometry, x)
    packed = pack_weights(weight, number)
    y = x.new_empty(len(x), len(weight), *mask.shape[2:])
    x, mask = x.contiguous(), mask.contiguous()
    for sample in range(len(x)):
        job = Convolution(
            _address(x[sample]), _address(mask[sample]), _address(packed), _address(bias), _address(y[sample]), windows,
            len(windows), x.shape[1], len(weight), relu, Plane(*x.shape[2:]), Plane(*y.shape[2:]),
        )  # fmt: skip
        library().masked_convolution(number, torch.get_num_threads(), ctypes.byref(job))
    return y


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
    number = best_set() if instruction_set is None else instruction_set
    x, mask, gradient = x.contiguous(), mask.contiguous(), gradient.contiguous()
    windows = _every_tap(geometry, x)
    planes = Plane(*x.shape[2:]), Plane(*mask.shape[2:])
    x_gradient, mask_gradient, weight_gradient = map(torch.zeros_like, (x, mask, weight))
    packed = _packed_by_tap(weight, number)
    for sample in range(len(x)):
        if wanted[0] or wanted[1]:
            job = Gradients(
                _address(x[sample]), _address(mask[sample]), _address(packed), _address(gradient[sample]), _address(x_gradient[sample]),
                _address(mask_gradient[sample]), windows, len(windows), x.shape[1], len(weight), *planes,
            )  # fmt: skip
            library().masked_gradients(number, torch.get_num_threads(), ctypes.byref(job))
        if wanted[2]:
            job = WeightGradients(
                _address(x[sample]),
                _address(mask[sample]),
                _address(gradient[sample]),
                _address(weight_gradient),
                windows,
                len(windows),
                x.shape[1],
                len(weight),
                *planes,
            )
            library().weight_gradients(number, torch.get_num_threads(), ctypes.byref(job))
    return tuple(value if want else None for value, want in zip((x_gradient, mask_gradient, weight_gradient), wanted, strict=True))


def _packed_by_tap(weight: torch.Tensor, number: int) -> torch.Tensor:
    """Weights (O, C, kh, kw) packed as rows of O: for each tile's worth of channels, tap by tap, channel by channel."""
    rows = library().set_rows(number)
    weight = torch.nn.functional.pad(weight.flatten(2), (0, 0, 0, -weight.shape[1] % rows))
    return pack_weights(weight.unflatten(1, (-1, rows)).permute(1, 3, 2, 0).flatten(0, 2), number)


def masked_sum(x: torch.Tensor, mask: torch.Tensor, geometry: Geometry, instruction_set: int | None = None) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W') -> (N, C, H', W')."""
    number = best_set() if instruction_set is None else instruction_set
    windows = _array(taps(geometry, x.shape[2:]))
    y = x.new_empty(*x.shape[:2], *mask.shape[2:])
    x, mask = x.contiguous(), mask.contiguous()
    for sample in range(len(x)):
        job = Sum(
            _address(x[sample]),
            _address(mask[sample]),
            _address(y[sample]),
            windows,
            len(windows),
            x.shape[1],
            Plane(*x.shape[2:]),
            Plane(*y.shape[2:]),
        )
        library().masked_sum(number, torch.get_num_threads(), ctypes.byref(job))
    return y


def write_distances(x: torch.Tensor, y: torch.Tensor, geometry: Geometry, l1: bool, instruction_set: int | None = None) -> None:
    """Write the distances of x (N, C, H, W) into y (N, taps, H', W'), where tap and centre are different pixels of the image."""
    number = best_set() if instruction_set is None else instruction_set
    windows = _array(pairs(geometry, x.shape[2:]))
    x = x.contiguous()
    for sample in range(len(x)):
        job = Distances(
            _address(x[sample]),
            _address(y[sample]),
            windows,
            len(windows),
            x.shape[1],
            *geometry.offset(geometry.centre),
            Plane(*x.shape[2:]),
            Plane(*y.shape[2:]),
        )
        library().distances(number, torch.get_num_threads(), ctypes.byref(job), l1)


def distance_gradients(
    x: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, l1: bool, instruction_set: int | None = None
) -> torch.Tensor:
    """The gradient of x (N, C, H, W) from that of its distances (N, taps, H', W')."""
    number = best_set() if instruction_set is None else instruction_set
    windows = _array(pairs(geometry, x.shape[2:]))
    x, gradient = x.contiguous(), gradient.contiguous()
    x_gradient = torch.zeros_like(x)
    for sample in range(len(x)):
        job = DistanceGradients(
            _address(x[sample]),
            _address(gradient[sample]),
            _address(x_gradient[sample]),
            windows,
            len(windows),
            x.shape[1],
            *geometry.offset(geometry.centre),
            Plane(*x.shape[2:]),
            Plane(*gradient.shape[2:]),
        )
        library().distance_gradients(number, torch.get_num_threads(), ctypes.byref(job), l1)
    return x_gradient


def max_pool(
    x: torch.Tensor,
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    instruction_set: int | None = None,
) -> torch.Tensor:
    """x (N, C, H, W) -> (N, C, *output), the maximum of each window; -FLT_MAX where all are NaN or -inf."""
    number = best_set() if instruction_set is None else instruction_set
    x = x.contiguous()
    y = x.new_empty(*x.shape[:2], *output)
    job = Pool(_address(x), _address(y), x.shape[0] * x.shape[1], kernel, stride, pad, Plane(*x.shape[2:]), Plane(*output))
    library().max_pool(number, torch.get_num_threads(), ctypes.byref(job))
    return y


def winograd_outputs(instruction_set: int | None = None) -> int:
    """How many output channels the weights of `winograd` are packed by."""
    return library().set_outputs(best_set() if instruction_set is None else instruction_set)


def winograd_tiles(output: Sequence[int], dilation: Sequence[int]) -> int:
    """Tiles of 4x4 that cover an output (height, width): under dilation, each of the images that it interleaves."""
    return math.prod(step * -(-size // (4 * step)) for size, step in zip(output, dilation, strict=True))


def winograd(
    x: torch.Tensor,
    packed: torch.Tensor,
    bias: torch.Tensor | None,
    outputs: int,
    geometry: Geometry,
    relu: bool = False,
    instruction_set: int | None = None,
) -> torch.Tensor:
    """x (N, C, H, W), the weights of a 3x3 convolution as `ops.winograd.pack` has them, bias (O) -> (N, O, H', W'), channels innermost."""
    number = best_set() if instruction_set is None else instruction_set
    threads = torch.get_num_threads()
    output = geometry.output(x.shape[2:])
    x = x.contiguous(memory_format=torch.channels_last)
    y = torch.empty(len(x), outputs, *output, dtype=x.dtype, memory_format=torch.channels_last)
    tiles = winograd_tiles(output, geometry.dilation)
    blocks = -(-tiles // WINOGRAD_BLOCK)
    # an image of few blocks is divided by output channels too; each part transforms the image anew, so only as far as threads need
    ranges = min(len(packed), max(1, 2 * threads // max(1, blocks * len(x))))
    job = Winograd(_address(x), _address(packed), _address(bias), _address(y), len(x), x.shape[1], outputs, relu, geometry.pad,
                   geometry.dilation, -(-tiles // blocks), blocks, ranges, Plane(*x.shape[2:]), Plane(*output))  # fmt: skip
    library().winograd(number, threads, ctypes.byref(job))
    return y


def _array(windows: Iterable[Window | Pair]) -> ctypes.Array:
    """Taps or pairs of stride 1 as the kernels read them."""
    found = [
        Tap(index, rows.start, rows.stop, columns.start, columns.stop, down.start - rows.start, right.start - columns.start)
        for index, (_, rows, columns), (_, down, right), *_ in windows
    ]
    return (Tap * len(found))(*found)


def _every_tap(geometry: Geometry, x: torch.Tensor) -> ctypes.Array:
    """As many taps as the weights have; one that is never inside the image reads nothing."""
    windows = (Tap * geometry.taps)(*(Tap(index) for index in range(geometry.taps)))
    for tap in _array(taps(geometry, x.shape[2:])):
        windows[tap.index] = tap
    return windows


def _address(tensor: torch.Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
