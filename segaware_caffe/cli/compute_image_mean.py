"""`compute_image_mean`: the mean of a database of images."""

import logging
from collections.abc import Sequence
from typing import Any

from segaware_caffe.cli.convert_imageset import backend
from segaware_caffe.cli.gflags import run_tool

logger = logging.getLogger(__name__)

DESCRIPTION = """\
usage: compute_image_mean [FLAGS] INPUT_DB [OUTPUT_FILE]

Compute the mean image of a database, which `mean_file` and pycaffe's scripts subtract, and the mean of each channel.

  segaware-caffe compute_image_mean train_lmdb mean.binaryproto"""
FLAGS = {"backend": ("lmdb", "lmdb or leveldb, whichever the database is")}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "compute_image_mean", DESCRIPTION, FLAGS, range(1, 3), compute)


def compute(words: list[str], flags: dict[str, Any]) -> None:
    """Read the database, write the mean, say those of the channels."""
    from segaware_caffe.data.imageset import image_mean, write_mean

    mean = image_mean(words[0], backend(flags["backend"]))
    if len(words) == 2:
        logger.info("Write to %s", words[1])
        write_mean(words[1], mean)
    logger.info("Number of channels: %d", len(mean))
    for channel, value in enumerate(mean.reshape(len(mean), -1).mean(1)):
        logger.info("mean_value channel [%d]: %g", channel, value)
