"""Initial values of learned blobs (spec/layers.md 2.2)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

Fill = Callable[[torch.Tensor], None]


def filler(message: Any, shape: Sequence[int], fail: Callable[[str], Any]) -> Fill:
    """The function that fills a blob of `shape` in place, as a FillerParameter (or None) asks.

    A missing message means constant 0. `fail` is called with one sentence where the message
    does not fit the shape.
    """
    if message is None:
        return constant(0.0)
    if message.type not in _FILLERS:
        fail(f"Unknown filler name: {message.type} (known: {', '.join(sorted(_FILLERS))})")
    if message.sparse != -1 and message.type not in ("gaussian", "xy"):
        fail(f"Sparsity not supported by the filler {message.type} (only by gaussian)")
    _FILLERS[message.type](message, tuple(shape), fail)
    return Filler(message, tuple(shape))


@dataclass(frozen=True)
class Filler:
    """Fills a blob of a shape as a message that was checked asks. It can be pickled, and so can what holds it."""

    message: Any
    shape: tuple[int, ...]

    def __call__(self, blob: torch.Tensor) -> None:
        _FILLERS[self.message.type](self.message, self.shape, None)(blob)


def constant(value: float) -> Fill:
    """Every element is `value`."""
    return partial(_fill_constant, value)


@torch.no_grad()
def _fill_constant(value: float, blob: torch.Tensor) -> None:
    blob.fill_(value)


def _constant(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    return constant(message.value)


def _uniform(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    low, high = message.min, message.max
    if low > high:
        fail(f"uniform filler: min {low:g} must not exceed max {high:g}")
    return torch.no_grad()(lambda blob: blob.uniform_(low, high))


def _gaussian(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    mean, std, sparse = message.mean, message.std, message.sparse
    if std <= 0:
        fail(f"gaussian filler: std must be positive, not {std:g}")
    if sparse >= 0 and (not shape or sparse > shape[0]):
        fail(f"gaussian filler: sparse {sparse} must not exceed the blob's first dimension")

    @torch.no_grad()
    def fill(blob: torch.Tensor) -> None:
        blob.normal_(mean, std)
        if sparse >= 0:
            blob *= torch.empty_like(blob).bernoulli_(sparse / blob.shape[0])

    return fill


def _positive_unitball(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    @torch.no_grad()
    def fill(blob: torch.Tensor) -> None:
        blob.uniform_()
        blob /= blob.reshape(len(blob), -1).sum(1).view(-1, *[1] * (blob.ndim - 1))

    if not shape:
        fail("positive_unitball filler: the blob needs at least one axis")
    return fill


def fan(message: Any, shape: tuple[int, ...]) -> float:
    """The n of xavier and msra: fan-in, fan-out or their mean."""
    count = math.prod(shape)
    fan_in = count / (shape[0] if shape else 1)
    fan_out = count / (shape[1] if len(shape) > 1 else 1)
    return (fan_in, fan_out, (fan_in + fan_out) / 2)[message.variance_norm]


def _xavier(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    limit = math.sqrt(3 / fan(message, shape))
    return torch.no_grad()(lambda blob: blob.uniform_(-limit, limit))


def _msra(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    std = math.sqrt(2 / fan(message, shape))
    return torch.no_grad()(lambda blob: blob.normal_(0, std))


def _bilinear(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    """Upsampling weights, by upstream's formula; the release's differs for widths 2, 3, 6, 7, ..."""
    if len(shape) != 4 or shape[2] != shape[3]:
        fail(f"bilinear filler: the blob must have 4 axes and a square kernel, not shape {shape}")
    factor = math.ceil(shape[-1] / 2)
    centre = (shape[-1] - 1) / (2 * factor)
    line = 1 - (torch.arange(shape[-1], dtype=torch.float64) / factor - centre).abs()
    return torch.no_grad()(lambda blob: blob.copy_(torch.outer(line, line)))


def _xy(message: Any, shape: tuple[int, ...], fail: Any) -> Fill:
    """Channel 0 is the column, channel 1 the row; the same for every sample (the release: sample 0 only)."""
    if len(shape) != 4 or shape[1] != 2:
        fail(f"xy filler: the blob must have shape (N, 2, H, W), not {shape}")
    rows, columns = torch.meshgrid(torch.arange(shape[2]), torch.arange(shape[3]), indexing="ij")
    return torch.no_grad()(lambda blob: blob.copy_(torch.stack((columns, rows))))


_FILLERS = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
    "xy": _xy,
}
