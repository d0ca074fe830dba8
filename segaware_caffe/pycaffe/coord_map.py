"""`caffe.coord_map`: how the pixels of one top lie on those of another, and the Crop that lays them over each other.

A map (axis, a, b) says that x at the top is a x + b at the bottom, for the spatial axes from `axis`
on; a and b are a number or one for each axis; axis None stands for every axis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segaware_caffe.pycaffe.net_spec import Function, Top, layers

#: (axis, scale, shift)
CoordMap = tuple[int | None, Any, Any]

#: layers whose tops lie on their bottoms pixel by pixel
PASS_THROUGH_LAYERS = [
    "AbsVal",
    "BatchNorm",
    "Bias",
    "BNLL",
    "Dropout",
    "Eltwise",
    "ELU",
    "Log",
    "LRN",
    "Exp",
    "MVN",
    "Power",
    "PReLU",
    "ReLU",
    "Scale",
    "Sigmoid",
    "Split",
    "TanH",
    "Threshold",
]


class UndefinedMapException(Exception):
    """For layers whose tops have no place on their bottoms, such as InnerProduct."""


class AxisMismatchException(Exception):
    """For maps whose axes differ."""


def conv_params(fn: Function) -> tuple[int, Any, Any, Any]:
    """(axis, stride, effective kernel size, pad) of a Convolution, Pooling or Deconvolution, where they can be found."""
    params = fn.params.get("convolution_param") or fn.params.get("pooling_param") or fn.params
    if {"pad_h", "pad_w", "kernel_h", "kernel_w", "stride_h", "stride_w"} & set(params):
        raise AssertionError("cropping does not support legacy _h/_w params")
    stride, dilation, pad = (np.array(params.get(name, default), ndmin=1) for name, default in (("stride", 1), ("dilation", 1), ("pad", 0)))
    return params.get("axis", 1), stride, (np.array(params["kernel_size"], ndmin=1) - 1) * dilation + 1, pad


def crop_params(fn: Function) -> tuple[int, np.ndarray]:
    """(axis, offset) of a Crop."""
    params: Mapping[str, Any] = fn.params.get("crop_param", fn.params)
    return params.get("axis", 2) - 1, np.array(params.get("offset", 0), ndmin=1)  # -1: the axis before the first cropped one


def coord_map(fn: Function) -> CoordMap:
    """The map from a layer's top to its first bottom. UndefinedMapException for types that have none."""
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, kernel, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (kernel - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, kernel, pad = conv_params(fn)
        return axis, stride, (kernel - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return None, 1, 0
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis, 1, -offset
    raise UndefinedMapException(f"a layer of type {fn.type_name} has no coordinate map")


def compose(base_map: CoordMap, next_map: CoordMap) -> CoordMap:
    """The map of `next_map` after `base_map`. AxisMismatchException if their axes differ."""
    axis1, a1, b1 = base_map
    axis2, a2, b2 = next_map
    if axis1 is None:
        axis = axis2
    elif axis2 is None or axis1 == axis2:
        axis = axis1
    else:
        raise AxisMismatchException(f"maps of axis {axis1} and axis {axis2} cannot be composed")
    return axis, a1 * a2, a1 * b2 + b1


def inverse(coord_map: CoordMap) -> CoordMap:
    """The way back."""
    axis, a, b = coord_map
    return axis, 1 / a, -b / a


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """The map from one top to another, through what both are made of.

    RuntimeError if they have nothing in common, or layers without a map lie between.
    """
    down: dict[Top, CoordMap] = {top_from: (None, 1, 0)}
    frontier = {top_from}
    while frontier:
        top = frontier.pop()
        for bottom, step in _steps(top):
            down[bottom] = compose(down[top], step)
            frontier.add(bottom)
    # and now from the other end, until the two ways meet
    up: dict[Top, CoordMap] = {top_to: (None, 1, 0)}
    frontier = {top_to}
    while frontier:
        top = frontier.pop()
        if top in down:
            return compose(up[top], inverse(down[top]))
        for bottom, step in _steps(top):
            up[bottom] = compose(up[top], step)
            frontier.add(bottom)
    raise RuntimeError("Could not compute map between tops; are they connected by spatial layers?")


def _steps(top: Top) -> Sequence[tuple[Top, CoordMap]]:
    """The bottoms of a top's layer that matter, each with its map; of a Crop the first alone."""
    bottoms = top.fn.inputs[:1] if top.fn.type_name == "Crop" else top.fn.inputs
    try:
        return [(bottom, coord_map(top.fn)) for bottom in bottoms]
    except UndefinedMapException:
        return []


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop of one top to the pixels of another. AssertionError where the offset is no whole number, or the scales differ."""
    axis, a, b = coord_map_from_to(top_from, top_to)
    if axis is None:
        raise AssertionError("the tops share no spatial axes, so there is nothing to crop")
    a, b = np.atleast_1d(a), np.atleast_1d(b)
    if not (a == 1).all():
        raise AssertionError(f"scale mismatch on crop: {a}")
    if not (b <= 0).all():
        raise AssertionError(f"cannot crop negative offset: {-b}")
    if not (np.round(b) == b).all():
        raise AssertionError(f"cannot crop noninteger offset: {-b}")
    return layers.Crop(top_from, top_to, crop_param={"axis": axis + 1, "offset": [-int(value) for value in b]})
