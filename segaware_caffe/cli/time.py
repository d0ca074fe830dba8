"""`segaware-caffe time`: what `caffe time` does, with its flags and its lines."""

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from segaware_caffe.cli.common import add_net_arguments
from segaware_caffe.cli.glog import log_like_caffe
from segaware_caffe.cli.running import device, make_net
from segaware_caffe.net import Net
from segaware_caffe.net.graph import Node

logger = logging.getLogger(__name__)

DESCRIPTION = """\
Run a net's layers one by one, forward and backward, and print how long each takes, in the lines of `caffe time`. Then run
the whole net as it runs otherwise, fused, and print on standard output how long a forward pass takes, how much of this
machine's speed it reaches, and what memory it needs.

  segaware-caffe time --model lenet.prototxt --iterations 10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_net_arguments(parser)
    parser.add_argument("--iterations", type=int, default=50, help="how often to run it (default 50)")
    parser.add_argument("--phase", choices=("TEST", "TRAIN"), default="TRAIN", type=str.upper, help="(default TRAIN)")


def run(args: argparse.Namespace) -> None:
    """Time the net; the log goes to stderr, as Caffe's does."""
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
    if args.phase == "TEST" and net.inputs:
        print(whole(make_net(args, args.phase), args.iterations))


class LayerByLayer:
    """The layers of a net, each run by itself on what the ones before it made; `seconds` adds up what they take."""

    def __init__(self, net: Net):
        self.nodes: tuple[Node, ...] = net.graph.nodes
        self.seconds = {"forward": [0.0] * len(self.nodes), "backward": [0.0] * len(self.nodes)}
        self._net = net
        self._device = next((learned.tensor.device for learned in net.learned), torch.device("cpu"))
        self._values: dict[int, torch.Tensor] = {}
        self._gradients: dict[int, torch.Tensor] = {}
        self._bottoms: dict[int, list[torch.Tensor]] = {}

    def forward(self) -> float:
        """Run all layers; the loss."""
        loss = 0.0
        for index, node in enumerate(self.nodes):
            tops = self._timed("forward", index, lambda i=index, n=node: self._forward_layer(i, n))
            for value, top, weight in zip(node.tops, tops, node.loss_weights, strict=True):
                self._values[value] = top
                if weight:
                    self._gradients[value] = torch.full_like(top, weight)
                    loss += weight * float(top.detach().sum())
        return loss

    def backward(self) -> None:
        """Run all layers' backward, needed or not, as the reference does."""
        for index in reversed(range(len(self.nodes))):
            self._timed("backward", index, lambda i=index: self._backward_layer(i))

    def _forward_layer(self, index: int, node: Node) -> list[torch.Tensor]:
        self._bottoms[index] = [self._values[value].detach().requires_grad_() for value in node.bottoms]
        if node.type == "Input":
            return [torch.zeros(self._net.shapes_of_values[value], device=self._device) for value in node.tops]
        tops = node.module(*self._bottoms[index])
        tops = [tops] if isinstance(tops, torch.Tensor) else list(tops or ())
        return tops if node.bottoms else [top.to(self._device) for top in tops]

    def _backward_layer(self, index: int) -> None:
        node, bottoms = self.nodes[index], self._bottoms[index]
        tops = [value for value in node.tops if self._values[value].requires_grad]
        inputs = [*bottoms, *(tensor for tensor in node.module.parameters() if tensor.requires_grad)]
        if not tops or not inputs:
            return
        gradients = [self._gradients.pop(value, torch.zeros_like(self._values[value])) for value in tops]
        results = torch.autograd.grad([self._values[value] for value in tops], inputs, gradients, allow_unused=True)
        for value, result in zip(node.bottoms, results, strict=False):
            if result is not None:
                self._gradients[value] = result

    def _timed(self, direction: str, index: int, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.seconds[direction][index] += time.perf_counter() - start
        return result


def benchmark(layers: LayerByLayer, iterations: int) -> None:
    """Run the layers and log how long they take (spec/pipeline.md 5.1)."""
    layers.seconds = {direction: [0.0] * len(layers.nodes) for direction in layers.seconds}
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
    for index, node in enumerate(layers.nodes):
        for direction, seconds in layers.seconds.items():
            logger.info("%10s\t%s: %g ms.", node.name, direction, 1e3 * seconds[index] / iterations)
    for direction, seconds in layers.seconds.items():
        logger.info("Average %s pass: %g ms.", direction.capitalize(), 1e3 * sum(seconds) / iterations)
    logger.info("Average Forward-Backward: %g ms.", total / iterations)
    logger.info("Total Time: %g ms.", total)
    logger.info("*** Benchmark ends ***")


def whole(net: Net, iterations: int) -> str:
    """One sentence on a forward pass of the fused net, fed zeros."""
    inputs = {name: torch.zeros(net.shapes[name]) for name in net.inputs}
    seconds = _median_seconds(lambda: net(**inputs), iterations)
    speed, peak = net.operations / seconds / 1e9, _peak_speed(next(net.parameters(), torch.zeros(0)).device)
    memory = net.memory().total / 2**20
    return (
        f"fused: {1e3 * seconds:.1f} ms a forward pass, {speed:.1f} GFLOP/s as the layers are defined, where a large matrix product"
        f" reaches {peak:.0f} ({speed / peak:.0%}); {memory:.0f} MiB for blobs and weights"
    )


def _peak_speed(place: torch.device) -> float:
    """GFLOP/s of a large matrix product."""
    a, b = torch.randn(1024, 1024, device=place), torch.randn(1024, 1024, device=place)
    return 2 * 1024**3 / _median_seconds(lambda: a @ b, 20) / 1e9


def _median_seconds(work: Callable[[], Any], times: int) -> float:
    """The median time of `work`, after one run that does not count."""
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])
