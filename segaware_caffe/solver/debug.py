"""The lines of `debug_info`: mean absolute values of all blobs and of their gradients (spec/pipeline.md 2.7)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from segaware_caffe.layers import Layer
from segaware_caffe.net import Net
from segaware_caffe.net.graph import Node

logger = logging.getLogger(__name__)
Tensors = tuple[torch.Tensor, ...]


@contextmanager
def debug_lines(net: Net, enabled: bool = True) -> Iterator[None]:
    """Log every layer that runs in the block, and at its end the gradients of those whose backward ran.

    The net must run its prototxt literally (`passes=[]`). Gradients of learned blobs are what has
    added up so far.
    """
    if not enabled:
        yield
        return
    bottoms: dict[int, Tensors] = {}  # by the place of the layer
    hooks = []
    for index, node in enumerate(net.graph.nodes):
        hooks.append(node.module.register_forward_pre_hook(partial(_keep, bottoms, index)))
        hooks.append(node.module.register_forward_hook(partial(_log_forward, net, node)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if any(bottom.grad is not None for kept in bottoms.values() for bottom in kept):
        _log_backward(net, bottoms)


def _keep(kept: dict[int, Tensors], index: int, layer: Layer, bottoms: Tensors) -> Tensors:
    """Give the layer views of its bottoms, so that each has a gradient of its own."""
    kept[index] = tuple(bottom.view_as(bottom) for bottom in bottoms)
    for bottom in kept[index]:
        if bottom.requires_grad:
            bottom.retain_grad()
    return kept[index]


def _log_forward(net: Net, node: Node, layer: Layer, bottoms: Tensors, tops: Any) -> None:
    tops = [tops] if isinstance(tops, torch.Tensor) else tops or ()
    for value, top in zip(node.tops, tops, strict=True):
        logger.info("    [Forward] Layer %s, top blob %s data: %g", node.name, net.graph.names[value], _mean(top))
    for index, blob in enumerate(layer.blobs):
        name = layer.proto.param[index].name if index < len(layer.proto.param) else ""
        logger.info("    [Forward] Layer %s, param blob %s data: %g", node.name, name or index, _mean(blob))


def _log_backward(net: Net, bottoms: dict[int, Tensors]) -> None:
    for position, node in reversed(list(enumerate(net.graph.nodes))):
        for value, bottom in zip(node.bottoms, bottoms.get(position, ()), strict=False):
            if bottom.grad is not None:
                logger.info("    [Backward] Layer %s, bottom blob %s diff: %g", node.name, net.graph.names[value], _mean(bottom.grad))
        tensors = [tensor for _, tensor in node.module.named_parameters(recurse=False, remove_duplicate=False)]
        for index, (learns, tensor) in enumerate(zip(node.module.learns, tensors, strict=True)):
            if learns and tensor.grad is not None:
                logger.info("    [Backward] Layer %s, param blob %d diff: %g", node.name, index, _mean(tensor.grad))
    with torch.no_grad():
        data = torch.cat([learned.tensor.reshape(-1) for learned in net.learned])
        diff = torch.cat([learned.tensor.grad.reshape(-1) for learned in net.learned])
    logger.error(
        "    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)",
        data.norm(1),
        diff.norm(1),
        data.norm(),
        diff.norm(),
    )


def _mean(value: torch.Tensor) -> float:
    return float(value.detach().abs().mean()) if value.numel() else 0.0
