"""Boxes: pooling inside them, decoding them, and suppressing those that overlap a better one.

A box is (xmin, ymin, xmax, ymax).
"""

import torch

from segaware_caffe.ops.pooling import least


def roi_pool(value: torch.Tensor, rois: torch.Tensor, output: tuple[int, int], scale: float) -> torch.Tensor:
    """The maximum in each of `output` bins of each region (Fast R-CNN's ROIPooling).

    `value` (N, C, H, W), `rois` (R, 5) = (sample, x1, y1, x2, y2), both corners included, in units that
    `scale` turns into those of `value` -> (R, C, *output). Bins round outwards and so may overlap; an
    empty one is 0. The first maximum in row-major order gets the gradient; NaN never wins.
    """
    value = torch.where(value > least(value), value, least(value))
    scaled = (rois[:, 1:] * scale).cpu().double()
    corners = torch.trunc(scaled + 0.5 * scaled.sign()).long()  # C's round()
    regions = [
        _pool_region(value[sample], (y1, y2), (x1, x2), output)
        for sample, (x1, y1, x2, y2) in zip(rois[:, 0].long().tolist(), corners.tolist(), strict=True)
    ]
    return torch.stack(regions) if regions else value.new_zeros(0, value.shape[1], *output)


def _pool_region(plane: torch.Tensor, rows: tuple[int, int], columns: tuple[int, int], output: tuple[int, int]) -> torch.Tensor:
    """One region of (C, H, W): maxima along each row first, then of the rows, so that of equals the first wins."""
    top = plane
    for axis, (first, last), count in ((2, columns, output[1]), (1, rows, output[0])):
        empty = torch.zeros_like(top.select(axis, 0))
        bins = [
            top.narrow(axis, start, end - start).max(axis).values if start < end else empty
            for start, end in _bins(first, last, count, plane.shape[axis])
        ]
        top = torch.stack(bins, axis)
    return top


def _bins(first: int, last: int, count: int, size: int) -> list[tuple[int, int]]:
    """Start and end of each bin, clipped to the image. In float32, whose rounding decides where a bin ends."""
    edges = torch.arange(count + 1) * (torch.tensor(float(max(last - first + 1, 1))) / count)
    starts = (edges[:-1].floor().long() + first).clamp(0, size)
    ends = (edges[1:].ceil().long() + first).clamp(0, size)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def position_sensitive_pool(value: torch.Tensor, rois: torch.Tensor, outputs: int, groups: int, scale: float) -> torch.Tensor:
    """The mean in each of groups x groups bins of each region, each bin from channels of its own (R-FCN's PSROIPooling).

    `value` (N, outputs * groups^2, H, W), `rois` (R, 5) = (sample, x1, y1, x2, y2), both corners included,
    in units that `scale` turns into those of `value` -> (R, outputs, groups, groups): bin (i, j) of
    output c is the mean of channel (c * groups + i) * groups + j. Bins round outwards and so may overlap;
    an empty one is 0.
    """
    rows, columns = (_bin_weights(rois[:, [axis, axis + 2]], groups, scale, value.shape[4 - axis]).to(value) for axis in (2, 1))
    maps = value.unflatten(1, (outputs, groups, groups))
    samples = rois[:, 0].long()
    top = value.new_zeros(len(rois), outputs, groups, groups)
    for sample in samples.unique().tolist():
        chosen = (samples == sample).nonzero().flatten()
        means = torch.einsum("cijyx,rjx->rcijy", maps[sample], columns[chosen])
        top = top.index_copy(0, chosen, torch.einsum("rcijy,riy->rcij", means, rows[chosen]))
    return top


def _bin_weights(edges: torch.Tensor, count: int, scale: float, size: int) -> torch.Tensor:
    """What averages the positions of each bin: (R, count, size), from the first and last position of each region (R, 2).

    In float32 as R-FCN computes, whose rounding decides where a bin ends.
    """
    rounded = torch.trunc(edges.double() + 0.5 * edges.double().sign()).float()  # C's round()
    start, end = rounded[:, :1] * scale, (rounded[:, 1:] + 1) * scale
    step = (end - start).clamp(min=0.1) / count
    bins = torch.arange(count, device=edges.device, dtype=step.dtype)
    first = (bins * step + start).floor().clamp(0, size)
    last = ((bins + 1) * step + start).ceil().clamp(0, size)
    position = torch.arange(size, device=edges.device, dtype=step.dtype)
    inside = (position >= first[..., None]) & (position < last[..., None])
    return inside / (last - first).clamp(min=1)[..., None]


def hardest(losses: torch.Tensor, samples: torch.Tensor, count: int) -> torch.Tensor:
    """Which of the elements (M) are among the `count` of largest loss of their sample; of equals the first."""
    kept = torch.zeros_like(losses, dtype=torch.bool)
    for sample in samples.unique():
        own = (samples == sample).nonzero().flatten()
        kept[own[losses[own].argsort(descending=True, stable=True)[:count]]] = True
    return kept


def decode_corners(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Boxes whose corners are those of `priors` (..., 4) plus `offsets` (SSD's CORNER)."""
    return priors + offsets


def decode_scaled_corners(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """As `decode_corners`, the offsets in units of the prior's width and height (SSD's CORNER_SIZE)."""
    size = priors[..., 2:] - priors[..., :2]
    return priors + offsets * torch.cat([size, size], -1)


def decode_centres(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Boxes whose centre moves by offsets in units of the prior's size, which grows by exp(offset) (CENTER_SIZE)."""
    size = priors[..., 2:] - priors[..., :2]
    centre = (priors[..., :2] + priors[..., 2:]) / 2 + offsets[..., :2] * size
    half = offsets[..., 2:].exp() * size / 2
    return torch.cat([centre - half, centre + half], -1)


def overlaps(box: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Intersection over union of one box (4) with each of `boxes` (n, 4) -> (n); 0 where they do not intersect."""
    common = (torch.minimum(box[2:], boxes[:, 2:]) - torch.maximum(box[:2], boxes[:, :2])).clamp(min=0).prod(1)
    union = _areas(box[None]) + _areas(boxes) - common
    return torch.where(common > 0, common / union, 0)


def _areas(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)


def suppress(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    threshold: float,
    eta: float = 1.0,
    top_k: int | None = None,
    least_score: float = float("-inf"),
) -> list[int]:
    """Non-maximum suppression: indices of the boxes kept, best score first.

    `boxes` (n, 4), `scores` (n). Of those that score above `least_score`, and of the `top_k` best of
    these, a box is kept unless it overlaps a kept one by more than `threshold`. Each kept box
    multiplies the threshold by `eta` while it is above 0.5.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    order = order[scores[order] > least_score][:top_k]
    worst = boxes.new_zeros(len(order))
    kept, position = [], 0
    while position < len(order):
        kept.append(int(order[position]))
        worst = torch.maximum(worst, overlaps(boxes[order[position]], boxes[order]))
        if threshold > 0.5:
            threshold *= eta
        free = torch.nonzero(worst[position + 1 :] <= threshold)
        if len(free) == 0:
            break
        position += 1 + int(free[0])
    return kept
