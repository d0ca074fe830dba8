"""`segaware-caffe test`: what `caffe test` does, with its flags and its lines."""

import argparse
import logging
from typing import Any

import torch

from segaware_caffe.cli.common import add_json_argument, add_net_arguments, at_least, write_json
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
    add_json_argument(parser, "the means")


def run(args: argparse.Namespace) -> None:
    """Score the net; the log goes to stderr, as Caffe's does."""
    at_least(1, "iterations", args.iterations)
    place = device(args)
    with log_like_caffe(), torch.no_grad():
        logger.info("Use CPU." if place.type == "cpu" else f"Use GPU with device ID {place.index}")
        net = make_net(args, "TEST")
        logger.info("Running for %d iterations.", args.iterations)
        scores = score(net, args.iterations)
    if args.json:
        write_json(args.json, {"iterations": args.iterations, **scores})


def score(net: Net, iterations: int) -> dict[str, Any]:
    """Run batches and log every element of every output, then the means (spec/pipeline.md 5.1).

    Returns "loss", the mean of the net's loss, and "outputs": for each output blob the mean of every element as "values", and its
    "loss_weight".
    """
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
    outputs: dict[str, dict[str, Any]] = {
        name: {"values": (total / iterations).tolist(), "loss_weight": weights.get(name, 0.0)} for name, total in sums.items()
    }
    for name, output in outputs.items():
        weight = output["loss_weight"]
        for mean in output["values"]:
            logger.info("%s = %g%s", name, mean, f" (* {weight:g} = {weight * mean:g} loss)" if weight else "")
    return {"loss": total_loss / iterations, "outputs": outputs}
