"""Rewriting passes: functions Graph -> Graph, each on its own, each to be switched off.

A pass never removes a value in `kept` (blobs that the caller wants) or a net output.
"""

from collections.abc import Callable, Iterable

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Shape
from segaware_caffe.net.graph import Graph

Pass = Callable[[Graph, dict[int, Shape], frozenset[int]], Graph]

#: all passes in the order they are applied
PASSES: dict[str, Pass] = {}


def run_passes(graph: Graph, shapes: dict[int, Shape], kept: Iterable[int], names: Iterable[str] | None = None) -> Graph:
    """Apply the named passes (None: all) in their fixed order."""
    names = list(PASSES) if names is None else list(names)
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise CaffeError(f"unknown graph pass {', '.join(map(repr, unknown))}; there are: {', '.join(PASSES) or 'none'}")
    fixed = frozenset(kept) | frozenset(graph.outputs)
    for name, function in PASSES.items():
        if name in names:
            graph = function(graph, shapes, fixed)
    return graph
