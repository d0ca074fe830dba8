"""From a filtered NetParameter to a graph whose nodes have their layers (spec/pipeline.md 2).

The steps and their log lines are the reference's, in its order, so that a log of ours can be
laid beside one of its own.
"""

import logging
from dataclasses import replace
from typing import Any

from segaware_caffe.errors import CaffeError, FieldError, GraphError, UnknownLayerError, of_kind
from segaware_caffe.layers import Context, Layer, Shape, dims, is_registered, layer_class
from segaware_caffe.limits import LAYERS, MEMORY
from segaware_caffe.net.graph import Graph, Node, wire
from segaware_caffe.net.insert_splits import insert_splits
from segaware_caffe.schema.alignment import aligning_offset

logger = logging.getLogger(__name__)


def build_graph(net: Any, context: Context, allow_python_layers: bool = False) -> tuple[Graph, dict[int, Shape]]:
    """Wire a filtered, upgraded NetParameter and set up its layers, in file order.

    Returns the graph and the shape of every value. Learned blobs are declared, not allocated.
    """
    LAYERS.check(len(net.layer), f"net '{net.name}': {len(net.layer)}", GraphError)
    _check_types(net)
    _check_crops(net)
    _check_python_layers(net, allow_python_layers)
    net = insert_splits(net)
    graph = wire(net, _top_count)
    shapes: dict[int, Shape] = {}
    nodes = []
    bytes_total = 0
    for node in graph.nodes:
        _log_wiring(graph, node)
        layer = layer_class(node.type)(node.proto, len(node.tops))
        layer.context = context
        layer.check_counts()
        bottoms = [shapes[value] for value in node.bottoms]
        layer.train(_is_train(net, node.proto))
        with of_kind(FieldError):
            layer.setup(*bottoms)
            weights = _loss_weights(layer)
        tops = layer.top_shapes(*bottoms)
        logger.info("Setting up %s", node.name)
        for value, shape, weight in zip(node.tops, tops, weights, strict=True):
            shapes[value] = shape
            logger.info("Top shape: %s", dims(shape))
            if weight:
                logger.info("    with loss weight %g", weight)
            bytes_total += 4 * _count(shape)
        logger.info("Memory required for data: %d", bytes_total)
        nodes.append(replace(node, module=layer, loss_weights=weights, effects=layer.effects))
    _check_memory(net.name, nodes, shapes)
    return replace(graph, nodes=tuple(nodes)), shapes


def _check_memory(name: str, nodes: list[Node], shapes: dict[int, Shape]) -> None:
    """What the net cannot do without: its learned blobs, and the blobs of its largest step or those that nobody reads."""
    learned = sum(_count(spec.shape) for node in nodes for spec in node.module.specs)
    step = max((sum(_count(shapes[value]) for value in {*node.bottoms, *node.tops}) for node in nodes), default=0)
    given = sum(_count(shapes[value]) for value in shapes.keys() - {value for node in nodes for value in node.bottoms})
    needed = 4 * (learned + max(step, given))
    MEMORY.check(needed, f"net '{name}' needs at least {needed}")


def _check_types(net: Any) -> None:
    """All unsupported layers at once, and what to do about them."""
    unknown: dict[str, list[str]] = {}
    for layer in net.layer:
        if not is_registered(layer.type):
            unknown.setdefault(layer.type, []).append(layer.name)
    if not unknown:
        return
    lines = []
    for type_name, names in unknown.items():
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        try:
            layer_class(type_name)
        except CaffeError as error:
            lines.append(f"  {error}: layer {', '.join(map(repr, names[:5]))}{more}")
    raise UnknownLayerError(
        f"net '{net.name}' has {len(unknown)} layer type(s) that are not supported:\n"
        + "\n".join(lines)
        + '\nRegister your own: @segaware_caffe.register("Type") on a subclass of segaware_caffe.Layer'
    )


def _check_crops(net: Any) -> None:
    """Refuse a Crop without any crop_param where forks of Caffe would crop from elsewhere than upstream does."""
    for index, layer in enumerate(net.layer):
        if layer.type != "Crop" or len(layer.bottom) != 2 or layer.HasField("crop_param"):
            continue
        try:
            offset = aligning_offset(net.layer, index)
        except FieldError:
            continue  # only upstream's rule makes sense
        if offset and any(offset):
            aligned = " ".join(f"offset: {value}" for value in offset)
            raise FieldError(
                f"layer '{layer.name}' (Crop): without crop_param upstream's Caffe crops from 0, but that of FCN, HED and CRF-RNN from"
                f" {offset[0]}, {offset[1]}, which aligns '{layer.bottom[0]}' with '{layer.bottom[1]}': say which is meant,"
                f" crop_param {{ offset: 0 }} or crop_param {{ {aligned} }}"
            )


def _check_python_layers(net: Any, allowed: bool) -> None:
    named = [f"'{layer.name}' ({layer.python_param.module}.{layer.python_param.layer})" for layer in net.layer if layer.type == "Python"]
    if named and not allowed:
        raise CaffeError(
            f"net '{net.name}' wants to run Python code in layer {', '.join(named)}: refused unless you trust it and say"
            " allow_python_layers=True, on the command line --allow-python-layers"
        )


def _top_count(proto: Any) -> int:
    """The number of tops with the automatic ones (spec/pipeline.md 2.3)."""
    cls = layer_class(proto.type)
    least = cls.tops if isinstance(cls.tops, int) else cls.tops[0]
    return max(len(proto.top), least) if cls.auto_tops else len(proto.top)


def _is_train(net: Any, proto: Any) -> bool:
    holder = proto if proto.HasField("phase") else net.state
    return holder.phase == 0


def _loss_weights(layer: Layer) -> tuple[float, ...]:
    given = tuple(layer.proto.loss_weight)
    if given:
        layer.check(
            len(given) == layer.num_tops,
            f"loss_weight must be unspecified or specified once per top blob: {len(given)} given, {layer.num_tops} tops",
        )
        return given
    return (layer.default_loss_weight, *[0.0] * (layer.num_tops - 1))[: layer.num_tops]


def _log_wiring(graph: Graph, node: Node) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    logger.info("Creating layer %s", node.name)
    logger.info("Creating Layer %s", node.name)
    for value in node.bottoms:
        logger.info("%s <- %s", node.name, graph.names[value])
    for j, value in enumerate(node.tops):
        in_place = j < len(node.bottoms) and graph.names[node.bottoms[j]] == graph.names[value]
        logger.info("%s -> %s%s", node.name, graph.names[value], " (in-place)" if in_place else "")


def _count(shape: Shape) -> int:
    count = 1
    for dim in shape:
        count *= dim
    return count
