"""EfficientNet-Lite0 (Tan and Le 2019; TensorFlow's "Lite" variant) up to a thirty-second of the photograph, without its classifier.

BatchNorm is folded into the convolutions, which have biases for it. Where sides are 1 more than a multiple of 32, the symmetric
padding here is what TensorFlow's "SAME" pads.
"""

from dataclasses import dataclass
from typing import Any

from config_builders.layers import convolution, eltwise, layer, rates
from config_builders.text import Message

#: the photograph as the trunk was trained on it: (colour - 127) / 128
NORMALIZED = "normalized"
STEM = 32


@dataclass(frozen=True)
class Block:
    """An inverted residual block: expand (1 x 1), a kernel a channel, project (1 x 1), and a shortcut where shapes allow it."""

    number: int
    channels: int  # that it reads
    output: int
    kernel: int
    stride: int
    expansion: int
    scale: int  # how much smaller than the photograph its output is

    @property
    def name(self) -> str:
        return f"block{self.number}"

    @property
    def wide(self) -> int:
        return self.channels * self.expansion

    @property
    def is_residual(self) -> bool:
        return self.stride == 1 and self.channels == self.output


def _blocks() -> tuple[Block, ...]:
    stages = (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    )
    blocks: list[Block] = []
    channels, scale = STEM, 2
    for repeats, kernel, stride, expansion, output in stages:
        for repeat in range(repeats):
            step = 1 if repeat else stride
            scale *= step
            blocks.append(Block(len(blocks), channels, output, kernel, step, expansion, scale))
            channels = output
    return tuple(blocks)


BLOCKS = _blocks()
#: scale -> the last block at it
TAPS = {block.scale: block for block in BLOCKS}


def trunk(rate_of: dict[int, Any]) -> list[Message]:
    """From `data` (BGR without MEAN_COLOUR) to the top of the last block.

    `rate_of`: scale -> the lr_mult of the blocks whose output has it; 0 for those that are not named, as for the stem.
    """
    layers = [_normalization(), *_convolution("stem", NORMALIZED, 0, STEM, kernel_size=3, pad=1, stride=2), _relu6("stem")]
    bottom = "stem"
    for block in BLOCKS:
        layers += _block(block, bottom, rate_of.get(block.scale, 0))
        bottom = block.name
    return layers


def _normalization() -> Message:
    """Its blobs, a factor and a shift a colour, are in the trunk's caffemodel; they do not learn."""
    fixed = {"lr_mult": 0, "decay_mult": 0}
    return layer("Scale", NORMALIZED, ["data"], param=[fixed, fixed], scale_param={"bias_term": True})


def _block(block: Block, bottom: str, rate: Any) -> list[Message]:
    layers, expanded = [], bottom
    if block.expansion > 1:
        expanded = f"{block.name}_expand"
        layers += [*_convolution(expanded, bottom, rate, block.wide, kernel_size=1), _relu6(expanded)]
    depthwise = f"{block.name}_depthwise"
    window = {"kernel_size": block.kernel, "pad": block.kernel // 2, "stride": block.stride, "group": block.wide}
    layers += [*_convolution(depthwise, expanded, rate, block.wide, **window), _relu6(depthwise)]
    if not block.is_residual:
        return [*layers, *_convolution(block.name, depthwise, rate, block.output, kernel_size=1)]
    project = f"{block.name}_project"
    return [*layers, *_convolution(project, depthwise, rate, block.output, kernel_size=1), eltwise(block.name, [bottom, project], "SUM")]


def _convolution(name: str, bottom: str, rate: Any, output: int, **window: int) -> list[Message]:
    return [convolution(name, bottom, rates(rate, rate), num_output=output, **window)]


def _relu6(blob: str) -> Message:
    return layer("ReLU6", f"{blob}_relu", [blob], [blob])
