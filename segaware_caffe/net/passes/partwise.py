"""A 1x1 convolution of concatenated, resized parts, part by part and before the resizing.

convolution(Concat(a, Interp(b), ...)) = convolution_a(a) + Interp(convolution_b(b)) + ... + bias: both are
linear, and a 1x1 convolution does not look at neighbours. Where a part has more channels than the
convolution puts out, or is enlarged, that is less arithmetic; the concatenation is never made.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from segaware_caffe.layers import Layer, Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.passes.prepack import add_convolution, why_not_onednn
from segaware_caffe.net.scope import Scope


class PartwiseConvolution(Runnable):
    """A 1x1 Convolution of parts, each with the Interp layer that enlarges it, or None."""

    fresh = True

    def __init__(self, convolution: Layer, resizers: list[Layer | None]):
        super().__init__()
        self.convolution = convolution
        self.resizers = nn.ModuleList(layer if layer is not None else nn.Identity() for layer in resizers)

    def forward(self, *parts: torch.Tensor) -> torch.Tensor:
        layer = self.convolution
        bias = layer.blob(1) if layer.options.bias_term else None
        weights = layer.blob(0).split([part.shape[1] for part in parts], 1)
        top: Any = None
        jobs = sorted(zip(parts, weights, self.resizers, strict=True), key=lambda job: isinstance(job[2], nn.Identity))
        for part, weight, resizer in jobs:
            if top is None:
                top = resizer(functional.conv2d(part, weight, bias))
            elif isinstance(resizer, nn.Identity) and why_not_onednn(part, weight, top) is None:
                top = add_convolution(part, weight.contiguous(), top)  # one pass, and no second term
            else:
                top = top.add_(resizer(functional.conv2d(part, weight)))
        return top

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0])  # a second term

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.operations(bottoms, tops)


def split_convolutions(graph: Graph, scope: Scope) -> Graph:
    """1x1 Convolutions of a Concat along the channels that nobody else reads and of whose parts some are enlarged."""
    matcher = Matcher(graph, scope)
    replacements, notes = {}, []
    for node in matcher.candidates("Convolution"):
        concat = _concat_before(matcher, node)
        if concat is None:
            continue
        resized = [_interp_before(matcher, value, node.module.num_output) for value in concat.bottoms]
        enlarged = [interp for interp in resized if interp]
        if not enlarged:
            continue
        parts = [interp.bottoms[0] if interp else value for interp, value in zip(resized, concat.bottoms, strict=True)]
        module = PartwiseConvolution(node.module, [interp.module if interp else None for interp in resized])
        replacements[node.tops[0]] = fused(node, "PartwiseConvolution", parts, module, *enlarged, concat)
        notes.append(f"convolution '{node.name}': part by part of '{concat.name}', {len(enlarged)} of them before they are enlarged")
    return replaced(graph, replacements, notes)


def _concat_before(matcher: Matcher, node: Node) -> Node | None:
    if len(node.bottoms) > 1:
        return None
    layer, geometry = node.module, node.module.geometry
    is_1x1 = geometry.kernel == (1, 1) and geometry.stride == (1, 1) and geometry.pad == (0, 0)
    if not is_1x1 or layer.group != 1 or layer.channel_axis != 1 or layer.options.bottom_is_im2col:
        return None
    concat = matcher.producer(node.bottoms[0], "Concat")
    return concat if concat and concat.module.concat_axis(4) == 1 and matcher.only_reader(node.bottoms[0]) else None


def _interp_before(matcher: Matcher, value: int, outputs: int) -> Node | None:
    """The Interp that enlarges what becomes `value`, unless it would then have to enlarge more channels than now."""
    interp = matcher.producer(value, "Interp")
    if interp is None or matcher.only_reader(value) is None:
        return None
    return interp if matcher.scope.look(partial(_pays, outputs), interp.bottoms[0], value) else None


def _pays(outputs: int, before: Shape, after: Shape) -> bool:
    return math.prod(after[2:]) > math.prod(before[2:]) and before[1] >= outputs
