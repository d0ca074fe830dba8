"""What makes the street scene network segmentation-aware: two embeddings, and what their masks do (paper sections 3.2 to 3.4).

`trunk_embedding`, a quarter of the photograph's size, is made before the decoder, of colours and what the trunk knows; its masks
are those of the decoder's convolutions. `embedding`, half its size, is made of what the decoder's end knows too; under its
masks the scores are averaged. Each is a 1 x 1 convolution, trained with distance losses on pairs of pixels.
"""

from typing import Any

from config_builders.efficientnet import TAPS
from config_builders.layers import (
    CONSTANT,
    XAVIER,
    convolution,
    distances,
    eltwise,
    interp,
    layer,
    negative_exp,
    rates,
    scalar,
    shrunk,
    tile,
)
from config_builders.text import Message, Word

#: channels of an embedding
WIDTH = 16
EMBEDDING, TRUNK_EMBEDDING = "embedding", "trunk_embedding"
COLOURS = "half_colours"
# w in a mask's exp(-|w d|). The losses want distances below 0.5 inside a class and above 2 across. Convolutions start nearly open;
# the filter's window, rounds and factor were the best of some twenty on a third of the validation images, before it was trained
CONVOLUTION_FACTOR = {"value": 0.1, "lr_mult": 10}
FILTER_FACTOR = {"value": 8.0, "lr_mult": 10}
FILTER_WINDOW = {"kernel_size": 5, "pad": 2, "dilation": 1}
FILTER_ROUNDS = 4


def parts(name: str, only_colours: bool = False) -> dict[str, tuple[int, Message | None]]:
    """What an embedding is made of: blob -> its channels, and the Interp fields for the embedding's size (None: it has that)."""
    if name == TRUNK_EMBEDDING:
        shrink = {"shrink_factor": 2, "pad_beg": 0, "pad_end": 0}
        made: dict[str, tuple[int, Message | None]] = {COLOURS: (3, shrink), "block0": (16, shrink), "block2": (24, None)}
        made |= {TAPS[scale].name: (TAPS[scale].output, {"zoom_factor": scale // 4}) for scale in (8, 16, 32)}
    else:
        twice = {"zoom_factor": 2}
        made = {COLOURS: (3, None), "block0": (16, None), "block2": (24, twice), "decoder4": (64, twice)}
    return {COLOURS: made[COLOURS]} if only_colours else made


def colours() -> list[Message]:
    """The photograph at half its size, from 0 to about 1."""
    return [shrunk("half_data", "data", 2), layer("Power", COLOURS, ["half_data"], power_param={"scale": 0.0039215})]


def embedding(name: str, rate: Any, only_colours: bool = False) -> list[Message]:
    """One of the two embeddings; no gradient goes from it into the network."""
    layers, bottoms = [], []
    for blob, (_, resizing) in parts(name, only_colours).items():
        bottoms.append(f"{name}_{blob}" if resizing else blob)
        if resizing:
            layers.append(interp(bottoms[-1], blob, **resizing))
    fillers = {"weight_filler": XAVIER, "bias_filler": CONSTANT}
    return [
        *layers,
        layer("Concat", f"{name}_parts", bottoms, propagate_down=[False] * len(bottoms)),
        convolution(name, f"{name}_parts", rates(rate, 0), num_output=3 if only_colours else WIDTH, kernel_size=1, **fillers),
    ]


def distance_loss(embedding: str, label: str, dilation: int) -> list[Message]:
    """The paper's loss on pairs of pixels `dilation` apart (section 3.1)."""
    window = {"kernel_size": 3, "pad": dilation, "dilation": dilation}
    pairs, near = f"{label}_pairs{dilation}", f"{embedding}_dist{dilation}"
    return [
        layer("Im2parity", f"{embedding}_{pairs}", [label], convolution_param=window, im2parity_param={"ignore_label": 255}),
        distances(near, embedding, window),
        layer(
            "DistLoss",
            f"{embedding}_loss{dilation}",
            [near, f"{embedding}_{pairs}"],
            convolution_param=window,
            dist_loss_param={"alpha": 0.5, "beta": 2, "ignore_label": 255},
        ),
    ]


def masks(name: str, embedding: str, window: Message, factor: Message) -> list[Message]:
    """exp(-|w d|) of the distances d in a window."""
    return [
        distances(f"{name}_dist", embedding, window),
        scalar(f"{name}_weighted", f"{name}_dist", **factor, decay_mult=0),
        layer("AbsVal", f"{name}_abs", [f"{name}_weighted"]),
        negative_exp(name, f"{name}_abs"),
    ]


def masked_columns(name: str, bottom: str, mask: str, window: Message) -> list[Message]:
    """What a convolution of `bottom` over the window sees, under masks that are tiled to its channels."""
    return [
        layer("Im2col", f"{name}_columns", [bottom], convolution_param=window),
        eltwise(f"{name}_hit", [f"{name}_columns", mask], "PROD"),
    ]


def score_filter(embedding: str, scores: str, top: str, classes: int) -> dict[str, list[Message]]:
    """Averages the scores over wide windows, each weighted by its mask: what the bilateral filter of section 3.2 does.

    Beyond the image's edge scores are 0 and masks 1 (distances are 0 there); the weights that count are those inside, so the sum
    of a window's masks is itself taken as a masked sum, of ones.
    """

    def masked_sum(name: str, bottom: str) -> list[Message]:
        reduction = {"num_channels": classes, "operation": Word("SUM")}
        return [
            *masked_columns(name, bottom, "filter_masks", FILTER_WINDOW),
            layer("ChannelReduce", name, [f"{name}_hit"], channel_reduce_param=reduction),
        ]

    mask = [
        *masks("filter", embedding, FILTER_WINDOW, FILTER_FACTOR),
        tile("filter_masks", "filter", classes),
        layer("Power", "ones", [scores], power_param={"scale": 0, "shift": 1}),
        *masked_sum("mass", "ones"),
        layer("Power", "one_over_mass", ["mass"], power_param={"power": -1}),
    ]
    rounds: list[Message] = []
    for number in range(1, FILTER_ROUNDS + 1):
        after = top if number == FILTER_ROUNDS else f"round{number}"
        rounds += [*masked_sum(f"sum{number}", scores), eltwise(after, [f"sum{number}", "one_over_mass"], "PROD")]
        scores = after
    return {"filter mask": mask, "filter": rounds}


def meanfield(embedding: str, scores: str, top: str) -> dict[str, list[Message]]:
    """Two rounds of the paper's approximate CRF (section 3.4): neighbours near in the embedding, and all of the nearest, agree."""
    flat = layer("Power", "nowhere", [embedding], power_param={"scale": 0})
    param = {
        "num_iterations": 2,
        "kernel_size": [FILTER_WINDOW["kernel_size"], 3],
        "pad": [FILTER_WINDOW["pad"], 1],
        "dilation": [FILTER_WINDOW["dilation"], 1],
        "scale": [8, 1],
    }
    field = layer("NormConvMeanfield", "meanfield", [scores, scores, embedding, "nowhere"], [top], norm_conv_meanfield_param=param)
    return {"mean field": [flat, field]}
