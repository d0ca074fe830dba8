"""`segaware-caffe time`: what `caffe time` does, with its flags and its lines, and a table of what really runs."""

import argparse
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from segaware_caffe.cli.common import add_json_argument, add_net_arguments, at_least, columns, write_json
from segaware_caffe.cli.glog import log_like_caffe
from segaware_caffe.cli.running import device, make_net
from segaware_caffe.net import Net
from segaware_caffe.net.plan import Step
from segaware_caffe.net.run import run_on
from segaware_caffe.net.timing import Timing, now, timing

logger = logging.getLogger(__name__)

DESCRIPTION = """\
Run a net's layers one by one, forward and backward, and print how long each takes, in the lines of `caffe time`. Then run
the whole net as it runs otherwise, fused, and print on standard output a row for every step of a forward pass: the layers
whose work it does, how long it takes, how much of this machine's speed in a large matrix product it reaches (as its layers
are defined: Winograd's algorithm takes fewer products, and can reach more than all of it), what it must read and write, and
what memory is alive while it runs, without what a backward pass would need.

  segaware-caffe time --model lenet.prototxt --iterations 10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_net_arguments(parser)
    parser.add_argument("--iterations", type=int, default=50, help="how often to run it (default 50)")
    parser.add_argument("--phase", choices=("TEST", "TRAIN"), default="TRAIN", type=str.upper, help="(default TRAIN)")
    add_json_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Time the net; the log goes to stderr, as Caffe's does."""
    at_least(1, "iterations", args.iterations)
    place = device(args)
    with log_like_caffe():
        logger.info("Use CPU." if place.type == "cpu" else f"Use GPU with device ID {place.index}")
        net = make_net(args, args.phase, passes=[]).requires_grad_()
        layers = LayerByLayer(net)
        logger.info("Performing Forward")
        logger.info("Initial loss: %g", layers.forward())
        logger.info("Performing Backward")
        layers.backward()
        benchmark(layers, args.iterations)
    timed = timing(make_net(args, args.phase), args.iterations)
    if args.json:
        write_json(args.json, timed.as_json() | {"layers": layers.as_json(args.iterations)})
    if args.json != "-":
        print(table(timed))


class LayerByLayer:
    """The layers of a net, each run by itself on what the ones before it made; `seconds` adds up what they take."""

    def __init__(self, net: Net):
        self.steps = [Step.of(node, losses=True) for node in net.graph.nodes]
        self.reset()
        self._net = net
        self._device = next((learned.tensor.device for learned in net.learned), torch.device("cpu"))
        self._values: dict[int, torch.Tensor] = {}
        self._gradients: dict[int, torch.Tensor] = {}
        self._bottoms: dict[int, list[torch.Tensor]] = {}

    def reset(self) -> None:
        """Forget what they took so far."""
        self.seconds = {"forward": [0.0] * len(self.steps), "backward": [0.0] * len(self.steps)}

    def as_json(self, iterations: int) -> list[dict[str, Any]]:
        """The mean seconds of every layer."""
        return [
            {"name": step.name, "type": step.type} | {way: seconds[index] / iterations for way, seconds in self.seconds.items()}
            for index, step in enumerate(self.steps)
        ]

    def forward(self) -> float:
        """Run all layers; the loss."""
        loss = 0.0
        for index, step in enumerate(self.steps):
            tops = self._timed("forward", index, partial(self._forward_layer, index, step))
            for value, top, weight in zip(step.tops, tops, step.loss_weights, strict=True):
                self._values[value] = top
                if weight:
                    self._gradients[value] = torch.full_like(top, weight)
                    loss += weight * float(top.detach().sum())
        return loss

    def backward(self) -> None:
        """Run all layers' backward, needed or not, as the reference does."""
        for index in reversed(range(len(self.steps))):
            self._timed("backward", index, partial(self._backward_layer, index))

    def _forward_layer(self, index: int, step: Step) -> list[torch.Tensor]:
        self._bottoms[index] = [self._values[value].detach().requires_grad_() for value in step.bottoms]
        if step.type == "Input":
            return [torch.zeros(self._net.shapes_of_values[value], device=self._device) for value in step.tops]
        tops = run_on(step, self._bottoms[index])
        return tops if step.bottoms else [top.to(self._device) for top in tops]

    def _backward_layer(self, index: int) -> None:
        step, bottoms = self.steps[index], self._bottoms[index]
        tops = [value for value in step.tops if self._values[value].requires_grad]
        inputs = [*bottoms, *(tensor for tensor in step.module.parameters() if tensor.requires_grad)]
        if not tops or not inputs:
            return
        gradients = [self._gradients.pop(value, torch.zeros_like(self._values[value])) for value in tops]
        results = torch.autograd.grad([self._values[value] for value in tops], inputs, gradients, allow_unused=True)
        for value, result in zip(step.bottoms, results, strict=False):
            if result is not None:
                self._gradients[value] = result

    def _timed(self, direction: str, index: int, work: Callable[[], Any]) -> Any:
        start = now()
        result = work()
        self.seconds[direction][index] += now() - start
        return result


def benchmark(layers: LayerByLayer, iterations: int) -> None:
    """Run the layers and log how long they take (spec/pipeline.md 5.1)."""
    layers.reset()
    logger.info("*** Benchmark begins ***")
    logger.info("Testing for %d iterations.", iterations)
    start = time.perf_counter()
    for iteration in range(1, iterations + 1):
        before = time.perf_counter()
        layers.forward()
        layers.backward()
        logger.info("Iteration: %d forward-backward time: %g ms.", iteration, 1e3 * (time.perf_counter() - before))
    total = 1e3 * (time.perf_counter() - start)
    logger.info("Average time per layer: ")
    for index, step in enumerate(layers.steps):
        for direction, seconds in layers.seconds.items():
            logger.info("%10s\t%s: %g ms.", step.name, direction, 1e3 * seconds[index] / iterations)
    for direction, seconds in layers.seconds.items():
        logger.info("Average %s pass: %g ms.", direction.capitalize(), 1e3 * sum(seconds) / iterations)
    logger.info("Average Forward-Backward: %g ms.", total / iterations)
    logger.info("Total Time: %g ms.", total)
    logger.info("*** Benchmark ends ***")


def table(timed: Timing) -> str:
    """A row for every step, and a sentence on the whole."""
    rows = [("layers", "step", "ms", "GFLOP/s", "of peak", "MiB moved", "MiB alive")]
    for cost, seconds in timed.steps:
        speed = cost.operations / seconds if seconds else 0.0
        figures = (f"{speed / 1e9:.1f}", f"{speed / timed.peak:.0%}") if cost.operations else ("", "")
        rows.append(
            (cost.step.label, cost.step.type, f"{1e3 * seconds:.2f}", *figures, f"{cost.moved / 2**20:.1f}", f"{cost.alive / 2**20:.1f}")
        )
    speed = timed.operations / timed.seconds
    whole = (
        f"fused: {1e3 * timed.seconds:.1f} ms a forward pass, {speed / 1e9:.1f} GFLOP/s as the layers are defined, where a large matrix"
        f" product reaches {timed.peak / 1e9:.0f} ({speed / timed.peak:.0%}); {timed.memory / 2**20:.0f} MiB for blobs and weights"
    )
    return "\n".join([*columns(rows, numbers=5), "", whole])
