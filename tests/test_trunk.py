"""scripts/make_trunk.py: EfficientNet-Lite0 from the installed package is what PyTorch makes of the package's own weights."""

import make_trunk
import numpy as np
import torch
from config_builders.efficientnet import BLOCKS
from config_builders.layers import MEAN_COLOUR
from torch.nn import functional

SIDES = (65, 97)  # 32 n + 1


def original(state: dict[str, torch.Tensor], rgb: torch.Tensor) -> torch.Tensor:
    """The network as it was trained: RGB from -1 to 1, TensorFlow's padding, BatchNorm by itself."""

    def convolved(x: torch.Tensor, name: str, norm: str, stride: int = 1, groups: int = 1) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        missing = [max((-(-size // stride) - 1) * stride + weight.shape[-1] - size, 0) for size in reversed(x.shape[2:])]
        x = functional.pad(x, [part for total in missing for part in (total // 2, total - total // 2)])
        statistics = (state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(functional.conv2d(x, weight, None, stride, groups=groups), *statistics, eps=1e-3)

    x = functional.relu6(convolved((rgb - 127) / 128, "_conv_stem", "_bn0", 2))
    for block in BLOCKS:
        before, prefix = x, f"_blocks.{block.number}."
        if f"{prefix}_expand_conv.weight" in state:
            x = functional.relu6(convolved(x, f"{prefix}_expand_conv", f"{prefix}_bn0"))
        x = functional.relu6(convolved(x, f"{prefix}_depthwise_conv", f"{prefix}_bn1", block.stride, x.shape[1]))
        x = convolved(x, f"{prefix}_project_conv", f"{prefix}_bn2")
        x = x + before if x.shape == before.shape else x
    return x


def test_the_trunk_computes_what_the_original_does(tmp_path):
    state = make_trunk.installed_weights()
    make_trunk.make(state).save(tmp_path / "trunk.caffemodel")
    net = make_trunk.Net(make_trunk.prototxt(), weights=tmp_path / "trunk.caffemodel")
    rgb = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, *SIDES)).astype(np.float32))
    actual = net(data=rgb.flip(1) - torch.tensor(MEAN_COLOUR)[None, :, None, None])[BLOCKS[-1].name]
    expected = original(state, rgb)
    assert actual.shape == expected.shape == (1, 320, 3, 4)
    assert (actual - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_the_blocks_are_those_of_the_package():
    state = make_trunk.installed_weights()
    assert {int(name.split(".")[1]) for name in state if name.startswith("_blocks.")} == {block.number for block in BLOCKS}
    assert [block.scale for block in BLOCKS] == [2, 4, 4, 8, 8, *[16] * 6, *[32] * 5]
