"""Convolutions of images in oneDNN's own form: weights packed once, channels innermost, with what follows fused in.

PyTorch's convolution on the CPU reorders its weights at every call and, for images stored plane by
plane, the image too. oneDNN's operators, which PyTorch has for its compiler, take packed weights,
keep the channels innermost from layer to layer, and apply a ReLU or add a shortcut as they write.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import nn

from segaware_caffe.layers import Layer
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.batchnorm import FoldedConvolution
from segaware_caffe.net.passes.folding import Cache
from segaware_caffe.net.passes.match import Matcher, Scope, fused, passes_gradients, replaced

_NAMES = ("_convolution_pointwise", "_reorder_convolution_weight")


@cache
def available() -> bool:
    """Whether this PyTorch has oneDNN's operators."""
    return torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in _NAMES)


def why_not_onednn(*tensors: torch.Tensor) -> str | None:
    """Why oneDNN's operators cannot take these tensors; None if they can."""
    if not available():
        return "this PyTorch has no oneDNN operators"
    if torch.compiler.is_compiling():
        return "they are not traced"
    if any(tensor.device.type != "cpu" or tensor.dtype != torch.float32 for tensor in tensors):
        return "they run on the CPU, in float32"
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        return "they have no gradient"
    return None


def add_convolution(bottom: torch.Tensor, weight: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """other (N, O, H, W) + the 1x1 convolution of bottom (N, C, H, W) with weight (O, C, 1, 1), without making that by itself."""
    bottom, other = (value.contiguous(memory_format=torch.channels_last) for value in (bottom, other))
    return torch.ops.mkldnn._convolution_pointwise.binary(
        bottom, other, weight, None, [0, 0], [1, 1], [1, 1], 1, "add", None, None, [], None
    )


class PackedConvolution(nn.Module):
    """A Convolution, perhaps with folded statistics, perhaps plus a shortcut, perhaps with ReLU."""

    def __init__(self, source: Layer | FoldedConvolution, packs: dict[Any, Cache]):
        """`packs` holds the packed weights of a net by what they are made of: layers that share weights share them."""
        super().__init__()
        self.source = source
        self.convolution: Layer = source.convolution if isinstance(source, FoldedConvolution) else source
        self._packed = packs.setdefault((*map(id, source.parameters()), *map(tuple, self._geometry()[:3])), Cache())

    def forward(self, bottom: torch.Tensor, shortcut: torch.Tensor | None = None, relu: bool = False) -> torch.Tensor:
        if self.why_not(bottom) is not None:
            top = self.convolution.run(bottom, *self.weight_and_bias())
            top = top if shortcut is None else top + shortcut
            return top.relu_() if relu else top
        bottom = bottom.contiguous(memory_format=torch.channels_last)
        weight, *bias = self._packed(self.blobs(), lambda: self._pack(list(bottom.shape)))
        rest = bias[0] if bias else None, *self._geometry()
        if shortcut is None:
            return torch.ops.mkldnn._convolution_pointwise(bottom, weight, *rest, "relu" if relu else "none", [], "")
        shortcut = shortcut.contiguous(memory_format=torch.channels_last)
        return torch.ops.mkldnn._convolution_pointwise.binary(
            bottom, shortcut, weight, *rest, "add", None, "relu" if relu else None, [], None
        )

    @property
    def packed(self) -> Cache:
        """The packed weights and the bias; one object for all convolutions that share them."""
        return self._packed

    def blobs(self) -> list[torch.Tensor]:
        """What weights and bias are computed from."""
        return self.source.blobs() if isinstance(self.source, FoldedConvolution) else self.source.blobs

    def why_not(self, bottom: torch.Tensor) -> str | None:
        """Why it cannot take packed weights with this bottom; None if it can."""
        return why_not_onednn(bottom, *self.blobs())

    def weight_and_bias(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The weights (O, C / group, kh, kw), folded if they are to be, and the bias (O) if there is one."""
        if isinstance(self.source, FoldedConvolution):
            return self.source.weight_and_bias()
        layer = self.convolution
        return layer.blob(0), layer.blob(1) if layer.options.bias_term else None

    def _pack(self, shape: list[int]) -> tuple[torch.Tensor, ...]:
        weight, bias = self.weight_and_bias()
        weight = weight.contiguous(memory_format=torch.channels_last)
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._geometry(), shape)
        return (packed,) if bias is None else (packed, bias)

    def _geometry(self) -> tuple[Sequence[int], Sequence[int], Sequence[int], int]:
        geometry = self.convolution.geometry
        return geometry.pad, geometry.stride, geometry.dilation, self.convolution.group


def pack(graph: Graph, scope: Scope) -> Graph:
    """In TEST, every Convolution of images that is not masked, and sums of one with a shortcut."""
    if scope.training or not available():
        return graph
    replacements = {}
    packs: dict[Any, Cache] = {}
    for node in graph.nodes:
        if node.type in ("Convolution", "FoldedConvolution") and _is_plain(node):
            replacements[node.tops[0]] = fused(node, "PackedConvolution", node.bottoms, PackedConvolution(node.module, packs))
    packed = replaced(graph, replacements, [f"{len(replacements)} convolutions run with packed weights"] if replacements else [])
    return _add_shortcuts(packed, scope)


def _is_plain(node: Node) -> bool:
    layer = node.module.convolution if node.type == "FoldedConvolution" else node.module
    return (
        len(node.bottoms) == 1
        and layer.channel_axis == 1
        and len(layer.geometry.kernel) == 2
        and not layer.options.bottom_is_im2col
        and passes_gradients(node)
    )


def _add_shortcuts(graph: Graph, scope: Scope) -> Graph:
    """Eltwise SUM of a packed convolution that nobody else reads, and something of the same shape."""
    matcher = Matcher(graph, scope)
    replacements = {}
    for node in graph.nodes:
        if node.type != "Eltwise" or len(node.bottoms) != 2 or not passes_gradients(node):
            continue
        options = node.module.options
        if options.operation != options.SUM or any(weight != 1 for weight in options.coeff):
            continue
        for value, other in (node.bottoms, node.bottoms[::-1]):
            before = matcher.producer(value, "PackedConvolution")
            if before and value != other and matcher.only_reader(value) is node:
                replacements[node.tops[0]] = fused(node, "PackedConvolution", (*before.bottoms, other), before.module)
                break
    notes = [f"{len(replacements)} shortcuts are added by the convolution before"] if replacements else []
    return replaced(graph, replacements, notes)
