"""A small DeepLab-style network for street scenes, plain and segmentation-aware (`configs/camvid`).

The twins have the same learned layers under the same names. The segmentation-aware one multiplies the window of every wide
convolution with attention masks (paper section 3.3) and averages its scores under them before it answers (section 3.2). Its
masks come from the embedding network of `configs/bsds500` on the photograph at half size, whose weights stay as they are.
"""

from dataclasses import dataclass

from config_builders.embedding import colours, embedding_network
from config_builders.embs import ENLARGED, distance_losses
from config_builders.layers import (
    TEST,
    TRAIN,
    VOID,
    convolution,
    distances,
    eltwise,
    image_pairs,
    input_blob,
    interp,
    layer,
    negative_exp,
    pooling,
    rates,
    relu,
    scalar,
    shrunk,
    softmax_loss,
    tile,
)
from config_builders.text import Message, Word, network, variable

CLASSES = 11
RATES = [{"lr_mult": 1, "decay_mult": 1}]
FROZEN = rates(0, 0)
MSRA = {"type": "msra"}
EMBEDDING = "weighted_avg"  # as embs/train calls it, whose weights are found by name
# w in a mask's exp(-|w d|): of the trained embedding, neighbours of one class are about 6 apart, those of two classes 15
LEARNED = {"value": 0.005, "lr_mult": 0.02}  # a convolution's: starts nearly open, for sharp masks keep fresh weights from learning
FIXED = {"value": 0.3, "lr_mult": 0}  # the filter's: left to learn it falls to 0 while the scores are still poor, and only blurs
FILTER_WINDOW = {"kernel_size": 9, "pad": 8, "dilation": 2}
FILTER_ROUNDS = 2


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution of the trunk that is masked in the segmentation-aware twin."""

    name: str
    channels: int  # that it reads
    output: int
    scale: int  # how much smaller than the photograph
    dilation: int = 1

    @property
    def window(self) -> Message:
        return {"kernel_size": 3, "pad": self.dilation, "dilation": self.dilation}


TRUNK = (
    Convolution("trunk2_1", 32, 32, 2),
    Convolution("trunk3_1", 32, 64, 4),
    Convolution("trunk3_2", 64, 64, 4),
    Convolution("trunk4_1", 64, 128, 8),
    Convolution("trunk4_2", 128, 128, 8),
    Convolution("trunk5_1", 128, 128, 8, dilation=2),
    Convolution("trunk5_2", 128, 128, 8, dilation=4),
    Convolution("trunk6", 128, 128, 8, dilation=8),
)


def train(masks: bool) -> str:
    """Trains at half the resolution, where the scores are made; in TEST it says loss and accuracy on held-out crops."""
    images = [image_pairs(training=True, **TRAIN), image_pairs(training=False, **TEST)]
    accuracy = layer("Accuracy", "accuracy", ["half_scores", "half_label"], accuracy_param=VOID, **TEST)
    return _network(masks, images, [shrunk("half_label", "label", 2), softmax_loss("loss", "half_scores", "half_label"), accuracy])


def deploy(masks: bool) -> str:
    """From a photograph, whose sides are 1 more than a multiple of 8, to scores of its size."""
    image = input_blob("data", 1, 3, variable("HEIGHT"), variable("WIDTH"))
    return _network(masks, [image], [interp("scores", "half_scores", zoom_factor=2)])


def embedding() -> str:
    """Tunes the embedding to CamVid's own labels, at the size at which masks are made of it.

    What BSDS500 has taught is some ten times too far apart for the losses' margins, and would for most of a short training only
    come nearer: so the losses look at a tenth of it.
    """
    layers = [
        shrunk("half_data", "data", 2),
        shrunk("half_label", "label", 2),
        colours("half_data"),
        *embedding_network("conv", (2, 2, 1), ENLARGED, EMBEDDING, rates(1, 2), "half_data"),
        layer("Power", "tenth", [EMBEDDING], power_param={"scale": 0.1}),
    ]
    images = [image_pairs(training=True, **TRAIN), image_pairs(training=False, **TEST)]
    losses = distance_losses("tenth", "half_label", im2parity_param=VOID)
    return network({"input": images, "embedding network": layers, **losses}, "embs_camvid")


def _network(masks: bool, inputs: list[Message], output: list[Message]) -> str:
    sections = {"input": inputs, **(_attention() if masks else {}), **_trunk(masks), "output": output}
    return network(sections, f"camvid_{'segaware' if masks else 'plain'}")


def _attention() -> dict[str, list[Message]]:
    """The embedding, and the masks that convolutions of one scale and dilation share."""
    embedding = [
        shrunk("half_data", "data", 2),
        colours("half_data"),
        *embedding_network("conv", (2, 2, 1), ENLARGED, EMBEDDING, FROZEN, "half_data"),
        *(shrunk(f"emb_shrink{scale}", EMBEDDING, scale // 2) for scale in (4, 8)),
    ]
    windows = {_mask(conv): conv for conv in TRUNK}
    masks = [layer for name, conv in windows.items() for layer in _masks(name, conv)]
    return {"embedding network": embedding, "attention masks": masks}


def _mask(conv: Convolution) -> str:
    return f"mask{conv.scale}_{conv.dilation}"


def _masks(name: str, conv: Convolution) -> list[Message]:
    embedding = EMBEDDING if conv.scale == 2 else f"emb_shrink{conv.scale}"
    widths = dict.fromkeys(other.channels for other in TRUNK if _mask(other) == name)
    return [*_attend(name, embedding, conv.window, LEARNED), *(tile(f"{name}_{width}", name, width) for width in widths)]


def _attend(name: str, embedding: str, window: Message, sharpness: Message) -> list[Message]:
    """exp(-|w d|) of the distances d in a window."""
    return [
        distances(f"{name}_dist", embedding, window),
        scalar(f"{name}_weighted", f"{name}_dist", **sharpness, decay_mult=0),
        layer("AbsVal", f"{name}_abs", [f"{name}_weighted"]),
        negative_exp(name, f"{name}_abs"),
    ]


def _trunk(masks: bool) -> dict[str, list[Message]]:
    first = _convolution("trunk1", "data", num_output=32, kernel_size=3, pad=1, stride=2)
    layers, bottom, scale = [*first], "trunk1", 2
    for conv in TRUNK:
        if conv.scale != scale:
            bottom, scale = f"trunk_pool{scale}", conv.scale
            layers.append(pooling(bottom, layers[-1]["top"][0], stride=2))
        layers += _masked(conv, bottom) if masks else _convolution(conv.name, bottom, num_output=conv.output, **conv.window)
        bottom = conv.name
    classifier = [
        *_convolution("trunk7", bottom, num_output=128, kernel_size=1),
        convolution("classifier", "trunk7", rates(1, 2), num_output=CLASSES, kernel_size=1, weight_filler=MSRA),
        interp("coarse" if masks else "half_scores", "classifier", zoom_factor=4),
    ]
    return {"trunk": layers, "classifier": classifier, **(_filter() if masks else {})}


def _convolution(name: str, bottom: str, **convolution_param: object) -> list[Message]:
    """A convolution, normalised over the batch, rectified."""
    return [
        convolution(name, bottom, RATES, **convolution_param, bias_term=False, weight_filler=MSRA),
        layer("BatchNorm", f"{name}_norm", [name], [name]),
        layer("Scale", f"{name}_scale", [name], [name], param=rates(1, 1), scale_param={"bias_term": True}),
        relu(f"{name}_relu", name),
    ]


def _masked(conv: Convolution, bottom: str) -> list[Message]:
    columns, hit = f"{conv.name}_columns", f"{conv.name}_hit"
    return [
        layer("Im2col", columns, [bottom], convolution_param=conv.window),
        eltwise(hit, [columns, f"{_mask(conv)}_{conv.channels}"], "PROD"),
        *_convolution(conv.name, hit, num_output=conv.output, **conv.window, bottom_is_im2col=True),
    ]


def _filter() -> dict[str, list[Message]]:
    """Averages the scores over wide windows, each weighted by its mask: what the bilateral filter of section 3.2 does.

    Beyond the image's edge scores are 0 and masks 1 (distances are 0 there); the weights that count are those inside, so the sum
    of a window's masks is itself taken as a masked sum, of ones.
    """
    mask = [
        *_attend("filter", EMBEDDING, FILTER_WINDOW, FIXED),
        tile("filter_masks", "filter", CLASSES),
        layer("Power", "ones", ["coarse"], power_param={"scale": 0, "shift": 1}),
        *_masked_sum("mass", "ones"),
        layer("Power", "one_over_mass", ["mass"], power_param={"power": -1}),
    ]
    rounds, before = [], "coarse"
    for number in range(1, FILTER_ROUNDS + 1):
        after = "half_scores" if number == FILTER_ROUNDS else f"round{number}"
        rounds += [*_masked_sum(f"sum{number}", before), eltwise(after, [f"sum{number}", "one_over_mass"], "PROD")]
        before = after
    return {"filter mask": mask, "filter": rounds}


def _masked_sum(name: str, bottom: str) -> list[Message]:
    """The sum over the window of each pixel, weighted by its mask."""
    return [
        layer("Im2col", f"{name}_columns", [bottom], convolution_param=FILTER_WINDOW),
        eltwise(f"{name}_hit", [f"{name}_columns", "filter_masks"], "PROD"),
        layer("ChannelReduce", name, [f"{name}_hit"], channel_reduce_param={"num_channels": CLASSES, "operation": Word("SUM")}),
    ]
