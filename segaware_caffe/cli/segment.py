"""`segaware-caffe segment`: photographs to label images."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from segaware_caffe.cli.common import add_net_arguments, variables
from segaware_caffe.cli.running import layer_progress, make_net
from segaware_caffe.data.mat import write_mat
from segaware_caffe.errors import CaffeError
from segaware_caffe.files import replacing
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.schema import read_net
from segaware_caffe.segmentation import MEAN, Segmentation, Segmenter, class_names, overlay, read_photograph, without_sinks, write_label_png

DESCRIPTION = """\
Segment photographs. For each IMAGE this writes NAME.png, whose pixels are the labels under VOC's palette, and
NAME_overlay.png, the labels over the photograph; with --mat also NAME_blob_0.mat, the scores as MatWrite stores them.
A photograph that its EXIF entry says was taken sideways is turned upright first.

The photograph is laid at the top left of the network's input and padded, as the reference's scripts do; one larger than
the input is scaled down to fit, and the scores up again.

Without --model it runs a segmentation-aware network for street scenes that comes with the package: small, trained on CamVid's
11 classes in minutes (segaware_caffe/models/README.md says what it is worth).

  segaware-caffe segment street.jpg
  segaware-caffe segment --model vgg/deploy.prototxt --weights vgg.caffemodel photo.jpg --output out/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a photograph, in any format that Pillow reads")
    add_net_arguments(parser, model_required=False)
    parser.add_argument("--output", default=".", metavar="DIR", help="folder for the results (default: here)")
    parser.add_argument("--input-blob", metavar="NAME", help="blob that takes the photograph (default: the first of 3 channels)")
    parser.add_argument("--scores", metavar="NAME", help="output blob with a channel per class (default: the only one there is)")
    parser.add_argument(
        "--mean", type=float, nargs=3, default=MEAN, metavar=("B", "G", "R"), help="mean colour to subtract (default: VOC's)"
    )
    parser.add_argument("--mat", action="store_true", help="write the scores as .mat too")


def run(args: argparse.Namespace) -> None:
    """Segment every image, in turn."""
    classes = _default_model(args) if args.model is None else None
    proto = read_net(args.model, variables=variables(args), allow_unknown_fields=args.allow_unknown_fields)
    net = make_net(args, "TEST", without_sinks(proto))
    segmenter = Segmenter(net, args.input_blob, args.scores, args.mean)
    photographs = [(Path(name), read_photograph(name)) for name in args.images]
    Path(args.output).mkdir(parents=True, exist_ok=True)
    for path, rgb in photographs:
        with layer_progress(net, 1, path.name):
            result = segmenter(rgb)
        target = Path(args.output) / path.stem
        _write(target, rgb, result, args.mat)
        print(f"{path}: {target}.png  {_summary(result.labels, classes or class_names(len(result.scores)))}")


def _default_model(args: argparse.Namespace) -> Sequence[str]:
    """Make the arguments name the model that comes with the package; its classes."""
    if args.weights:
        raise CaffeError(f"--weights {args.weights} needs --model, the net's definition")
    args.model, args.weights = str(CAMVID_SEGAWARE.prototxt), str(CAMVID_SEGAWARE.weights)
    return CAMVID_SEGAWARE.classes


def _write(target: Path, rgb: np.ndarray, result: Segmentation, mat: bool) -> None:
    write_label_png(f"{target}.png", result.labels)
    with replacing(f"{target}_overlay.png") as temporary:
        Image.fromarray(overlay(rgb, result.labels)).save(temporary)
    if mat:
        write_mat(f"{target}_blob_0.mat", result.scores[None])


def _summary(labels: np.ndarray, classes: Sequence[str]) -> str:
    """The labels by their share of the pixels, the largest first."""
    values, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts)
    return ", ".join(f"{classes[value]} {count / labels.size:.1%}" for value, count in zip(values[order], counts[order], strict=True))
