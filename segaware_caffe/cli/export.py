"""`segaware-caffe export`: a net with its weights to another framework's format."""

import argparse
from typing import Any

from segaware_caffe.cli.common import (
    add_reading_arguments,
    add_shape_argument,
    add_variable_arguments,
    given_shapes,
    stages,
    variables,
    whole,
)
from segaware_caffe.export import FORMATS, export
from segaware_caffe.net import Net

DESCRIPTION = """\
Write a net with its weights in the format that the suffix of --output names:

  .onnx  an ONNX model, for ONNX Runtime, OpenVINO, TensorRT, OpenCV 5 and others (needs the extra onnx)
  .py    a module of plain PyTorch to read, change and train, its weights beside it in a .safetensors (needs that extra)
  .pt2   a program of torch.export, in core ATen operators

  segaware-caffe export deploy.prototxt --weights net.caffemodel --output net.onnx
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="PROTOTXT", help="the net's definition")
    parser.add_argument("--weights", metavar="FILE", help="its weights; without them the fillers' numbers are exported")
    parser.add_argument("--output", required=True, metavar="FILE", help=f"file to write: {', '.join(FORMATS)}")
    parser.add_argument(
        "--blob", action="append", metavar="NAME", help="a blob that the model shall give (repeatable; default: the net's outputs)"
    )
    add_shape_argument(parser)
    parser.add_argument("--static", action="store_true", help="ONNX and torch.export: fix batch and size, also where the net allows others")
    parser.add_argument(
        "--no-fold", action="store_true", help="ONNX and torch.export: keep BatchNorm and Scale apart from the convolutions before"
    )
    parser.add_argument("--level", type=whole, default=0, help="level for include and exclude rules (default 0)")
    parser.add_argument("--stage", default="", help="comma-separated stages for include and exclude rules")
    add_reading_arguments(parser)
    add_variable_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Export, and say what was written."""
    net = Net(
        args.model,
        "TEST",
        weights=args.weights,
        variables=variables(args, args.model),
        level=args.level,
        stages=stages(args),
        allow_unknown_fields=args.allow_unknown_fields,
        allow_paths=args.allow_path,
    )
    net.reshape(**given_shapes(args))
    options: dict[str, Any] = {"fold": False} if args.no_fold else {}
    if args.static:
        options["dynamic"] = ()
    export(net, args.output, outputs=args.blob, **options)
    print(f"wrote {args.output}")
