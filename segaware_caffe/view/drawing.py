"""The graph as people draw it: in-place chains in one box, implicit splits in none, stages of a large net in groups."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from segaware_caffe.net import Net
from segaware_caffe.net.graph import Node
from segaware_caffe.view.placement import place

#: a graph of more boxes is shown in groups
MANY = 90
GROUPS = 60
#: what a group's boxes have in common of their names, from long to short
PREFIXES = (r"[^_/]+", r"[A-Za-z]*\d*[a-z]?", r"[A-Za-z]*\d*", r"[A-Za-z]*")


@dataclass
class Box:
    """Layers that are drawn as one, the first of which names it."""

    layers: list[Node]

    @property
    def name(self) -> str:
        return self.layers[0].name


def own_layers(net: Net) -> list[tuple[Node, Any]]:
    """The layers of the prototxt, each with its LayerParameter as it is written: without Splits that Caffe inserts."""
    nodes = iter(net.graph.nodes)
    return [(next(node for node in nodes if node.name == layer.name), layer) for layer in net.proto.layer]


def fold(net: Net) -> tuple[list[Box], list[tuple[int, int]]]:
    """The boxes, in running order, and the edges between them."""
    names = net.graph.names
    own = {id(node) for node, _ in own_layers(net)}
    boxes: list[Box] = []
    made_by: dict[int, int] = {}
    edges: dict[tuple[int, int], None] = {}
    for node in net.graph.nodes:
        sources = [made_by[value] for value in node.bottoms]
        in_place = bool(node.bottoms and node.tops) and names[node.bottoms[0]] == names[node.tops[0]]
        if id(node) not in own:
            box = sources[0]
        elif in_place and len(set(sources)) == 1:
            box = sources[0]
            boxes[box].layers.append(node)
        else:
            box = len(boxes)
            boxes.append(Box([node]))
            edges.update(((source, box), None) for source in sources)
        made_by.update((value, box) for value in node.tops)
    return boxes, list(edges)


def group(boxes: Sequence[Box]) -> list[tuple[str, list[int]]]:
    """Runs of boxes whose names begin alike, with what they begin with; as few as are needed to be seen at once.

    Runs in running order: so that edges between groups, too, go one way.
    """
    for pattern in PREFIXES:
        heads = [((match := re.match(pattern, box.name)) and match.group()) or box.name for box in boxes]
        runs = [(head, list(members)) for head, members in groupby(range(len(boxes)), heads.__getitem__)]
        if len(runs) <= GROUPS:
            return runs
    size = -(-len(boxes) // GROUPS)
    starts = range(0, len(boxes), size)
    return [(f"{boxes[start].name} …", list(range(start, min(start + size, len(boxes))))) for start in starts]


def drawings(net: Net) -> dict[str, Any]:
    """The drawings of a net by name: "" is the first, the others are its groups.

    A drawing has boxes (x, y of the centre, title, lines, layers, and the group that it stands for, if it is one) and the
    routes of the edges.
    """
    numbers = {id(node): number for number, (node, _) in enumerate(own_layers(net))}
    boxes, edges = fold(net)
    drawn = [_drawn(net, box, numbers) for box in boxes]
    if len(boxes) <= MANY:
        return {"": _drawing(drawn, edges)}
    groups = group(boxes)
    of_box = {box: number for number, (_, members) in enumerate(groups) for box in members}
    standing = [_group_box(number, head, [drawn[member] for member in members]) for number, (head, members) in enumerate(groups)]
    between = dict.fromkeys((of_box[a], of_box[b]) for a, b in edges if of_box[a] != of_box[b])
    result = {"": _drawing(standing, between)}
    for number, (_, members) in enumerate(groups):
        if len(members) > 1:
            result[str(number)] = _inside(number, drawn, standing, edges, of_box)
    return result


def _inside(
    number: int, drawn: list[dict[str, Any]], standing: list[dict[str, Any]], edges: list[tuple[int, int]], of_box: dict[int, int]
) -> dict[str, Any]:
    """The drawing of a group: its boxes, between the groups that they read from and those that read them."""
    touching = [(a, b) for a, b in edges if number in (of_box[a], of_box[b])]
    # an item is (0, group above), (1, box) or (2, group below): sorted, every edge goes from a lower to a higher one
    ends = [((1, a) if of_box[a] == number else (0, of_box[a]), (1, b) if of_box[b] == number else (2, of_box[b])) for a, b in touching]
    items = sorted({item for pair in ends for item in pair} | {(1, box) for box, home in of_box.items() if home == number})
    index = {item: position for position, item in enumerate(items)}
    boxes = [drawn[which] if kind == 1 else standing[which] for kind, which in items]
    return _drawing(boxes, dict.fromkeys((index[a], index[b]) for a, b in ends))


def family(node: Node) -> str:
    """Which of the families that have a colour a layer belongs to: the module that its class is in says it."""
    home = type(node.module).__module__.rpartition(".")[2]
    return FAMILIES.get(home, "other")


#: module of a layer's class -> family
FAMILIES = {
    **dict.fromkeys(("inputs", "image_layers", "database_layers", "hdf5_layers", "memory_layers", "mat_layers", "window_layers"), "data"),
    **dict.fromkeys(("convolution",), "convolution"),
    **dict.fromkeys(("embedding", "normconv", "meanfield", "channel_reduce", "crf_rnn", "densecrf", "domain_transform"), "mask"),
    **dict.fromkeys(("neuron", "softmax"), "activation"),
    **dict.fromkeys(("bn", "normalization"), "normalisation"),
    **dict.fromkeys(("pooling", "interp"), "size"),
    **dict.fromkeys(("losses", "accuracy"), "loss"),
}


def _drawn(net: Net, box: Box, numbers: dict[int, int]) -> dict[str, Any]:
    last = box.layers[-1]
    shape = "×".join(map(str, net.shapes_of_values[last.tops[0]])) if last.tops else ""
    types = [layer.type for layer in box.layers]
    return {
        "title": box.name,
        "lines": [" · ".join(types), shape],
        "family": family(box.layers[0]),
        "layers": [numbers[id(n)] for n in box.layers],
    }


def _group_box(number: int, head: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands for a group: a box of its own, or the one box that it has."""
    if len(members) == 1:
        return members[0]
    layers = [layer for member in members for layer in member["layers"]]
    families = [member["family"] for member in members]
    telling = [kind for kind in ("mask", "convolution") if kind in families]
    kind = telling[0] if telling else max(sorted(set(families)), key=families.count)
    return {
        "title": f"{head} …",
        "lines": [f"{len(layers)} layers, to {members[-1]['title']}", members[-1]["lines"][1]],
        "family": kind,
        "layers": layers,
        "group": str(number),
    }


def _drawing(boxes: list[dict[str, Any]], edges: Any) -> dict[str, Any]:
    placement = place(len(boxes), list(edges))
    placed = [{**box, "x": x, "y": y} for box, (x, y) in zip(boxes, placement.centres, strict=True)]
    return {"boxes": placed, "routes": placement.routes, "width": placement.width, "height": placement.height}
