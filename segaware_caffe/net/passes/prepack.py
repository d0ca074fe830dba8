"""Convolutions of images in oneDNN's own form: weights packed once, channels innermost, with what follows fused in.

PyTorch's convolution on the CPU reorders its weights at every call and, for images stored plane by
plane, the image too. oneDNN's operators, which PyTorch has for its compiler, take packed weights,
keep the channels innermost from layer to layer, and apply an activation or add a shortcut as they write.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import Any

import torch

from segaware_caffe.layers import Layer, Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.packs import Packs
from segaware_caffe.net.passes.batchnorm import FoldedConvolution
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops.activation import Activation, applied
from segaware_caffe.ops.columns import reaching
from segaware_caffe.ops.watched import is_watched

_NAMES = ("_convolution_pointwise", "_reorder_convolution_weight")


@cache
def available() -> bool:
    """Whether this PyTorch has oneDNN's operators."""
    return torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in _NAMES)


def why_not_onednn(*tensors: torch.Tensor) -> str | None:
    """Why oneDNN's operators cannot take these tensors; None if they can."""
    if is_watched():
        return "they are not traced"
    if not available():
        return "this PyTorch has no oneDNN operators"
    graded = torch.is_grad_enabled()
    for tensor in tensors:
        if not tensor.is_cpu or tensor.dtype is not torch.float32:
            return "they run on the CPU, in float32"
        if graded and tensor.requires_grad:
            return "they have no gradient"
    return None


def add_convolution(bottom: torch.Tensor, weight: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """other (N, O, H, W) + the 1x1 convolution of bottom (N, C, H, W) with weight (O, C, 1, 1), without making that by itself."""
    bottom, other = (value.contiguous(memory_format=torch.channels_last) for value in (bottom, other))
    return torch.ops.mkldnn._convolution_pointwise.binary(
        bottom, other, weight, None, [0, 0], [1, 1], [1, 1], 1, "add", None, None, [], None
    )


class PackedConvolution(Runnable):
    """A Convolution, perhaps with folded statistics, perhaps plus a shortcut, perhaps with an activation."""

    fresh = True
    convolution: Any

    def __init__(self, source: Layer | FoldedConvolution, packs: Packs):
        """Layers that share weights share what is packed of them."""
        super().__init__()
        self.source = source
        self.convolution = source.convolution if isinstance(source, FoldedConvolution) else source
        geometry = self.convolution.geometry
        self._geometry = list(geometry.pad), list(geometry.stride), list(geometry.dilation), self.convolution.group
        #: the kernel reaches over no image, however small
        self._fits = all(d * (k - 1) <= 2 * p for k, p, d in zip(geometry.kernel, geometry.pad, geometry.dilation, strict=True))
        self._packed = packs.cache("packed", source.key, *map(tuple, self._geometry[:3]))

    def forward(self, bottom: torch.Tensor, shortcut: torch.Tensor | None = None, activation: Activation | None = None) -> torch.Tensor:
        blobs = self.blobs()
        if why_not_onednn(bottom, *blobs) is not None or (shortcut is not None and why_not_onednn(shortcut) is not None):
            weights = self.source.kept() if isinstance(self.source, FoldedConvolution) else self.weight_and_bias()
            top = self.convolution.run(bottom, *weights)
            return applied(top if shortcut is None else top + shortcut, activation)
        if not self._fits:
            bottom = reaching(bottom, self.convolution.geometry)
        bottom = bottom.contiguous(memory_format=torch.channels_last)
        weight, *bias = self._packed(blobs, lambda: self._pack(list(bottom.shape)))
        rest = bias[0] if bias else None, *self._geometry
        operation = activation.onednn() if activation else None
        if shortcut is None:
            name, numbers = operation or ("none", [])
            top = torch.ops.mkldnn._convolution_pointwise(bottom, weight, *rest, name, numbers, "")
            return top if operation else applied(top, activation)
        shortcut = shortcut.contiguous(memory_format=torch.channels_last)
        relu = operation and operation[0] == "relu"  # the only one that it has behind a sum
        top = torch.ops.mkldnn._convolution_pointwise.binary(
            bottom, shortcut, weight, *rest, "add", None, "relu" if relu else None, [], None
        )
        return top if relu else applied(top, activation)

    def takes(self, activation: Activation) -> bool:
        return True

    def check_shapes(self, *bottoms: Shape) -> None:
        self.convolution.check_shapes(bottoms[0])

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * self.convolution.blob(0).numel()  # while it packs them: folded weights, and their copy with channels innermost

    def packed(self) -> Mapping[Hashable, int]:
        return {self._packed: self.convolution.blob(0).numel()}

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.operations(bottoms[:1], tops)

    def blobs(self) -> list[torch.Tensor]:
        """What weights and bias are computed from."""
        return self.source.blobs() if isinstance(self.source, FoldedConvolution) else self.source.blobs

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        return why_not_onednn(*bottoms, *self.blobs())

    def weight_and_bias(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The weights (O, C / group, kh, kw), folded if they are to be, and the bias (O) if there is one."""
        if isinstance(self.source, FoldedConvolution):
            return self.source.weight_and_bias()
        layer = self.convolution
        return layer.blob(0), layer.blob(1) if layer.options.bias_term else None

    def _pack(self, shape: list[int]) -> tuple[torch.Tensor, ...]:
        weight, bias = self.weight_and_bias()
        weight = weight.contiguous(memory_format=torch.channels_last)
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._geometry, shape)
        return (packed,) if bias is None else (packed, bias)


def pack(graph: Graph, scope: Scope) -> Graph:
    """In TEST, every Convolution of images that is not masked, and sums of one with a shortcut."""
    matcher = Matcher(graph, scope)
    plain = [node for node in matcher.candidates("Convolution", "FoldedConvolution") if _is_plain(node)]
    if scope.training or not available():
        reason = "in TRAIN they change with every update" if scope.training else "this PyTorch has no oneDNN operators"
        return graph.with_nodes(graph.nodes, *([f"weights of {len(plain)} convolutions are not packed: {reason}"] if plain else []))
    replacements = {
        node.tops[0]: fused(node, "PackedConvolution", node.bottoms, PackedConvolution(node.module, scope.packs)) for node in plain
    }
    packed = replaced(graph, replacements, [f"{len(replacements)} convolutions run with packed weights"] if replacements else [])
    return _add_shortcuts(packed, scope)


def _is_plain(node: Node) -> bool:
    layer = node.module.convolution if node.type == "FoldedConvolution" else node.module
    return len(node.bottoms) == 1 and layer.channel_axis == 1 and len(layer.geometry.kernel) == 2 and not layer.options.bottom_is_im2col


def _add_shortcuts(graph: Graph, scope: Scope) -> Graph:
    """Eltwise SUM of a packed convolution that nobody else reads, and something of the same shape."""
    matcher = Matcher(graph, scope)
    replacements = {}
    for node in matcher.candidates("Eltwise"):
        if len(node.bottoms) != 2 or scope.unsettled.intersection(node.bottoms):
            continue
        options = node.module.options
        if options.operation != options.SUM or any(weight != 1 for weight in options.coeff):
            continue
        for value, other in (node.bottoms, node.bottoms[::-1]):
            before = matcher.producer(value, "PackedConvolution")
            if before and len(before.bottoms) == 1 and value != other and matcher.only_reader(value) is node:
                bottoms = (*before.bottoms, other)
                replacements[node.tops[0]] = fused(node, "PackedConvolution", bottoms, before.module, before, main=before)
                break
    notes = [f"{len(replacements)} shortcuts are added by the convolution before"] if replacements else []
    return replaced(graph, replacements, notes)
