"""Which function writes a layer of a given type as ONNX operators."""

from collections.abc import Callable, Sequence
from typing import Any

from segaware_caffe.errors import CaffeError
from segaware_caffe.export.onnx.writer import Blob, Writer

Tops = str | Sequence[str]
#: `convert(writer, layer, *bottoms)`: the names of the layer's tops in the ONNX graph
Converter = Callable[..., Tops]

CONVERTERS: dict[str, Converter] = {}

#: types that have no ONNX form, and why
REFUSED: dict[str, str] = {
    "Python": "it runs Python code of its own",
    "HDF5Output": "it writes files; export other outputs",
    "MatWrite": "it writes files; export other outputs",
    "DenseCRF": "needs a permutohedral lattice, which ONNX does not have",
    "MultiStageMeanfield": "needs a permutohedral lattice, which ONNX does not have",
    "Augmentation": "it draws random numbers for training",
    "AdaptiveBiasChannel": "it orders classes at random, in rounds that depend on the scores",
    "BoxAnnotatorOHEM": "it chooses examples for training",
    "SmoothL1LossOHEM": "it chooses examples for training",
    "SoftmaxWithLossOHEM": "it chooses examples for training",
}


class NoOnnxForm(CaffeError):
    """A layer whose fields have no ONNX form."""


def converter(*types: str) -> Callable[[Converter], Converter]:
    """Decorator: the function writes layers of these types."""

    def add(function: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(types, function))
        return function

    return add


def why_not(layer_type: str) -> str | None:
    """Why layers of a type cannot be exported to ONNX; None if they can."""
    if layer_type in CONVERTERS:
        return None
    return REFUSED.get(layer_type, "no converter to ONNX is registered for this type (segaware_caffe.export.onnx.registry.converter)")


def write(writer: Writer, layer: Any, bottoms: Sequence[Blob]) -> list[str]:
    """The tops of a layer, written."""
    writer.layer = layer.name
    tops = CONVERTERS[layer.type](writer, layer, *bottoms)
    return [tops] if isinstance(tops, str) else list(tops)


def refuse(layer: Any, reason: str) -> NoOnnxForm:
    """The error of a layer that cannot be exported as it is configured."""
    return NoOnnxForm(f"layer '{layer.name}' ({layer.type}): {reason}")
