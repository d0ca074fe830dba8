"""The offset of a Crop that aligns its bottoms, from the geometry of the layers between them (spec/dialects.md 3).

FCN's first release, HED and CRF-RNN gave Crop no offset: their Caffe computed it. So does this, from the net's text
alone, as pycaffe's coord_map does. Every spatial layer maps a place p of its bottom to the place p * scale + shift of
its top; two blobs are aligned by the maps from a blob that both come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from segaware_caffe.errors import FieldError

#: types that leave every place where it is
STILL = {
    *("AbsVal", "BN", "BNLL", "BatchNorm", "Bias", "Clip", "Concat", "DenseCRF", "Dropout", "ELU", "Eltwise", "Exp", "LRN", "Log", "MVN"),
    *("MultiStageMeanfield", "Normalize", "PReLU", "Power", "ReLU", "ReLU6", "Scale", "Sigmoid", "Softmax", "Split", "Swish", "TanH"),
    "Threshold",
}
AXES = ("h", "w")


@dataclass(frozen=True)
class Axis:
    """Where a place goes along one axis: p * scale + shift."""

    scale: Fraction
    shift: Fraction

    def then(self, later: "Axis") -> "Axis":
        """This map and after it another."""
        return Axis(self.scale * later.scale, self.shift * later.scale + later.shift)


Map = tuple[Axis, ...]
IDENTITY: Map = (Axis(Fraction(1), Fraction(0)),) * len(AXES)


class _NoMapError(Exception):
    """A layer whose top's places cannot be told from its bottom's."""


def aligning_offset(layers: Sequence[Any], index: int) -> list[int] | None:
    """The rows and columns that the Crop `layers[index]` must skip for its bottoms to be aligned.

    `layers` are the LayerParameters of a net, in file order. None if the bottoms come from nothing common, or the
    layers between them have no geometry. Raises FieldError if no crop aligns the bottoms.
    """
    crop = layers[index]
    cropped, reference = (_origins(layers, index, blob) for blob in crop.bottom)
    common = [blob for blob in reference if blob in cropped]
    if not common:
        return None
    # a place p of the common blob is at p * a + b of the reference, and at p * c + d of the blob to be cropped
    offset = []
    for name, target, source in zip(AXES, reference[common[0]], cropped[common[0]], strict=True):
        if target.scale != source.scale:
            raise FieldError(
                f"no crop aligns '{crop.bottom[0]}' with '{crop.bottom[1]}': from '{common[0][0]}' on they are scaled by"
                f" {float(source.scale):g} and {float(target.scale):g}"
            )
        skipped = source.shift - target.shift
        if skipped < 0 or skipped.denominator != 1:
            raise FieldError(
                f"no crop aligns '{crop.bottom[0]}' with '{crop.bottom[1]}': it would have to begin at {name} = {float(skipped):g}"
            )
        offset.append(int(skipped))
    return offset


def _origins(layers: Sequence[Any], index: int, blob: str) -> Mapping[tuple[str, int], Map]:
    """The blobs that `blob`, as layer `index` reads it, comes from, each with the map from it to `blob`; the nearest first.

    A blob is its name and the layer that makes it (-1 for an input).
    """
    start = (blob, _maker(layers, index, blob))
    found = {start: IDENTITY}
    queue = [start]
    for name, maker in queue:
        if maker < 0:
            continue
        layer = layers[maker]
        try:
            step = _geometry(layer)
        except _NoMapError:
            continue
        for bottom in layer.bottom[: 1 if layer.type == "Crop" else None]:
            origin = (bottom, _maker(layers, maker, bottom))
            if origin not in found:
                found[origin] = tuple(one.then(two) for one, two in zip(step, found[name, maker], strict=True))
                queue.append(origin)
    return found


def _maker(layers: Sequence[Any], index: int, blob: str) -> int:
    """The last layer before `index` that has `blob` as top; -1 if none."""
    return next((i for i in range(index - 1, -1, -1) if blob in layers[i].top), -1)


def _geometry(layer: Any) -> Map:
    """How places of a layer's bottom become places of its top."""
    if layer.type in STILL:
        return IDENTITY
    if layer.type in ("Convolution", "Im2col", "Pooling", "Deconvolution"):
        return tuple(_window(layer, axis) for axis in range(len(AXES)))
    if layer.type == "Crop" and layer.crop_param.axis >= 1:
        return tuple(Axis(Fraction(1), Fraction(-_cropped(layer.crop_param, axis))) for axis in range(len(AXES)))
    raise _NoMapError(layer.name)


def _window(layer: Any, axis: int) -> Axis:
    """A window of size k, its holes counted, at places o * stride - pad: its middle is what it stands for."""
    pooling = layer.type == "Pooling"
    param = layer.pooling_param if pooling else layer.convolution_param
    if pooling and param.global_pooling:
        raise _NoMapError(layer.name)
    size, stride, pad = (
        _value(param, "kernel_size", "kernel", axis, 0),
        _value(param, "stride", "stride", axis, 1),
        _value(param, "pad", "pad", axis, 0),
    )
    if not size or not stride:
        raise _NoMapError(layer.name)
    dilation = 1 if pooling else _value(param, "dilation", "", axis, 1)
    middle = Fraction(dilation * (size - 1), 2)
    if layer.type == "Deconvolution":
        return Axis(Fraction(stride), middle - pad)
    return Axis(Fraction(1, stride), (pad - middle) / stride)


def _value(param: Any, both: str, apart: str, axis: int, default: int) -> int:
    """A field that may be given for both axes, for each, or as `_h` and `_w`."""
    name = f"{apart}_{AXES[axis]}"
    if apart and param.HasField(name):
        return int(getattr(param, name))
    value = getattr(param, both)
    if isinstance(value, int):
        return value
    return int(value[min(axis, len(value) - 1)]) if value else default


def _cropped(param: Any, axis: int) -> int:
    """What a Crop skips along a spatial axis of (N, C, H, W)."""
    offsets, place = list(param.offset), 2 + axis - param.axis
    if place < 0 or not offsets:
        return 0
    return int(offsets[place if len(offsets) > 1 else 0])
