"""`segaware-caffe inspect`: a net as a table."""

import argparse
import math
from dataclasses import asdict
from typing import Any

from segaware_caffe.cli.common import (
    add_json_argument,
    add_reading_arguments,
    add_shape_argument,
    add_variable_arguments,
    columns,
    given_shapes,
    stages,
    variables,
    whole,
    write_json,
)
from segaware_caffe.net import Net
from segaware_caffe.net.graph import Node
from segaware_caffe.net.memory import Memory
from segaware_caffe.weights import LoadReport, plan_load, read_weights

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
    parser.add_argument("--level", type=whole, default=0, help="level for include and exclude rules (default 0)")
    parser.add_argument("--stage", default="", help="comma-separated stages for include and exclude rules")
    add_shape_argument(parser)
    parser.add_argument("--splits", action="store_true", help="show the implicit Split layers too")
    add_reading_arguments(parser)
    add_variable_arguments(parser)
    add_json_argument(parser, "the layers, memory and load plan")


def run(args: argparse.Namespace) -> None:
    """Print the table, and the load plan if there is a weight file."""
    net = Net(
        args.model,
        args.phase,
        variables=variables(args, args.model),
        level=args.level,
        stages=stages(args),
        allow_unknown_fields=args.allow_unknown_fields,
        allow_paths=args.allow_path,
    )
    net.reshape(**given_shapes(args))
    memory = net.memory(*(net.inputs or _first_source(net))) if args.memory else None
    plan = plan_load(read_weights(args.weights), net.load_targets()) if args.weights else None
    if args.json:
        write_json(args.json, as_json(net, args.splits, memory, plan))
    if args.json != "-":
        print("\n\n".join(str(part) for part in (table(net, args.splits), memory, plan) if part is not None))


def as_json(net: Net, splits: bool, memory: Memory | None, plan: LoadReport | None) -> dict[str, Any]:
    """What is printed, as data; shapes as lists, sizes in bytes."""
    names, shapes = net.graph.names, net.shapes_of_values
    layers = [
        {
            "name": node.name,
            "type": node.type,
            "bottoms": [names[value] for value in node.bottoms],
            "tops": [{"name": names[value], "shape": list(shapes[value])} for value in node.tops],
            "blobs": [list(spec.shape) for spec in node.module.specs],
        }
        for node in shown(net, splits)
    ]
    content: dict[str, Any] = {"name": net.name, "phase": net.phase, "inputs": net.inputs, "outputs": net.outputs, "layers": layers}
    content |= {"operations": net.operations, "parameters": sum(learned.tensor.numel() for learned in net.learned)}
    if memory is not None:
        content["memory"] = asdict(memory) | {"total": memory.total}
    if plan is not None:
        wrong = [str(item) for item in (*plan.wrong_count, *plan.wrong_shape)]
        content["load"] = {"file": plan.path, "loaded": plan.loaded, "missing": plan.missing, "unused": plan.unused, "wrong": wrong}
    return content


def shown(net: Net, splits: bool) -> list[Node]:
    """The net's layers; implicit Split layers only if asked for."""
    return [node for node in net.graph.nodes if splits or node.type != "Split" or not node.name.endswith("_split")]


def _first_source(net: Net) -> list[str]:
    """What stands for the image in a net without Input layers: the first top of its data layer."""
    return [net.graph.names[node.tops[0]] for node in net.graph.sources() if node.type != "DummyData"][:1]


def table(net: Net, splits: bool = False) -> str:
    """The net as text: a line for each layer, and the totals."""
    rows = [("layer", "type", "bottoms", "tops", "top shape", "parameters")]
    parameters = sum(learned.tensor.numel() for learned in net.learned)
    activations = 0
    for node in shown(net, splits):
        names = net.graph.names
        shapes = [net.shapes_of_values[v] for v in node.tops]
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
    lines = columns(rows)
    lines += [
        "",
        f"{len(rows) - 1} layers; inputs: {', '.join(net.inputs) or 'none'}; outputs: {', '.join(net.outputs) or 'none'}",
        f"parameters: {parameters:,} ({4 * parameters / 2**20:.1f} MiB as float32)",
        f"all tops together: {activations:,} ({4 * activations / 2**20:.1f} MiB as float32; each is freed after its last reader)",
    ]
    return "\n".join(lines)
