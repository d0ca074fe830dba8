"""Words of forks for what the present schema says in others, read into the present fields (spec/dialects.md 2, 3)."""

from typing import Any

from segaware_caffe.errors import FieldError
from segaware_caffe.schema.legacy_v1 import PARAM_SPEC
from segaware_caffe.schema.messages import LayerParameter, NetParameter, SolverParameter


def replace_synonyms(net: NetParameter) -> None:
    """Bring the layers of `net` to the present words, in place. FieldError where both are given and differ."""
    for layer in net.layer:
        try:
            if layer.HasField("convolution_param"):
                _hole(layer.convolution_param)
            if layer.HasField("pooling_param"):
                _ceil_mode(layer.pooling_param)
            if layer.HasField("softmaxloss_param"):
                _softmaxloss(layer)
            if layer.HasField("image_data_param"):
                _has_label(layer)
            if layer.HasField("transform_param"):
                _crop_sides(layer.transform_param)
            _lists_of_v1(layer)
        except FieldError as error:
            raise FieldError(f"layer '{layer.name}' ({layer.type}): {error}") from None


def replace_solver_synonyms(solver: SolverParameter) -> None:
    """NVIDIA's words for the rise of the rate are Intel's. FieldError where both are given and differ."""
    for old, new in (("rampup_interval", "warmup_iter"), ("rampup_lr", "warmup_start_lr")):
        if solver.HasField(old):
            _move(solver, old, new, getattr(solver, old))


def _move(param: Any, old: str, new: str, value: Any) -> None:
    """`new` gets the `value` that `old` stands for."""
    if param.HasField(new) and getattr(param, new) != value:
        raise FieldError(f"{old} contradicts {new}: leave one of them out")
    param.ClearField(old)
    setattr(param, new, value)


def _hole(param: Any) -> None:
    """DeepLab v1's `hole`, or `hole_h` and `hole_w`: dilation."""
    given = {name: getattr(param, name) for name in ("hole", "hole_h", "hole_w") if param.HasField(name)}
    if not given:
        return
    if list(given) not in (["hole"], ["hole_h", "hole_w"]):
        raise FieldError(f"the hole is hole OR hole_h and hole_w, not {' and '.join(given)}")
    pair = (list(given.values()) * 2)[:2]
    dilation = list(param.dilation)
    if dilation and (dilation * 2 if len(dilation) == 1 else dilation) != pair:
        said = ", ".join(f"{name}: {value}" for name, value in given.items())
        raise FieldError(f"{said} is an old word for dilation, which is given as {', '.join(map(str, dilation))}: leave one of them out")
    for name in given:
        param.ClearField(name)
    param.dilation[:] = pair[:1] if pair[0] == pair[1] else pair


def _ceil_mode(param: Any) -> None:
    """`ceil_mode` of converters from PyTorch: round_mode."""
    if not param.HasField("ceil_mode"):
        return
    mode = param.CEIL if param.ceil_mode else param.FLOOR
    if param.HasField("round_mode") and param.round_mode != mode:
        names = str(param.ceil_mode).lower(), "CEIL" if param.round_mode == param.CEIL else "FLOOR"
        raise FieldError("ceil_mode: {} contradicts round_mode: {}: leave one of them out".format(*names))
    param.ClearField("ceil_mode")
    param.round_mode = mode


def _softmaxloss(layer: LayerParameter) -> None:
    """DeepLab v1's one label to ignore: loss_param's. Several labels, and weights of classes, have no present word."""
    old, new = layer.softmaxloss_param, layer.loss_param
    if len(old.ignore_label) > 1 or old.HasField("weight_source"):
        return
    if old.ignore_label and new.HasField("ignore_label") and new.ignore_label != old.ignore_label[0]:
        return
    if old.ignore_label:
        new.ignore_label = old.ignore_label[0]
    layer.ClearField("softmaxloss_param")


def _has_label(layer: LayerParameter) -> None:
    """DeepLab v1's `has_label`: label_type."""
    param = layer.image_data_param
    if param.HasField("has_label"):
        labelled = param.PIXEL if layer.type == "ImageSegData" else param.IMAGE
        _move(param, "has_label", "label_type", labelled if param.has_label else param.NONE)


def _crop_sides(param: Any) -> None:
    """SSD's `crop_h` and `crop_w`: crop_size, for crops are square."""
    if not (param.crop_h or param.crop_w):
        return
    if param.crop_h != param.crop_w:
        raise FieldError(f"crop_h: {param.crop_h} and crop_w: {param.crop_w} differ, and crops are square: give crop_size")
    _move(param, "crop_h", "crop_size", param.crop_h)
    param.ClearField("crop_w")


def _lists_of_v1(layer: LayerParameter) -> None:
    """`blobs_lr`, `weight_decay` and `blob_share_mode` of V1 in a layer of the present form: param."""
    for old in ("blobs_lr", "weight_decay", "blob_share_mode"):
        new = PARAM_SPEC[old]
        for index, value in enumerate(getattr(layer, old)):
            spec = layer.param[index] if index < len(layer.param) else layer.param.add()
            if spec.HasField(new) and getattr(spec, new) != value:
                raise FieldError(f"{old} contradicts param {{ {new} }}: leave one of them out")
            setattr(spec, new, value)
        layer.ClearField(old)
