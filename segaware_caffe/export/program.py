"""A net as a program of `torch.export`: its source, traced and decomposed to core ATen operators."""

import ast
import os
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.export import Dim, ExportedProgram

from segaware_caffe.export.sizes import asked_kinds, changed_inputs, not_dynamic, written_for
from segaware_caffe.export.source.module import FOLDING_PASSES, PASSES, Written, as_source
from segaware_caffe.export.traced import FORMS
from segaware_caffe.files import replacing
from segaware_caffe.net import Net


def write_program(
    net: Net, path: str | os.PathLike[str], *, outputs: Iterable[str] | None, dynamic: Iterable[str] | None, fold: bool
) -> ExportedProgram:
    """What `segaware_caffe.export_program` does and says."""

    def write() -> Written:
        return as_source(net, outputs, passes=FOLDING_PASSES if fold else PASSES)

    written = write()
    shapes = {name: net.shapes[name] for name in written.inputs}
    axes: dict[str, dict[int, Any]] = {name: {} for name in shapes}
    for kind in asked_kinds(dynamic):
        changing = _changing(net, write, written, kind)
        if isinstance(changing, str) and dynamic is not None:
            raise not_dynamic(net, kind, changing)
        for name, axis in () if isinstance(changing, str) else changing:
            axes[name][axis] = Dim.AUTO
            if axis == 0:  # torch.export takes a size of 1 for fixed
                shapes[name] = (max(2, shapes[name][0]), *shapes[name][1:])
    examples = tuple(torch.zeros(shape) for shape in shapes.values())
    program = torch.export.export(_module(written), examples, dynamic_shapes=tuple(axes.values())).run_decompositions()
    with replacing(path) as temporary, temporary.open("wb") as file:
        torch.export.save(program, file)
    return program


def _module(written: Written) -> torch.nn.Module:
    """The exported class, with its weights, and helpers as they are traced best."""
    names: dict[str, Any] = {}
    exec(compile(written.text, f"<source of {written.name}>", "exec"), names)
    names |= {name: form for name, form in FORMS.items() if name in names}
    module: torch.nn.Module = names[written.name]()
    module.load_state_dict(written.state)
    return module.eval()


def _changing(net: Net, write: Callable[[], Written], written: Written, kind: str) -> list[tuple[str, int]] | str:
    """The inputs and their axes that change with the batch or the size, if the net's source is the same for others; or why not."""
    changed = changed_inputs(net, [node for node in net.graph.sources() if net.graph.names[node.tops[0]] in written.inputs], kind)
    other = written_for(net, changed, write)
    if isinstance(other, str):
        return other
    if _code(other) != _code(written):
        return "its source depends on it"
    return [
        (name, axis)
        for name, shape in changed.items()
        for axis, (a, b) in enumerate(zip(shape, net.shapes[name], strict=True))
        if a != b and name in written.inputs
    ]


def _code(written: Written) -> str:
    """The source without comments and documentation, where the shapes stand."""
    return ast.unparse(_Bare().visit(ast.parse(written.text)))


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drop statements that are a text."""
        return None if isinstance(node.value, ast.Constant) else node
