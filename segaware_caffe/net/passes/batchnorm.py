"""BatchNorm, or BN, and Scale with stored statistics: folded into the convolution before them, or at least into one step."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch

from segaware_caffe.layers import Layer, Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.packs import Packs
from segaware_caffe.net.passes.match import Matcher, fused, may_go, replaced
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops.activation import Activation, applied


class Statistics(torch.nn.Module):
    """A BatchNorm or BN with stored statistics and perhaps a Scale, as one factor and one offset per channel."""

    def __init__(self, batchnorm: Any, scale: Layer | None):
        super().__init__()
        self.batchnorm = batchnorm
        self.scale = scale

    @property
    def key(self) -> Hashable:
        """What factor and offset depend on, but for the values of blobs."""
        return (*map(id, self.parameters()), self.batchnorm.eps)

    def blobs(self) -> list[torch.Tensor]:
        """What factor and offset are computed from."""
        return self.batchnorm.blobs + (self.scale.blobs if self.scale else [])

    def factor_and_offset(self) -> tuple[torch.Tensor, torch.Tensor]:
        """y = factor * x + offset, each (C)."""
        factor, offset = self.batchnorm.factor_and_offset()
        if self.scale:
            factor, offset = factor * self.scale.blob(0), offset * self.scale.blob(0)
            if self.scale.options.bias_term:
                offset = offset + self.scale.blob(1)
        return factor, offset


class FoldedConvolution(Runnable):
    """A Convolution whose weights and bias have the statistics after it multiplied in."""

    fresh = True

    def __init__(self, convolution: Any, statistics: Statistics, packs: Packs):
        super().__init__()
        self.convolution = convolution
        self.statistics = statistics
        self._folded = packs.cache("folded", self.key)

    @property
    def key(self) -> Hashable:
        """What weights and bias depend on, but for the values of blobs."""
        return self.convolution.key, self.statistics.key

    def blobs(self) -> list[torch.Tensor]:
        """What weights and bias are computed from."""
        return self.convolution.blobs + self.statistics.blobs()

    def weight_and_bias(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The folded weights (O, C / group, ...) and bias (O)."""
        factor, offset = self.statistics.factor_and_offset()
        weight = self.convolution.blob(0)
        if self.convolution.options.bias_term:
            offset = offset + factor * self.convolution.blob(1)
        folded = weight * factor.view(-1, *[1] * (weight.ndim - 1))
        return folded.to(weight.dtype), offset.to(weight.dtype)  # statistics are float32 in a half net too

    def kept(self) -> tuple[torch.Tensor, ...]:
        """The same, computed once for as long as the blobs stay as they are."""
        return self._folded(self.blobs(), self.weight_and_bias)

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return self.convolution.run(bottom, *self.kept())

    def check_shapes(self, *bottoms: Shape) -> None:
        self.convolution.check_shapes(*bottoms)

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.workspace(bottoms, tops)

    def packed(self) -> Mapping[Hashable, int]:
        return {self._folded: self.convolution.blobs[0].numel()}

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.operations(bottoms, tops)


class FoldedBatchNorm(Runnable):
    """BatchNorm and Scale that no convolution precedes, in one step."""

    fresh = True

    def __init__(self, statistics: Statistics, packs: Packs):
        super().__init__()
        self.statistics = statistics
        self._folded = packs.cache("statistics", statistics.key)

    def forward(self, bottom: torch.Tensor, activation: Activation | None = None) -> torch.Tensor:
        values = self._folded(self.statistics.blobs(), self.statistics.factor_and_offset)
        factor, offset = (value.view(-1, *[1] * (bottom.ndim - 2)) for value in values)
        return applied(torch.addcmul(offset, bottom, factor).to(bottom.dtype), activation)

    def takes(self, activation: Activation) -> bool:
        return True

    def check_shapes(self, *bottoms: Shape) -> None:
        self.statistics.batchnorm.check_shapes(*bottoms)


def fold(graph: Graph, scope: Scope) -> Graph:
    """In TEST, BatchNorm or BN, and the Scale after it, into the Convolution before."""
    if scope.training:
        return graph
    matcher = Matcher(graph, scope)
    replacements = {}
    folded = 0
    for node in matcher.candidates("BatchNorm", "BN"):
        if not node.module.takes_stored():
            continue
        scale = _scale_after(matcher, node)
        statistics = Statistics(node.module, scale.module if scale else None)
        last = scale or node
        convolution = _convolution_before(matcher, node)
        if convolution:
            folded += 1
            module = FoldedConvolution(convolution.module, statistics, scope.packs)
            bottoms = convolution.bottoms
            replacements[last.tops[0]] = fused(last, "FoldedConvolution", bottoms, module, convolution, node, main=convolution)
        else:
            replacements[last.tops[0]] = fused(last, "FoldedBatchNorm", node.bottoms, FoldedBatchNorm(statistics, scope.packs), node)
    other = len(replacements) - folded
    notes = [f"{folded} BatchNorms with their Scales folded into convolutions"] if folded else []
    return replaced(graph, replacements, notes + ([f"{other} BatchNorms with their Scales in one step"] if other else []))


def _scale_after(matcher: Matcher, node: Node) -> Node | None:
    """The Scale by channel that alone reads a BatchNorm's top."""
    scale = matcher.only_reader(node.tops[0])
    if scale is None or scale.type != "Scale" or len(scale.bottoms) > 1 or not may_go(scale):
        return None
    options = scale.module.options
    return scale if options.axis == 1 and options.num_axes == 1 else None


def _convolution_before(matcher: Matcher, node: Node) -> Node | None:
    """The Convolution of images whose top the BatchNorm alone reads."""
    value = node.bottoms[0]
    convolution = matcher.producer(value, "Convolution")
    if convolution is None or matcher.only_reader(value) is None or len(convolution.bottoms) > 1:
        return None
    layer = convolution.module
    return convolution if layer.channel_axis == 1 and layer.geometry.kernel and not layer.options.bottom_is_im2col else None
