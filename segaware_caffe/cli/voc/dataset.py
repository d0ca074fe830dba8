"""`segaware-caffe voc check`, `augment`, `labels` and `lists`: a VOC folder made ready for experiments."""

import argparse
from pathlib import Path
from typing import Any

from segaware_caffe.cli.common import add_command, add_json_argument, tracker, write_json
from segaware_caffe.errors import FileError
from segaware_caffe.segmentation.label_images import write_raw_labels
from segaware_caffe.voc.augment import augment
from segaware_caffe.voc.check import check
from segaware_caffe.voc.dataset import SUBSETS, VocFolder, write_lists

CHECK = """\
Read every photograph and label of a VOC folder once, and name those that are missing, cannot be read, do not fit together
or hold something else than labels; count the sets (train_aug 10582, val 1449, trainval_aug 12031, test 1456).

  segaware-caffe voc check ~/datasets/VOC2012
  segaware-caffe voc check ~/datasets/VOC2012 --subset val
"""
AUGMENT = """\
Make SegmentationClassAug, the labels to train on: VOC's and SBD's as raw grey images, which is how the data layers read
labels. Where both have one VOC's is taken; what is there stays.

  segaware-caffe voc augment ~/datasets/VOC2012 --sbd ~/datasets/benchmark_RELEASE/dataset
"""
LABELS = """\
Write label images as raw grey PNGs, whose pixels are the classes: what the data layers read. Of the colour-mapped images
that VOC and other datasets have the indices count; pictures of VOC's colours are read back.

  segaware-caffe voc labels ~/datasets/VOC2012/SegmentationClass --output ~/datasets/VOC2012/SegmentationClassRaw
  segaware-caffe voc labels a.png b.png --output raw
"""
LISTS = """\
Write the list files that the networks read (voc_train_aug.txt, voc_val.txt, voc_val_id.txt, ...) from the dataset itself.

  segaware-caffe voc lists ~/datasets/VOC2012 --output segaware/list
"""


def add_parsers(subparsers: Any) -> None:
    """Declare the subcommands."""
    checking = add_command(subparsers, "check", "is a VOC folder complete and sound", CHECK, run_check)
    augmenting = add_command(subparsers, "augment", "make the labels to train on, from VOC's and SBD's", AUGMENT, run_augment)
    converting = add_command(subparsers, "labels", "colour-mapped label images to raw ones", LABELS, run_labels)
    converting.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help="a label image, or a folder of .png files")
    converting.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder for the raw labels, of the same names")
    listing = add_command(subparsers, "lists", "write the lists that the networks read", LISTS, run_lists)
    for parser in (checking, augmenting, listing):
        parser.add_argument("folder", type=VocFolder, metavar="DIR", help="folder with JPEGImages, SegmentationClass and ImageSets")
    add_json_argument(checking, "what was found")
    for parser in (checking, listing):
        parser.add_argument("--subset", action="append", metavar="NAME", help=f"only this set (repeatable; default: {', '.join(SUBSETS)})")
    augmenting.add_argument(
        "--sbd", type=Path, metavar="DIR", help="SBD's folder `dataset`, which has cls/*.mat (default: VOC's labels only)"
    )
    listing.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder for the lists")


def run_check(args: argparse.Namespace) -> None:
    """Print what was found; an error if anything is amiss."""
    report = check(args.folder, args.subset or SUBSETS, tracker("checking", " images"))
    if args.json:
        write_json(args.json, report.as_json())
    if args.json != "-":
        print(report)
    if report.problems or report.miscounted:
        raise FileError(f"{args.folder.root}: not as it should be (see above)")


def run_augment(args: argparse.Namespace) -> None:
    """Make the labels and say how many there are."""
    count = augment(args.folder, args.sbd, tracker("augmenting", " labels"))
    print(f"{args.folder.training_labels}: labels of {count} images")


def run_labels(args: argparse.Namespace) -> None:
    """Write the labels and say how many there are."""
    count = write_raw_labels(args.sources, args.output, tracker("converting", " labels"))
    print(f"{args.output}: labels of {count} images")


def run_lists(args: argparse.Namespace) -> None:
    """Write the lists and say which; an error if one that was asked for cannot be made, or none can."""
    results = write_lists(args.folder, args.output, args.subset or SUBSETS)
    for subset, result in results.items():
        print(f"voc_{subset}: {result} images" if isinstance(result, int) else f"voc_{subset}: not written: {result}")
    failed = [subset for subset, result in results.items() if not isinstance(result, int)]
    if failed and (args.subset or len(failed) == len(results)):
        raise FileError(f"{args.folder.root}: no lists for {', '.join(failed)} (see above)")
