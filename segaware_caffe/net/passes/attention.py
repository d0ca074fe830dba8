"""Attention masks: exp(-|s D|) of distances D, written as Scale, AbsVal and Exp, in one step."""

import torch

from segaware_caffe.layers import Layer, Runnable
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import Matcher, fused, replaced
from segaware_caffe.net.scope import Scope


class AttentionMask(Runnable):
    """exp(-s D) or exp(-|s D|): one new tensor instead of three."""

    def __init__(self, scale: Layer, absolute: bool):
        super().__init__()
        self.scale = scale
        self.absolute = absolute

    def forward(self, distances: torch.Tensor) -> torch.Tensor:
        logits = distances * -self.scale.blob(0)
        if self.absolute:
            logits = -logits.abs() if logits.requires_grad else logits.abs_().neg_()
        return logits.exp() if logits.requires_grad else logits.exp_()


def fuse_masks(graph: Graph, scope: Scope) -> Graph:
    """Exp(scale -1) of an AbsVal or not, of a Scale by one learned number."""
    matcher = Matcher(graph, scope)
    replacements, notes = {}, []
    for node in matcher.candidates("Exp"):
        chain = _match(matcher, node)
        if chain:
            scale, *absolute = chain
            module = AttentionMask(scale.module, bool(absolute))
            replacements[node.tops[0]] = fused(node, "AttentionMask", scale.bottoms, module, *chain)
            names = ", ".join([scale.name, *("AbsVal" for _ in absolute), node.name])
            notes.append(f"attention mask '{matcher.name(node.tops[0])}': {names} in one step")
    return replaced(graph, replacements, notes)


def _match(matcher: Matcher, node: Node) -> list[Node]:
    """The Scale, and the AbsVal if there is one, of which the Exp makes a mask; nothing if it does not."""
    options = node.module.options
    if (options.base, options.scale, options.shift) != (-1, -1, 0):
        return []
    absolute = matcher.producer(node.bottoms[0], "AbsVal")
    scale = matcher.producer(absolute.bottoms[0] if absolute else node.bottoms[0], "Scale")
    if scale is None or len(scale.bottoms) > 1 or scale.module.options.bias_term or scale.module.specs[0].shape != ():
        return []
    return [scale, absolute] if absolute else [scale]
