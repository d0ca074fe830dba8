"""The demo network: a segmentation-aware filter whose embedding is the photograph itself.

Colour and position are the embedding, so no weights need training. The scores that it filters are
a 1x1 convolution (colour prototypes, set by scripts/demo.py) at an eighth of the resolution.
"""

from config_builders.layers import convolution, distances, eltwise, input_blob, interp, layer, negative_exp, tile
from config_builders.text import Message, Word, network, variable

WINDOW = {"kernel_size": 9, "pad": 8, "dilation": 2}
LABELS = variable("NUM_LABELS")
COLOUR_SCALE, POSITION_SCALE = 0.1, 0.1
ROUNDS = 4


def sharpen() -> str:
    """Coarse scores, and the same after some rounds of averaging under the photograph's attention masks."""
    height, width = variable("HEIGHT"), variable("WIDTH")
    return network(
        {
            "input": [input_blob("data", 1, 3, height, width)],
            "embedding: colour and position": [
                layer("DummyData", "xy", [], dummy_data_param={"shape": {"dim": [1, 2, height, width]}, "data_filler": {"type": "xy"}}),
                _power("colour", "data", scale=COLOUR_SCALE),
                _power("position", "xy", scale=POSITION_SCALE),
                layer("Concat", "emb", ["colour", "position"]),
            ],
            "attention masks": [distances("dist", "emb", WINDOW), negative_exp("mask", "dist"), tile("masks", "mask", LABELS)],
            "coarse scores": [
                interp("small", "data", shrink_factor=8),
                convolution("prototypes", "small", [], num_output=LABELS, kernel_size=1),
                layer("Softmax", "probabilities", ["prototypes"]),
                interp("coarse", "probabilities", zoom_factor=8),
            ],
            "what the masks of a window sum to": [
                _window_sum("mass", "masks"),
                _power("one_over_mass", "mass", power=-1),
            ],
            **{f"round {n}": _filter_round(n) for n in range(1, ROUNDS + 1)},
        },
        "demo",
    )


def _filter_round(number: int) -> list[Message]:
    """The scores averaged over the window of every pixel, weighted by its mask."""
    before = "coarse" if number == 1 else f"round{number - 1}"
    after = "scores" if number == ROUNDS else f"round{number}"
    return [
        layer("Im2col", f"columns{number}", [before], convolution_param=WINDOW),
        eltwise(f"hit{number}", [f"columns{number}", "masks"], "PROD"),
        _window_sum(f"sum{number}", f"hit{number}"),
        eltwise(after, [f"sum{number}", "one_over_mass"], "PROD"),
    ]


def _window_sum(name: str, bottom: str) -> Message:
    return layer("ChannelReduce", name, [bottom], channel_reduce_param={"num_channels": LABELS, "operation": Word("SUM")})


def _power(name: str, bottom: str, **power_param: float) -> Message:
    return layer("Power", name, [bottom], power_param=power_param)
