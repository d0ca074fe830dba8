"""`segaware-caffe inspect`: a net as a table."""

import argparse
import math
from collections.abc import Sequence

from segaware_caffe.cli.common import add_shape_argument, add_variable_arguments, given_shapes, stages, variables
from segaware_caffe.net import Net
from segaware_caffe.weights import plan_load, read_weights

DESCRIPTION = """\
Show a net: its layers, the shapes of their tops, their learned blobs, and what memory both take. With --weights, show what
that file would load into it: which layers, which not, and which do not fit.

  segaware-caffe inspect vgg/deploy.prototxt --weights vgg.caffemodel
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="PROTOTXT", help="the net's definition")
    parser.add_argument("--weights", metavar="FILE", help="show what this file would load")
    parser.add_argument("--memory", action="store_true", help="show what memory a run will take, and at which step most")
    parser.add_argument("--phase", choices=("TEST", "TRAIN"), default="TEST", type=str.upper)
    parser.add_argument("--level", type=int, default=0, help="level for include and exclude rules (default 0)")
    parser.add_argument("--stage", default="", help="comma-separated stages for include and exclude rules")
    add_shape_argument(parser)
    parser.add_argument("--splits", action="store_true", help="show the implicit Split layers too")
    parser.add_argument("--allow-unknown-fields", action="store_true", help="warn about unknown fields instead of refusing them")
    add_variable_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Print the table, and the load plan if there is a weight file."""
    net = Net(
        args.model,
        args.phase,
        variables=variables(args),
        level=args.level,
        stages=stages(args),
        allow_unknown_fields=args.allow_unknown_fields,
    )
    net.reshape(**given_shapes(args))
    print(table(net, args.splits))
    if args.memory:
        print()
        print(net.memory(*(net.inputs or _first_source(net))))
    if args.weights:
        print()
        print(plan_load(read_weights(args.weights), net.load_targets()))


def _first_source(net: Net) -> list[str]:
    """What stands for the image in a net without Input layers: the first top of its data layer."""
    return [net.graph.names[node.tops[0]] for node in net.graph.sources() if node.type != "DummyData"][:1]


def table(net: Net, splits: bool = False) -> str:
    """The net as text: a line for each layer, and the totals."""
    rows = [("layer", "type", "bottoms", "tops", "top shape", "parameters")]
    parameters = sum(learned.tensor.numel() for learned in net.learned)
    activations = 0
    for node in net.graph.nodes:
        names = net.graph.names
        shapes = [net.shapes_of_values[v] for v in node.tops]
        if node.type == "Split" and not splits and node.name.endswith("_split"):
            continue
        activations += sum(math.prod(shape) for shape in shapes)
        rows.append(
            (
                node.name,
                node.type,
                " ".join(names[v] for v in node.bottoms),
                " ".join(names[v] for v in node.tops),
                "  ".join("x".join(map(str, shape)) or "scalar" for shape in shapes),
                "  ".join("x".join(map(str, spec.shape)) or "1" for spec in node.module.specs),
            )
        )
    lines = _columns(rows)
    lines += [
        "",
        f"{len(rows) - 1} layers; inputs: {', '.join(net.inputs) or 'none'}; outputs: {', '.join(net.outputs) or 'none'}",
        f"parameters: {parameters:,} ({4 * parameters / 2**20:.1f} MiB as float32)",
        f"all tops together: {activations:,} ({4 * activations / 2**20:.1f} MiB as float32; each is freed after its last reader)",
    ]
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]], limit: int = 48) -> list[str]:
    rows = [[cell if len(cell) <= limit else cell[: limit - 3] + "..." for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
