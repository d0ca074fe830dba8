"""VGG-16 with large field of view, every wide convolution masked by embedding distances (`configs/vgg`)."""

from collections.abc import Iterable
from dataclasses import dataclass

from config_builders.embedding import colours, embedding_network
from config_builders.layers import (
    CONSTANT,
    convolution,
    distances,
    dropout,
    eltwise,
    image_pairs,
    input_blob,
    interp,
    layer,
    mat_files,
    negative_exp,
    pooling,
    rates,
    relu,
    scalar,
    shrunk,
    silence,
    softmax_loss,
    tile,
)
from config_builders.text import Message, network, variable

CROP = variable("CROP_SIZE")
FULL_SIZE = {"height": CROP, "width": CROP}
EMBEDDING_RATES = rates(variable("EMBS_LR1"), variable("EMBS_LR2"))
MAIN_RATES = rates(variable("MAINSCALE_LR1"), variable("MAINSCALE_LR2"))
HEAD_RATES = rates(1, 2)
SCORES = "fc8_${DATASET}"

# fields that Im2col does not read; the published networks carry them
IM2COL_ODDITIES = {"conv1_2": {"bottom_is_im2col": True}, "conv3_1": {"num_output": 128}}


@dataclass(frozen=True)
class Stage:
    """The masked convolutions that see the embedding at one scale, through one window."""

    number: int
    scale: int  # how much smaller than the image
    convolutions: dict[str, int]  # name -> channels it reads
    output: int
    param: list[Message]
    pools: list[Message]
    dilation: int = 1
    tiles: tuple[int, ...] = ()  # widths of the mask that a stage shares, if not in the order of reading

    @property
    def embedding(self) -> str:
        return f"emb_shrink{self.scale}" if self.scale > 1 else "emb"

    @property
    def window(self) -> Message:
        dilation = {"dilation": self.dilation} if self.dilation > 1 else {}
        return {"kernel_size": 3, "pad": self.dilation, **dilation}


STAGES = (
    Stage(1, 1, {"conv1_1": 3, "conv1_2": 64}, 64, MAIN_RATES, [pooling("pool1", "conv1_2", 2)]),
    Stage(2, 2, {"conv2_1": 64, "conv2_2": 128}, 128, MAIN_RATES, [pooling("pool2", "conv2_2", 2)]),
    Stage(3, 4, {"conv3_1": 128, "conv3_2": 256, "conv3_3": 256}, 256, MAIN_RATES, [pooling("pool3", "conv3_3", 2)]),
    Stage(
        4,
        8,
        {"conv4_1": 256, "conv4_2": 512, "conv4_3": 512},
        512,
        MAIN_RATES,
        [pooling("pool4", "conv4_3", 1)],
        tiles=(512, 256),
    ),
    Stage(
        5,
        8,
        {"conv5_1": 512, "conv5_2": 512, "conv5_3": 512},
        512,
        MAIN_RATES,
        [pooling("pool5", "conv5_3", 1), pooling("pool5a", "pool5", 1, "AVE")],
        dilation=2,
    ),
    Stage(6, 8, {"fc6": 512}, 1024, HEAD_RATES, [], dilation=12),
)


def train() -> str:
    losses = [shrunk("label_shrink", "label", 8), softmax_loss("loss", SCORES, "label_shrink")]
    return _network([image_pairs(training=True)], losses, own_masks=True)


def test() -> str:
    return _test_network(image_pairs(training=False))


def test_unlabelled() -> str:
    """The test network on a list that has no label images."""
    images = image_pairs(training=False)
    del images["two_image_data_param"]
    return _test_network({**images, "type": "ImageData"})


def deploy() -> str:
    """The training network's masks, with blobs to feed in; the label is not read."""
    inputs = [input_blob(name, 1, channels, CROP, CROP) for name, channels in (("data", 3), ("label", 1))]
    return _network(inputs, [_full_size_scores()], own_masks=True)


def _test_network(images: Message) -> str:
    output = [_full_size_scores(), mat_files("fc8_mat", "fc8_interp", "fc8"), silence("label")]
    return _network([images], output, own_masks=False)


def _full_size_scores() -> Message:
    return interp("fc8_interp", SCORES, zoom_factor=8)


def _network(inputs: list[Message], output: list[Message], own_masks: bool) -> str:
    """`own_masks` gives each convolution a mask of its own, otherwise those of a stage share one."""
    sections = {"input": inputs, "embedding network": [colours(), *_embedding()]}
    bottom, scale = "data", 1
    for stage in STAGES:
        smaller = [shrunk(stage.embedding, "emb", stage.scale)] if stage.scale != scale else []
        layers = [*smaller, *_stage(stage, bottom, own_masks), *stage.pools]
        sections[f"stage {stage.number}"] = layers
        bottom, scale = layers[-1]["top"][0], stage.scale
    return network({**sections, "classifier": _classifier(), "output": output})


def _embedding() -> list[Message]:
    fused = {"1_2": None, "2_2": FULL_SIZE, "3_3": FULL_SIZE}
    return embedding_network("emb", (2, 2, 3), fused, "emb", EMBEDDING_RATES, pool="emb_pool")


def _stage(stage: Stage, bottom: str, own_masks: bool) -> list[Message]:
    distance = f"emb_dist{stage.number}"
    layers = [distances(distance, stage.embedding, {**stage.window, "stride": 1})]
    widths = list(stage.convolutions.values())
    if own_masks and len(widths) > 1:
        masks = [f"{distance}_{index}" for index in range(1, len(widths) + 1)]
        for mask, channels in zip(masks, widths, strict=True):
            layers += _mask(mask, distance, 0.05, [channels])
    else:
        masks = [distance] * len(widths)
        layers += _mask(distance, distance, 0.05 if own_masks else 0.1, stage.tiles or dict.fromkeys(widths))
    for (name, channels), mask in zip(stage.convolutions.items(), masks, strict=True):
        layers += _masked_convolution(name, bottom, f"exp_{mask}_{channels}chan", stage)
        bottom = name
    return layers


def _mask(name: str, distance: str, weight: float, widths: Iterable[int]) -> list[Message]:
    """exp(-|w d|) of the distances, with a learned w that starts at `weight`; one copy for each number of channels."""
    return [
        scalar(f"weighted_{name}", distance, weight),
        layer("AbsVal", f"abs_{name}", [f"weighted_{name}"]),
        negative_exp(f"exp_{name}", f"abs_{name}"),
        *(tile(f"exp_{name}_{channels}chan", f"exp_{name}", channels) for channels in widths),
    ]


def _masked_convolution(name: str, bottom: str, mask: str, stage: Stage) -> list[Message]:
    """Columns of `bottom`, times the mask, times the weights; then rectified."""
    columns, masked = f"im2col_{name}", f"im2col_{name}_hit"
    convolution_param = {"num_output": stage.output, **stage.window}
    return [
        layer("Im2col", columns, [bottom], convolution_param={**convolution_param, **IM2COL_ODDITIES.get(name, {})}),
        eltwise(masked, [columns, mask], "PROD"),
        convolution(name, masked, stage.param, **convolution_param, bottom_is_im2col=True),
        relu(f"relu{name.removeprefix('conv').removeprefix('fc')}", name),
    ]


def _classifier() -> list[Message]:
    fillers = {"weight_filler": {"type": "gaussian", "std": 0.01}, "bias_filler": {**CONSTANT, "value": 0}}
    return [
        dropout("drop6", "fc6"),
        convolution("fc7", "fc6", HEAD_RATES, num_output=1024, kernel_size=1),
        relu("relu7", "fc7"),
        dropout("drop7", "fc7"),
        convolution(SCORES, "fc7", rates(10, 20), num_output=variable("NUM_LABELS"), kernel_size=1, **fillers),
    ]
