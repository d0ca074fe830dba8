"""`segaware-caffe voc evaluate`, `compare` and `submit`: what to do with a folder of label images."""

import argparse
from pathlib import Path
from typing import Any

from segaware_caffe.cli.common import add_command, add_json_argument, positive, tracker, write_json
from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation.agreement import compare
from segaware_caffe.segmentation.evaluate import evaluate
from segaware_caffe.segmentation.palette import CLASSES
from segaware_caffe.segmentation.plots import write_pictures
from segaware_caffe.voc.cases import Folders, find_photographs_of
from segaware_caffe.voc.dataset import VocFolder, read_ids
from segaware_caffe.voc.report import write_evaluation
from segaware_caffe.voc.submit import check_predictions, pack

EVALUATE = """\
Judge label images by the true ones, in the words and the figures of the VOC devkit: void (255) is ignored, the background
counts, and so does a class that no image has, with 0. Then frequency weighted IoU, the boundary F-score, and the mean IoU
in bands of 1 to 40 pixels round the outlines (trimaps). --report writes all of it, and the worst and best pictures of every
class, as one HTML file.

  segaware-caffe voc evaluate --predictions comp6_val_cls --labels VOC2012/SegmentationClass \\
      --list VOC2012/ImageSets/Segmentation/val.txt --json val.json --report val.html

Labels are read as indices of a palette or as grey values, in up to 16 bits; a picture of VOC's colours is understood too.
"""
COMPARE = """\
Two folders of predictions beside each other: how many pixels agree, what became of each class, which images differ most.
With --labels also the IoU of both.

  segaware-caffe voc compare published/comp6_test_cls ours/comp6_test_cls
"""
SUBMIT = """\
Pack predictions as VOC's evaluation server takes them. First names, number, sizes, values and palettes are checked.

  segaware-caffe voc submit results/VOC2012/Segmentation/comp6_test_cls --voc VOC2012 --output results.tgz
"""


def add_parsers(subparsers: Any) -> None:
    """Declare the subcommands."""
    parser = add_command(subparsers, "evaluate", "mean IoU, trimaps, boundary F-score of label images", EVALUATE, run_evaluate)
    parser.add_argument(
        "--predictions",
        required=True,
        action="append",
        type=Path,
        metavar="DIR",
        help="folder of PNGs; repeat it for what several machines predicted",
    )
    parser.add_argument("--labels", required=True, type=Path, metavar="DIR", help="folder of the true label images")
    parser.add_argument("--list", required=True, metavar="FILE", help="list of ids, or of photographs")
    parser.add_argument("--classes", type=positive, default=len(CLASSES), metavar="N", help="number of classes (default %(default)s)")
    add_json_argument(parser, "all figures")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="write confusion.png and trimap.png there (needs matplotlib)")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write a page of all figures and of the worst and best pictures")
    parser.add_argument(
        "--photographs", type=Path, metavar="DIR", help="folder of the report's photographs (default: JPEGImages beside --labels)"
    )

    parser = add_command(subparsers, "compare", "two folders of label images beside each other", COMPARE, run_compare)
    parser.add_argument("first", type=Path, metavar="A", help="folder of PNGs")
    parser.add_argument("second", type=Path, metavar="B", help="folder of PNGs")
    parser.add_argument("--list", metavar="FILE", help="only the images of this list (default: all)")
    parser.add_argument("--labels", type=Path, metavar="DIR", help="true label images, to judge both by")
    parser.add_argument("--classes", type=positive, default=len(CLASSES), metavar="N", help="number of classes (default %(default)s)")

    parser = add_command(subparsers, "submit", "pack predictions for VOC's server", SUBMIT, run_submit)
    parser.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="folder of PNGs")
    parser.add_argument("--voc", required=True, type=VocFolder, metavar="DIR", help="VOC folder")
    parser.add_argument("--subset", default="test", help="set that they are of (default %(default)s)")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="archive to write, .tgz")


def run_evaluate(args: argparse.Namespace) -> None:
    """Print the table; write the figures, pictures and the page that are asked for."""
    if args.photographs and not args.report:
        raise CaffeError("--photographs are for the page that --report FILE.html writes; give both")
    photographs = find_photographs_of(args.labels, args.photographs) if args.report else None
    result = evaluate(read_ids(args.list), args.predictions, args.labels, args.classes, track=tracker("evaluating", " images"))
    if args.json:
        write_json(args.json, result.as_json())
    if args.json != "-":
        print(result)
    if args.pictures:
        write_pictures(result, args.pictures)
    if args.report:
        folders = Folders(args.predictions, args.labels, photographs)
        write_evaluation(args.report, result, folders, f"{args.predictions[0].name} by {Path(args.list).name}")
        if args.json != "-":
            print(f"report: {args.report}")


def run_compare(args: argparse.Namespace) -> None:
    """Print the comparison, and with labels both results."""
    names = read_ids(args.list) if args.list else None
    comparison = compare(args.first, args.second, names, args.classes)
    print(comparison)
    if args.labels:
        both = sorted(comparison.agreement)
        scores = [evaluate(both, [folder], args.labels, args.classes).scores for folder in (args.first, args.second)]
        print(f"\n{'IoU of class':>16}{'first':>10}{'second':>10}{'change':>10}")
        rows = [*zip(comparison.names, scores[0].iou, scores[1].iou, strict=True), ("mean", scores[0].mean_iou, scores[1].mean_iou)]
        for name, first, second in rows:
            print(f"  {name:>14}{first:9.3f}%{second:9.3f}%{second - first:+9.3f}%")


def run_submit(args: argparse.Namespace) -> None:
    """Check and pack."""
    names = args.voc.ids(args.subset)
    check_predictions(args.predictions, names, args.voc, tracker("checking", " images"))
    size = pack(args.predictions, names, args.output, f"comp6_{args.subset}_cls")
    print(f"{args.output}: {len(names)} label images, {size / 1e6:.1f} MB; upload it at http://host.robots.ox.ac.uk:8080")
