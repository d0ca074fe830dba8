"""Nets of 2014 (`layers { type: CONVOLUTION ... }`) into the present form (spec/pipeline.md 1.2.2, 1.2.3)."""

from segaware_caffe.schema.messages import LayerParameter, NetParameter, V1LayerParameter, enum
from segaware_caffe.schema.reflect import copy_field

_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
    # DeepLab v1
    "ADAPTIVE_BIAS_CHANNEL": "AdaptiveBiasChannel",
    "BIAS_CHANNEL": "BiasChannel",
    "CENSOR_LABEL": "CensorLabel",
    "CHANNEL_AGGREGATOR": "ChannelAggregator",
    "DENSE_CRF": "DenseCRF",
    "DOMINANT_CHANNEL": "DominantChannel",
    "GAIN_CHANNEL": "GainChannel",
    "HISTOGRAM": "Histogram",
    "IGNORE_OVERLAY": "IgnoreOverlay",
    "IMAGE_SEG_DATA": "ImageSegData",
    "INTERP": "Interp",
    "MAT_READ": "MatRead",
    "MAT_WRITE": "MatWrite",
    "ONEHOT": "OneHot",
    "PADDING": "Padding",
    "RELATIVE_ERROR": "RelativeError",
    "SEG_ACCURACY": "SegAccuracy",
    "UNIQUE_LABEL": "UniqueLabel",
    # HED and FCN's first release, CRF-RNN, MobileNet-YOLO
    "CROP": "Crop",
    "MULTI_STAGE_MEANFIELD": "MultiStageMeanfield",
    "RELU6": "ReLU6",
}
#: Parallel lists of V1, and the field of ParamSpec that each has become.
PARAM_SPEC = {"param": "name", "blob_share_mode": "share_mode", "blobs_lr": "lr_mult", "weight_decay": "decay_mult"}
#: Data layers whose own parameters used to hold what is now in transform_param.
_DATA_PARAMS = {"DATA": "data_param", "IMAGE_DATA": "image_data_param", "WINDOW_DATA": "window_data_param"}
_TRANSFORM_FIELDS = ("scale", "mean_file", "crop_size", "mirror")


def present_type(number: int) -> str:
    """What the V1 layer type `number` is called today; the number itself if the schema has no such type."""
    value = enum("V1LayerParameter.LayerType").values_by_number.get(number)
    return str(number) if value is None else _TYPES[value.name]


def upgrade_v1(net: NetParameter) -> None:
    """Turn the `layers` of `net` into `layer`, in place."""
    for old in net.layers:
        kind = enum("V1LayerParameter.LayerType").values_by_number[old.type].name
        if kind in _DATA_PARAMS:
            _move_transform_fields(old, _DATA_PARAMS[kind])
        _copy_layer(old, kind, net.layer.add())
    net.ClearField("layers")


def _move_transform_fields(layer: V1LayerParameter, param: str) -> None:
    if not layer.HasField(param):
        return
    source = getattr(layer, param)
    for name in _TRANSFORM_FIELDS:
        if source.HasField(name):
            setattr(layer.transform_param, name, getattr(source, name))
            source.ClearField(name)


def _copy_layer(old: V1LayerParameter, kind: str, new: LayerParameter) -> None:
    for field, value in old.ListFields():
        if field.name == "type":
            new.type = _TYPES[kind]
        elif field.name in PARAM_SPEC:
            for index, item in enumerate(value):
                spec = new.param[index] if index < len(new.param) else new.param.add()
                setattr(spec, PARAM_SPEC[field.name], item)
        else:
            copy_field(new, field.name, value)
