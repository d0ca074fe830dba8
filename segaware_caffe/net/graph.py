"""The graph of a net as data: nodes that read and make values.

A *value* is a blob between one writer and the next: an in-place layer ends one value and begins
another of the same blob name, so no node ever overwrites what another still reads. `wire`
resolves names to values; `net.build` gives every node its module; passes rewrite the graph.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from segaware_caffe.errors import GraphError

AUTOMATIC = "(automatic)"


@dataclass(frozen=True)
class Node:
    """One step of the graph: `module(*bottoms) -> tops`."""

    name: str
    type: str
    bottoms: tuple[int, ...]
    tops: tuple[int, ...]
    proto: Any = None  # LayerParameter; None for a node that a pass made
    module: Any = None  # a Runnable: the class that runs `type`, or what a pass made
    loss_weights: tuple[float, ...] = ()
    #: whether it must run though nobody reads its tops (it writes files, or counts)
    effects: bool = False
    #: names of the layers whose work it does
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Nodes in running order over values; `names[v]` is the blob name of value `v`."""

    name: str
    nodes: tuple[Node, ...]
    names: tuple[str, ...]
    outputs: tuple[int, ...] = ()
    #: what the passes did, and where they could not (Net.explain)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def blobs(self) -> dict[str, int]:
        """Blob name -> the value it holds when the net has run, in order of first appearance."""
        return {name: value for value, name in enumerate(self.names) if name != AUTOMATIC}

    def producers(self) -> dict[int, Node]:
        """Value -> the node that makes it."""
        return {value: node for node in self.nodes for value in node.tops}

    def readers(self) -> dict[int, list[Node]]:
        """Value -> the nodes that read it, in order (a node that reads it twice stands there twice)."""
        result: dict[int, list[Node]] = {value: [] for value in range(len(self.names))}
        for node in self.nodes:
            for value in node.bottoms:
                result[value].append(node)
        return result

    def sources(self) -> Iterator[Node]:
        """The nodes that read nothing: inputs and data layers."""
        return (node for node in self.nodes if not node.bottoms)

    def with_nodes(self, nodes: Any, *notes: str) -> "Graph":
        """The same values with other nodes, and what to tell the user about it."""
        return replace(self, nodes=tuple(nodes), notes=self.notes + notes)


def wire(net: Any, top_count: Callable[[Any], int]) -> Graph:
    """Resolve the blob names of a NetParameter (splits inserted) to values.

    A top is in-place if it has the name of the bottom at the same index; any other second writer
    of a name is an error (spec/pipeline.md 2.3). `top_count(layer)` is the number of tops with
    the automatic ones that the layer's type adds.
    """
    current: dict[str, int] = {}
    makers: dict[str, str] = {}
    available: dict[str, int] = {}
    names: list[str] = []
    nodes = []
    for layer in net.layer:
        bottoms = tuple(current[blob] for blob in layer.bottom)
        for blob in layer.bottom:
            available.pop(blob, None)
        tops = []
        for j, blob in enumerate(layer.top):
            in_place = j < len(layer.bottom) and layer.bottom[j] == blob
            if blob in current and not in_place:
                raise GraphError(
                    f"Top blob '{blob}' produced by multiple sources: by layer '{makers[blob]}' and by layer '{layer.name}' (only a"
                    " layer that has it as bottom at the same place, and comes before all other readers, may write it again)"
                )
            current[blob] = len(names)
            available[blob] = len(names)
            makers[blob] = layer.name
            tops.append(len(names))
            names.append(blob)
        for _ in range(top_count(layer) - len(layer.top)):
            tops.append(len(names))
            names.append(AUTOMATIC)
        nodes.append(Node(layer.name, layer.type, bottoms, tuple(tops), layer, layers=(layer.name,)))
    outputs = tuple(available[blob] for blob in sorted(available, key=str.encode))
    return Graph(net.name, tuple(nodes), tuple(names), outputs)
