"""From a net to a Python module of plain PyTorch, and its weights in a file beside it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.export.converters import NoForm
from segaware_caffe.export.selection import is_input, needed, wanted_values
from segaware_caffe.export.source.registry import CONVERTERS
from segaware_caffe.export.source.writer import Source, Value, broken, identifier
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.net import Net
from segaware_caffe.net.graph import AUTOMATIC, Node
from segaware_caffe.net.passes import run_passes
from segaware_caffe.net.scope import Scope
from segaware_caffe.schema.shapes import Shape

#: the patterns that are written as one call
PASSES = ("splits", "masked_convolution", "masked_sum")
#: these, and stored statistics multiplied into the convolutions before
FOLDING_PASSES = (*PASSES, "batchnorm")

MODULE = '''\
"""{title}, exported from a Caffe net.

{usage}
"""

{imports}


{helpers}class {name}(nn.Module):
    """{inputs} -> {outputs}."""

    def __init__(self):
        super().__init__()
{declared}

    def forward(self, {parameters}):
{lines}
        return {result}


def load(path="{weights}"):
    """The network with its trained weights, ready to predict; call `.train()` on it to train on."""
    from safetensors.torch import load_file

    network = {name}()
    network.load_state_dict(load_file(path))
    return network.eval()
'''


class Written(NamedTuple):
    """A net as source: the module's text, its class, its weights, and the blobs that `forward` takes and returns, in order."""

    text: str
    name: str
    state: dict[str, torch.Tensor]
    inputs: list[str]
    outputs: list[str]


def write_module(net: Net, path: str | os.PathLike[str], *, outputs: Iterable[str] | None) -> str:
    """What `segaware_caffe.export_source` does and says."""
    path = Path(path)
    weights = path.with_suffix(".safetensors")
    save = optional_import("safetensors.torch", "safetensors", weights).save_file
    written = as_source(net, outputs, weights.name)
    with replacing(weights) as temporary:
        save(written.state, temporary)
    with replacing(path) as temporary:
        temporary.write_text(written.text)
    return written.text


def as_source(net: Net, outputs: Iterable[str] | None, weights: str = "", passes: Sequence[str] = PASSES) -> Written:
    """A net, rewritten by these passes, as source whose `load` reads the file `weights`."""
    if net.training:
        raise CaffeError(f"net '{net.name}' is of phase TRAIN; export one of phase TEST")
    wanted = wanted_values(net, outputs)
    scope = Scope(net.shapes_of_values, frozenset(wanted.values()), False)
    nodes = needed(run_passes(net.graph, scope, passes).nodes, wanted.values())
    read = {value for node in nodes for value in node.bottoms}
    inputs = {net.graph.names[value]: value for node in nodes if is_input(node) for value in node.tops if value in read}
    source, names = _write(net, nodes)
    words = (part for part in identifier(net.name or "net").split("_") if part)
    name = "".join(word[:1].upper() + word[1:] for word in words) or "Net"
    name = name if name.isidentifier() else f"Net{name}"
    state = {key: value.detach().cpu().contiguous().clone() for key, value in source.state.items()}
    return Written(_text(net, source, names, name, inputs, wanted, weights), name, state, list(inputs), list(wanted))


def _write(net: Net, nodes: Sequence[Node]) -> tuple[Source, dict[int, str]]:
    source = Source()
    names: dict[int, str] = {}
    refused = []
    CONVERTERS.check(nodes)
    last_use = {value: position for position, node in enumerate(nodes) for value in node.bottoms}
    for position, node in enumerate(nodes):
        if is_input(node):
            names.update((value, identifier(net.graph.names[value])) for value in node.tops)
            continue
        bottoms = [Value(names[value], net.shapes_of_values[value]) for value in node.bottoms]
        try:
            tops = CONVERTERS.write(source, node.name, node.type, node.module, bottoms)
        except NoForm as error:
            refused.append(str(error))
            continue
        finally:
            in_use = {name for value, name in names.items() if last_use.get(value, -1) > position}
            names.update(_top_names(net, node, in_use))
        _assign(source, [names[value] for value in node.tops], tops, [net.shapes_of_values[value] for value in node.tops])
    CONVERTERS.fail(refused)
    return source, names


def _top_names(net: Net, node: Node, in_use: set[str]) -> dict[int, str]:
    """Variables for a node's tops: the blobs' names, unless another blob that is still read has it."""
    result = {}
    for value in node.tops:
        name = net.graph.names[value]
        word = identifier(node.name if name == AUTOMATIC else name)
        while word in in_use:
            word += "_"
        result[value] = word
    return result


def _assign(source: Source, names: Sequence[str], tops: str | Sequence[str], shapes: Sequence[Shape]) -> None:
    """The lines that give the tops their values, with their shapes."""
    comments = [str(shape) if shape else "scalar" for shape in shapes]
    if isinstance(tops, str):
        spare = ["_"] * getattr(tops, "spare", 0)
        source.lines += broken(f"{', '.join([*names, *spare])} = {tops}", 8, f"  # {', '.join(comments)}")
        return
    for name, text, comment in zip(names, tops, comments, strict=True):
        if text != name:
            source.lines += broken(f"{name} = {text}", 8, f"  # {comment}")


def _text(net: Net, source: Source, names: dict[int, str], name: str, inputs: dict[str, int], wanted: dict[str, int], weights: str) -> str:
    shapes = net.shapes_of_values
    parameters, results = (", ".join(names[value] for value in values.values()) for values in (inputs, wanted))
    takes, gives = (", ".join(f"{names[v]} {shapes[v]}" for v in values.values()) for values in (inputs, wanted))
    helpers = "".join(f"{text}\n\n\n" for text in source.helper_texts())
    body = helpers + "\n".join(source.declared + source.lines)
    imports = (["import math", ""] if "math." in body else []) + ["import torch"] * ("torch." in body) + ["from torch import nn"]
    imports += ["from torch.nn import functional"] * ("functional." in body)
    return MODULE.format(
        title=net.name or "A network",
        usage=f"network = load()\n{results} = network({parameters})",
        imports="\n".join(imports),
        helpers=helpers,
        name=name,
        inputs=takes,
        outputs=gives,
        declared="\n".join(line for text in source.declared for line in broken(text, 8)) or "        pass",
        parameters=parameters,
        lines="\n".join(source.lines),
        result=results,
        weights=weights,
    )
