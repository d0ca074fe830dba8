"""Activations that are a straight line on either side of zero, between two bounds: what ReLU, ReLU6, PReLU and Clip layers compute."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn import functional


class Activation(NamedTuple):
    """max(least, min(most, max(x, 0) + slope * min(x, 0))), in one form, so that it can be done where x is made."""

    #: what the layer itself computes, where a gradient is wanted
    literal: Callable[[torch.Tensor], torch.Tensor]
    #: below zero; of each channel where it is a tensor (C), or of all ()
    slope: float | torch.Tensor = 1.0
    least: float = -math.inf
    most: float = math.inf

    @property
    def is_relu(self) -> bool:
        """Whether it is max(x, 0)."""
        return not isinstance(self.slope, torch.Tensor) and (self.slope, self.least, self.most) == (0, -math.inf, math.inf)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest value; a slope of 0 is a bound."""
        flat = not isinstance(self.slope, torch.Tensor) and self.slope == 0
        return max(self.least, 0.0) if flat else self.least, self.most

    def slopes(self, channels: int) -> torch.Tensor | None:
        """The slopes (C), where they are more than bounds."""
        if isinstance(self.slope, torch.Tensor):
            return self.slope.reshape(-1).expand(channels)
        return torch.full((channels,), self.slope) if self.slope not in (0, 1) else None

    def onednn(self) -> tuple[str, list[float]] | None:
        """Name and numbers of oneDNN's operation that does the same; None if it has none."""
        least, most = self.bounds
        unbounded = (self.least, self.most) == (-math.inf, math.inf)
        if isinstance(self.slope, torch.Tensor) or not (unbounded or self.slope in (0, 1)):
            return None
        if unbounded:
            return ("leaky_relu", [self.slope]) if self.slope else ("relu", [])
        return "hardtanh", [least, most]

    def apply_(self, x: torch.Tensor) -> torch.Tensor:
        """The activation of x, in its memory where that may be."""
        if isinstance(self.slope, torch.Tensor):
            return self.literal(x)
        if (self.least, self.most) == (-math.inf, math.inf):
            return functional.leaky_relu_(x, self.slope) if self.slope else x.relu_()
        if (torch.is_grad_enabled() and x.requires_grad) or self.slope not in (0, 1):
            return self.literal(x)  # at the bounds each layer has a gradient of its own
        return x.clamp_(*self.bounds)


def applied(x: torch.Tensor, activation: Activation | None) -> torch.Tensor:
    """x, or its activation in its memory."""
    return x if activation is None else activation.apply_(x)
