"""Which layers and bottoms take part in the backward pass (spec/pipeline.md 2.6, with upstream's `propagate_down`).

Autograd alone gives the same gradients, but not the same zeros: the reference does not run layers
that no loss needs, and `propagate_down` cuts or forces single edges. `pycaffe` follows these flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from segaware_caffe.layers import Layer
from segaware_caffe.net.graph import Graph, Node


@dataclass
class NeedsBackward:
    """For a node: whether its backward runs, and for which bottoms it writes a gradient."""

    layer: bool
    bottoms: list[bool]


def cut_bottoms(node: Node) -> tuple[bool, ...]:
    """For each bottom whether `propagate_down: false` cuts its gradient."""
    flags = node.proto.propagate_down if node.proto is not None else ()
    return tuple(not flag for flag in flags) or (False,) * len(node.bottoms)


def backward_flags(graph: Graph, force_backward: bool) -> list[NeedsBackward]:
    """The flags of every node of a literal graph (layers as modules)."""
    needs = _forward_pass(graph)
    _backward_pass(graph, needs)
    if force_backward:
        _force(graph, needs)
    return needs


def _forward_pass(graph: Graph) -> list[NeedsBackward]:
    """What could need a gradient: readers of learned blobs and all behind them."""
    blob_needs: dict[int, bool] = {}
    result = []
    for node in graph.nodes:
        bottoms = [blob_needs[value] for value in node.bottoms]
        layer: Layer = node.module
        need = any(bottoms) or any(layer.learns)
        stated = list(node.proto.propagate_down)
        for value in node.tops:
            blob_needs[value] = need
        result.append(NeedsBackward(need, stated or bottoms))
    return result


def _backward_pass(graph: Graph, needs: Sequence[NeedsBackward]) -> None:
    """Drop what no loss reaches, and what `propagate_down: false` keeps losses from reaching."""
    under_loss: set[str] = set()
    skipped: set[str] = set()
    for node, need in zip(reversed(graph.nodes), reversed(needs), strict=True):
        tops = [graph.names[value] for value in node.tops]
        contributes = any(node.loss_weights) or any(top in under_loss for top in tops)
        if need.layer and all(top in skipped for top in tops):
            need.layer = False
            need.bottoms = [False] * len(need.bottoms)
        if not contributes:
            need.layer = False
        for index, value in enumerate(node.bottoms):
            name = graph.names[value]
            if contributes:
                under_loss.add(name)
            else:
                need.bottoms[index] = False
            if not need.bottoms[index]:
                skipped.add(name)


def _force(graph: Graph, needs: Sequence[NeedsBackward]) -> None:
    for node, need in zip(graph.nodes, needs, strict=True):
        need.layer = True
        need.bottoms = [flag or index not in node.module.no_forced_gradient for index, flag in enumerate(need.bottoms)]
