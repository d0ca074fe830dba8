"""`segaware-caffe test`: what `caffe test` does, with its flags and its lines."""

import argparse
import logging

import torch

from segaware_caffe.cli.common import add_net_arguments
from segaware_caffe.cli.glog import log_like_caffe
from segaware_caffe.cli.running import device, make_net
from segaware_caffe.net import Net

logger = logging.getLogger(__name__)

DESCRIPTION = """\
Run a net in TEST on its own data layers and print its outputs, batch by batch and on average, in the lines of `caffe test`.

  segaware-caffe test --model lenet.prototxt --weights lenet.caffemodel --iterations 100
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_net_arguments(parser, weights_required=True)
    parser.add_argument("--iterations", type=int, default=50, help="batches to run (default 50)")


def run(args: argparse.Namespace) -> None:
    """Score the net; the log goes to stderr, as Caffe's does."""
    place = device(args)
    with log_like_caffe(), torch.no_grad():
        logger.info("Use CPU." if place.type == "cpu" else f"Use GPU with device ID {place.index}")
        net = make_net(args, "TEST")
        logger.info("Running for %d iterations.", args.iterations)
        score(net, args.iterations)


def score(net: Net, iterations: int) -> None:
    """Run batches and log every element of every output, then the means (spec/pipeline.md 5.1)."""
    sums: dict[str, torch.Tensor] = {}
    total_loss = 0.0
    for batch in range(iterations):
        loss, blobs = net.forward_loss()
        total_loss += float(loss)
        for name, value in blobs.items():
            value = value.flatten().double().cpu()
            for element in value.tolist():
                logger.info("Batch %d, %s = %g", batch, name, element)
            sums[name] = sums[name] + value if name in sums else value
    logger.info("Loss: %g", total_loss / iterations)
    weights = net.loss_weights
    for name, value in sums.items():
        for mean in (value / iterations).tolist():
            weight = weights.get(name, 0.0)
            logger.info("%s = %g%s", name, mean, f" (* {weight:g} = {weight * mean:g} loss)" if weight else "")
