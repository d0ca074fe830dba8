"""3x3 convolutions of large images by Winograd's algorithm (`ops.winograd`), where the compiled kernels are there."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from segaware_caffe.layers import Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.packs import Packs
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.passes.prepack import PackedConvolution
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops import native, winograd
from segaware_caffe.ops.geometry import Geometry


class WinogradConvolution(Runnable):
    """A PackedConvolution that takes fewer products; where the algorithm cannot run it stays what it was."""

    takes_relu = True
    fresh = True

    def __init__(self, direct: PackedConvolution, packs: Packs):
        super().__init__()
        self.direct = direct
        self.convolution = direct.convolution
        self._packed = packs.cache("winograd", direct.source.key)

    def forward(self, bottom: torch.Tensor, relu: bool = False) -> torch.Tensor:
        if self.why_not(bottom) is not None:
            return self.direct(bottom, relu=relu)
        weight, *bias = self._packed(self.direct.blobs(), self._pack)
        layer = self.convolution
        try:
            return native.winograd(bottom, weight, bias[0] if bias else None, layer.num_output, layer.geometry, relu)
        except FloatingPointError:  # an infinity or NaN, which belongs to fewer pixels than a tile has; oneDNN's ReLU makes 0 of NaN
            result = self.direct(bottom)
            return result.relu_() if relu else result

    def check_shapes(self, *bottoms: Shape) -> None:
        self.convolution.check_shapes(*bottoms)

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.blob(0).numel()

    def packed(self) -> Mapping[Hashable, int]:
        return {self._packed: 4 * self.convolution.blob(0).numel()}

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.operations(bottoms, tops)

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        return self.direct.why_not(*bottoms)

    def _pack(self) -> tuple[torch.Tensor, ...]:
        weight, bias = self.direct.weight_and_bias()
        packed = winograd.pack(weight)
        return (packed,) if bias is None else (packed, bias)


def take(graph: Graph, scope: Scope) -> Graph:
    """Of the convolutions with packed weights, 3x3 ones of stride 1 without a shortcut, of images that are large enough."""
    matcher = Matcher(graph, scope)
    replacements = {}
    left: dict[str, list[str]] = {}
    for node in matcher.candidates("PackedConvolution"):
        layer = node.module.convolution
        if layer.geometry.kernel != (3, 3):
            continue
        reason = _why_not(layer) or ("a shortcut is added" if len(node.bottoms) > 1 else _why_not_bottom(scope, node))
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


def _why_not_bottom(scope: Scope, node: Node) -> str | None:
    (bottom,) = node.bottoms
    if bottom in scope.unsettled:
        return "the size of the image is known only when the net runs"
    return scope.look(partial(_too_small, node.module.convolution.geometry), bottom)


def _too_small(geometry: Geometry, bottom: Shape) -> str | None:
    return winograd.why_not_image(geometry, bottom[2:])
