"""`segaware-caffe view`: a net, and a photograph in it, as one HTML file."""

import argparse
from pathlib import Path

from segaware_caffe.cli.common import (
    add_reading_arguments,
    add_shape_argument,
    add_variable_arguments,
    given_shapes,
    positive,
    stages,
    variables,
    whole,
)
from segaware_caffe.errors import CaffeError
from segaware_caffe.models import CAMVID_CLASSES
from segaware_caffe.net import Net
from segaware_caffe.net.timing import timing
from segaware_caffe.segmentation import read_photograph
from segaware_caffe.view import compare_nets, compare_weights, write_page

DESCRIPTION = """\
Write one HTML file, which opens from disk, to look at a net: its graph, layers, blobs, costs, and what they are fused into. With
--image also every blob of a photograph, and at a pixel of your choice the attention masks and the classes.

  segaware-caffe view net.prototxt --weights net.caffemodel --image street.jpg --output net.html
"""
#: how the names of weight files end
WEIGHTS = (".caffemodel", ".h5", ".safetensors", ".npz", ".pt", ".pth")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="NET", help="the net's prototxt")
    parser.add_argument("--weights", metavar="FILE", help="show the blobs of this file")
    parser.add_argument("--image", metavar="PHOTO", help="show every blob of this photograph, and the masks")
    parser.add_argument("--classes", default="", metavar="NAMES", help="comma-separated names of the scores' channels")
    parser.add_argument("--output", metavar="FILE.html", help="file to write (default: the net's name and .html)")
    parser.add_argument("--compare", metavar="OTHER", help="another prototxt, or with --weights another weight file: show what differs")
    parser.add_argument("--time", type=positive, default=0, metavar="RUNS", help="run the net so often and show how long each step takes")
    parser.add_argument("--phase", choices=("TEST", "TRAIN"), default="TEST", type=str.upper)
    parser.add_argument("--level", type=whole, default=0, help="level for include and exclude rules (default 0)")
    parser.add_argument("--stage", default="", help="comma-separated stages for include and exclude rules")
    add_shape_argument(parser)
    add_reading_arguments(parser)
    add_variable_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page and say where it is."""
    net = _net(args, args.model, args.weights)
    comparison = None
    if args.compare and args.compare.endswith(WEIGHTS):
        if not args.weights:
            raise CaffeError(f"--compare {args.compare}: it is a weight file; give the one to compare it with by --weights")
        comparison = compare_weights(args.weights, args.compare)
    elif args.compare:
        comparison = compare_nets(net, _net(args, args.compare, None), args.compare)
    photograph = read_photograph(args.image) if args.image else None
    output = Path(args.output or f"{Path(args.model).stem}.html")
    classes = args.classes.split(",") if args.classes else CAMVID_CLASSES
    measured = timing(net, args.time) if args.time else None
    title = net.name or Path(args.model).stem
    write_page(net, output, title=title, photograph=photograph, classes=classes, comparison=comparison, measured=measured)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB, to be opened in a browser")


def _net(args: argparse.Namespace, model: str, weights: str | None) -> Net:
    net = Net(
        model,
        args.phase,
        weights=weights,
        variables=variables(args, args.model, model),
        level=args.level,
        stages=stages(args),
        allow_unknown_fields=args.allow_unknown_fields,
        allow_paths=args.allow_path,
    )
    net.reshape(**given_shapes(args))
    return net
