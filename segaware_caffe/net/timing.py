"""What a forward pass takes, step by step of what really runs, against what this machine can do."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from segaware_caffe.net.memory import Cost
from segaware_caffe.net.net import Net
from segaware_caffe.net.plan import Step
from segaware_caffe.net.run import Observer, Tensors


@dataclass(frozen=True)
class Timing:
    """A forward pass: its steps' costs with the median seconds of each, and of the whole pass; a large matrix product for comparison."""

    steps: tuple[tuple[Cost, float], ...]
    seconds: float
    #: floating-point operations per second of a large matrix product
    peak: float
    #: bytes for blobs and weights
    memory: int

    @property
    def operations(self) -> int:
        """Floating-point operations of the pass, as the layers are defined."""
        return sum(cost.operations for cost, _ in self.steps)

    def as_json(self) -> dict[str, Any]:
        """All of it: seconds, operations, operations per second, and bytes."""
        return {
            "seconds": self.seconds,
            "operations": self.operations,
            "memory_bytes": self.memory,
            "peak_operations_per_second": self.peak,
            "steps": [
                {
                    "name": cost.step.name,
                    "type": cost.step.type,
                    "layers": list(cost.step.layers),
                    "seconds": seconds,
                    "operations": cost.operations,
                    "operations_per_second": cost.operations / seconds if seconds else 0.0,
                    "share_of_peak": cost.operations / seconds / self.peak if seconds else 0.0,
                    "moved_bytes": cost.moved,
                    "alive_bytes": cost.alive,
                }
                for cost, seconds in self.steps
            ],
        }


def timing(net: Net, iterations: int) -> Timing:
    """Run a net on zeros so often, after one run that does not count. In TRAIN gradients could follow; they do not."""
    feed = {name: torch.zeros(net.shapes[name]) for name in net.inputs}
    losses = net.training
    peak = peak_speed(next(net.parameters(), torch.zeros(0)).device)
    stopwatch = Stopwatch()
    net.run(feed, losses=losses)
    for _ in range(iterations):
        net.run(feed, losses=losses, observers=[stopwatch])
    seconds = median_seconds(lambda: net.run(feed, losses=losses), iterations)
    steps = tuple((cost, statistics.median(stopwatch.seconds[cost.step])) for cost in net.costs(losses=losses))
    return Timing(steps, seconds, peak, net.memory().total)


class Stopwatch(Observer):
    """Notes what every step takes, at every run."""

    def __init__(self) -> None:
        self.seconds: dict[Step, list[float]] = {}
        self._start = 0.0

    def before(self, step: Step, bottoms: Tensors) -> Tensors:
        self._start = now()
        return bottoms

    def after(self, step: Step, bottoms: Tensors, tops: Tensors) -> None:
        self.seconds.setdefault(step, []).append(now() - self._start)


def now() -> float:
    """Seconds, once a GPU has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def peak_speed(place: torch.device) -> float:
    """Floating-point operations per second of a large matrix product."""
    a, b = torch.randn(1024, 1024, device=place), torch.randn(1024, 1024, device=place)
    return 2 * 1024**3 / median_seconds(lambda: a @ b, 20)


def median_seconds(work: Callable[[], Any], times: int) -> float:
    """The median time of `work`, after one run that does not count."""
    work()
    seconds = []
    for _ in range(times):
        start = now()
        work()
        seconds.append(now() - start)
    return statistics.median(seconds)
