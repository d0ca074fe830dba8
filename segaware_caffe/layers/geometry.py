"""The geometry of `convolution_param`, shared by all layers that slide a kernel (spec/layers.md 2.1)."""

import math
from typing import Any

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.limits import POSITIONS
from segaware_caffe.ops.geometry import Geometry


def read_geometry(layer: Layer, bottom: Shape) -> tuple[int, Geometry]:
    """The channel axis and the geometry that a layer's `convolution_param` gives for a bottom.

    Fields with one value hold for all spatial axes; `kernel_h`, `kernel_w` and their like are for
    two axes and exclude the repeated form.
    """
    param = layer.proto.convolution_param
    axis = layer.axis(param.axis, len(bottom))
    count = len(bottom) - axis - 1
    if param.HasField("kernel_h") or param.HasField("kernel_w"):
        layer.check(not param.kernel_size, "either kernel_size or kernel_h and kernel_w may be given, not both")
        layer.check(count == 2, f"kernel_h and kernel_w are for two spatial axes, not {count}")
        kernel: tuple[int, ...] = (param.kernel_h, param.kernel_w)
    else:
        layer.check(len(param.kernel_size) > 0 or count == 0, "convolution_param needs kernel_size, or kernel_h and kernel_w")
        kernel = _spread(layer, param.kernel_size, "kernel_size", count, 1)
    layer.check(all(kernel), f"kernel dimensions must be positive, not {kernel}")
    layer.check_limit(POSITIONS, math.prod(kernel), f"a kernel {kernel} of")
    stride = _spread_or_pair(layer, param, "stride", count, 1)
    layer.check(all(stride), f"stride must be positive, not {stride}")
    pad = _spread_or_pair(layer, param, "pad", count, 0)
    dilation = _spread(layer, param.dilation, "dilation", count, 1)
    return axis, Geometry(kernel, stride, pad, dilation)


def checked_output(layer: Layer, geometry: Geometry, spatial: Shape) -> Shape:
    """`geometry.output`, or CaffeError where the kernel does not fit the bottom."""
    layer.check(len(spatial) == len(geometry.kernel), "bottom num_axes may not change")
    shape = geometry.output(spatial)
    layer.check(
        all(d > 0 for d in shape),
        f"kernel {geometry.kernel} with pad {geometry.pad} and dilation {geometry.dilation}"
        f" does not fit a bottom of spatial size {spatial}: the top would be {shape}",
    )
    return shape


def _spread_or_pair(layer: Layer, param: Any, field: str, count: int, default: int) -> tuple[int, ...]:
    if not (param.HasField(f"{field}_h") or param.HasField(f"{field}_w")):
        return _spread(layer, getattr(param, field), field, count, default)
    layer.check(not getattr(param, field), f"either {field} or {field}_h and {field}_w may be given, not both")
    layer.check(count == 2, f"{field}_h and {field}_w are for two spatial axes, not {count}")
    return getattr(param, f"{field}_h"), getattr(param, f"{field}_w")


def _spread(layer: Layer, values: Any, field: str, count: int, default: int) -> tuple[int, ...]:
    layer.check(
        len(values) in (0, 1, count), f"{field} must be given once, or once per spatial axis ({count} times), not {len(values)} times"
    )
    if len(values) == count:
        return tuple(values)
    return (values[0] if len(values) else default,) * count
