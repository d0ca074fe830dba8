"""`segaware-caffe convert`: weights from one file format to another."""

import argparse

from segaware_caffe.cli.common import add_reading_arguments, add_variable_arguments, variables
from segaware_caffe.errors import CaffeError
from segaware_caffe.weights import convert

DESCRIPTION = """\
Convert weights between .caffemodel, .caffemodel.h5, .safetensors, .npz and .pt (a torch state_dict). The source is known by
its content, the target by its suffix. In the last three a blob's key is LAYER.INDEX, which is also its key in
segaware_caffe.Net(...).state_dict().

  segaware-caffe convert net.caffemodel net.safetensors

With --weights the source is a prototxt: a .safetensors then holds the net's definition too, for segaware_caffe.Net.from_file.

  segaware-caffe convert net.prototxt --weights net.caffemodel net.safetensors
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", help="weights to read; with --weights the prototxt of their net")
    parser.add_argument("target", help="file to write, .caffemodel, .caffemodel.h5, .safetensors, .npz or .pt")
    parser.add_argument("--weights", metavar="FILE", help="weights to read, of the net that the source defines")
    add_reading_arguments(parser)
    add_variable_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Convert, and say what was there."""
    if args.weights is None:
        if args.set or args.variables or args.allow_unknown_fields:
            raise CaffeError("--set, --variables and --allow-unknown-fields are for a prototxt, which is given together with --weights")
        print(convert(args.source, args.target))
        return
    from segaware_caffe.net import Net  # only here: plain conversions need no layers

    net = Net(
        args.source,
        weights=args.weights,
        variables=variables(args, args.source),
        allow_unknown_fields=args.allow_unknown_fields,
        allow_paths=args.allow_path,
    )
    net.save(args.target)
    print(f"{args.source} and {args.weights} -> {args.target}: {len(net.params)} layers with weights")
