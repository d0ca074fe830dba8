"""Why a plan runs as it does: what was fused into what, and what could not take its fastest way."""

from collections.abc import Iterator, Mapping

import torch

from segaware_caffe.layers import Shape
from segaware_caffe.net.plan import Plan


def explanation(plan: Plan, shapes: Mapping[int, Shape], like: torch.Tensor) -> str:
    """What the passes noted, the steps that do the work of several layers, and the steps that fall back to a slower way.

    `like` has the device and type of the net's blobs.
    """
    joined = [f"one step: {', '.join(step.layers)}" for step in plan.steps if len(step.layers) > 1]
    return "\n".join([*plan.notes, *joined, *_fallbacks(plan, shapes, like)])


def _fallbacks(plan: Plan, shapes: Mapping[int, Shape], like: torch.Tensor) -> Iterator[str]:
    """A line for each reason, with the steps that it holds for."""
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        reason = step.module.why_not(*(like.new_empty(()).expand(shapes[value]) for value in step.bottoms))
        if reason is not None:
            found.setdefault(reason, []).append(f"'{step.name}'")
    return (f"slower than it could be: {', '.join(names)}: {reason}" for reason, names in found.items())
