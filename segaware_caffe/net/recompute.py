"""A plan that remembers less: blobs within a segment of it are computed again for the backward pass."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from segaware_caffe.layers import Shape
from segaware_caffe.net.plan import Plan, Step
from segaware_caffe.net.scope import Scope


def recomputing(plan: Plan, scope: Scope) -> Plan:
    """`plan` in about sqrt(n) segments whose tops take about equal memory; only what passes between them is kept.

    Steps that a second forward would change (see `Runnable.repeatable`) stand alone, as they are, and
    so do those whose shapes only the run knows.
    """
    repeats = tuple(bool(step.bottoms) and step.module.repeatable and not step.unsettled for step in plan.steps)
    settled = [step for step, repeat in zip(plan.steps, repeats, strict=True) if repeat]
    counts = [len(step.tops) for step in settled]
    places = scope.look(partial(_segments, tuple(counts)), *(value for step in settled for value in step.tops)) or ()
    groups: list[tuple[int, list[Step]]] = []
    numbers = iter(places)
    for step, repeat in zip(plan.steps, repeats, strict=True):
        number = next(numbers) if repeat else -1
        if not groups or number != groups[-1][0] or not repeat:
            groups.append((number, []))
        groups[-1][1].append(step)
    return replace(plan, steps=tuple(_joined(group) for _, group in groups))


def _segments(counts: Sequence[int], *shapes: Shape) -> tuple[int, ...]:
    """For each of several steps, with so many tops of these shapes each, the number of its segment."""
    each = iter(shapes)
    sizes = [sum(math.prod(next(each)) for _ in range(count)) for count in counts]
    limit = sum(sizes) / max(1, math.isqrt(len(sizes)))
    numbers, number, filled = [], 0, 0
    for size in sizes:
        if filled and filled + size > limit:
            number, filled = number + 1, 0
        numbers.append(number)
        filled += size
    return tuple(numbers)


def _joined(group: list[Step]) -> Step:
    """The steps of a group as one step."""
    if len(group) == 1:
        return group[0]
    made = {value: weight for step in group for value, weight in zip(step.tops, step.loss_weights, strict=True)}
    dead = set(_each(step.dead for step in group))
    bottoms = tuple(dict.fromkeys(value for step in group for value in step.bottoms if value not in made))
    tops = tuple(value for value, weight in made.items() if value not in dead or weight)
    weights = tuple(made[value] for value in tops)
    left = tuple(value for value in (*bottoms, *tops) if value in dead)
    layers = tuple(dict.fromkeys(_each(step.layers for step in group)))
    name = f"{group[0].name}...{group[-1].name}"
    return Step(name, None, bottoms, tops, (False,) * len(bottoms), weights, left, layers, inner=tuple(group))


def _each(groups: Iterable[Iterable[Any]]) -> Iterable[Any]:
    return (item for group in groups for item in group)
