"""Copying the weights of a file into a net: which blob goes where, and what did not fit (spec/pipeline.md 2.9).

The plan is made first and copied after, so that a file that does not fit changes nothing.
"""

import logging
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from segaware_caffe.errors import WeightsError
from segaware_caffe.weights.blobs import BlobRef, LayerWeights, Shape, Weights, dims, same_shape
from segaware_caffe.weights.formats import read_weights

logger = logging.getLogger(__name__)

#: Names written out in a summary before "and 7 more".
NAMES_SHOWN = 10


class LoadTarget(NamedTuple):
    """A layer of a net and its blobs in Caffe's order: tensors, or only shapes for a plan without copying.

    `strict` is the layer's `strict_dim`: false takes stored blobs of equal count and another shape
    (DeepLab v1's way from fully connected layers to convolutions).
    """

    name: str
    blobs: Sequence[torch.Tensor | Shape] = ()
    strict: bool = True


@dataclass(frozen=True)
class WrongShape:
    """A blob that does not fit."""

    layer: str
    index: int
    source: Shape
    target: Shape

    def __str__(self) -> str:
        return (
            f"Cannot copy param {self.index} weights from layer '{self.layer}'; shape mismatch.  Source param shape is "
            f"{dims(self.source)}; target param shape is {dims(self.target)}. To learn this layer's parameters from "
            "scratch rather than copying from a saved net, rename the layer."
        )


@dataclass(frozen=True)
class WrongCount:
    """A layer that has another number of blobs in the file than in the net."""

    layer: str
    source: int
    target: int

    def __str__(self) -> str:
        return f"Incompatible number of blobs for layer {self.layer}: the file has {self.source}, the net needs {self.target}"


@dataclass
class LoadReport:
    """What of a file goes where in a net.

    Attributes:
        path: the file.
        loaded: layers of the net that take blobs from the file.
        missing: layers of the net of whose blobs the file leaves some as they are.
        unused: layers of the file that have blobs, but no layer of the net has their name.
        wrong_shape, wrong_count: what does not fit; `raise_for_errors` makes an error of it.
        written: the tensors that `apply` has filled, in the order in which it did.
    """

    path: str
    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    wrong_shape: list[WrongShape] = field(default_factory=list)
    wrong_count: list[WrongCount] = field(default_factory=list)
    written: list[torch.Tensor] = field(default_factory=list, repr=False)
    _copies: list[tuple[BlobRef, torch.Tensor | Shape]] = field(default_factory=list, repr=False)

    def raise_for_errors(self) -> None:
        """Raise one CaffeError that lists everything that does not fit, or says that nothing in the file belongs here."""
        wrong = [*self.wrong_count, *self.wrong_shape]
        if wrong:
            raise WeightsError(f"{self.path}: does not fit this net:\n" + "\n".join(f"  {item}" for item in wrong))
        if self.missing and not self.loaded:
            raise WeightsError(
                f"{self.path}: these are the weights of another net: no layer of it has a name of this net's. The file has "
                f"{_names(self.unused) or 'no weights'}; the net needs {_names(self.missing)}"
            )

    def apply(self) -> None:
        """Copy; the targets must have been tensors. Where layers share a tensor, the last layer of the file wins."""
        for blob, target in self._copies:
            if not isinstance(target, torch.Tensor):
                raise TypeError("planned for shapes, so there is nothing to copy into")
            blob.read_into(target)
            self.written.append(target)
        self._copies.clear()  # they hold the file

    def __str__(self) -> str:
        lines = [f"{self.path}: {len(self.loaded)} layers loaded, {len(self.missing)} missing, {len(self.unused)} unused"]
        if self.missing:
            lines.append(f"  missing in the file, keep their initial values: {_names(self.missing)}")
        if self.unused:
            lines.append(f"  unused, not in the net: {_names(self.unused)}")
        lines += [f"  {item}" for item in (*self.wrong_count, *self.wrong_shape)]
        return "\n".join(lines)


def load_weights(path: str | os.PathLike[str], targets: Iterable[LoadTarget | tuple[Any, ...]]) -> LoadReport:
    """Load a weight file of any kind into the tensors of a net.

    Args:
        targets: every layer of the net in its order, those without blobs too. Sharing layers have
            the same tensor or views of the same memory.

    Raises CaffeError before anything is copied if the file is damaged or does not fit.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> from segaware_caffe.weights import write_weights
    >>> write_weights("net.caffemodel", "net", layers)
    >>> weight, bias = torch.empty(2, 3), torch.empty(2)
    >>> report = load_weights("net.caffemodel", [("fc", [weight, bias])])
    >>> weight.sum().item(), report.missing
    (6.0, [])
    """
    weights, layers = read_weights(path), [LoadTarget(*target) for target in targets]
    report = plan_load(weights, layers)
    report.raise_for_errors()
    report.apply()
    names = {layer.name for layer in layers}
    for layer in weights:
        if layer.name not in names:
            logger.info("Ignoring source layer %s", layer.name)
    return report


def plan_load(weights: Weights, targets: Iterable[LoadTarget | tuple[Any, ...]]) -> LoadReport:
    """Which blob of a file goes into which tensor of a net, by the reference's rules.

    Layers match by name alone, never by type: a layer of the file goes to the first layer of the
    net that has its name (from HDF5 files: to the last). The numbers of blobs must be equal, and
    each shape, or the count where the layer's `strict_dim` is false; in HDF5 files a blob that another
    layer owns may be missing.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> from segaware_caffe.weights import read_weights, write_weights
    >>> write_weights("net.caffemodel", "net", layers)
    >>> report = plan_load(read_weights("net.caffemodel"), [("fc", [(2, 3), (2,)]), ("fc2", [(4, 2)])])
    >>> report.missing
    ['fc2']
    """
    layers = [LoadTarget(*target) for target in targets]
    owners = _owners(layers)
    hdf5 = weights.kind == "hdf5"
    order = range(len(layers)) if hdf5 else reversed(range(len(layers)))
    positions = {layers[position].name: position for position in order}
    report = LoadReport(weights.path)
    reached: set[tuple[int, int]] = set()
    for source in weights:
        position = positions.get(source.name)
        if position is None:
            if source.blobs:
                report.unused.append(source.name)
            continue
        own = owners[position]
        optional = {index for index, owner in enumerate(own) if hdf5 and owner != (position, index)}
        reached.update(own[index] for index in _plan_layer(report, source, layers[position], optional))
    report.missing = [layer.name for layer, own in zip(layers, owners, strict=True) if not reached.issuperset(own)]
    return report


def _plan_layer(report: LoadReport, source: LayerWeights[BlobRef], target: LoadTarget, optional: set[int]) -> Iterable[int]:
    """Add the copies into one layer, or what is wrong; blobs with an index in `optional` may be missing.

    Returns the indices of the blobs that get values.
    """
    stored = {index: blob for index, blob in enumerate(source.blobs) if blob is not None}
    needed = set(range(len(target.blobs)))
    if not needed - optional <= stored.keys() <= needed:
        report.wrong_count.append(WrongCount(source.name, len(stored), len(needed)))
        return ()
    wrong = [
        WrongShape(source.name, index, blob.shape, _shape(target.blobs[index]))
        for index, blob in stored.items()
        if not _fits(blob, _shape(target.blobs[index]), target.strict)
    ]
    report.wrong_shape += wrong
    if wrong or not stored:
        return ()
    if target.name not in report.loaded:
        report.loaded.append(target.name)
    report._copies += [(blob, target.blobs[index]) for index, blob in stored.items()]
    return stored


def _fits(blob: BlobRef, shape: Shape, strict: bool) -> bool:
    return same_shape(blob.shape, blob.legacy, shape) or (not strict and blob.count == math.prod(shape))


def _owners(targets: Sequence[LoadTarget]) -> list[list[tuple[int, int]]]:
    """For each blob of each layer the (layer, blob) position where its memory appears first."""
    first: dict[object, tuple[int, int]] = {}
    return [
        [first.setdefault(_memory(blob) or (position, index), (position, index)) for index, blob in enumerate(target.blobs)]
        for position, target in enumerate(targets)
    ]


def _memory(blob: torch.Tensor | Shape) -> object | None:
    """What tensors that share memory have in common; None for what shares none."""
    if isinstance(blob, torch.Tensor) and blob.numel():
        return (blob.device, id(blob) if blob.device.type == "meta" else blob.data_ptr())
    return None


def _shape(blob: torch.Tensor | Shape) -> Shape:
    return tuple(blob.shape) if isinstance(blob, torch.Tensor) else tuple(blob)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"
