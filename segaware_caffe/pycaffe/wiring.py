"""From a `segaware_caffe.Net` to what pycaffe shows of one: blobs with names and numbers, and a step for every layer."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import torch

from segaware_caffe.errors import ShapeError
from segaware_caffe.net import Net
from segaware_caffe.net.graph import AUTOMATIC, Graph, Node
from segaware_caffe.pycaffe.blobs import Blob, BlobVector
from segaware_caffe.pycaffe.steps import Step, learned_tensors, make_step


@dataclass
class Wiring:
    """The steps of a net in running order, and the blobs between them as Caffe numbers them."""

    steps: list[Step] = field(default_factory=list)
    #: by number; blobs without a name are called "(automatic)"
    names: list[str] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)
    loss_weights: list[float] = field(default_factory=list)
    #: the numbers of every layer's bottoms and tops
    bottoms: list[list[int]] = field(default_factory=list)
    tops: list[list[int]] = field(default_factory=list)
    #: a learned tensor's identity -> the blob that is its memory
    learned: dict[int, Blob] = field(default_factory=dict)

    def add_blob(self, name: str, blob: Blob) -> int:
        """Append a blob; returns its number."""
        self.names.append(name)
        self.blobs.append(blob)
        self.loss_weights.append(0.0)
        return len(self.names) - 1

    def gradient(self, tensor: torch.Tensor) -> torch.Tensor:
        """A learned tensor's diff."""
        return torch.from_numpy(self.learned[id(tensor)].diff)

    def named(self, values: list[Any]) -> "OrderedDict[str, Any]":
        """Blob name -> what `values` has for its number."""
        return OrderedDict(zip(self.names, values, strict=True))


class LearnedBlobs(BlobVector):
    """The learned blobs of a layer. One that is put in the place of another shares its memory with the layer from then on."""

    def __init__(self, wiring: Wiring, node: Node):
        super().__init__(Blob() for _ in node.module.specs)
        self._wiring, self._node = wiring, node

    def __setitem__(self, index: Any, blob: Any) -> None:
        for place, new in zip(range(len(self))[index], blob, strict=True) if isinstance(index, slice) else [(index, blob)]:
            tensor = learned_tensors(self._node.module)[place]
            if new.shape != self[place].shape or new.count != tensor.numel():
                raise ShapeError(f"layer '{self._node.name}': blob {place} has shape {self[place].shape}, not {new.shape}")
            for mine in (self[place], self._wiring.learned[id(tensor)]):
                mine.share_data(new)
                mine.share_diff(new)
            tensor.data = torch.from_numpy(new.data).view(tensor.shape)
            if tensor.grad is not None:
                tensor.grad = torch.from_numpy(new.diff).view(tensor.shape)
            for step in self._wiring.steps:
                step.forget()


def connect(net: Net) -> Wiring:
    """Make the blobs of a literal net, and the step of every layer between them."""
    wiring, graph = Wiring(), net.graph
    numbers: dict[int, int] = {}
    for node, need in zip(graph.nodes, net.needs_backward, strict=True):
        for index, value in enumerate(node.tops):
            written = _in_place(graph, node, value)
            if written is not None:
                numbers[value] = numbers[written]
            else:
                blob = node.module.top_blobs[index] if node.type == "Python" else Blob()
                blob.reshape(*net.shapes_of_values[value])
                numbers[value] = wiring.add_blob(graph.names[value], blob)
            wiring.loss_weights[numbers[value]] = node.loss_weights[index]
        bottoms, tops = ([numbers[value] for value in values] for values in (node.bottoms, node.tops))
        wiring.bottoms.append(bottoms)
        wiring.tops.append(tops)
        params = _learned(wiring, node, net.proto.force_backward)
        wiring.steps.append(make_step(node, need, [wiring.blobs[i] for i in bottoms], [wiring.blobs[i] for i in tops], params))
    return wiring


def _in_place(graph: Graph, node: Node, value: int) -> int | None:
    """The bottom that a top is written over."""
    name = graph.names[value]
    return next((bottom for bottom in node.bottoms if graph.names[bottom] == name != AUTOMATIC), None)


def _learned(wiring: Wiring, node: Node, force_backward: bool) -> BlobVector:
    """A layer's learned blobs, which are its tensors' memory; layers that share a tensor share its diff too."""
    module: Any = node.module
    blobs = module.instance.blobs if node.type == "Python" else LearnedBlobs(wiring, node)
    for index, (tensor, spec) in enumerate(zip(learned_tensors(module), module.specs, strict=True)):
        module.learns[index] |= force_backward
        tensor.requires_grad_(module.learns[index] or tensor.requires_grad)
        owner = wiring.learned.setdefault(id(tensor), Blob(tensor.detach().numpy()))
        blobs[index].reshape(*spec.shape)
        blobs[index].share_data(owner)
        blobs[index].share_diff(owner)
    return blobs


def share(wiring: Wiring, tensors: dict[int, torch.nn.Parameter], other: Wiring) -> None:
    """Let learned blobs of `wiring`, by their tensors' identities, be the memory of those of the `other` net. Diffs stay apart."""
    for step in wiring.steps:
        step.forget()
        for tensor, blob in zip(learned_tensors(step.module), step.params, strict=True):
            if id(tensor) in tensors:
                source = other.learned[id(tensors[id(tensor)])]
                blob.share_data(source)
                wiring.learned[id(tensor)].share_data(source)
                tensor.data = torch.from_numpy(source.data)
