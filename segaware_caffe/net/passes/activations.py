"""ReLU on what nobody else reads works in the memory of the layer before it."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from torch.nn import functional

from segaware_caffe.layers import Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.scope import Scope


class Activated(Runnable):
    """A module and the ReLU of its one top."""

    def __init__(self, module: Runnable, slope: float):
        super().__init__()
        self.module = module
        self.slope = slope

    def forward(self, *bottoms: torch.Tensor) -> torch.Tensor:
        if self.slope == 0 and self.module.takes_relu:
            return self.module(*bottoms, relu=True)
        top = self.module(*bottoms)
        top = top if isinstance(top, torch.Tensor) else top[0]
        return functional.leaky_relu_(top, self.slope) if self.slope else top.relu_()

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
    """ReLU of a fresh top that it alone reads."""
    matcher = Matcher(graph, scope)
    replacements = {}
    for node in matcher.candidates("ReLU"):
        before = _fresh(matcher, node)
        if before:
            module = Activated(before.module, node.module.options.negative_slope)
            replacements[node.tops[0]] = fused(node, before.type, before.bottoms, module, before, main=before)
    count = len(replacements)
    return replaced(graph, replacements, [f"{count} ReLUs work in place"] if count else [])


def _fresh(matcher: Matcher, node: Node) -> Node | None:
    before = matcher.maker(node.bottoms[0])
    if before is None or matcher.only_reader(node.bottoms[0]) is None:
        return None
    return before if before.module.fresh else None
