"""Nets of 2013 (`layers { layer { type: "conv" ... } }`) into V1 (spec/pipeline.md 1.2.1)."""

from typing import Any

from segaware_caffe.errors import GraphError, ParseError, UnknownLayerError
from segaware_caffe.schema.messages import NetParameter, V0LayerParameter, V1LayerParameter, enum
from segaware_caffe.schema.reflect import copy_field

_PADDING = "padding"
#: V0 type: V1 type, and the V1 message that takes the fields of _MOVED for it.
_TYPES = {
    "accuracy": ("ACCURACY", None),
    "bnll": ("BNLL", None),
    "concat": ("CONCAT", "concat_param"),
    "conv": ("CONVOLUTION", "convolution_param"),
    "data": ("DATA", "data_param"),
    "dropout": ("DROPOUT", "dropout_param"),
    "euclidean_loss": ("EUCLIDEAN_LOSS", None),
    "flatten": ("FLATTEN", None),
    "hdf5_data": ("HDF5_DATA", "hdf5_data_param"),
    "hdf5_output": ("HDF5_OUTPUT", "hdf5_output_param"),
    "im2col": ("IM2COL", None),
    "images": ("IMAGE_DATA", "image_data_param"),
    "infogain_loss": ("INFOGAIN_LOSS", "infogain_loss_param"),
    "innerproduct": ("INNER_PRODUCT", "inner_product_param"),
    "lrn": ("LRN", "lrn_param"),
    "multinomial_logistic_loss": ("MULTINOMIAL_LOGISTIC_LOSS", None),
    "pool": ("POOLING", "pooling_param"),
    "relu": ("RELU", None),
    "sigmoid": ("SIGMOID", None),
    "softmax": ("SOFTMAX", None),
    "softmax_loss": ("SOFTMAX_LOSS", None),
    "split": ("SPLIT", None),
    "tanh": ("TANH", None),
    "window_data": ("WINDOW_DATA", "window_data_param"),
}
_SIZED = ("conv", "pool")
_WEIGHTED = ("conv", "innerproduct")
_LISTED = ("data", "images")
_BATCHED = ("data", "hdf5_data", "images", "window_data")
#: V0 field: its name in V1, and the V0 types that may have it.
_MOVED = {
    "num_output": ("num_output", _WEIGHTED),
    "biasterm": ("bias_term", _WEIGHTED),
    "weight_filler": ("weight_filler", _WEIGHTED),
    "bias_filler": ("bias_filler", _WEIGHTED),
    "pad": ("pad", _SIZED),
    "kernelsize": ("kernel_size", _SIZED),
    "stride": ("stride", _SIZED),
    "group": ("group", ("conv",)),
    "pool": ("pool", ("pool",)),
    "dropout_ratio": ("dropout_ratio", ("dropout",)),
    "local_size": ("local_size", ("lrn",)),
    "alpha": ("alpha", ("lrn",)),
    "beta": ("beta", ("lrn",)),
    "k": ("k", ("lrn",)),
    "source": ("source", (*_BATCHED, "infogain_loss")),
    "batchsize": ("batch_size", _BATCHED),
    "rand_skip": ("rand_skip", _LISTED),
    "shuffle_images": ("shuffle", ("images",)),
    "new_height": ("new_height", ("images",)),
    "new_width": ("new_width", ("images",)),
    "concat_dim": ("concat_dim", ("concat",)),
    "det_fg_threshold": ("fg_threshold", ("window_data",)),
    "det_bg_threshold": ("bg_threshold", ("window_data",)),
    "det_fg_fraction": ("fg_fraction", ("window_data",)),
    "det_context_pad": ("context_pad", ("window_data",)),
    "det_crop_mode": ("crop_mode", ("window_data",)),
}
_COPIED = ("name", "blobs", "blobs_lr", "weight_decay")
_TRANSFORM = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}
#: Fields that no type of any version has read.
_MEANINGLESS = ("new_num", "new_channels")


def upgrade_v0(net: NetParameter) -> None:
    """Turn the V0 `layers` of `net` into V1 `layers`, in place, padding layers folded into their readers.

    differs: `state` and `debug_info`, which the reference drops here, stay.
    """
    if net.input_shape:
        raise ParseError("A net of V0 layers takes its inputs from input_dim: its input_shape would be lost")
    old = NetParameter(layers=_fold_padding(net))
    net.ClearField("layers")
    for layer in old.layers:
        _upgrade_layer(layer, net.layers.add())


def _fold_padding(net: NetParameter) -> list[V1LayerParameter]:
    """The layers of `net` without the padding ones, whose pad their readers take over."""
    producers: dict[str, V1LayerParameter | None] = dict.fromkeys(net.input)
    kept = []
    for layer in net.layers:
        for bottom in layer.bottom:
            if bottom not in producers:
                raise GraphError(f"Unknown blob input {bottom} to layer {layer.layer.name}")
            producer = producers[bottom]
            if producer is not None and producer.layer.type == _PADDING:
                _take_padding(layer, producer)
        if layer.layer.type != _PADDING:
            kept.append(layer)
        producers.update(dict.fromkeys(layer.top, layer))
    return kept


def _take_padding(layer: V1LayerParameter, padding: V1LayerParameter) -> None:
    name, kind = layer.layer.name, layer.layer.type
    if kind not in _SIZED:
        raise ParseError(
            f"Padding layer input to non-convolutional / non-pooling layer type {kind} (layer '{name}' reads '{padding.layer.name}')"
        )
    for one, end, count in (
        (layer, "bottom", len(layer.bottom)),
        (padding, "bottom", len(padding.bottom)),
        (padding, "top", len(padding.top)),
    ):
        if count != 1:
            raise ParseError(f"Layer '{one.layer.name}' has {count} {end}s: next to padding it takes one")
    layer.layer.pad = padding.layer.pad
    layer.bottom[0] = padding.bottom[0]


def _upgrade_layer(old: V1LayerParameter, new: V1LayerParameter) -> None:
    for field, _ in old.ListFields():
        if field.name not in ("layer", "bottom", "top"):
            raise ParseError(f"Layer '{old.layer.name or old.name}' of a V0 net has the V1 field {field.name}, which would be lost")
    new.bottom.extend(old.bottom)
    new.top.extend(old.top)
    v0 = old.layer
    if v0.HasField("type"):
        if v0.type not in _TYPES:
            raise UnknownLayerError(f"Unknown layer name: {v0.type} (layer '{v0.name}')")
        new.type = enum("V1LayerParameter.LayerType").values_by_name[_TYPES[v0.type][0]].number
    for field, value in v0.ListFields():
        if field.name != "type" and field.name not in _MEANINGLESS:
            _place(v0, field.name, value, new)


def _place(v0: V0LayerParameter, name: str, value: Any, new: V1LayerParameter) -> None:
    """Put one field of a V0 layer where V1 has it."""
    if name in _COPIED:
        copy_field(new, name, value)
    elif name in _TRANSFORM:
        setattr(new.transform_param, _TRANSFORM[name], value)
    elif name == "hdf5_output_param" and v0.type == "hdf5_output":
        new.hdf5_output_param.CopyFrom(value)
    elif name in _MOVED and v0.type in _MOVED[name][1]:
        param = getattr(new, _TYPES[v0.type][1] or "")
        target = _MOVED[name][0]
        copy_field(param, target, [value] if hasattr(getattr(param, target), "append") else value)
    else:
        raise ParseError(f"Unknown parameter {name} for layer type {v0.type} (layer '{v0.name}')")
