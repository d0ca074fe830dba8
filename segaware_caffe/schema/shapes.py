"""Shapes of blobs."""

import math
from collections.abc import Sequence

Shape = tuple[int, ...]


def dims(shape: Sequence[int]) -> str:
    """A shape as Caffe prints it: "1 64 41 41 (107584)"."""
    return "".join(f"{d} " for d in shape) + f"({math.prod(shape)})"
