"""The lines of `debug_info`: mean absolute values of all blobs and of their gradients (spec/pipeline.md 2.7)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from segaware_caffe.layers import Runnable
from segaware_caffe.net import Net
from segaware_caffe.net.plan import Step
from segaware_caffe.net.run import Observer, Tensors

logger = logging.getLogger(__name__)


@contextmanager
def debug_lines(net: Net, enabled: bool = True) -> Iterator[None]:
    """Log every layer that runs in the block, and at its end the gradients of those whose backward ran.

    The net must run its prototxt literally (`passes=[]`). Gradients of learned blobs are what has
    added up so far.
    """
    if not enabled:
        yield
        return
    lines = DebugLines(net)
    with net.observed_by(lines):
        yield
    lines.backward()


class DebugLines(Observer):
    """Logs what layers make, and then, from the bottoms that it kept, what their backward made."""

    def __init__(self, net: Net):
        self._net = net
        self._bottoms: dict[Runnable, Tensors] = {}

    def before(self, step: Step, bottoms: Tensors) -> Tensors:
        """Give the layer views of its bottoms, so that each has a gradient of its own."""
        views = self._bottoms[step.module] = [bottom.view_as(bottom) for bottom in bottoms]
        for view in views:
            if view.requires_grad:
                view.retain_grad()
        return views

    def after(self, step: Step, bottoms: Tensors, tops: Tensors) -> None:
        for value, top in zip(step.tops, tops, strict=True):
            logger.info("    [Forward] Layer %s, top blob %s data: %g", step.name, self._net.graph.names[value], _mean(top))
        for index, blob in enumerate(step.module.blobs):
            params = step.module.proto.param
            name = params[index].name if index < len(params) else ""
            logger.info("    [Forward] Layer %s, param blob %s data: %g", step.name, name or index, _mean(blob))

    def backward(self) -> None:
        """Log the gradients, if a backward has run."""
        if any(bottom.grad is not None for kept in self._bottoms.values() for bottom in kept):
            _log_backward(self._net, self._bottoms)


def _log_backward(net: Net, bottoms: dict[Runnable, Tensors]) -> None:
    for node in reversed(net.graph.nodes):
        for value, bottom in zip(node.bottoms, bottoms.get(node.module, ()), strict=False):
            if bottom.grad is not None:
                logger.info("    [Backward] Layer %s, bottom blob %s diff: %g", node.name, net.graph.names[value], _mean(bottom.grad))
        tensors = [node.module.registered(index) for index in range(len(node.module.specs))]
        for index, (learns, tensor) in enumerate(zip(node.module.learns, tensors, strict=True)):
            if learns and tensor.grad is not None:
                logger.info("    [Backward] Layer %s, param blob %d diff: %g", node.name, index, _mean(tensor.grad))
    with torch.no_grad():
        data = torch.cat([learned.tensor.reshape(-1) for learned in net.learned])
        diff = torch.cat([learned.gradient.reshape(-1) for learned in net.learned])
    logger.error(
        "    [Backward] All net params (data, diff): L1 norm = (%g, %g); L2 norm = (%g, %g)",
        data.norm(1),
        diff.norm(1),
        data.norm(),
        diff.norm(),
    )


def _mean(value: torch.Tensor) -> float:
    return float(value.detach().abs().mean()) if value.numel() else 0.0
