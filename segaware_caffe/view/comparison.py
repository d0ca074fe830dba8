"""How two nets, or two weight files, differ, as rows for a page."""

import difflib
import os
from typing import Any

from segaware_caffe.net import Net
from segaware_caffe.schema import write_text
from segaware_caffe.view.drawing import own_layers
from segaware_caffe.weights import compare


def compare_nets(net: Net, other: Net, title: str) -> dict[str, Any]:
    """Which layers only one of two nets has, and which differ in fields, or in the shapes of their tops, by name."""
    left, right = ({node.name: (node, layer) for node, layer in own_layers(side)} for side in (net, other))
    rows = [_row(name, "only in this net") for name in left if name not in right]
    rows += [_row(name, f"only in {title}") for name in right if name not in left]
    for name, (node, layer) in left.items():
        counterpart = right.get(name)
        if counterpart:
            before, after = (write_text(each).splitlines() for each in (layer, counterpart[1]))
            changed = [line for line in difflib.unified_diff(before, after, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
            shapes = [[side.shapes_of_values[value] for value in each.tops] for side, each in ((net, node), (other, counterpart[0]))]
            if changed:
                rows.append(_row(name, "fields: " + "; ".join(" ".join(line.split()) for line in changed)))
            if shapes[0] != shapes[1]:
                rows.append(_row(name, f"tops: {_dims(shapes[0])} here, {_dims(shapes[1])} in {title}"))
    same = len(left.keys() & right.keys() - {row["layer"] for row in rows})
    return {"title": title, "rows": rows, "summary": f"{same} of {len(left)} layers are the same in {title}"}


def compare_weights(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> dict[str, Any]:
    """Which layers only one of two weight files has, and by how much the blobs of the others differ, most first."""
    found = compare(first, second)
    rows = [_row(name, f"only in {found.a}") for name in found.only_in_a] + [_row(name, f"only in {found.b}") for name in found.only_in_b]
    rows += [_row(each.layer, f"blob {each.index}: shapes {each.a} and {each.b}") for each in found.shapes]
    for blob in sorted(found.blobs, key=lambda blob: -blob.max_abs):
        if blob.max_abs:
            rows.append(_row(blob.layer, f"blob {blob.index} differs by at most {blob.max_abs:.6g} (relative {blob.max_rel:.3g})"))
    equal = sum(not blob.max_abs for blob in found.blobs)
    return {"title": str(second), "rows": rows, "summary": f"{equal} of {len(found.blobs)} common blobs are equal"}


def _row(layer: str, what: str) -> dict[str, str]:
    return {"layer": layer, "what": what}


def _dims(shapes: list[Any]) -> str:
    return ", ".join("×".join(map(str, shape)) or "scalar" for shape in shapes)
