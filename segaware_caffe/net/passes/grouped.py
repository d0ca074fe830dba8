"""Convolutions in groups of a few channels by our own kernel (`ops.convolution`), which takes the groups of a vector together."""

import torch

from segaware_caffe.net.graph import Graph
from segaware_caffe.net.passes.by_kernel import KernelConvolution
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops import native
from segaware_caffe.ops.convolution import pack, takes

#: channels of a group, from and to which it was measured faster than oneDNN's convolution
LEAST, MOST = 2, 4


class GroupedConvolution(KernelConvolution):
    """A PackedConvolution in small groups."""

    kernel = "grouped"

    def pack_weight(self, weight: torch.Tensor) -> torch.Tensor:
        return pack(weight)

    def run(self, bottom: torch.Tensor, packed: torch.Tensor, finish: native.Finish) -> torch.Tensor:
        return native.grouped(bottom, packed, self.convolution.group, self.convolution.geometry, finish)

    def packed_size(self) -> int:
        lanes = native.set_lanes()
        return self.convolution.blob(0).numel() // self.convolution.num_output * (-(-self.convolution.num_output // lanes) * lanes)


def take(graph: Graph, scope: Scope) -> Graph:
    """Of the convolutions with packed weights, those whose groups have a few channels and as many outputs."""
    if native.why_not_tensors() is not None:
        return graph
    matcher = Matcher(graph, scope)
    replacements = {}
    for node in matcher.candidates("PackedConvolution"):
        layer = node.module.convolution
        shape = layer.specs[0].shape
        if LEAST <= shape[1] <= MOST and takes(shape, layer.group):
            replacements[node.tops[0]] = fused(node, "GroupedConvolution", node.bottoms, GroupedConvolution(node.module, scope.packs))
    count = len(replacements)
    return replaced(graph, replacements, [f"{count} convolutions in groups of a few channels run by a kernel for them"] if count else [])
