"""`draw_net`: a net as a picture of its graph."""

from collections.abc import Sequence
from typing import Any

from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.errors import CaffeError

DESCRIPTION = """\
usage: draw_net [--rankdir LR] [--phase ALL] [--display_lrm] input_net_proto_file output_image_file

Draw a network graph. Pictures (.png, .svg, .pdf, ...) need pydot (extra draw) and Graphviz, its text (.dot) pydot alone.

  segaware-caffe draw_net --rankdir TB net.prototxt net.png"""
FLAGS = {
    "rankdir": ("LR", "TB, BT, LR or RL: top to bottom, bottom to top, and so on"),
    "display_lrm": (False, "show the learning rate multipliers"),
    "phase": ("ALL", "TRAIN, TEST or ALL: which layers to draw"),
}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "draw_net", DESCRIPTION, FLAGS, range(2, 3), draw)


def draw(words: list[str], flags: dict[str, Any]) -> None:
    """Read the net, write the picture."""
    from segaware_caffe.pycaffe.draw import draw_net_to_file
    from segaware_caffe.schema import read_net

    phases = {"ALL": None, "TRAIN": 0, "TEST": 1}
    phase, rankdir = flags["phase"].upper(), flags["rankdir"].upper()
    if phase not in phases:
        raise CaffeError(f"--phase {flags['phase']}: it is {', '.join(phases)}")
    if rankdir not in ("TB", "BT", "LR", "RL"):
        raise CaffeError(f"--rankdir {flags['rankdir']}: it is TB, BT, LR or RL")
    source, target = words
    net = read_net(source)
    print(f"Drawing net to {target}")
    draw_net_to_file(net, target, rankdir, phases[phase], flags["display_lrm"])
