"""What the passes look at a graph with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from segaware_caffe.layers import Shape
from segaware_caffe.net.graph import Graph, Node


@dataclass(frozen=True)
class Scope:
    """What a pass must know beside the graph: shapes of values, values that must stay, and the phase."""

    shapes: Mapping[int, Shape]
    fixed: frozenset[int]
    training: bool


class Matcher:
    """Producers and readers of a graph's values."""

    def __init__(self, graph: Graph, scope: Scope):
        self.graph = graph
        self.scope = scope
        self._producers = graph.producers()
        self._readers = graph.readers()

    def producer(self, value: int, type_name: str) -> Node | None:
        """The node that makes `value`, if it is of that type, has one top, and lets gradients pass."""
        node = self._producers.get(value)
        if node is None or node.type != type_name or len(node.tops) != 1 or not passes_gradients(node):
            return None
        return node

    def only_reader(self, value: int) -> Node | None:
        """The one node that reads `value`, if nobody else wants it."""
        readers = self._readers[value]
        return readers[0] if len(readers) == 1 and value not in self.scope.fixed else None

    def name(self, value: int) -> str:
        """The blob that the value is."""
        return self.graph.names[value]


def passes_gradients(node: Node) -> bool:
    """Whether no `propagate_down: false` cuts a bottom of the node, and none of its tops is a loss."""
    return not any(node.loss_weights) and (node.proto is None or all(node.proto.propagate_down))


def replaced(graph: Graph, replacements: Mapping[int, Node], notes: Iterable[str]) -> Graph:
    """The graph with some of its nodes, by the value they make, replaced."""
    return graph.with_nodes((replacements.get(node.tops[0], node) if node.tops else node for node in graph.nodes), *notes)


def fused(node: Node, type_name: str, bottoms: Iterable[int], module: nn.Module, **changes: Any) -> Node:
    """A node that takes the place of `node`: another type, other bottoms, another module."""
    return replace(node, type=type_name, bottoms=tuple(bottoms), module=module, proto=None, **changes)
