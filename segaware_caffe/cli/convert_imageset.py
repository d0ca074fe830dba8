"""`convert_imageset`: a list of images to a database."""

import logging
from collections.abc import Sequence
from typing import Any

from segaware_caffe.cli.gflags import run_tool

logger = logging.getLogger(__name__)

DESCRIPTION = """\
usage: convert_imageset [FLAGS] ROOTFOLDER/ LISTFILE DB_NAME

Convert a set of images to the LMDB or LevelDB that Data layers read. A line of LISTFILE is a file's name, which follows
ROOTFOLDER/, and an integer class.

  segaware-caffe convert_imageset --resize_height=256 --resize_width=256 --shuffle images/ train.txt train_lmdb"""
FLAGS = {
    "gray": (False, "treat images as grey ones"),
    "shuffle": (False, "randomly shuffle the order of images and their labels"),
    "random_seed": (-1, "shuffle the same way each time (not Caffe's)"),
    "backend": ("lmdb", "lmdb or leveldb"),
    "resize_width": (0, "width to which images are resized"),
    "resize_height": (0, "height to which images are resized; without both they keep their size"),
    "check_size": (False, "check that all the data have the same size"),
    "encoded": (False, "store the encoded image"),
    "encode_type": ("", "what type to store: png, jpg, ..."),
}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "convert_imageset", DESCRIPTION, FLAGS, range(3, 4), convert)


def convert(words: list[str], flags: dict[str, Any]) -> None:
    """Read the list, shuffle it, write the database."""
    from segaware_caffe.data.imageset import convert_imageset
    from segaware_caffe.data.lists import read_labelled
    from segaware_caffe.layers.random import MersenneTwister

    root, source, target = words
    entries = read_labelled(source)
    if flags["shuffle"]:
        logger.info("Shuffling data")
        MersenneTwister(flags["random_seed"]).shuffle(entries)
    logger.info("A total of %d images.", len(entries))
    if flags["encode_type"] and not flags["encoded"]:
        logger.info("encode_type specified, assuming encoded=true.")
    written = convert_imageset(
        root,
        entries,
        target,
        backend(flags["backend"]),
        color=not flags["gray"],
        size=(max(0, flags["resize_height"]), max(0, flags["resize_width"])),
        encoded=flags["encoded"],
        encode_type=flags["encode_type"],
        check_size=flags["check_size"],
    )
    if written < len(entries):
        logger.warning("%d of the %d images could not be read, and are not in %s", len(entries) - written, len(entries), target)


def backend(name: str) -> str:
    """LMDB or LEVELDB. CaffeError for another word."""
    from segaware_caffe.errors import CaffeError

    if name.upper() not in ("LMDB", "LEVELDB"):
        raise CaffeError(f"Unknown database backend '{name}': it is lmdb or leveldb")
    return name.upper()
