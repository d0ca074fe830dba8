"""3x3 convolutions of large images by Winograd's algorithm (`ops.winograd`), where the compiled kernels are there."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.folding import Cache
from segaware_caffe.net.passes.match import Scope, fused, replaced
from segaware_caffe.net.passes.prepack import PackedConvolution
from segaware_caffe.ops import native, winograd


class WinogradConvolution(nn.Module):
    """A PackedConvolution that takes fewer products for images on which that is faster; for others it stays what it was."""

    def __init__(self, direct: PackedConvolution, packs: dict[Any, Cache]):
        """`packs` holds the weights in the algorithm's points by what they are made of."""
        super().__init__()
        self.direct = direct
        self.convolution = direct.convolution
        self.packed = packs.setdefault(direct.packed, Cache())

    def forward(self, bottom: torch.Tensor, relu: bool = False) -> torch.Tensor:
        if not self.pays(bottom.shape) or self.direct.why_not(bottom) is not None:
            return self.direct(bottom, relu=relu)
        weight, *bias = self.packed(self.direct.blobs(), self._pack)
        layer = self.convolution
        return native.winograd(bottom, weight, bias[0] if bias else None, layer.num_output, layer.geometry, relu)

    def pays(self, bottom: Sequence[int]) -> bool:
        """Whether a bottom of this shape (N, C, H, W) is large enough."""
        return winograd.pays(self.convolution.geometry, bottom[2:])

    def _pack(self) -> tuple[torch.Tensor, ...]:
        weight, bias = self.direct.weight_and_bias()
        packed = winograd.pack(weight)
        return (packed,) if bias is None else (packed, bias)


def take(graph: Graph, scope: Scope) -> Graph:
    """Of the convolutions with packed weights, 3x3 ones of stride 1 without a shortcut."""
    if native.library() is None:
        return graph
    packs: dict[Any, Cache] = {}
    replacements = {
        node.tops[0]: fused(node, "WinogradConvolution", node.bottoms, WinogradConvolution(node.module, packs))
        for node in graph.nodes if _is_suitable(node)
    }  # fmt: skip
    now = sum(node.module.pays(scope.shapes[node.bottoms[0]]) for node in replacements.values())
    return replaced(graph, replacements, [f"{now} 3x3 convolutions take a quarter of the products, by Winograd's algorithm"] if now else [])


def _is_suitable(node: Node) -> bool:
    if node.type != "PackedConvolution" or len(node.bottoms) != 1:
        return False
    layer = node.module.convolution
    return layer.group == 1 and winograd.applies(layer.geometry, layer.specs[0].shape)
