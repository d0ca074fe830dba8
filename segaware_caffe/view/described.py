"""What a page says of a net's layers: fields, shapes, blobs, costs, what the passes made of them, and their lines of text."""

import re
from collections import Counter
from typing import Any

import torch

from segaware_caffe.net import Net
from segaware_caffe.net.memory import Cost
from segaware_caffe.net.timing import Timing
from segaware_caffe.schema import write_text
from segaware_caffe.view.drawing import family, own_layers

BINS = 32


def net_text(net: Net) -> tuple[str, list[tuple[int, int]]]:
    """The net's text as it runs (placeholders, phase and old forms settled), and the first and last line, from 1, of each layer."""
    head = type(net.proto)()
    head.CopyFrom(net.proto)
    head.ClearField("layer")
    lines = write_text(head).splitlines()
    spans = []
    for _, layer in own_layers(net):
        first = len(lines) + 1
        lines += ["layer {", *("  " + line for line in _text(layer).splitlines()), "}"]
        spans.append((first, len(lines)))
    return "\n".join(lines), spans


def layers(net: Net, with_values: bool, measured: Timing | None = None) -> list[dict[str, Any]]:
    """Every layer but implicit splits, in running order; blobs' values are looked at if they came from a file."""
    steps = _steps(net, measured)
    notes = net.explain().splitlines()
    shapes, names = net.shapes_of_values, net.graph.names
    result = []
    for node, layer in own_layers(net):
        step = steps.get(node.name)
        bottoms = [{"name": name, "shape": list(shapes[value])} for name, value in zip(layer.bottom, node.bottoms, strict=True)]
        tops = [{"name": names[value], "shape": list(shapes[value])} for value in node.tops]
        result.append(
            {
                "name": node.name,
                "type": node.type,
                "family": family(node),
                "bottoms": bottoms,
                "tops": tops,
                "blobs": [_blob(blob, with_values) for blob in node.module.blobs],
                "operations": node.module.operations(*([shapes[v] for v in vs] for vs in (node.bottoms, node.tops))),
                "step": step,
                "notes": [line for line in notes if _is_about(line, node.name, step["layers"] if step else [])],
                "about": (type(node.module).__doc__ or "").strip().partition("\n")[0],
            }
        )
    return result


def _is_about(note: str, layer: str, together: list[str]) -> bool:
    """Whether a line of `Net.explain` is about a layer, or about the step that does its work: what it is about it names first."""
    named = re.findall("'([^']+)'", note)
    return bool(named) and (named[0] in together or named[0] == layer or (note.startswith("slower") and layer in named))


def _text(layer: Any) -> str:
    proto = type(layer)()
    proto.CopyFrom(layer)
    proto.ClearField("blobs")
    return write_text(proto)


def _steps(net: Net, measured: Timing | None) -> dict[str, dict[str, Any]]:
    """Layer name -> the step that does its work, and what that costs."""
    seconds = {cost.step.layers: taken for cost, taken in measured.steps} if measured else {}
    return {name: _step(cost, seconds.get(cost.step.layers)) for cost in net.costs(*_inputs(net)) for name in cost.step.layers}


def _step(cost: Cost, seconds: float | None) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "type": cost.step.type,
        "layers": list(cost.step.layers),
        "operations": cost.operations,
        "moved": cost.moved,
        "alive": cost.alive,
    }


def _blob(blob: torch.Tensor, with_values: bool) -> dict[str, Any]:
    """A learned blob: shape and, of its values, statistics and a histogram."""
    result: dict[str, Any] = {"shape": list(blob.shape), "count": blob.numel()}
    if with_values and blob.numel():
        values = blob.detach().float().flatten()
        finite = values[values.isfinite()]
        result["not_finite"] = values.numel() - finite.numel()
        if finite.numel():
            low, high = (float(v) for v in finite.aminmax())
            result |= {"min": low, "max": high, "mean": float(finite.mean()), "std": float(finite.std(correction=0))}
            result["zeros"] = int((finite == 0).sum())
            result["histogram"] = torch.histc(finite, BINS, low, high).int().tolist()
    return result


def _inputs(net: Net) -> list[str]:
    """What a run is fed: the inputs or, in a net without, the first top of its first data layer."""
    return net.inputs or [net.graph.names[node.tops[0]] for node in net.graph.sources() if node.type != "DummyData"][:1]


def totals(net: Net) -> dict[str, Any]:
    """Figures of the whole net."""
    memory = net.memory(*_inputs(net))
    types = Counter(node.type for node, _ in own_layers(net))
    return {
        "layers": sum(types.values()),
        "types": dict(types.most_common()),
        "parameters": sum(learned.tensor.numel() for learned in net.learned),
        "operations": net.operations,
        "memory": memory.total,
        "worst": memory.worst,
        "inputs": net.inputs,
        "outputs": net.outputs,
    }
