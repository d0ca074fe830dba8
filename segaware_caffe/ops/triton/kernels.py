# mypy: ignore-errors
"""The Triton kernels. A program makes a block of pixels of its result, and loops over taps and channels; nothing is added by atomics.

Tensors are contiguous. `H`, `W` are the image's size, `OH`, `OW` that of the windows' positions; S, P and D are strides, padding
and dilation. Sums are float32. A constexpr `BACK` turns reading around: a pixel of the image then collects from all positions
whose taps read it, which is the adjoint.
"""

import triton
import triton.language as tl


@triton.jit
def _read(y, x, ty, tx, SH, SW, PH, PW, DH, DW, H, W, OH, OW, BACK: tl.constexpr):
    """Where tap (ty, tx) of position (y, x) reads, as an index into the plane read, and whether that is inside it."""
    if BACK:
        row, column = y + PH - ty * DH, x + PW - tx * DW
        whole = (row % SH == 0) & (column % SW == 0) & (row >= 0) & (column >= 0)
        row, column = row // SH, column // SW
        return row * OW + column, whole & (row < OH) & (column < OW)
    row, column = y * SH - PH + ty * DH, x * SW - PW + tx * DW
    return row * W + column, (row >= 0) & (row < H) & (column >= 0) & (column < W)


@triton.jit
def convolution(
    values, mask, weights, bias, result,
    CIN, COUT, GROUPS, KH, KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW,
    HAS_BIAS: tl.constexpr, BACK: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """values (N, GROUPS * CIN, plane read), mask (N, taps, OH * OW), weights (taps, GROUPS * COUT, CIN) -> (N, GROUPS * COUT, plane)."""
    count = H * W if BACK else OH * OW
    width = W if BACK else OW
    read_count = OH * OW if BACK else H * W
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    out = tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    sample, group = tl.program_id(2) // GROUPS, tl.program_id(2) % GROUPS
    y, x = pixel // width, pixel % width
    values += (sample * GROUPS + group).to(tl.int64) * CIN * read_count
    mask += sample.to(tl.int64) * KH * KW * OH * OW
    total = tl.zeros((BLOCK_OUT, BLOCK), tl.float32)
    for tap in range(KH * KW):
        place, inside = _read(y, x, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, BACK)
        inside = inside & (pixel < count)
        factor = tl.load(mask + tap * OH * OW + (place if BACK else pixel), mask=inside, other=0.0)
        for first in range(0, CIN, BLOCK_IN):
            channel = first + tl.arange(0, BLOCK_IN)
            read = tl.load(
                values + channel[:, None].to(tl.int64) * read_count + place[None, :],
                mask=(channel < CIN)[:, None] & inside[None, :], other=0.0,
            )  # fmt: skip
            weight = tl.load(
                weights + ((tap * GROUPS + group) * COUT + out)[:, None].to(tl.int64) * CIN + channel[None, :],
                mask=(out < COUT)[:, None] & (channel < CIN)[None, :], other=0.0,
            )  # fmt: skip
            total = tl.dot(weight, (read * factor[None, :]).to(weight.dtype), total, input_precision=PRECISION)
    if HAS_BIAS:
        total += tl.load(bias + group * COUT + out, mask=out < COUT, other=0.0)[:, None].to(tl.float32)
    target = result + ((sample * GROUPS + group) * COUT + out)[:, None].to(tl.int64) * count + pixel[None, :]
    tl.store(target, total.to(result.dtype.element_ty), mask=(out < COUT)[:, None] & (pixel < count)[None, :])


@triton.jit
def convolution_mask_gradient(
    values, weights, gradient, result,
    CIN, COUT, GROUPS, KH, KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW,
    PRECISION: tl.constexpr, BLOCK: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """gradient (N, GROUPS * COUT, OH * OW), weights (taps, GROUPS * CIN, COUT), values (N, GROUPS * CIN, H * W) -> (N, taps, OH * OW)."""
    count = OH * OW
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tap, sample = tl.program_id(1), tl.program_id(2).to(tl.int64)
    place, inside = _read(pixel // OW, pixel % OW, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, False)
    inside = inside & (pixel < count)
    total = tl.zeros((BLOCK,), tl.float32)
    for group in range(GROUPS):
        for first in range(0, CIN, BLOCK_IN):
            channel = first + tl.arange(0, BLOCK_IN)
            column = tl.zeros((BLOCK_IN, BLOCK), tl.float32)
            for begin in range(0, COUT, BLOCK_OUT):
                out = begin + tl.arange(0, BLOCK_OUT)
                given = tl.load(
                    gradient + ((sample * GROUPS + group) * COUT + out)[:, None] * count + pixel[None, :],
                    mask=(out < COUT)[:, None] & (pixel < count)[None, :], other=0.0,
                )  # fmt: skip
                weight = tl.load(
                    weights + ((tap * GROUPS + group) * CIN + channel)[:, None].to(tl.int64) * COUT + out[None, :],
                    mask=(channel < CIN)[:, None] & (out < COUT)[None, :], other=0.0,
                )  # fmt: skip
                column = tl.dot(weight, given, column, input_precision=PRECISION)
            read = tl.load(
                values + ((sample * GROUPS + group) * CIN + channel)[:, None] * (H * W) + place[None, :],
                mask=(channel < CIN)[:, None] & inside[None, :], other=0.0,
            )  # fmt: skip
            total += tl.sum(column * read.to(tl.float32), 0)
    tl.store(result + (sample * KH * KW + tap) * count + pixel, total.to(result.dtype.element_ty), mask=pixel < count)


@triton.jit
def convolution_weight_gradient(
    values, mask, gradient, result,
    N, CIN, COUT, GROUPS, KH, KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, PARTS,
    PRECISION: tl.constexpr, BLOCK: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """As above -> (PARTS, taps, GROUPS * COUT, CIN), whose sum over the parts it is: a part takes every PARTS-th block of pixels."""
    count = OH * OW
    out = tl.program_id(0) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    channel = tl.program_id(1) * BLOCK_IN + tl.arange(0, BLOCK_IN)
    part, tap, group = tl.program_id(2) // (KH * KW * GROUPS), tl.program_id(2) // GROUPS % (KH * KW), tl.program_id(2) % GROUPS
    blocks = tl.cdiv(count, BLOCK)
    total = tl.zeros((BLOCK_OUT, BLOCK_IN), tl.float32)
    for block in range(part, N * blocks, PARTS):
        sample = (block // blocks).to(tl.int64)
        pixel = block % blocks * BLOCK + tl.arange(0, BLOCK)
        place, inside = _read(pixel // OW, pixel % OW, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, False)
        inside = inside & (pixel < count)
        factor = tl.load(mask + (sample * KH * KW + tap) * count + pixel, mask=inside, other=0.0)
        read = tl.load(
            values + ((sample * GROUPS + group) * CIN + channel)[None, :] * (H * W) + place[:, None],
            mask=(channel < CIN)[None, :] & inside[:, None], other=0.0,
        )  # fmt: skip
        given = tl.load(
            gradient + ((sample * GROUPS + group) * COUT + out)[:, None] * count + pixel[None, :],
            mask=(out < COUT)[:, None] & (pixel < count)[None, :], other=0.0,
        )  # fmt: skip
        total = tl.dot(given, (read * factor[:, None]).to(given.dtype), total, input_precision=PRECISION)
    target = result + (((part * KH * KW + tap) * GROUPS + group) * COUT + out)[:, None].to(tl.int64) * CIN + channel[None, :]
    tl.store(target, total, mask=(out < COUT)[:, None] & (channel < CIN)[None, :])


@triton.jit
def masked_sum(
    values, mask, result,
    C, KH, KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW,
    BACK: tl.constexpr, BLOCK: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """values (N, C, plane read), mask (N, taps, OH * OW) -> (N, C, plane)."""
    count = H * W if BACK else OH * OW
    width = W if BACK else OW
    read_count = OH * OW if BACK else H * W
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.program_id(1) * BLOCK_IN + tl.arange(0, BLOCK_IN)
    sample = tl.program_id(2).to(tl.int64)
    total = tl.zeros((BLOCK_IN, BLOCK), tl.float32)
    for tap in range(KH * KW):
        place, inside = _read(pixel // width, pixel % width, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, BACK)
        inside = inside & (pixel < count)
        factor = tl.load(mask + (sample * KH * KW + tap) * OH * OW + (place if BACK else pixel), mask=inside, other=0.0)
        read = tl.load(
            values + (sample * C + channel)[:, None] * read_count + place[None, :],
            mask=(channel < C)[:, None] & inside[None, :], other=0.0,
        )  # fmt: skip
        total += read.to(tl.float32) * factor[None, :].to(tl.float32)
    target = result + (sample * C + channel)[:, None] * count + pixel[None, :]
    tl.store(target, total.to(result.dtype.element_ty), mask=(channel < C)[:, None] & (pixel < count)[None, :])


@triton.jit
def products(
    values, others, result,
    C, KH, KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, CENTRE_Y, CENTRE_X, CENTRE, BOUNDS,
    KIND: tl.constexpr, BLOCK: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """Sums over the channels of what a tap reads of `values` (N, C, H * W), with a value of its position: (N, taps, OH * OW).

    KIND "product": times `others` (N, C, OH * OW). "l1" and "l2": distance to the centre's pixel, CENTRE where that is the
    tap's own, BOUNDS where the tap is outside the image, 0 where the centre is.
    """
    count = OH * OW
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tap, sample = tl.program_id(1), tl.program_id(2).to(tl.int64)
    y, x = pixel // OW, pixel % OW
    place, inside = _read(y, x, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, False)
    middle, centred = _read(y, x, CENTRE_Y, CENTRE_X, SH, SW, PH, PW, DH, DW, H, W, OH, OW, False)
    there = inside & (pixel < count)
    total = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, C, BLOCK_IN):
        channel = first + tl.arange(0, BLOCK_IN)
        rows = (sample * C + channel)[:, None]
        some = (channel < C)[:, None]
        read = tl.load(values + rows * (H * W) + place[None, :], mask=some & there[None, :], other=0.0).to(tl.float32)
        if KIND == "product":
            other = tl.load(others + rows * count + pixel[None, :], mask=some & (pixel < count)[None, :], other=0.0).to(tl.float32)
            total += tl.sum(read * other, 0)
        else:
            both = there & centred
            other = tl.load(values + rows * (H * W) + middle[None, :], mask=some & both[None, :], other=0.0).to(tl.float32)
            difference = tl.where(both[None, :], other - read, 0.0)
            total += tl.sum(tl.abs(difference) if KIND == "l1" else difference * difference * 0.5, 0)
    if KIND != "product":
        total = tl.where(inside, total, BOUNDS)
        total = tl.where(place == middle, tl.where(inside, CENTRE, total), total)
        total = tl.where(centred, total, 0.0)
    tl.store(result + (sample * KH * KW + tap) * count + pixel, total.to(result.dtype.element_ty), mask=pixel < count)


@triton.jit
def distance_gradient(
    values, gradient, result,
    C, KH, KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, CENTRE_Y, CENTRE_X,
    L1: tl.constexpr, BLOCK: tl.constexpr, BLOCK_IN: tl.constexpr,
):  # fmt: skip
    """values (N, C, H * W), gradient (N, taps, OH * OW) -> (N, C, H * W): what a pixel gets as a centre, and as a tap of others."""
    count = H * W
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.program_id(1) * BLOCK_IN + tl.arange(0, BLOCK_IN)
    sample = tl.program_id(2).to(tl.int64)
    y, x = pixel // W, pixel % W
    rows, some = (sample * C + channel)[:, None] * count, (channel < C)[:, None]
    own = tl.load(values + rows + pixel[None, :], mask=some & (pixel < count)[None, :], other=0.0).to(tl.float32)
    mine, is_centre = _read(y, x, CENTRE_Y, CENTRE_X, SH, SW, PH, PW, DH, DW, H, W, OH, OW, True)
    total = tl.zeros((BLOCK_IN, BLOCK), tl.float32)
    for tap in range(KH * KW):
        plane = gradient + (sample * KH * KW + tap) * OH * OW
        for role in tl.static_range(2):
            if role == 0:  # the centre of position `mine`, whose tap is elsewhere
                position, takes = mine, is_centre
                other, inside = _read(mine // OW, mine % OW, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, False)
            else:  # the tap of a position, whose centre is elsewhere
                position, takes = _read(y, x, tap // KW, tap % KW, SH, SW, PH, PW, DH, DW, H, W, OH, OW, True)
                other, inside = _read(position // OW, position % OW, CENTRE_Y, CENTRE_X, SH, SW, PH, PW, DH, DW, H, W, OH, OW, False)
            both = takes & inside & (pixel < count)
            factor = tl.load(plane + position, mask=both, other=0.0).to(tl.float32)
            read = tl.load(values + rows + other[None, :], mask=some & both[None, :], other=0.0).to(tl.float32)
            slope = tl.where(both[None, :], own - read, 0.0)
            if L1:
                slope = tl.where(slope > 0, 1.0, tl.where(slope < 0, -1.0, 0.0))
            total += slope * factor[None, :]
    tl.store(result + rows + pixel[None, :], total.to(result.dtype.element_ty), mask=some & (pixel < count)[None, :])
