"""`caffe.draw`: a net as a graph of layers and blobs, by the packages pydot (extra `draw`) and Graphviz.

`caffe_net` is a NetParameter throughout, as `text_format.Merge` fills it.
"""

import os
from pathlib import Path
from typing import Any

from segaware_caffe.errors import CaffeError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.pycaffe.proto import caffe_pb2

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": "#6495ED", "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": "#90EE90", "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": "#E0E0E0", "style": "filled"}
COLORS = {"Convolution": "#FF5050", "Deconvolution": "#FF5050", "Pooling": "#FF9900", "InnerProduct": "#CC33FF"}
_LEARNING = ("Convolution", "Deconvolution", "InnerProduct")
#: what pydot writes without Graphviz
_TEXT_FORMATS = ("raw", "dot", "gv")


def get_pooling_types_dict() -> dict[int, str]:
    """The names of the pooling methods by their numbers."""
    return {number: name for name, number in caffe_pb2.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: Any) -> str:
    """What stands at a layer's outgoing edges: batch size or number of outputs, or '""'."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return '""'


def get_layer_lr_mult(layer: Any) -> tuple[float, float]:
    """The learning rate multipliers of weights and biases. ValueError for layers that have none, or more than two."""
    if layer.type not in _LEARNING:
        raise ValueError(f"{layer.type} layers do not have a learning rate multiplier")
    if len(layer.param) > 2:
        raise ValueError(f"layer '{layer.name}' has {len(layer.param)} learning rate multipliers, not one for weights and one for biases")
    weights, biases = [*(param.lr_mult for param in layer.param), 1.0, 1.0][:2]
    return weights, biases


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """A layer's name, type and, where it has one, window; in one line for graphs that run down, else one below the other.

    `display_lrm` shows the learning rate multipliers too, unless both are zero.
    """
    separator = " " if rankdir in ("TB", "BT") else "\\n"
    lines = [layer.name, f"({layer.type})"]
    if layer.type in ("Convolution", "Deconvolution"):
        param = layer.convolution_param
        kernel, stride, pad = (values[0] if values else default for values, default in _windows(param))
        lines += [f"kernel size: {kernel}", f"stride: {stride}", f"pad: {pad}"]
    elif layer.type == "Pooling":
        param = layer.pooling_param
        lines[1] = f"({get_pooling_types_dict()[param.pool]} {layer.type})"
        lines += [f"kernel size: {param.kernel_size}", f"stride: {param.stride}", f"pad: {param.pad}"]
    if display_lrm and layer.type in _LEARNING and any(get_layer_lr_mult(layer)):
        lines.append("lr mult: {:.1f}, {:.1f}".format(*get_layer_lr_mult(layer)))
    return f'"{separator.join(lines)}"'


def _windows(param: Any) -> list[tuple[Any, int]]:
    return [(param.kernel_size, 1), (param.stride, 1), (param.pad, 0)]


def choose_color_by_layertype(layertype: str) -> str:
    """The colour of a layer's box."""
    return COLORS.get(layertype, LAYER_STYLE_DEFAULT["fillcolor"])


def get_pydot_graph(caffe_net: Any, rankdir: str, label_edges: bool = True, phase: int | None = None, display_lrm: bool = False) -> Any:
    """The net's pydot graph. `rankdir` is LR, RL, TB or BT; `phase` leaves out layers that are not of it.

    `display_lrm` shows learning rate multipliers.
    CaffeError if pydot is not installed.
    """
    pydot = optional_import("pydot", "draw", "drawing a net")
    graph = pydot.Dot(f'"{caffe_net.name or "Net"}"', graph_type="digraph", rankdir=rankdir)
    nodes: dict[str, Any] = {}
    edges = []
    for layer in caffe_net.layer:
        if phase is not None and not _is_of(layer, phase):
            continue
        box = f"{layer.name}_{layer.type}"
        in_place = len(layer.bottom) == 1 and list(layer.bottom) == list(layer.top)
        style = NEURON_LAYER_STYLE if in_place else LAYER_STYLE_DEFAULT | {"fillcolor": choose_color_by_layertype(layer.type)}
        nodes[box] = pydot.Node(f'"{box}"', label=get_layer_label(layer, rankdir, display_lrm), **style)
        for blob in (*layer.bottom, *layer.top):
            nodes.setdefault(f"{blob}_blob", pydot.Node(f'"{blob}_blob"', label=f'"{blob}"', **BLOB_STYLE))
        edges += [(f"{blob}_blob", box, '""') for blob in layer.bottom]
        edges += [(box, f"{blob}_blob", get_edge_label(layer) if label_edges else '""') for blob in layer.top]
    for node in nodes.values():
        graph.add_node(node)
    for start, end, label in edges:
        graph.add_edge(pydot.Edge(nodes[start], nodes[end], label=label))
    return graph


def _is_of(layer: Any, phase: int) -> bool:
    """Whether a layer's include and exclude rules, as far as they name phases, let it be in `phase`."""
    included = [rule.phase == phase for rule in layer.include if rule.HasField("phase")]
    excluded = [rule.phase == phase for rule in layer.exclude if rule.HasField("phase")]
    return (any(included) or not included) and not any(excluded)


def draw_net(caffe_net: Any, rankdir: str, ext: str = "png", phase: int | None = None, display_lrm: bool = False) -> bytes:
    """The picture of a net as a file's bytes. `ext` is a format of Graphviz's; "dot" and "raw" need pydot alone.

    CaffeError if pydot or Graphviz's program is missing, or does not know the format.
    """
    graph = get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm)
    if ext in _TEXT_FORMATS:
        return graph.to_string().encode()
    try:
        return graph.create(format=ext)
    except FileNotFoundError as error:
        raise CaffeError(f"a net as {ext} needs Graphviz, whose program 'dot' is not there; install it, or write .dot") from error
    except (AssertionError, OSError) as error:
        raise CaffeError(f"Graphviz makes no {ext}: {error}") from error


def draw_net_to_file(
    caffe_net: Any, filename: str | os.PathLike[str], rankdir: str = "LR", phase: int | None = None, display_lrm: bool = False
) -> None:
    """Write the picture of a net; the format is the file name's suffix."""
    picture = draw_net(caffe_net, rankdir, Path(filename).suffix[1:] or "png", phase, display_lrm)
    with replacing(filename) as temporary:
        temporary.write_bytes(picture)
