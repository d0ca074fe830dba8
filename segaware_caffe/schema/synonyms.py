"""Words of forks for what the present schema says in others, read into the present fields (spec/dialects.md 2, 3)."""

from typing import Any

from segaware_caffe.errors import FieldError
from segaware_caffe.schema.messages import LayerParameter, NetParameter


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
        except FieldError as error:
            raise FieldError(f"layer '{layer.name}' ({layer.type}): {error}") from None


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
