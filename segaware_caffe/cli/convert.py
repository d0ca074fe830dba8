"""`segaware-caffe convert`: weights from one file format to another."""

import argparse

from segaware_caffe.weights import convert

DESCRIPTION = """\
Convert weights between .caffemodel, .caffemodel.h5, .safetensors, .npz and .pt (a torch state_dict). The source is known by
its content, the target by its suffix. In the last three a blob's key is LAYER.INDEX, which is also its key in
segaware_caffe.Net(...).state_dict().

  segaware-caffe convert net.caffemodel net.safetensors
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", help="weights to read")
    parser.add_argument("target", help="file to write, .caffemodel, .caffemodel.h5, .safetensors, .npz or .pt")


def run(args: argparse.Namespace) -> None:
    """Convert, and say what was there."""
    print(convert(args.source, args.target))
