"""What a step of a plan asks of the module that it runs: a layer, or what a pass made of several layers.

A module answers for itself, so that planning, memory, timing and explanations know no module by its type.
The answers of `Runnable` are those of a module that takes no memory beside its tops and does little arithmetic.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import nn

from segaware_caffe.ops.activation import Activation
from segaware_caffe.schema.shapes import Shape


class Runnable(nn.Module):
    """A module `forward(*bottoms) -> top or tops`, and what it says about itself."""

    #: the shapes of tops are known only once it has run
    unsettled: ClassVar[bool] = False

    @property
    def fresh(self) -> bool:
        """Whether the top is new memory whose values nobody needs, not even the module's gradient: a ReLU may overwrite it."""
        return False

    @property
    def activation(self) -> Activation | None:
        """What it computes, if that is an activation which the step before can do as it writes."""
        return None

    def takes(self, activation: Activation) -> bool:
        """Whether forward takes `activation=`, and does that as it writes."""
        return False

    @property
    def is_view(self) -> bool:
        """Whether the tops are the memory of the first bottom."""
        return False

    @property
    def repeatable(self) -> bool:
        """Whether a second forward of the same bottoms gives the same tops and changes nothing."""
        return True

    def check_shapes(self, *bottoms: Shape) -> None:
        """Raise ShapeError for bottoms that it cannot take. Asked before a forward whose bottoms' shapes only the run knows."""

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """Elements that forward takes beside bottoms, tops and learned blobs, where they are many."""
        return 0

    def packed(self) -> Mapping[Hashable, int]:
        """The copies of learned blobs that it keeps: elements by what identifies a copy, which several modules may share."""
        return {}

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """Floating-point operations of forward as its layers are defined, a multiply-add being two; 0 where weights do not matter."""
        return 0

    def moved(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """Elements that forward must at least read and write: bottoms, tops and learned blobs."""
        return sum(map(math.prod, (*bottoms, *tops))) + sum(parameter.numel() for parameter in self.parameters())

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        """Why it cannot take its fastest way with these bottoms; None if it does, or has no other."""
        return None
