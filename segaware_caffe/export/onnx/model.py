"""From a net to an ONNX model: what is exported, which sizes may change, and the names."""

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from onnx import ModelProto, TensorProto, checker, helper

from segaware_caffe import __version__
from segaware_caffe.errors import CaffeError
from segaware_caffe.export.converters import NoForm
from segaware_caffe.export.onnx.folding import fold_affine
from segaware_caffe.export.onnx.registry import CONVERTERS
from segaware_caffe.export.onnx.writer import OPSET, Blob, Writer
from segaware_caffe.export.selection import is_input, needed, wanted_values
from segaware_caffe.export.sizes import BATCH, asked_kinds, changed_inputs, not_dynamic, written_for
from segaware_caffe.files import replacing
from segaware_caffe.net import Net
from segaware_caffe.net.graph import AUTOMATIC, Node
from segaware_caffe.schema.shapes import Shape

logger = logging.getLogger(__name__)

#: the oldest version of the file format that has the operator set
IR_VERSION = 7
#: a protobuf message ends at 2 GiB: larger models keep their weights in a file beside them
LARGEST = 2**31 - 2**20


class Written(NamedTuple):
    """A net written for certain shapes: the graph, and what each value of the net is called in it."""

    writer: Writer
    names: dict[int, str]
    shapes: dict[int, Shape]


def write_model(
    net: Net, path: str | os.PathLike[str], *, outputs: Iterable[str] | None, dynamic: Iterable[str] | None, fold: bool
) -> ModelProto:
    """What `segaware_caffe.export_onnx` does and says."""
    if net.training:
        raise CaffeError(f"net '{net.name}' is of phase TRAIN; export one of phase TEST")
    wanted = wanted_values(net, outputs)
    nodes = needed(net.graph.nodes, wanted.values())
    CONVERTERS.check(nodes)
    written = _write(net, nodes, net.shapes_of_values)
    axes: dict[int, dict[int, str]] = {}
    for kind in asked_kinds(dynamic):
        found = _dynamic_axes(net, nodes, written, kind)
        if isinstance(found, str):
            if dynamic is not None:
                raise not_dynamic(net, kind, found)
            logger.info("%s is fixed in the exported model: %s", kind, found)
        else:
            for value, names in found.items():
                axes.setdefault(value, {}).update(names)
    model = _model(net, nodes, written, wanted, axes, fold)
    _save(model, Path(path))
    return model


def _write(net: Net, nodes: Sequence[Node], shapes: dict[int, Shape]) -> Written:
    writer = Writer()
    names: dict[int, str] = {}
    refused = []
    for node in nodes:
        if is_input(node):
            names.update((value, net.graph.names[value]) for value in node.tops)
            continue
        bottoms = [Blob(names[value], shapes[value]) for value in node.bottoms]
        try:
            tops = CONVERTERS.write(writer, node.name, node.type, node.module, bottoms)
            tops = [tops] if isinstance(tops, str) else tops
        except NoForm as error:
            refused.append(str(error))
            tops = [""] * len(node.tops)
        names.update(zip(node.tops, tops, strict=True))
    CONVERTERS.fail(refused)
    return Written(writer, names, shapes)


# -- sizes that change -------------------------------------------------------------------------


def _dynamic_axes(net: Net, nodes: Sequence[Node], written: Written, kind: str) -> dict[int, dict[int, str]] | str:
    """The names of the axes that change with the batch or the size, by value; or why none may change."""
    changed = changed_inputs(net, nodes, kind)
    other = written_for(net, changed, lambda: _write(net, nodes, net.shapes_of_values))
    if isinstance(other, str):
        return other
    different = _first_difference(written.writer, other.writer)
    if different:
        return f"layer '{different}' depends on it"
    result: dict[int, dict[int, str]] = {}
    for value, shape in written.shapes.items():
        moved = [axis for axis, (a, b) in enumerate(zip(shape, other.shapes[value], strict=False)) if a != b]
        blob = net.graph.names[value]
        if moved:
            result[value] = {axis: _axis_name(blob, axis, kind, blob in changed) for axis in moved}
    return result


def _axis_name(blob: str, axis: int, kind: str, is_input: bool) -> str:
    if kind == BATCH and axis == 0:
        return "batch"
    return {2: "height", 3: "width"}[axis] if is_input else f"{blob}_{axis}"


def _first_difference(first: Writer, second: Writer) -> str | None:
    """The layer of the first node in which two graphs differ."""
    for a, b in zip(first.nodes, second.nodes, strict=False):
        same = a == b and all(_same_constant(first, second, name) for name in a.input)
        if not same:
            return a.name.rpartition("/")[0]
    if len(first.nodes) != len(second.nodes):
        longer = max(first.nodes, second.nodes, key=len)
        return longer[min(len(first.nodes), len(second.nodes))].name.rpartition("/")[0]
    return None


def _same_constant(first: Writer, second: Writer, name: str) -> bool:
    a, b = first.constants.get(name), second.constants.get(name)
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and (a.size > SMALL or bool((a == b).all()))


#: constants of more elements are learned blobs, which do not depend on sizes
SMALL = 2**16


# -- the model ---------------------------------------------------------------------------------


def _model(
    net: Net, nodes: Sequence[Node], written: Written, wanted: dict[str, int], axes: dict[int, dict[int, str]], fold: bool
) -> ModelProto:
    writer, names = written.writer, written.names
    inputs = [value for node in nodes if is_input(node) for value in node.tops]
    _name_outputs(net, writer, names, wanted, set(inputs))
    outputs = {name: written.shapes[value] for name, value in wanted.items()}
    if fold:
        fold_affine(writer, set(outputs))
    used = {name for node in writer.nodes for name in node.input}
    writer.constants = {name: array for name, array in writer.constants.items() if name in used}
    fed = [_info(net.graph.names[v], written.shapes[v], axes.get(v, {})) for v in inputs if net.graph.names[v] in used]
    made = [_info(name, outputs[name], axes.get(value, {})) for name, value in wanted.items()]
    graph = helper.make_graph(writer.nodes, net.name or "net", fed, made, initializer=writer.tensors())
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name, model.producer_version = "segaware_caffe", __version__
    return model


def _name_outputs(net: Net, writer: Writer, names: dict[int, str], wanted: dict[str, int], inputs: set[int]) -> None:
    """Give the values of the graph the names of the blobs that they are; copy what would have two names."""
    last = {value: name for name, value in net.graph.blobs().items()}
    taken = {net.graph.names[value] for value in inputs} | set(writer.constants)
    renamed: dict[str, str] = {}
    for value in [*wanted.values(), *names]:
        name = names[value]
        label = last.get(value)
        if name.startswith("#") and name not in renamed and label and label != AUTOMATIC and label not in taken:
            renamed[name] = label
            taken.add(label)
    for node in writer.nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for label, value in wanted.items():
        name = renamed.get(names[value], names[value])
        if name != label:
            writer.nodes.append(helper.make_node("Identity", [name], [label], name=f"{label}/Identity"))


def _info(name: str, shape: Shape, axes: dict[int, str]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [axes.get(axis, size) for axis, size in enumerate(shape)])


def _save(model: ModelProto, path: Path) -> None:
    if model.ByteSize() > LARGEST:
        raise CaffeError(f"{path}: a model of {model.ByteSize() / 2**30:.1f} GiB does not fit into one file of at most 2 GiB")
    checker.check_model(model)
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
