"""`segaware-caffe plot`: the curves in training logs, as a picture."""

import argparse
from pathlib import Path

from segaware_caffe.errors import CaffeError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.solver import read_log

DESCRIPTION = """\
Draw the curves in the logs of `segaware-caffe train`, or of Caffe itself: loss, learning rate, and what the test nets put out.
Several logs are laid over each other.

  segaware-caffe train --solver solver.prototxt 2>&1 | tee train.log
  segaware-caffe plot train.log --output curves.png
"""
#: curves that share a panel, by what their names begin with
PANELS = {"loss": ("loss",), "learning rate": ("lr",), "training outputs": ("train/",), "test outputs": ("test",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help="a log file")
    parser.add_argument("--output", required=True, metavar="FILE", help="picture to write: .png, .pdf or .svg")


def run(args: argparse.Namespace) -> None:
    """Draw a panel for each kind of curve that there is."""
    optional_import("matplotlib", "plot", args.output)
    from matplotlib.figure import Figure  # an extra

    logs = {path: read_log(path) for path in args.logs}
    names = {name for curves in logs.values() for name in curves}
    panels = {title: starts for title, starts in PANELS.items() if any(name.startswith(starts) for name in names)}
    figure = Figure(figsize=(9, 3 * len(panels)), layout="constrained")
    kind = Path(args.output).suffix.lstrip(".")
    if kind not in figure.canvas.get_supported_filetypes():
        raise CaffeError(f"--output {args.output}: pictures are written to a name that ends in .png, .pdf or .svg")
    for axes, (title, starts) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True):
        for path, curves in logs.items():
            for name, points in curves.items():
                if name.startswith(starts):
                    label = name if len(logs) == 1 else f"{Path(path).name}: {name}"
                    axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 30 else None)
        axes.set(title=title, xlabel="iteration")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    with replacing(args.output) as temporary:
        figure.savefig(temporary)
