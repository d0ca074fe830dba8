"""ReLU on what nobody else reads works in the memory of the layer before it."""

import torch
from torch import nn
from torch.nn import functional

from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.masked import MaskedConvolution
from segaware_caffe.net.passes.match import Matcher, Scope, fused, passes_gradients, replaced
from segaware_caffe.net.passes.prepack import PackedConvolution
from segaware_caffe.net.passes.winograd import WinogradConvolution

#: types whose top is new memory that they need no more themselves, not even for their gradient
FRESH = (
    "Convolution", "Deconvolution", "InnerProduct", "NormConv", "Eltwise", "FoldedBatchNorm",
    "MaskedConvolution", "PartwiseConvolution", "FoldedConvolution", "PackedConvolution", "WinogradConvolution",
)  # fmt: skip

#: modules that apply a ReLU as they write
RELU_INSIDE = (MaskedConvolution, PackedConvolution, WinogradConvolution)


class Activated(nn.Module):
    """A module and the ReLU of its one top."""

    def __init__(self, module: nn.Module, slope: float):
        super().__init__()
        self.module = module
        self.slope = slope

    def forward(self, *bottoms: torch.Tensor) -> torch.Tensor:
        if self.slope == 0 and isinstance(self.module, RELU_INSIDE):
            return self.module(*bottoms, relu=True)
        top = self.module(*bottoms)
        top = top if isinstance(top, torch.Tensor) else top[0]
        return functional.leaky_relu_(top, self.slope) if self.slope else top.relu_()


def fuse(graph: Graph, scope: Scope) -> Graph:
    """ReLU of a fresh top that it alone reads."""
    matcher = Matcher(graph, scope)
    replacements = {}
    for node in graph.nodes:
        if node.type == "ReLU" and passes_gradients(node):
            before = _fresh(matcher, node)
            if before:
                module = Activated(before.module, node.module.options.negative_slope)
                replacements[node.tops[0]] = fused(node, before.type, before.bottoms, module)
    count = len(replacements)
    return replaced(graph, replacements, [f"{count} ReLUs work in place"] if count else [])


def _fresh(matcher: Matcher, node: Node) -> Node | None:
    value = node.bottoms[0]
    if matcher.only_reader(value) is None:
        return None
    before = next((found for kind in FRESH if (found := matcher.producer(value, kind))), None)
    return before if before and _is_fresh(before) else None


def _is_fresh(node: Node) -> bool:
    """An Eltwise product or maximum keeps its top's value for its gradient or may hand on a bottom; its sum does neither."""
    return node.type != "Eltwise" or node.module.options.operation == node.module.options.SUM
