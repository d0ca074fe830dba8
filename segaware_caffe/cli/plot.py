"""`segaware-caffe plot`: the curves in training logs, as a picture or as a page."""

import argparse
from pathlib import Path

from segaware_caffe.errors import CaffeError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.solver import read_log
from segaware_caffe.view import write_curves
from segaware_caffe.view.curves import Curves, standing

DESCRIPTION = """\
Draw the curves in the logs of `segaware-caffe train`, or of Caffe itself: loss, learning rate, and what the test nets put out.
Several logs are laid over each other. An .html is one file to look at in a browser: smoothing, logarithmic axes, numbers.

  segaware-caffe train --solver solver.prototxt 2>&1 | tee train.log
  segaware-caffe plot train.log --output curves.png
  segaware-caffe plot train.log other.log --output curves.html
"""
#: curves that share a panel of a picture, by what their names begin with
PANELS = {"loss": ("loss",), "learning rate": ("lr",), "training outputs": ("train/",), "test outputs": ("test",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help="a log file")
    parser.add_argument("--output", required=True, metavar="FILE", help="page to write, .html, or picture: .png, .pdf or .svg")


def run(args: argparse.Namespace) -> None:
    """Write the page or the picture."""
    is_page = Path(args.output).suffix.lower() == ".html"
    if not is_page:
        optional_import("matplotlib", "plot", args.output)
    names = [Path(path).name for path in args.logs]
    labels = names if len(set(names)) == len(set(args.logs)) else args.logs
    runs: dict[str, Curves] = {label: read_log(path) for label, path in zip(labels, args.logs, strict=True)}
    if is_page:
        write_curves(runs, args.output, title=" and ".join(runs) if len(runs) < 3 else f"{len(runs)} runs")
    else:
        _draw(runs, args.output)


def _draw(runs: dict[str, Curves], output: str) -> None:
    """Draw a panel for each kind of curve that there is."""
    from matplotlib.figure import Figure  # an extra

    names = {name for curves in runs.values() for name in curves}
    panels = {title: starts for title, starts in PANELS.items() if any(name.startswith(starts) for name in names)}
    figure = Figure(figsize=(9, 3 * len(panels)), layout="constrained")
    kind = Path(output).suffix.lstrip(".")
    if kind not in figure.canvas.get_supported_filetypes():
        raise CaffeError(f"--output {output}: curves are written to a name that ends in .html, .png, .pdf or .svg")
    for axes, (title, starts) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True):
        for run, curves in runs.items():
            for name, points in curves.items():
                if name.startswith(starts):
                    label = name if len(runs) == 1 else f"{run}: {name}"
                    axes.plot(*zip(*standing(points), strict=True), label=label, marker="." if len(points) < 30 else None)
        axes.set(title=title, xlabel="iteration")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    with replacing(output) as temporary:
        figure.savefig(temporary)
