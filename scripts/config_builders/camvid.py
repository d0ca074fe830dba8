"""The street scene network of `configs/camvid`: EfficientNet-Lite0's trunk under a small pyramid decoder, plain or segmentation-aware.

All variants have the same layers with learned weights, under the same names; masks add a factor each, and their embeddings.
"""

from dataclasses import dataclass
from typing import Any

from config_builders import attention
from config_builders.attention import EMBEDDING, TRUNK_EMBEDDING
from config_builders.efficientnet import TAPS, trunk
from config_builders.layers import (
    CONSTANT,
    MEAN_COLOUR,
    TEST,
    TRAIN,
    VOID,
    convolution,
    eltwise,
    input_blob,
    interp,
    layer,
    rates,
    relu,
    shrunk,
    tile,
)
from config_builders.text import Message, network, variable

CLASSES = 11
MSRA = {"type": "msra"}
#: scale -> channels of the decoder there
WIDTHS = {32: 128, 16: 128, 8: 64, 4: 64}
#: the scales whose trunk learns; below them it stays as ImageNet made it
LEARNING = (8, 16, 32)
# a class counts 1 / log(1.1 + its share of the training pixels), divided by the mean over these
CLASS_WEIGHTS = [0.98, 0.81, 2.28, 0.67, 1.74, 1.30, 2.24, 2.25, 1.60, 2.36, 2.43]
COLOURS = {
    **{"brightness_prob": 0.5, "brightness_delta": 32, "contrast_prob": 0.5, "contrast_lower": 0.6, "contrast_upper": 1.4},
    **{"saturation_prob": 0.5, "saturation_lower": 0.6, "saturation_upper": 1.4, "hue_prob": 0.3, "hue_delta": 6},
}
SCALES = [0.7, 0.85, 1.0, 1.2, 1.45]
#: what a frame of 360 x 480 is padded to
FRAME = {"crop_height": 385, "crop_width": 481}


FINEST = min(WIDTHS)
WINDOW = {"kernel_size": 3, "pad": 1}


@dataclass(frozen=True)
class Variant:
    """What of the network is segmentation-aware, and whether its masks come from colours alone."""

    convolutions: bool = False
    filter: bool = False
    meanfield: bool = False
    colours: bool = False

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The embeddings that it needs."""
        return (TRUNK_EMBEDDING,) * self.convolutions + (EMBEDDING,) * (self.filter or self.meanfield)


# masks of the convolutions, left to learn, open by themselves, and cost time: the network that is shipped has the filter alone
PLAIN, SEGAWARE = Variant(), Variant(filter=True)


def train(variant: Variant = PLAIN, name: str = "camvid_plain") -> str:
    """Trains on crops, judged at half their resolution; in TEST it says loss and accuracy on whole validation frames."""
    loss_param = {**VOID, "weight_by_label_freqs": True, "class_weighting": CLASS_WEIGHTS}
    output = [
        shrunk("half_label", "label", 2),
        layer("SoftmaxWithLoss", "loss", ["half_scores", "half_label"], loss_param=loss_param),
        layer("Accuracy", "accuracy", ["half_scores", "half_label"], accuracy_param=VOID, **TEST),
    ]
    return network({"input": _crops(), **_network(variant, variable("TRUNK_LR")), "output": output}, name)


def deploy(variant: Variant = PLAIN, name: str = "camvid_plain") -> str:
    """From a photograph, whose sides are 1 more than a multiple of 32, to scores of its size."""
    image = input_blob("data", 1, 3, variable("HEIGHT"), variable("WIDTH"))
    return network({"input": [image], **_network(variant, 0), "output": [interp("scores", "half_scores", zoom_factor=2)]}, name)


def embeddings(only_colours: bool = False) -> str:
    """Trains both embeddings with distance losses, the network before them as it is."""
    losses = [
        *(loss for dilation in (1, 2, 4, 8) for loss in attention.distance_loss(EMBEDDING, "half_label", dilation)),
        *(loss for dilation in (1, 2, 4) for loss in attention.distance_loss(TRUNK_EMBEDDING, "quarter_label", dilation)),
    ]
    labels = [shrunk("half_label", "label", 2), shrunk("quarter_label", "label", 4)]
    sections = {"input": _crops(), **_both_embeddings(only_colours), "labels": labels, "distance losses": losses}
    return network(sections, "camvid_embeddings")


def embeddings_deploy(only_colours: bool = False) -> str:
    """From a photograph to both embeddings."""
    image = input_blob("data", 1, 3, variable("HEIGHT"), variable("WIDTH"))
    return network({"input": [image], **_both_embeddings(only_colours)}, "camvid_embeddings")


def _both_embeddings(only_colours: bool) -> dict[str, list[Message]]:
    layers = [layer for name in (TRUNK_EMBEDDING, EMBEDDING) for layer in attention.embedding(name, 1, only_colours)]
    return {"trunk": trunk({}), "decoder": decoder(False, 0), "colours": attention.colours(), "embeddings": layers}


def _crops() -> list[Message]:
    crops = {"crop_size": variable("CROP_SIZE"), "scale_factors": SCALES, "distort_param": COLOURS}
    return [_frames("train", variable("BATCH_SIZE"), crops, **TRAIN), _frames("val", 1, FRAME, **TEST)]


def _frames(subset: str, batch_size: Any, transform: Message, **fields: Any) -> Message:
    training = subset == "train"
    return layer(
        "TwoImageData",
        "data",
        [],
        ["data", "label"],
        image_data_param={
            "root_folder": "segaware/data/camvid",
            "source": f"segaware/list/camvid_{subset}.txt",
            "batch_size": batch_size,
            "shuffle": training,
        },
        two_image_data_param={"first_is_color": True, "second_is_color": False},
        transform_param={"mean_value": MEAN_COLOUR, "mirror": training, **transform},
        **fields,
    )


def _network(variant: Variant, trunk_rate: Any) -> dict[str, list[Message]]:
    """From `data` to `half_scores`."""
    aware = bool(variant.embeddings)
    answered = "coarse" if EMBEDDING in variant.embeddings else "half_scores"
    sections = {"trunk": trunk(dict.fromkeys(LEARNING, trunk_rate))}
    if aware:
        sections["colours"] = attention.colours()
    if variant.convolutions:
        sections["masks of the decoder"] = [*attention.embedding(TRUNK_EMBEDDING, 0, variant.colours), *_decoder_masks()]
    sections["decoder"] = [*decoder(variant.convolutions, 1), interp(answered, "classifier", zoom_factor=2)]
    if EMBEDDING in variant.embeddings:
        sections["embedding"] = attention.embedding(EMBEDDING, 0, variant.colours)
    if variant.filter:
        top = "filtered" if variant.meanfield else "half_scores"
        sections |= attention.score_filter(EMBEDDING, "coarse", top, CLASSES)
    if variant.meanfield:
        sections |= attention.meanfield(EMBEDDING, "filtered" if variant.filter else "coarse", "half_scores")
    return sections


def _decoder_masks() -> list[Message]:
    layers: list[Message] = []
    for scale, width in WIDTHS.items():
        embedding = TRUNK_EMBEDDING
        if scale > FINEST:
            embedding = f"{TRUNK_EMBEDDING}{scale}"
            layers.append(shrunk(embedding, TRUNK_EMBEDDING, scale // FINEST))
        layers += attention.masks(f"mask{scale}", embedding, WINDOW, attention.CONVOLUTION_FACTOR)
        layers.append(tile(f"mask{scale}_tiled", f"mask{scale}", width))
    return layers


def decoder(masked: bool, rate: int) -> list[Message]:
    """From the trunk's taps to `classifier`: at every scale what comes from above is added to the tap and convolved, 3 x 3."""
    layers: list[Message] = []
    above = ""
    for scale, width in WIDTHS.items():
        merged, seen = f"lateral{scale}", f"decoder{scale}"
        layers += _convolution(merged, TAPS[scale].name, rate, width, kernel_size=1)
        if above:
            merged = f"merged{scale}"
            layers += [*_descent(above, scale, rate), eltwise(merged, [f"lateral{scale}", f"{above}_up"], "SUM")]
        layers.append(relu(f"{merged}_relu", merged))
        if masked:
            layers += attention.masked_columns(seen, merged, f"mask{scale}_tiled", WINDOW)
            layers += _convolution(seen, f"{seen}_hit", rate, width, **WINDOW, bottom_is_im2col=True)
        else:
            layers += _convolution(seen, merged, rate, width, **WINDOW)
        layers.append(relu(f"{seen}_relu", seen))
        above = seen
    return [*layers, *_convolution("classifier", above, rate, CLASSES, kernel_size=1)]


def _descent(above: str, scale: int, rate: int) -> list[Message]:
    """What the coarser scale knows, in as many channels as this one has, at its resolution."""
    if WIDTHS[2 * scale] == WIDTHS[scale]:
        return [interp(f"{above}_up", above, zoom_factor=2)]
    narrow = f"{above}_narrow"
    return [*_convolution(narrow, above, rate, WIDTHS[scale], kernel_size=1), interp(f"{above}_up", narrow, zoom_factor=2)]


def _convolution(name: str, bottom: str, rate: int, output: int, **window: Any) -> list[Message]:
    return [convolution(name, bottom, rates(rate, rate), num_output=output, **window, weight_filler=MSRA, bias_filler=CONSTANT)]
