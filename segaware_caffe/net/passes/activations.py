"""ReLU, ReLU6, PReLU and Clip of what nobody else reads: done by the layer before as it writes, or at least in its memory."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import cast

import torch

from segaware_caffe.layers import Layer, Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import Matcher, fused, may_go, replaced
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops.activation import Activation


class Activated(Runnable):
    """A module and the activation of its one top."""

    def __init__(self, module: Runnable, layer: Layer):
        super().__init__()
        self.module = module
        self.layer = layer

    def forward(self, *bottoms: torch.Tensor) -> torch.Tensor:
        activation = cast(Activation, self.layer.activation)
        if self.module.takes(activation):
            return self.module(*bottoms, activation=activation)
        top = self.module(*bottoms)
        return activation.apply_(top if isinstance(top, torch.Tensor) else top[0])

    @property
    def repeatable(self) -> bool:
        return self.module.repeatable

    def check_shapes(self, *bottoms: Shape) -> None:
        self.module.check_shapes(*bottoms)

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.module.workspace(bottoms, tops)

    def packed(self) -> Mapping[Hashable, int]:
        return self.module.packed()

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.module.operations(bottoms, tops)

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        return self.module.why_not(*bottoms)


def fuse(graph: Graph, scope: Scope) -> Graph:
    """Activations of a fresh top that they alone read; where gradients are wanted, ReLU alone keeps none of its bottom."""
    matcher = Matcher(graph, scope)
    replacements = {}
    for node in graph.nodes:
        if node.module.activation is None or len(node.tops) != 1 or not may_go(node) or (scope.training and node.type != "ReLU"):
            continue
        before = _fresh(matcher, node)
        if before:
            replacements[node.tops[0]] = fused(
                node, before.type, before.bottoms, Activated(before.module, node.module), before, main=before
            )
    counts = Counter(node.type for node in graph.nodes if node.tops and node.tops[0] in replacements)
    return replaced(graph, replacements, [f"{count} {name}s work in place" for name, count in counts.items()])


def _fresh(matcher: Matcher, node: Node) -> Node | None:
    before = matcher.maker(node.bottoms[0])
    if before is None or matcher.only_reader(node.bottoms[0]) is None:
        return None
    return before if before.module.fresh else None
