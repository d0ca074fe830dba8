"""DeepLab's adaptive bias: class scores raised until each class that is present wins its share of the pixels."""

from collections.abc import Sequence

import torch


def adaptive_bias(scores: torch.Tensor, present: Sequence[int], wins: Sequence[int], rounds: int, margin: float | None) -> torch.Tensor:
    """The scores (C, pixels) of an image, biased so that the classes `present` win pixels (spec/layers.md 4.4).

    `present` is in ascending order. First, with a `margin`, absent classes are pushed below the
    weakest present one. Then, `rounds` times and in random order (class 0 first if present), class
    c gains the wins[c]-th smallest distance, counted from 0, between its scores and the best
    present ones. At the end all classes are lowered alike, so that the mean of the best present
    scores is what it was.
    """
    if not present:
        return scores
    scores = scores.clone()
    chosen = scores[list(present)]
    if margin is not None:
        weakest = chosen.amin(0)
        absent = torch.ones(len(scores), 1, dtype=torch.bool, device=scores.device)
        absent[list(present)] = False
        scores = torch.where(absent & (scores > weakest), weakest - margin, scores)
    best = chosen.amax(0)
    before = best.double().mean()
    for _ in range(rounds):
        for label in _shuffled(present):
            scores[label] += (best - scores[label]).kthvalue(wins[label] + 1).values
            best = torch.maximum(best, scores[label])
    return scores + (before - best.double().mean()).to(scores.dtype)


def _shuffled(labels: Sequence[int]) -> list[int]:
    fixed = 1 if labels[0] == 0 else 0
    return [*labels[:fixed], *(labels[fixed + place] for place in torch.randperm(len(labels) - fixed).tolist())]
