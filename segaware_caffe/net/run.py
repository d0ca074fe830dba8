"""The one executor: whoever runs a module, a step or a plan does it here, and observers look on."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch.autograd import profiler
from torch.utils.checkpoint import checkpoint

from segaware_caffe.layers import Runnable
from segaware_caffe.net.plan import Plan, Step

Tensors = list[torch.Tensor]

if hasattr(os, "register_at_fork"):
    # PyTorch's threads are not in a forked process, which would wait for them for ever (GNU OpenMP): it computes on one
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


class Observer:
    """Looks at every step of a run. This one sees nothing; see `Net.observed_by`."""

    def before(self, step: Step, bottoms: Tensors) -> Tensors:
        """Called before a step with what it will read; what it returns is read instead."""
        return bottoms

    def after(self, step: Step, bottoms: Tensors, tops: Tensors) -> None:
        """Called after a step with what it read and made."""


def tops_of(module: Runnable, bottoms: Iterable[torch.Tensor]) -> Tensors:
    """Run one module, a layer or what a pass made of several; a list with a tensor for each top."""
    tops = module(*bottoms)
    return [tops] if isinstance(tops, torch.Tensor) else list(tops or ())


def run_on(step: Step, bottoms: Tensors, observers: Sequence[Observer] = ()) -> Tensors:
    """Run one step on these bottoms; a tensor for each top."""
    for observer in observers:
        bottoms = observer.before(step, bottoms)
    if step.unsettled:
        step.module.check_shapes(*(tuple(bottom.shape) for bottom in bottoms))
    with _named(step):
        tops = tops_of(step.module, bottoms)
    for observer in observers:
        observer.after(step, bottoms, tops)
    return tops


def run_step(step: Step, values: Mapping[int, torch.Tensor], observers: Sequence[Observer] = ()) -> Tensors:
    """Run one step on its bottoms among `values`; a tensor for each top."""
    bottoms = [values[value].detach() if cut else values[value] for value, cut in zip(step.bottoms, step.cut, strict=True)]
    if step.inner:
        return checkpoint(partial(_run_inner, step, observers), *bottoms, use_reentrant=False)
    return run_on(step, bottoms, observers)


def run_plan(
    plan: Plan, values: dict[int, torch.Tensor], observers: Sequence[Observer] = (), loss: torch.Tensor | None = None
) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """Run all steps on the fed `values` (consumed); the wanted blobs and the weighted loss, added to that given; None if nothing is one."""
    for step in plan.steps:
        tops = run_step(step, values, observers)
        values.update(zip(step.tops, tops, strict=True))
        loss = add_losses(loss, step, tops)
        del tops
        for value in step.dead:
            del values[value]
    return {name: values[value] for name, value in plan.wanted.items()}, loss


def add_losses(loss: torch.Tensor | None, step: Step, tops: Tensors) -> torch.Tensor | None:
    """The loss so far with what a step's tops add to it."""
    for weight, top in zip(step.loss_weights, tops, strict=True):
        if weight:
            term = top.sum() if top.ndim else top
            term = term if weight == 1 else weight * term
            loss = term if loss is None else loss + term
    return loss


def _run_inner(step: Step, observers: Sequence[Observer], *bottoms: torch.Tensor) -> Tensors:
    """The steps that one stands for, on its bottoms; its tops."""
    values = dict(zip(step.bottoms, bottoms, strict=True))
    for inner in step.inner:
        values.update(zip(inner.tops, run_step(inner, values, observers), strict=True))
        for value in inner.dead:
            if value not in step.tops:
                values.pop(value, None)
    return [values[value] for value in step.tops]


def _named(step: Step) -> AbstractContextManager[Any]:
    """Lets profilers see the names of layers, where one is active."""
    return profiler.record_function(step.label) if profiler._is_profiler_enabled else nullcontext()
