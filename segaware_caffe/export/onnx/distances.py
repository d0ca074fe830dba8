"""Distances of a window's taps to its centre, and agreement of their labels, as convolutions with fixed kernels.

The difference of a tap and the centre is a convolution whose kernel is 1 at the one and -1 at the
other. It runs over (N, 1, C, H, W), so that all channels share the kernels.
"""

from typing import Any

import torch

from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer
from segaware_caffe.ops.geometry import Geometry, coincident

SENTINEL = 3.4028234663852886e36


def tap_kernels(geometry: Geometry) -> tuple[torch.Tensor, Geometry]:
    """For each tap the kernel (P, *kernel) that is 1 there, and the geometry to use it with.

    Along an axis of dilation 0, which ONNX does not have, all taps are one.
    """
    kernel = tuple(k if d else 1 for k, d in zip(geometry.kernel, geometry.dilation, strict=True))
    dilation = tuple(d or 1 for d in geometry.dilation)
    index = torch.stack(torch.meshgrid(*map(torch.arange, geometry.kernel), indexing="ij")).flatten(1)
    kernels = torch.zeros(geometry.taps, *kernel)
    places = [axis if d else torch.zeros_like(axis) for axis, d in zip(index, geometry.dilation, strict=True)]
    kernels[(torch.arange(geometry.taps), *places)] = 1
    return kernels, Geometry(kernel, geometry.stride, geometry.pad, dilation)


def _slide(w: Writer, value: str, kernels: torch.Tensor, geometry: Geometry) -> str:
    """(N, 1, C, H, W) -> (N, P, C, H', W'): each channel with each of the kernels (P, kh, kw)."""
    pad = [0, *geometry.pad]
    return w.op(
        "Conv",
        value,
        w.constant(kernels[:, None, None].numpy()),
        kernel_shape=[1, *geometry.kernel],
        strides=[1, *geometry.stride],
        pads=[*pad, *pad],
        dilations=[1, *geometry.dilation],
    )


class Inside:
    """Which taps and centres are inside the image, as (1, P, 1, H', W') of 0 and 1; None where all are."""

    def __init__(self, w: Writer, value: str, geometry: Geometry):
        kernels, moved = tap_kernels(geometry)
        self.centre = self.taps = None
        if not any(geometry.pad):
            return
        size = w.concat([w.integers(1, 1, 1), w.shape(value, 2)], 0)
        ones = w.op("Expand", w.constant(1.0), size)
        self.taps = _slide(w, ones, kernels, moved)
        if not _centres_stay_inside(geometry):
            middle = kernels[geometry.centre_tap, None]
            self.centre = _slide(w, ones, middle, moved)
            self.taps = w.mul(self.taps, self.centre)


def _centres_stay_inside(geometry: Geometry) -> bool:
    return all(
        p <= c * d and p <= (k - 1 - c) * d
        for k, p, d, c in zip(geometry.kernel, geometry.pad, geometry.dilation, geometry.centre, strict=True)
    )


def squared_or_absolute(w: Writer, bottom: Blob, geometry: Geometry, l1: bool, remove_center: bool, remove_bounds: bool) -> str:
    """Im2dist: (N, C, H, W) -> (N, P, H', W')."""
    kernels, moved = tap_kernels(geometry)
    differences = _slide(w, w.unsqueeze(bottom.name, 1), kernels[geometry.centre_tap] - kernels, moved)
    terms = w.op("Abs", differences) if l1 else w.mul(w.mul(differences, differences), w.constant(0.5))
    distances = w.sum(terms, 2)
    inside = Inside(w, bottom.name, geometry)
    centre = w.constant(1.0) if inside.centre is None else w.squeeze(inside.centre, 2)
    if inside.taps is not None:
        taps = w.squeeze(inside.taps, 2)
        distances = w.mul(distances, taps)
        if remove_bounds:
            distances = w.add(distances, w.mul(w.op("Sub", centre, taps), w.constant(SENTINEL)))
    if remove_center:
        removed = torch.zeros(1, geometry.taps, 1, 1)
        removed[:, coincident(geometry)] = SENTINEL
        distances = w.add(distances, w.mul(centre, w.constant(removed.numpy())))
    return distances


@converter("Im2dist")
def im2dist(w: Writer, layer: Any, bottom: Blob) -> str:
    options = layer.options
    return squared_or_absolute(w, bottom, layer.geometry, options.norm == options.L1, options.remove_center, options.remove_bounds)


@converter("Im2parity")
def im2parity(w: Writer, layer: Any, bottom: Blob) -> str:
    options, geometry = layer.options, layer.geometry
    kernels, moved = tap_kernels(geometry)
    labels = w.cast(w.cast(w.slice(bottom.name, 1, bottom.shape[1] - 1, bottom.shape[1]), "i8"))
    labels = w.unsqueeze(labels, 1)
    here, centre = (w.squeeze(_slide(w, labels, k, moved), 2) for k in (kernels, kernels[geometry.centre_tap, None]))
    parity = w.cast(w.op("Equal", here, centre))
    outside = 0.0
    if options.HasField("ignore_label"):
        outside = float(options.ignore_label)
        ignored = w.constant(outside)
        either = w.op("Or", w.op("Equal", here, ignored), w.op("Equal", centre, ignored))
        parity = w.where(either, ignored, parity)
    inside = Inside(w, bottom.name, geometry).centre
    if inside is None:
        return parity
    return w.where(w.op("Greater", w.squeeze(inside, 2), w.constant(0.5)), parity, w.constant(outside))
