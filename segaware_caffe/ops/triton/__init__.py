"""Masked convolutions, masked sums and window distances on CUDA devices, a Triton kernel each: no column matrix, one launch a pass.

Their functions are those of `ops.batched`, which does the same where there is no Triton. Products are taken in the tensors' own
type, in TF32 where PyTorch's own convolutions are (`torch.backends.cudnn.allow_tf32`), and summed up in float32.

No GPU was at hand: the kernels were compared with `ops.batched` in Triton's interpreter, on the CPU. Blocks are not tuned.
"""

from collections.abc import Sequence

import torch

from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.triton import kernels

#: pixels, output channels and input channels of a block
BLOCK, BLOCK_OUT, BLOCK_IN = 64, 64, 32
#: channels of a block where nothing is multiplied by a matrix
BLOCK_CHANNELS = 16
#: pixels of which a program adds up the gradients of weights, at least
LEAST_PART = 4096

Wanted = Sequence[bool]


def masked_sum(x: torch.Tensor, mask: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W') -> (N, C, H', W')."""
    result = x.new_empty(*x.shape[:2], *mask.shape[2:])
    _summed(x, mask, result, geometry, x, False)
    return result


def masked_sum_gradients(
    x: torch.Tensor, mask: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, wanted: Wanted
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients of x and mask, 0 where they are not `wanted`, from that of their masked sum."""
    make = [torch.empty_like if want else torch.zeros_like for want in wanted]
    of_x, of_mask = (new(value, memory_format=torch.contiguous_format) for new, value in zip(make, (x, mask), strict=False))
    if wanted[0]:
        _summed(gradient, mask, of_x, geometry, x, True)
    if wanted[1]:
        _products("product", x, gradient, of_mask, geometry)
    return of_x, of_mask


def masked_convolution(
    x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, geometry: Geometry, groups: int
) -> torch.Tensor:
    """x (N, C, H, W), mask (N, taps, H', W'), weight (O, C / groups, kh, kw), bias (O) -> (N, O, H', W')."""
    result = x.new_empty(len(x), len(weight), *mask.shape[2:])
    by_tap = weight.flatten(2).permute(2, 0, 1).contiguous()
    _convolved(x, mask, by_tap, bias, result, geometry, groups, x, False)
    return result


def masked_convolution_gradients(
    x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, groups: int, wanted: Wanted
) -> tuple[torch.Tensor | None, ...]:
    """The gradients of x, mask and weight, as far as they are `wanted`, from that of their masked convolution."""
    x, mask, gradient = x.contiguous(), mask.contiguous(), gradient.contiguous()
    inputs, outputs, spatial = x.shape[1] // groups, len(weight) // groups, mask.shape[2:]
    transposed = (
        weight.flatten(2).unflatten(0, (groups, outputs)).permute(3, 0, 2, 1).contiguous()
    )  # (taps, groups, C / groups, O / groups)
    of_x, of_mask, of_weight = None, None, None
    if wanted[0]:
        of_x = torch.empty_like(x)
        _convolved(gradient, mask, transposed, None, of_x, geometry, groups, x, True)
    sizes = (inputs, outputs, groups, *_numbers(geometry), *x.shape[2:], *spatial)
    blocks = {"PRECISION": _precision(), "BLOCK": BLOCK, "BLOCK_OUT": BLOCK_OUT, "BLOCK_IN": BLOCK_IN}
    if wanted[1]:
        of_mask = torch.empty_like(mask)
        grid = (_ceil(spatial.numel(), BLOCK), geometry.taps, len(x))
        kernels.convolution_mask_gradient[grid](x, transposed, gradient, of_mask, *sizes, **blocks)
    if wanted[2]:
        parts = max(1, min(16, len(x) * spatial.numel() // LEAST_PART))
        pieces = weight.new_empty(parts, geometry.taps, len(weight), inputs, dtype=torch.float32)
        grid = (_ceil(outputs, BLOCK_OUT), _ceil(inputs, BLOCK_IN), parts * geometry.taps * groups)
        kernels.convolution_weight_gradient[grid](x, mask, gradient, pieces, len(x), *sizes, parts, **blocks)
        of_weight = pieces.sum(0).permute(1, 2, 0).reshape(weight.shape).to(weight.dtype)
    return of_x, of_mask, of_weight


def distances(x: torch.Tensor, geometry: Geometry, l1: bool, centre: float, bounds: float) -> torch.Tensor:
    """x (N, C, H, W) -> (N, taps, H', W'): `centre` where a tap reads the centre's pixel, `bounds` where it is outside the image."""
    result = x.new_empty(len(x), geometry.taps, *geometry.output(x.shape[2:]))
    _products("l1" if l1 else "l2", x, x, result, geometry, centre, bounds)
    return result


def distance_gradient(x: torch.Tensor, gradient: torch.Tensor, geometry: Geometry, l1: bool) -> torch.Tensor:
    """The gradient of x from that of its distances."""
    x = x.contiguous()
    result = torch.empty_like(x)
    grid = (_ceil(x.shape[2] * x.shape[3], BLOCK), _ceil(x.shape[1], BLOCK_CHANNELS), len(x))
    sizes = (x.shape[1], *_numbers(geometry), *x.shape[2:], *gradient.shape[2:])
    kernels.distance_gradient[grid](x, gradient.contiguous(), result, *sizes, *geometry.centre, L1=l1, BLOCK=BLOCK, BLOCK_IN=BLOCK_CHANNELS)
    return result


def _convolved(
    values: torch.Tensor,
    mask: torch.Tensor,
    by_tap: torch.Tensor,
    bias: torch.Tensor | None,
    result: torch.Tensor,
    geometry: Geometry,
    groups: int,
    image: torch.Tensor,
    back: bool,
) -> None:
    """Write the masked convolution of `values`, or its adjoint, with the weights of each tap, (taps, outputs, inputs), into `result`."""
    inputs, outputs = values.shape[1] // groups, result.shape[1] // groups
    grid = (_ceil(result.shape[2] * result.shape[3], BLOCK), _ceil(outputs, BLOCK_OUT), len(values) * groups)
    sizes = (inputs, outputs, groups, *_numbers(geometry), *image.shape[2:], *mask.shape[2:])
    kernels.convolution[grid](
        values.contiguous(), mask.contiguous(), by_tap, by_tap if bias is None else bias, result, *sizes,
        HAS_BIAS=bias is not None, BACK=back, PRECISION=_precision(), BLOCK=BLOCK, BLOCK_OUT=BLOCK_OUT, BLOCK_IN=BLOCK_IN,
    )  # fmt: skip


def _summed(values: torch.Tensor, mask: torch.Tensor, result: torch.Tensor, geometry: Geometry, image: torch.Tensor, back: bool) -> None:
    """Write the masked sum of `values`, or its adjoint, into `result`."""
    grid = (_ceil(result.shape[2] * result.shape[3], BLOCK), _ceil(values.shape[1], BLOCK_CHANNELS), len(values))
    sizes = (values.shape[1], *_numbers(geometry), *image.shape[2:], *mask.shape[2:])
    kernels.masked_sum[grid](values.contiguous(), mask.contiguous(), result, *sizes, BACK=back, BLOCK=BLOCK, BLOCK_IN=BLOCK_CHANNELS)


def _products(
    kind: str, x: torch.Tensor, others: torch.Tensor, result: torch.Tensor, geometry: Geometry, centre: float = 0.0, bounds: float = 0.0
) -> None:
    """Write the sums over channels of `kernels.products` into `result`."""
    grid = (_ceil(result.shape[2] * result.shape[3], BLOCK), geometry.taps, len(x))
    sizes = (x.shape[1], *_numbers(geometry), *x.shape[2:], *result.shape[2:])
    kernels.products[grid](
        x.contiguous(), others.contiguous(), result, *sizes, *geometry.centre, centre, bounds,
        KIND=kind, BLOCK=BLOCK, BLOCK_IN=BLOCK_CHANNELS,
    )  # fmt: skip


def _numbers(geometry: Geometry) -> tuple[int, ...]:
    """Kernel, stride, padding and dilation, in the kernels' order."""
    return tuple(geometry.numbers)


def _ceil(size: int, block: int) -> int:
    return -(-size // block)


def _precision() -> str:
    return "tf32" if torch.backends.cudnn.allow_tf32 else "ieee"
