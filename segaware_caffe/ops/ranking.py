"""The largest values of an axis, with the reference's rule for ties: the larger index first."""

import torch


def largest(bottom: torch.Tensor, count: int, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `count` largest values along `axis`, descending, and their indices.

    Of equal values the one with the larger index comes first. Both results have the bottom's shape
    with `count` at `axis`; the indices are integers.
    """
    mirrored = bottom.flip(axis)
    if count == 1:  # argmax is documented to take the first of equal values
        places = mirrored.argmax(axis, keepdim=True)
    else:
        places = mirrored.argsort(dim=axis, descending=True, stable=True).narrow(axis, 0, count)
    return mirrored.gather(axis, places), bottom.shape[axis] - 1 - places
