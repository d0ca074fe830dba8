"""Legacy nets and solvers into the present form, in the reference's order (spec/pipeline.md 1.2, layers.md 16).

V0 and V1 have a module each. Where the reference logs an error and goes on with part of the net,
these functions raise CaffeError: nothing is lost silently.
"""

import os
from pathlib import Path

from segaware_caffe.errors import FieldError, ParseError
from segaware_caffe.schema.alignment import aligning_offset
from segaware_caffe.schema.legacy_v0 import upgrade_v0
from segaware_caffe.schema.legacy_v1 import upgrade_v1
from segaware_caffe.schema.messages import NetParameter, SolverParameter, enum
from segaware_caffe.schema.synonyms import replace_solver_synonyms, replace_synonyms

_LEGACY_INPUT_AXES = 4
_SOLVER_TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


def upgrade_net(net: NetParameter) -> None:
    """Bring `net` into the present form, in place; a present net stays as it is."""
    if net.layers and net.layer:
        raise ParseError(
            "Refusing to upgrade inconsistent NetParameter input; the definition includes both 'layer' and 'layers'"
            f" fields ('{net.layer[0].name}' and '{net.layers[0].name or net.layers[0].layer.name}'): use one form"
        )
    if any(layer.HasField("layer") for layer in net.layers):
        upgrade_v0(net)
    crops = []
    if net.layers:
        crops = [index for index, layer in enumerate(net.layers) if layer.type == layer.CROP and len(layer.bottom) == 2]
        upgrade_v1(net)
    replace_synonyms(net)
    _align_crops(net, crops)
    if net.input:
        _upgrade_input(net)
    _upgrade_batch_norm(net)


def _align_crops(net: NetParameter, indices: list[int]) -> None:
    """Give V1's CROP layers, which have no field for it, the offset that aligns their bottoms."""
    for index in indices:
        layer = net.layer[index]
        try:
            offset = aligning_offset(net.layer, index)
        except FieldError as error:
            raise FieldError(f"layer '{layer.name}' (Crop): {error}") from None
        if offset is None:
            raise FieldError(
                f"layer '{layer.name}' (Crop): nothing tells where {' and '.join(map(repr, layer.bottom))} are aligned;"
                ' write it in the present form, layer { type: "Crop" crop_param { offset: ... } }'
            )
        layer.crop_param.axis = 2
        layer.crop_param.offset[:] = offset


def _upgrade_input(net: NetParameter) -> None:
    """Turn `input` with `input_shape` or `input_dim` into a first layer named "input" (spec/layers.md 16.10).

    Where both are given the shape wins. Inputs with neither are dropped, as upstream does.
    """
    rest = NetParameter()
    rest.CopyFrom(net)
    for field in ("input", "input_shape", "input_dim", "layer"):
        net.ClearField(field)
    if rest.input_shape or rest.input_dim:
        layer = net.layer.add(name="input", type="Input", top=rest.input)
        if rest.input_shape:
            _check_count("input_shape", len(rest.input_shape), len(rest.input), 1)
            layer.input_param.shape.extend(rest.input_shape)
        else:
            axes = _LEGACY_INPUT_AXES
            _check_count("input_dim", len(rest.input_dim), len(rest.input), axes)
            for start in range(0, len(rest.input_dim), axes):
                layer.input_param.shape.add(dim=rest.input_dim[start : start + axes])
    net.layer.extend(rest.layer)


def _check_count(field: str, count: int, inputs: int, each: int) -> None:
    if count != inputs * each:
        raise FieldError(f"{inputs} input fields need {inputs * each} {field} values, {each} for each, not {count}")


def _upgrade_batch_norm(net: NetParameter) -> None:
    """The three blobs of a BatchNorm are statistics that no solver may move (spec/layers.md 16.3)."""
    for layer in net.layer:
        if layer.type == "BatchNorm" and len(layer.param) == 3:
            for spec in layer.param:
                spec.lr_mult = 0
                spec.decay_mult = 0


def upgrade_solver(solver: SolverParameter, path: str | os.PathLike[str] | None = None) -> None:
    """Bring `solver` into the present form, in place; `path`, its file, completes `snapshot_prefix`.

    Nets inside the solver stay as they are: `read_net` upgrades them when they are built.
    """
    if solver.HasField("solver_type"):
        if solver.HasField("type"):
            raise ParseError(
                "Failed to upgrade solver: old solver_type field (enum) and new type field (string)"
                f' are both given; keep type: "{solver.type}"'
            )
        name = enum("SolverParameter.SolverType").values_by_number[solver.solver_type].name
        solver.type = _SOLVER_TYPES[name]
        solver.ClearField("solver_type")
    replace_solver_synonyms(solver)
    if path is not None:
        if not solver.HasField("snapshot_prefix"):
            solver.snapshot_prefix = str(Path(path).with_suffix(""))
        elif os.path.isdir(solver.snapshot_prefix):
            solver.snapshot_prefix = str(Path(solver.snapshot_prefix) / Path(path).stem)
