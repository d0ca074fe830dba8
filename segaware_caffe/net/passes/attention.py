"""Attention masks: exp(-|s D|) of distances D, written as Scale, AbsVal and Exp, in one step."""

import torch
from torch import nn

from segaware_caffe.layers import Layer
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import Matcher, Scope, fused, replaced


class AttentionMask(nn.Module):
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
    for node in graph.nodes:
        found = _match(matcher, node)
        if found:
            scale, absolute = found
            replacements[node.tops[0]] = fused(node, "AttentionMask", scale.bottoms, AttentionMask(scale.module, absolute))
            chain = f"{scale.name}, AbsVal, {node.name}" if absolute else f"{scale.name}, {node.name}"
            notes.append(f"attention mask '{matcher.name(node.tops[0])}': {chain} in one step")
    return replaced(graph, replacements, notes)


def _match(matcher: Matcher, node: Node) -> tuple[Node, bool] | None:
    if node.type != "Exp":
        return None
    options = node.module.options
    if (options.base, options.scale, options.shift) != (-1, -1, 0):
        return None
    absolute = matcher.producer(node.bottoms[0], "AbsVal")
    scale = matcher.producer(absolute.bottoms[0] if absolute else node.bottoms[0], "Scale")
    if scale is None or len(scale.bottoms) > 1 or scale.module.options.bias_term or scale.module.specs[0].shape != ():
        return None
    return scale, absolute is not None
