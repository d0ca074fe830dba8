"""What the passes look at a graph with."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from torch import nn

from segaware_caffe.layers import Runnable
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.scope import Scope

#: why a node that `may_go` refuses stays
WATCHED = "its gradient is cut, its top is a loss, or its module has hooks"


class Matcher:
    """Producers and readers of a graph's values."""

    def __init__(self, graph: Graph, scope: Scope):
        self.graph = graph
        self.scope = scope
        self._producers = graph.producers()
        self._readers = graph.readers()

    def candidates(self, *types: str) -> Iterator[Node]:
        """The nodes of these types, with one top, that something else may take the place of."""
        return (node for node in self.graph.nodes if node.type in types and len(node.tops) == 1 and may_go(node))

    def maker(self, value: int) -> Node | None:
        """The node that makes `value`, if it has one top and something else may take its place."""
        node = self._producers.get(value)
        return node if node is not None and len(node.tops) == 1 and may_go(node) else None

    def producer(self, value: int, *types: str) -> Node | None:
        """The `maker` of `value`, if it is of one of these types."""
        node = self.maker(value)
        return node if node is not None and node.type in types else None

    def only_reader(self, value: int) -> Node | None:
        """The one node that reads `value`, if nobody else wants it."""
        readers = self._readers[value]
        return readers[0] if len(readers) == 1 and value not in self.scope.fixed else None

    def name(self, value: int) -> str:
        """The blob that the value is."""
        return self.graph.names[value]


def may_go(node: Node) -> bool:
    """Whether a node may be replaced: no `propagate_down: false` cuts a bottom, no top is a loss, nobody hooked its module."""
    return not any(node.loss_weights) and (node.proto is None or all(node.proto.propagate_down)) and not is_hooked(node.module)


def is_hooked(module: nn.Module) -> bool:
    """Whether somebody wants to be called when the module runs, or computes its blobs, so that it must run itself."""
    # asked of every layer at every run: looked up where PyTorch's `is_parametrized` would search first
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(hooks) or "parametrizations" in module._modules


def replaced(graph: Graph, replacements: Mapping[int, Node], notes: Iterable[str]) -> Graph:
    """The graph with some of its nodes, by the value they make, replaced."""
    return graph.with_nodes((replacements.get(node.tops[0], node) if node.tops else node for node in graph.nodes), *notes)


def fused(node: Node, type_name: str, bottoms: Iterable[int], module: Runnable, *others: Node, main: Node | None = None) -> Node:
    """A node that takes the place of `node`, and does the work of `others` before it too; it has the name of the `main` one of them."""
    layers = tuple(dict.fromkeys(name for each in (*others, node) for name in each.layers))
    name = (main or node).name
    return replace(node, name=name, type=type_name, bottoms=tuple(bottoms), module=module, proto=None, layers=layers)
