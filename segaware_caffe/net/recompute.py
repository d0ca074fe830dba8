"""A plan that remembers less: blobs within a segment of it are computed again for the backward pass."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch.utils.checkpoint import checkpoint

from segaware_caffe.layers import Shape
from segaware_caffe.net.plan import Plan, Step


@dataclass(frozen=True)
class Segment:
    """Consecutive steps as one: from the values it reads to the values that others read."""

    steps: tuple[Step, ...]
    bottoms: tuple[int, ...]
    tops: tuple[int, ...]

    def __call__(self, *bottoms: torch.Tensor) -> list[torch.Tensor]:
        return checkpoint(self._run, *bottoms, use_reentrant=False)

    def _run(self, *bottoms: torch.Tensor) -> list[torch.Tensor]:
        values = dict(zip(self.bottoms, bottoms, strict=True))
        for step in self.steps:
            values.update(zip(step.tops, step.tops_of(values), strict=True))
            for value in step.dead:
                if value not in self.tops:
                    values.pop(value, None)
        return [values[value] for value in self.tops]


def recomputing(plan: Plan, shapes: Mapping[int, Shape]) -> Plan:
    """`plan` in about sqrt(n) segments whose tops take about equal memory; only what passes between them is kept.

    Steps that a second forward would change (see `Layer.repeatable`) stand alone, as they are.
    """
    sizes = [sum(math.prod(shapes[value]) for value in step.tops) for step in plan.steps]
    limit = sum(sizes) / max(1, math.isqrt(len(sizes)))
    steps: list[Step] = []
    group: list[Step] = []
    filled = 0
    for step, size in zip(plan.steps, sizes, strict=True):
        repeatable = bool(step.bottoms) and getattr(step.module, "repeatable", True)
        if group and (not repeatable or filled + size > limit):
            steps.append(_joined(group))
            group, filled = [], 0
        if repeatable:
            group.append(step)
            filled += size
        else:
            steps.append(step)
    if group:
        steps.append(_joined(group))
    return Plan(tuple(steps), plan.wanted)


def _joined(group: list[Step]) -> Step:
    """The steps of a group as one step."""
    if len(group) == 1:
        return group[0]
    made = {value: weight for step in group for value, weight in zip(step.tops, step.loss_weights, strict=True)}
    dead = set(_each(step.dead for step in group))
    bottoms = tuple(dict.fromkeys(value for step in group for value in step.bottoms if value not in made))
    tops = tuple(value for value, weight in made.items() if value not in dead or weight)
    segment = Segment(tuple(group), bottoms, tops)
    weights = tuple(made[value] for value in tops)
    left = tuple(value for value in (*bottoms, *tops) if value in dead)
    return Step(f"{group[0].name}...{group[-1].name}", segment, bottoms, tops, (False,) * len(bottoms), weights, left)


def _each(groups: Iterable[Iterable[int]]) -> Iterable[int]:
    return (value for group in groups for value in group)
