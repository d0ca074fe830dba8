"""Learning-rate policies (spec/pipeline.md 4.5), those of forks among them."""

import logging
import math
from collections.abc import Callable
from typing import Any

from segaware_caffe.errors import FieldError
from segaware_caffe.weights import NO_LOSS

logger = logging.getLogger(__name__)


class Schedule:
    """The learning rate of a SolverParameter, iteration by iteration.

    `current_step` counts the steps down that `step`, `multistep` and `plateau` have made; it is part of a
    solver's state, since the latter make at most one for each call of `rate`. So are `minimum_loss` and
    `last_event`, the iteration at which `plateau` last saw a new one or made a step.

    In the first `warmup_iter` iterations the rate rises linearly from `warmup_start_lr` to `base_lr`, whatever
    the policy (Intel Caffe). `plateau` (SSD) makes step k when the loss has had no new minimum, and there was no
    step, for `plateau_winsize` [k] iterations. `multifixed` has a rate `stagelr` [k] up to iteration `stageiter` [k].

    Raises CaffeError for an unknown policy and for fields that give no rate. A negative gamma is
    allowed for `sigmoid` alone, where a falling curve needs it; upstream refuses it there too, the
    release allows it everywhere.
    """

    def __init__(self, param: Any):
        self._param = param
        self.current_step = 0
        self.last_event, self.minimum_loss = 0, NO_LOSS
        if param.lr_policy not in _POLICIES:
            given = param.lr_policy or "(lr_policy is not given)"
            raise FieldError(f"Unknown learning rate policy: {given}; there are: {', '.join(_POLICIES)}")
        policy = f"lr_policy '{param.lr_policy}'"
        if param.lr_policy in ("step", "exp", "inv", "multistep", "plateau") and param.gamma < 0:
            raise FieldError(f"{policy} needs gamma >= 0, not {param.gamma:g}")
        if param.lr_policy in ("step", "sigmoid") and param.stepsize <= 0:
            raise FieldError(f"{policy} needs stepsize > 0, not {param.stepsize}")
        if param.lr_policy == "poly" and param.max_iter <= 0:
            raise FieldError(f"{policy} needs max_iter > 0, not {param.max_iter}")
        if param.lr_policy == "multifixed" and not 0 < len(param.stagelr) == len(param.stageiter):
            raise FieldError(f"{policy} needs stagelr once for each stageiter, not {len(param.stagelr)} for {len(param.stageiter)}")

    def rate(self, iteration: int, loss: float = math.nan) -> float:
        """The rate for the update number `iteration`, from 0 on, at which the smoothed loss is `loss`."""
        param = self._param
        if iteration < param.warmup_iter:
            return param.warmup_start_lr + (param.base_lr - param.warmup_start_lr) * iteration / param.warmup_iter
        if loss < self.minimum_loss and param.lr_policy == "plateau":
            self.minimum_loss, self.last_event = loss, iteration
        return _POLICIES[param.lr_policy](self, param, iteration)

    def _fixed(self, param: Any, iteration: int) -> float:
        return param.base_lr

    def _step(self, param: Any, iteration: int) -> float:
        self.current_step = iteration // param.stepsize
        return param.base_lr * param.gamma**self.current_step

    def _exp(self, param: Any, iteration: int) -> float:
        return param.base_lr * param.gamma**iteration

    def _inv(self, param: Any, iteration: int) -> float:
        return param.base_lr * (1 + param.gamma * iteration) ** -param.power

    def _multistep(self, param: Any, iteration: int) -> float:
        if self.current_step < len(param.stepvalue) and iteration >= param.stepvalue[self.current_step]:
            self.current_step += 1
            logger.info("MultiStep Status: Iteration %d, step = %d", iteration, self.current_step)
        return param.base_lr * param.gamma**self.current_step

    def _plateau(self, param: Any, iteration: int) -> float:
        windows = param.plateau_winsize
        if self.current_step < len(windows) and iteration >= self.last_event + windows[self.current_step]:
            self.current_step += 1
            self.last_event = iteration
            logger.info("Plateau Status: Iteration %d, step = %d", iteration, self.current_step)
        return param.base_lr * param.gamma**self.current_step

    def _multifixed(self, param: Any, iteration: int) -> float:
        stages = zip(param.stageiter, param.stagelr, strict=True)
        return next((rate for last, rate in stages if iteration <= last), param.stagelr[-1])

    def _poly(self, param: Any, iteration: int) -> float:
        if iteration > param.max_iter:
            raise FieldError(f"lr_policy 'poly' has no rate for iteration {iteration}, which is beyond max_iter {param.max_iter}")
        return param.base_lr * (1 - iteration / param.max_iter) ** param.power

    def _sigmoid(self, param: Any, iteration: int) -> float:
        return param.base_lr / (1 + math.exp(min(-param.gamma * (iteration - param.stepsize), 700)))


_POLICIES: dict[str, Callable[[Schedule, Any, int], float]] = {
    "fixed": Schedule._fixed,
    "step": Schedule._step,
    "exp": Schedule._exp,
    "inv": Schedule._inv,
    "multistep": Schedule._multistep,
    "plateau": Schedule._plateau,
    "multifixed": Schedule._multifixed,
    "poly": Schedule._poly,
    "sigmoid": Schedule._sigmoid,
}
