"""`caffe.Net` as pycaffe scripts use it, over `segaware_caffe.Net`.

Layers run one by one on blobs in memory, as in Caffe: every blob keeps its data and diff, any
range of layers runs forward or backward, a script may change blobs in between. That is for
scripts and for comparing numbers; `segaware_caffe.Net` is faster and needs a fraction of the memory.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from segaware_caffe import net as core
from segaware_caffe.blob import Blob
from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Layer
from segaware_caffe.net.graph import AUTOMATIC, Node

TRAIN, TEST = 0, 1


@dataclass
class Record:
    """What a layer's forward leaves for its backward."""

    bottoms: list[torch.Tensor]
    tops: list[torch.Tensor]


class LayerView:
    """`net.layers[i]`: the type and the learned blobs."""

    def __init__(self, layer: Layer, param_blobs: dict[int, Blob], force_backward: bool):
        self.name = layer.name
        self.type = layer.type
        self._layer = layer
        self._param_blobs = param_blobs
        for index, tensor in enumerate(self._tensors()):
            layer.learns[index] |= force_backward
            tensor.requires_grad_(layer.learns[index] or tensor.requires_grad)
            param_blobs.setdefault(id(tensor), Blob(tensor.detach().numpy()))

    @property
    def blobs(self) -> list[Blob]:
        """The learned blobs; layers that share a tensor share its diff too."""
        return [self._param_blobs[id(tensor)].viewed(value.shape) for tensor, value in zip(self._tensors(), self._layer.blobs, strict=True)]

    def _tensors(self) -> list[torch.nn.Parameter]:
        return [self._layer._parameters[str(index)] for index in range(len(self._layer.specs))]


class Net:
    """`Net(file, phase)`, `Net(file, weights, phase)` or with keywords `phase`, `weights`, `level`, `stages`."""

    def __init__(
        self,
        network_file: str | os.PathLike,
        *args: Any,
        phase: int | None = None,
        weights: str | os.PathLike | None = None,
        level: int = 0,
        stages: Sequence[str] | None = None,
        **options: Any,
    ):
        for value in args:
            if isinstance(value, int):
                phase = value
            else:
                weights = value
        if phase not in (TRAIN, TEST):
            raise CaffeError(f"phase must be caffe.TRAIN (0) or caffe.TEST (1), not {phase!r}")
        name = ("TRAIN", "TEST")[phase]
        self._net = core.Net(network_file, name, weights, passes=[], level=level, stages=stages or (), **options)
        graph = self._net.graph
        self._force_backward = self._net.proto.force_backward
        self._flags = self._net.needs_backward
        self._blobs = {v: Blob() for v in range(len(graph.names)) if graph.names[v] == AUTOMATIC}
        named: dict[str, Blob] = {}
        for value, blob_name in enumerate(graph.names):
            if blob_name != AUTOMATIC:
                self._blobs[value] = named.setdefault(blob_name, Blob())
        self.blobs: OrderedDict[str, Blob] = OrderedDict(named)
        self._param_blobs: dict[int, Blob] = {}
        self.layers = [LayerView(node.module, self._param_blobs, self._force_backward) for node in graph.nodes]
        self._layer_names = [node.name for node in graph.nodes]
        self._blob_names = list(self.blobs)
        self.inputs: list[str] = self._net.inputs
        self.outputs: list[str] = self._net.outputs
        self.top_names = OrderedDict((n.name, [graph.names[v] for v in n.tops]) for n in graph.nodes)
        self.bottom_names = OrderedDict((n.name, [graph.names[v] for v in n.bottoms]) for n in graph.nodes)
        self.blob_loss_weights = OrderedDict.fromkeys(self.blobs, 0.0)
        self._records: dict[int, Record] = {}
        self._shape_blobs(self._net.shapes_of_values)
        self._set_loss_weights()

    # -- parameters ------------------------------------------------------------------------

    @property
    def params(self) -> "OrderedDict[str, list[Blob]]":
        """Layer name -> learned blobs; of several layers with one name, the last."""
        return OrderedDict((layer.name, layer.blobs) for layer in self.layers if layer.blobs)

    def clear_param_diffs(self) -> None:
        """Set the diffs of all learned blobs to zero."""
        for blob in self._param_blobs.values():
            blob.diff[...] = 0

    def copy_from(self, weights: str | os.PathLike) -> None:
        """Load a weight file by layer name."""
        self._net.load_weights(weights)

    def save(self, path: str | os.PathLike) -> None:
        """Write the weights: .caffemodel, or another format by its suffix."""
        self._net.save(path)

    def share_with(self, other: "Net") -> None:
        """Use the learned blobs of another net's layers of the same names and shapes, data and diff (first match, as `copy_from`)."""
        self._net.share_with(other._net)
        self._param_blobs.update(other._param_blobs)

    # -- running ---------------------------------------------------------------------------

    def reshape(self) -> None:
        """Carry the input blobs' shapes through all layers."""
        self._net.reshape(**{name: self.blobs[name].shape for name in self.inputs})
        self._shape_blobs(self._net.shapes_of_values)
        self._set_loss_weights()

    def forward(
        self, blobs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Run from layer `start` to layer `end` (both included), after setting the input blobs in `kwargs`.

        Returns the output blobs (or the tops of `end`) and those named in `blobs`.
        """
        first = self._index(start, 0)
        last = self._index(end, len(self.layers) - 1)
        outputs = set(self.top_names[end] if end is not None else self.outputs) | set(blobs or ())
        if kwargs:
            if set(kwargs) != set(self.inputs):
                raise CaffeError(f"Input blob arguments do not match net inputs: {sorted(kwargs)}, but the net has {self.inputs}")
            for name, value in kwargs.items():
                self.blobs[name].data[...] = value
        self._forward(first, last)
        return {name: self.blobs[name].data for name in outputs}

    def backward(
        self, diffs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Run backward from layer `start` down to layer `end`, after setting the output diffs in `kwargs`.

        Returns the diffs of the inputs (or the bottoms of `end`) and of the blobs named in `diffs`.
        """
        first = self._index(start, len(self.layers) - 1)
        last = self._index(end, 0)
        wanted = set(self.bottom_names[end] if end is not None else self.inputs) | set(diffs or ())
        if kwargs:
            if set(kwargs) != set(self.outputs):
                raise CaffeError(f"Top diff arguments do not match net outputs: {sorted(kwargs)}, but the net has {self.outputs}")
            for name, value in kwargs.items():
                self.blobs[name].diff[...] = value
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in wanted}

    def _index(self, name: str | None, default: int) -> int:
        if name is None:
            return default
        if name not in self._layer_names:
            raise CaffeError(f"net '{self._net.name}' has no layer '{name}'")
        return len(self._layer_names) - 1 - self._layer_names[::-1].index(name)

    def _forward(self, start: int, end: int) -> float:
        """Run layers start..end; return their weighted loss."""
        loss = 0.0
        for index in range(start, end + 1):
            node = self._net.graph.nodes[index]
            if node.type == "Input":
                continue
            tops = self._forward_layer(index, node)
            for value, top, weight in zip(node.tops, tops, node.loss_weights, strict=True):
                self._blobs[value].assign(top)
                if weight:
                    self._blobs[value].diff[...] = weight
                    loss += weight * float(top.detach().sum())
        return loss

    def _forward_layer(self, index: int, node: Node) -> list[torch.Tensor]:
        need = self._flags[index]
        in_place = {id(self._blobs[v]) for v in node.tops}
        bottoms = []
        for value, flag in zip(node.bottoms, need.bottoms, strict=True):
            blob = self._blobs[value]
            data = torch.from_numpy(blob.data.copy() if id(blob) in in_place else blob.data)
            bottoms.append(data.requires_grad_(flag and need.layer))
        node.module.top_shapes(*[tuple(b.shape) for b in bottoms])
        with torch.set_grad_enabled(need.layer):
            tops = node.module(*bottoms)
        tops = [tops] if isinstance(tops, torch.Tensor) else list(tops or ())
        self._records[index] = Record(bottoms, tops)
        return tops

    def _backward(self, start: int, end: int) -> None:
        """Run the backward of layers start..end, downwards: bottom diffs are overwritten, parameter diffs added to."""
        for index in range(start, end - 1, -1):
            if self._flags[index].layer and index in self._records:
                self._backward_layer(self._net.graph.nodes[index], self._records[index])

    def _backward_layer(self, node: Node, record: Record) -> None:
        tops = [(top, torch.from_numpy(self._blobs[v].diff)) for top, v in zip(record.tops, node.tops, strict=True) if top.requires_grad]
        params = [p for p in node.module.parameters() if p.requires_grad]
        inputs = [b for b in record.bottoms if b.requires_grad]
        gradients: dict[int, torch.Tensor | None] = {}
        if tops and inputs + params:
            results = torch.autograd.grad([t for t, _ in tops], inputs + params, [d for _, d in tops], allow_unused=True, retain_graph=True)
            gradients = {id(tensor): gradient for tensor, gradient in zip(inputs + params, results, strict=True)}
        for value, bottom in zip(node.bottoms, record.bottoms, strict=True):
            if bottom.requires_grad:
                gradient = gradients.get(id(bottom))
                self._blobs[value].diff[...] = 0 if gradient is None else gradient.numpy()
        for param in params:
            gradient = gradients.get(id(param))
            if gradient is not None:
                self._param_blobs[id(param)].diff[...] += gradient.numpy()

    # -- blobs -----------------------------------------------------------------------------

    def _shape_blobs(self, shapes: dict[int, tuple[int, ...]]) -> None:
        for value, shape in shapes.items():
            self._blobs[value].reshape(*shape)

    def _set_loss_weights(self) -> None:
        """A top with a loss weight has it as diff, as the reference sets it up."""
        names = self._net.graph.names
        for node in self._net.graph.nodes:
            for value, weight in zip(node.tops, node.loss_weights, strict=True):
                if weight:
                    self._blobs[value].diff[...] = weight
                    if names[value] != AUTOMATIC:
                        self.blob_loss_weights[names[value]] = weight
