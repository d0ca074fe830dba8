"""3x3 convolutions of large images by Winograd's algorithm (`ops.winograd`), where the compiled kernels are there."""

from functools import partial
from typing import Any

import torch

from segaware_caffe.layers import Shape
from segaware_caffe.net.graph import Graph
from segaware_caffe.net.passes.by_kernel import KernelConvolution
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops import native, winograd
from segaware_caffe.ops.geometry import Geometry


class WinogradConvolution(KernelConvolution):
    """A PackedConvolution that takes fewer products; where the algorithm cannot run it stays what it was."""

    kernel = "winograd"

    def pack_weight(self, weight: torch.Tensor) -> torch.Tensor:
        return winograd.pack(weight)

    def run(self, bottom: torch.Tensor, packed: torch.Tensor, finish: native.Finish) -> torch.Tensor:
        return native.winograd(bottom, packed, self.convolution.num_output, self.convolution.geometry, finish)

    def packed_size(self) -> int:
        return 4 * self.convolution.blob(0).numel()


def take(graph: Graph, scope: Scope) -> Graph:
    """Of the convolutions with packed weights, 3x3 ones of stride 1, of images that are large enough."""
    matcher = Matcher(graph, scope)
    replacements = {}
    left: dict[str, list[str]] = {}
    for node in matcher.candidates("PackedConvolution"):
        layer = node.module.convolution
        if layer.geometry.kernel != (3, 3):
            continue
        reason = _why_not(layer) or _why_not_bottom(scope, node.bottoms[0], layer.geometry)
        if reason is None:
            replacements[node.tops[0]] = fused(node, "WinogradConvolution", node.bottoms, WinogradConvolution(node.module, scope.packs))
        else:
            left.setdefault(reason, []).append(f"'{node.name}'")
    count = len(replacements)
    notes = [f"{count} 3x3 convolutions take a quarter of the products, by Winograd's algorithm"] if count else []
    notes += [f"3x3 convolutions that take all products: {', '.join(names)}: {reason}" for reason, names in left.items()]
    return replaced(graph, replacements, notes)


def _why_not(layer: Any) -> str | None:
    groups = "they have groups" if layer.group != 1 else None
    return native.why_not_tensors() or groups or winograd.why_not(layer.geometry, layer.specs[0].shape)


def _why_not_bottom(scope: Scope, bottom: int, geometry: Geometry) -> str | None:
    if bottom in scope.unsettled:
        return "the size of the image is known only when the net runs"
    return scope.look(partial(_too_small, geometry), bottom)


def _too_small(geometry: Geometry, bottom: Shape) -> str | None:
    return winograd.why_not_image(geometry, bottom[2:])
