"""`segaware-caffe voc densecrf`: the densecrf tools refine_pascal and refine_pascal_v4, and the search for their settings."""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from segaware_caffe.cli.common import add_command, positive, tracker
from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation.refine import REFINE_PASCAL, REFINE_PASCAL_V4, Settings, find_features, refine_all
from segaware_caffe.voc.grid import GRID, sample, search

DESCRIPTION = """\
Refine stored score maps by the fully connected CRF. Files NAME.bin are taken as refine_pascal takes them (probabilities of
the photograph's size), NAME_blob_0.mat and NAME.npy as refine_pascal_v4 does (scores; the top left part is used), each with
that tool's defaults. The options may be spelled as the tools' are. Photographs: NAME.ppm, NAME.jpg or NAME.png.

  segaware-caffe voc densecrf -id VOC2012/JPEGImages -fd segaware/features/res/voc_val/mycrf -sd refined --png

With --grid every combination of settings is tried and evaluated; the best one is printed last:

  segaware-caffe voc densecrf -id VOC2012/JPEGImages -fd features -sd grid --grid --labels VOC2012/SegmentationClass \\
      --bi-r-std 4 5 --sample 100
"""
#: the tools' option, our spelling, field of Settings
OPTIONS = (
    ("-i", "--iterations", "iterations"), ("-px", "--pos-x-std", "pos_x_std"), ("-py", "--pos-y-std", "pos_y_std"),
    ("-pw", "--pos-w", "pos_w"), ("-bx", "--bi-x-std", "bi_x_std"), ("-by", "--bi-y-std", "bi_y_std"), ("-bw", "--bi-w", "bi_w"),
    ("-br", "--bi-r-std", "bi_r_std"), ("-bg", "--bi-g-std", "bi_g_std"), ("-bb", "--bi-b-std", "bi_b_std"),
)  # fmt: skip
#: those that --grid takes several values of, slowest first
COORDINATES = ("bi_w", "bi_x_std", "bi_r_std", "pos_w", "pos_x_std")


def add_parsers(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = add_command(subparsers, "densecrf", "refine stored score maps by the fully connected CRF", DESCRIPTION, run)
    parser.add_argument("-id", "--images", required=True, type=Path, metavar="DIR", help="folder of photographs")
    parser.add_argument("-fd", "--features", required=True, type=Path, metavar="DIR", help="folder of score maps")
    parser.add_argument("-sd", "--output", required=True, type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument("--png", action="store_true", help="write PNGs with VOC's palette instead of .bin label maps")
    for short, long, field in OPTIONS:
        defaults = [f"{getattr(settings, field):g}" for settings in (REFINE_PASCAL, REFINE_PASCAL_V4)]
        parser.add_argument(
            short,
            long,
            dest=field,
            type=int if field == "iterations" else float,
            nargs="+",
            metavar="X",
            help=f"default {defaults[0]} for .bin, {defaults[1]} for scores",
        )
    grid = parser.add_argument_group("grid search")
    grid.add_argument(
        "--grid",
        action="store_true",
        help="try every combination of bi-w, bi-x-std, bi-r-std, pos-w and pos-x-std, "
        f"of which each may have several values (default: {', '.join(' '.join(map(str, values)) for values in GRID)})",
    )
    grid.add_argument("--labels", type=Path, metavar="DIR", help="folder of the true label images")
    grid.add_argument("--every", type=positive, metavar="N", help="use every N-th file only")
    grid.add_argument("--sample", type=positive, metavar="N", help="use N files, drawn at random")


def run(args: argparse.Namespace) -> None:
    """Refine, or search."""
    features = find_features(args.features)
    given = {field: getattr(args, field) for _, _, field in OPTIONS if getattr(args, field) is not None}
    if args.grid:
        run_grid(args, features, given)
        return
    several = [field for field, values in given.items() if len(values) > 1]
    if several:
        raise CaffeError(f"{several[0]}: several values are for --grid")
    settings = replace(features.defaults, **{field: values[0] for field, values in given.items()})
    print(", ".join(f"{field.name} {getattr(settings, field.name):g}" for field in fields(Settings)))
    refined = refine_all(features, args.images, args.output, settings, args.png)
    count = sum(1 for _ in tracker("refining", " images")(refined, len(features.files)))
    print(f"{args.output}: {count} label maps written")


def run_grid(args: argparse.Namespace, features: Any, given: dict[str, list[float]]) -> None:
    """Print a line for each point, and the best one."""
    if args.labels is None:
        raise CaffeError("--grid: give the true label images with --labels")
    strange = sorted(set(given) - {*COORDINATES, "iterations"})
    if strange:
        raise CaffeError(f"{strange[0]}: is no coordinate of the grid, which has {', '.join(COORDINATES)}")
    values = [given.get(name, default) for name, default in zip(COORDINATES, GRID, strict=True)]
    best = None
    part = sample(features, args.every, args.sample)
    for point, mean_iou in search(part, args.images, args.labels, args.output, values, int(given.get("iterations", [10])[0])):
        print(point.line(mean_iou))
        if best is None or mean_iou > best[1]:
            best = point, mean_iou
    if best is not None:
        print(f"best: {best[0].line(best[1])}")
