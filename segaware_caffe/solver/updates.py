"""Caffe's update rules (spec/pipeline.md 4.4).

They are not PyTorch's: SGD's rate is inside its history, so that a change of the rate does not
rescale old gradients, and Adam adds delta to the root before it corrects the bias.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from segaware_caffe.errors import FieldError
from segaware_caffe.net.learned import LearnedBlob

logger = logging.getLogger(__name__)
Tensors = list[torch.Tensor]

#: elements of blobs that are updated together: enough to be few operators, few enough that what a rule makes beside them stays small
TOGETHER = 2**24


# Each rule turns the gradients `g` of several blobs into the steps that are subtracted from them, in place; `memory` are
# their history slots, a list for each, `rate` is the blobs' own rate, `done` the number of updates before this one.
# The operators are those over lists of tensors that torch.optim uses: on the CPU one tensor after the other, so that
# numbers are those of single operators, on a GPU one launch.


def _sgd(g: Tensors, memory: Sequence[Tensors], rate: float, param: Any, done: int) -> None:
    (h,) = memory
    torch._foreach_mul_(h, param.momentum)
    torch._foreach_add_(h, g, alpha=rate)
    torch._foreach_copy_(g, h)


def _nesterov(g: Tensors, memory: Sequence[Tensors], rate: float, param: Any, done: int) -> None:
    (h,) = memory
    before = torch._foreach_mul(h, param.momentum)
    torch._foreach_copy_(h, before)
    torch._foreach_add_(h, g, alpha=rate)
    torch._foreach_copy_(g, h)
    torch._foreach_mul_(g, 1 + param.momentum)
    torch._foreach_sub_(g, before)


def _adagrad(g: Tensors, memory: Sequence[Tensors], rate: float, param: Any, done: int) -> None:
    (h,) = memory
    torch._foreach_addcmul_(h, g, g)
    _divide_by_root(g, h, param.delta, rate)


def _rmsprop(g: Tensors, memory: Sequence[Tensors], rate: float, param: Any, done: int) -> None:
    (h,) = memory
    torch._foreach_mul_(h, param.rms_decay)
    torch._foreach_addcmul_(h, g, g, value=1 - param.rms_decay)
    _divide_by_root(g, h, param.delta, rate)


def _adadelta(g: Tensors, memory: Sequence[Tensors], rate: float, param: Any, done: int) -> None:
    h, h2 = memory
    torch._foreach_mul_(h, param.momentum)
    torch._foreach_addcmul_(h, g, g, value=1 - param.momentum)
    factors = torch._foreach_add(h2, param.delta)
    torch._foreach_div_(factors, torch._foreach_add(h, param.delta))
    torch._foreach_sqrt_(factors)
    torch._foreach_mul_(g, factors)
    torch._foreach_mul_(h2, param.momentum)
    torch._foreach_addcmul_(h2, g, g, value=1 - param.momentum)
    torch._foreach_mul_(g, rate)


def _adam(g: Tensors, memory: Sequence[Tensors], rate: float, param: Any, done: int) -> None:
    m, v = memory
    torch._foreach_mul_(m, param.momentum)
    torch._foreach_add_(m, g, alpha=1 - param.momentum)
    torch._foreach_mul_(v, param.momentum2)
    torch._foreach_addcmul_(v, g, g, value=1 - param.momentum2)
    correction = math.sqrt(1 - param.momentum2 ** (done + 1)) / (1 - param.momentum ** (done + 1))
    torch._foreach_copy_(g, m)
    _divide_by_root(g, v, param.delta, rate * correction)


def _divide_by_root(g: Tensors, squares: Tensors, delta: float, rate: float) -> None:
    """g <- g / (sqrt(squares) + delta) * rate."""
    roots = torch._foreach_sqrt(squares)
    torch._foreach_add_(roots, delta)
    torch._foreach_div_(g, roots)
    torch._foreach_mul_(g, rate)


@dataclass(frozen=True)
class Rule:
    """An update rule: how it steps, and how many memories of each blob it keeps."""

    step: Callable[[Tensors, Sequence[Tensors], float, Any, int], None]
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
        self._groups = list(_groups(learned))

    @torch.no_grad()
    def apply(self, rate: float, iteration: int, debug_info: bool = False) -> None:
        """Clip and normalise the accumulated gradients, add the decay, and step; the gradients become the steps."""
        gradients = [blob.gradient for blob in self._learned]
        self._clip(gradients)
        for group in self._groups:
            g = [gradients[index] for index in group]
            w: Tensors = [self._learned[index].tensor for index in group]
            memory = [[self.history[index + first] for index in group] for first in range(0, len(self.history), len(gradients))]
            blob = self._learned[group[0]]
            if self._param.iter_size > 1:
                torch._foreach_mul_(g, 1 / self._param.iter_size)
            self._regularize(g, w, blob.decay_mult)
            self._rule.step(g, memory, rate * blob.lr_mult, self._param, iteration)
        if debug_info:
            self._log_update()
        if gradients:  # nets without learned blobs run in solvers too
            torch._foreach_sub_([blob.tensor for blob in self._learned], gradients)

    def _clip(self, gradients: Tensors) -> None:
        limit = self._param.clip_gradients
        if limit < 0 or not gradients:
            return
        norm = float(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]).norm())
        if norm > limit:
            logger.info("Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g", norm, limit, limit / norm)
            for gradient in gradients:
                gradient.mul_(limit / norm)

    def _regularize(self, gradients: Tensors, weights: Tensors, decay_mult: float) -> None:
        decay = self._param.weight_decay * decay_mult
        if decay:
            l1 = self._param.regularization_type == "L1"
            torch._foreach_add_(gradients, torch._foreach_sign(weights) if l1 else weights, alpha=decay)

    def _log_update(self) -> None:
        for blob in self._learned:
            data, diff = (float(tensor.abs().mean()) for tensor in (blob.tensor, blob.gradient))
            logger.info("    [Update] Layer %s, param %s data: %g; diff: %g", blob.layer, blob.name or blob.index, data, diff)


def _groups(learned: Sequence[LearnedBlob]) -> Iterator[list[int]]:
    """The indices of blobs that are updated together: of the same multipliers, and of at most TOGETHER elements unless one has more."""
    by_multipliers: dict[tuple[float, float], list[int]] = {}
    for index, blob in enumerate(learned):
        by_multipliers.setdefault((blob.lr_mult, blob.decay_mult), []).append(index)
    for indices in by_multipliers.values():
        group: list[int] = []
        filled = 0
        for index in indices:
            size = learned[index].tensor.numel()
            if group and filled + size > TOGETHER:
                yield group
                group, filled = [], 0
            group.append(index)
            filled += size
        yield group
