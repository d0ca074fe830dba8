"""Split layers hand on what they read: their readers can read it themselves."""

from dataclasses import replace

from segaware_caffe.net.graph import Graph
from segaware_caffe.net.passes.match import may_go
from segaware_caffe.net.scope import Scope


def remove_splits(graph: Graph, scope: Scope) -> Graph:
    """Let every reader of a Split's top read its bottom. A top that is wanted itself keeps its Split."""
    source: dict[int, int] = {}
    nodes = []
    for node in graph.nodes:
        bottoms = tuple(source.get(value, value) for value in node.bottoms)
        if node.type == "Split" and may_go(node):
            source.update(dict.fromkeys(node.tops, bottoms[0]))
        nodes.append(replace(node, bottoms=bottoms))
    return graph.with_nodes(nodes)
