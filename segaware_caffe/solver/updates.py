"""Caffe's update rules (spec/pipeline.md 4.4).

They are not PyTorch's: SGD's rate is inside its history, so that a change of the rate does not
rescale old gradients, and Adam adds delta to the root before it corrects the bias.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from segaware_caffe.errors import FieldError
from segaware_caffe.net.learned import LearnedBlob

logger = logging.getLogger(__name__)
Tensors = Sequence[torch.Tensor]


# Each rule turns the gradient `g` of one blob into the step that is subtracted from it, in place;
# `memory` are its history slots, `rate` its own rate, `done` the number of updates before this one.


def _sgd(g: torch.Tensor, memory: Tensors, rate: float, param: Any, done: int) -> None:
    (h,) = memory
    g.copy_(h.mul_(param.momentum).add_(g, alpha=rate))


def _nesterov(g: torch.Tensor, memory: Tensors, rate: float, param: Any, done: int) -> None:
    (h,) = memory
    before = h * param.momentum
    torch.add(before, g, alpha=rate, out=h)
    torch.sub((1 + param.momentum) * h, before, out=g)


def _adagrad(g: torch.Tensor, memory: Tensors, rate: float, param: Any, done: int) -> None:
    (h,) = memory
    h.addcmul_(g, g)
    g.div_(h.sqrt().add_(param.delta)).mul_(rate)


def _rmsprop(g: torch.Tensor, memory: Tensors, rate: float, param: Any, done: int) -> None:
    (h,) = memory
    h.mul_(param.rms_decay).addcmul_(g, g, value=1 - param.rms_decay)
    g.div_(h.sqrt().add_(param.delta)).mul_(rate)


def _adadelta(g: torch.Tensor, memory: Tensors, rate: float, param: Any, done: int) -> None:
    h, h2 = memory
    h.mul_(param.momentum).addcmul_(g, g, value=1 - param.momentum)
    g.mul_((h2 + param.delta).div_(h + param.delta).sqrt_())
    h2.mul_(param.momentum).addcmul_(g, g, value=1 - param.momentum)
    g.mul_(rate)


def _adam(g: torch.Tensor, memory: Tensors, rate: float, param: Any, done: int) -> None:
    m, v = memory
    m.mul_(param.momentum).add_(g, alpha=1 - param.momentum)
    v.mul_(param.momentum2).addcmul_(g, g, value=1 - param.momentum2)
    correction = math.sqrt(1 - param.momentum2 ** (done + 1)) / (1 - param.momentum ** (done + 1))
    torch.div(m, v.sqrt().add_(param.delta), out=g)
    g.mul_(rate * correction)


@dataclass(frozen=True)
class Rule:
    """An update rule: how it steps, and how many memories of each blob it keeps."""

    step: Callable[[torch.Tensor, Tensors, float, Any, int], None]
    slots: int = 1
    allows_momentum: bool = True


RULES = {
    "SGD": Rule(_sgd),
    "Nesterov": Rule(_nesterov),
    "AdaGrad": Rule(_adagrad, allows_momentum=False),
    "RMSProp": Rule(_rmsprop, allows_momentum=False),
    "AdaDelta": Rule(_adadelta, slots=2),
    "Adam": Rule(_adam, slots=2),
}


class Updater:
    """Applies a solver's updates to learned blobs.

    `history` holds the rule's memory in the reference's order: one blob for each learned one, and
    for the rules with two memories all of the second after all of the first.

    Unset, `momentum` is 0 (so Adam runs with beta1 = 0, as the paper's embeddings did) and
    `rms_decay` 0.99, upstream's default; the release has none, which makes it 0: say `rms_decay: 0` for that.
    """

    def __init__(self, param: Any, learned: Sequence[LearnedBlob]):
        self._param = param
        self._learned = learned
        if param.type not in RULES:
            raise FieldError(f"Unknown solver type: {param.type}; there are: {', '.join(RULES)}")
        self._rule = RULES[param.type]
        if param.momentum and not self._rule.allows_momentum:
            raise FieldError(f"Momentum cannot be used with {param.type}: momentum is {param.momentum:g}")
        if param.type == "RMSProp" and not 0 <= param.rms_decay < 1:
            raise FieldError(f"rms_decay should lie between 0 and 1, 1 excluded, not be {param.rms_decay:g}")
        if param.regularization_type not in ("L1", "L2"):
            raise FieldError(f"Unknown regularization type: {param.regularization_type}; there are: L1, L2")
        self.history = [torch.zeros_like(blob.tensor, requires_grad=False) for _ in range(self._rule.slots) for blob in learned]

    @torch.no_grad()
    def apply(self, rate: float, iteration: int, debug_info: bool = False) -> None:
        """Clip and normalise the accumulated gradients, add the decay, and step; the gradients become the steps."""
        gradients = [blob.gradient for blob in self._learned]
        self._clip(gradients)
        for index, (blob, gradient) in enumerate(zip(self._learned, gradients, strict=True)):
            if self._param.iter_size > 1:
                gradient.mul_(1 / self._param.iter_size)
            self._regularize(gradient, blob)
            self._rule.step(gradient, self.history[index :: len(gradients)], rate * blob.lr_mult, self._param, iteration)
        if debug_info:
            self._log_update()
        for blob, gradient in zip(self._learned, gradients, strict=True):
            blob.tensor.sub_(gradient)

    def _clip(self, gradients: Tensors) -> None:
        limit = self._param.clip_gradients
        if limit < 0 or not gradients:
            return
        norm = float(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]).norm())
        if norm > limit:
            logger.info("Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g", norm, limit, limit / norm)
            for gradient in gradients:
                gradient.mul_(limit / norm)

    def _regularize(self, gradient: torch.Tensor, blob: LearnedBlob) -> None:
        decay = self._param.weight_decay * blob.decay_mult
        if decay:
            gradient.add_(blob.tensor.sign() if self._param.regularization_type == "L1" else blob.tensor, alpha=decay)

    def _log_update(self) -> None:
        for blob in self._learned:
            data, diff = (float(tensor.abs().mean()) for tensor in (blob.tensor, blob.gradient))
            logger.info("    [Update] Layer %s, param %s data: %g; diff: %g", blob.layer, blob.name or blob.index, data, diff)
