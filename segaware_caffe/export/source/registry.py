"""Which function writes a layer of a given type as Python source."""

from collections.abc import Callable, Sequence
from typing import Any

from segaware_caffe.errors import CaffeError
from segaware_caffe.export.source.writer import Source, Value

#: `convert(source, layer, *bottoms)`: an expression for each top, or a `Several` for all of them
Converter = Callable[..., str | Sequence[str]]

CONVERTERS: dict[str, Converter] = {}

#: kinds of layers that have no form in plain PyTorch, and why
REFUSED = {
    "judges scores, which is no part of a network that predicts": ("Accuracy", "SegAccuracy"),
    "trains, and torch.nn has losses of its own": (
        *("ContrastiveLoss", "DistLoss", "HingeLoss", "Im2parity", "InfogainLoss", "L1Loss", "MultinomialLogisticLoss", "SmoothL1Loss"),
        *("SmoothL1LossOHEM", "SoftmaxWithLossOHEM"),
        *("AdaptiveBiasChannel", "Augmentation", "BiasChannel", "BoxAnnotatorOHEM", "UniqueLabel"),
    ),
    "writes files": ("HDF5Output", "MatWrite"),
    "is a filter of this package's own": ("DenseCRF", "DomainTransform", "DomainTransformForwardOnly", "MultiStageMeanfield"),
    "works on boxes, for which torch has no functions": ("DetectionOutput", "PriorBox", "PSROIPooling", "ROIPooling"),
    "makes numbers of its own": ("DummyData",),
    "runs Python code of its own": ("Python",),
}


class NoSourceForm(CaffeError):
    """A layer whose fields have no form in plain PyTorch here."""


def converter(*types: str) -> Callable[[Converter], Converter]:
    """Decorator: the function writes nodes of these types."""

    def add(function: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(types, function))
        return function

    return add


def why_not(layer_type: str) -> str | None:
    """Why layers of a type cannot be written as source; None if they can."""
    if layer_type in CONVERTERS:
        return None
    return next((reason for reason, types in REFUSED.items() if layer_type in types), "is unknown to segaware_caffe.export.source")


def write(source: Source, name: str, node_type: str, module: Any, bottoms: Sequence[Value]) -> str | list[str]:
    """The expressions of a node's tops."""
    source.layer = name
    tops = CONVERTERS[node_type](source, module, *bottoms)
    return tops if isinstance(tops, str) else list(tops)


def refuse(layer: Any, reason: str) -> NoSourceForm:
    """The error of a layer that cannot be written as it is configured."""
    return NoSourceForm(f"layer '{layer.name}' ({layer.type}): {reason}")
