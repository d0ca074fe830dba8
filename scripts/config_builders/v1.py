"""Networks in the words of DeepLab's first release, which are those of Caffe in 2014."""

from config_builders import text
from config_builders.text import Message, Word

TYPES = {
    "Convolution": "CONVOLUTION",
    "DenseCRF": "DENSE_CRF",
    "Dropout": "DROPOUT",
    "Eltwise": "ELTWISE",
    "ImageSegData": "IMAGE_SEG_DATA",
    "Interp": "INTERP",
    "MatWrite": "MAT_WRITE",
    "Pooling": "POOLING",
    "ReLU": "RELU",
    "SegAccuracy": "SEG_ACCURACY",
    "Silence": "SILENCE",
    "SoftmaxWithLoss": "SOFTMAX_LOSS",
}
#: V1's lists beside each other for what ParamSpec holds together
PARALLEL = {"lr_mult": "blobs_lr", "decay_mult": "weight_decay"}


def network(sections: dict[str, list[Message]]) -> str:
    """As `text.network`."""
    return text.network({title: [_old(layer) for layer in layers] for title, layers in sections.items()}, block="layers")


def _old(layer: Message) -> Message:
    old: Message = {}
    for field, value in layer.items():
        if field == "type":
            old[field] = Word(TYPES[value])
        elif field == "param":
            old |= {list_: [spec[name] for spec in value] for name, list_ in PARALLEL.items()}
        elif field == "convolution_param":
            old[field] = {"hole" if name == "dilation" else name: item for name, item in value.items()}
        else:
            old["softmaxloss_param" if field == "loss_param" else field] = value
    return old
