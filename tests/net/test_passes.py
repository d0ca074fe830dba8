"""The rewriting passes: the same numbers and gradients as the literal net, and what is fused, kept and left alone."""

import gc
import weakref

import numpy as np
import pytest
import torch

from segaware_caffe import CaffeError, Layer, Net
from segaware_caffe.net.passes import PASSES

INPUTS = """
layer { name: "in" type: "Input" top: "x" top: "emb" input_param {
  shape { dim: 2 dim: 5 dim: 11 dim: 13 } shape { dim: 2 dim: 4 dim: 11 dim: 13 } } }
"""
WINDOW = "convolution_param { kernel_size: 3 pad: 2 dilation: 2 }"


def mask(name: str = "m", absolute: bool = True, scale: bool = True) -> str:
    """Distances, scaled or not, made positive or not, to a mask; all blobs have `name` in front."""
    text = f'layer {{ name: "{name}_dist" type: "Im2dist" bottom: "emb" top: "{name}_dist" {WINDOW} im2dist_param {{ norm: L1 }} }}\n'
    last = f"{name}_dist"
    if scale:
        text += (
            f'layer {{ name: "{name}_scale" type: "Scale" bottom: "{last}" top: "{name}_scale"'
            " scale_param { num_axes: 0 filler { value: -0.4 } } }\n"
        )
        last = f"{name}_scale"
    if absolute:
        text += f'layer {{ name: "{name}_abs" type: "AbsVal" bottom: "{last}" top: "{name}_abs" }}\n'
        last = f"{name}_abs"
    return text + f'layer {{ name: "{name}" type: "Exp" bottom: "{last}" top: "{name}" exp_param {{ scale: -1 }} }}\n'


def product(name: str, image: str, mask_name: str, channels: int, swapped: bool = False) -> str:
    """The written-out columns of an image under a mask."""
    order = [f"{name}_tile", f"{name}_col"] if swapped else [f"{name}_col", f"{name}_tile"]
    return (
        f'layer {{ name: "{name}_tile" type: "Tile" bottom: "{mask_name}" top: "{name}_tile" tile_param {{ tiles: {channels} }} }}\n'
        f'layer {{ name: "{name}_col" type: "Im2col" bottom: "{image}" top: "{name}_col" {WINDOW} }}\n'
        f'layer {{ name: "{name}_hit" type: "Eltwise" bottom: "{order[0]}" bottom: "{order[1]}" top: "{name}_hit"'
        " eltwise_param { operation: PROD } }\n"
    )


def convolution(name: str, bottom: str, extra: str = "", **fields: object) -> str:
    text = " ".join(f"{key}: {value}" for key, value in {"num_output": 6, "kernel_size": 3, "bottom_is_im2col": "true", **fields}.items())
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" {extra}'
        f' convolution_param {{ {text} weight_filler {{ type: "xavier" }} bias_filler {{ value: 0.1 }} }} }}\n'
    )


def relu(blob: str, slope: float = 0) -> str:
    return f'layer {{ name: "{blob}_relu" type: "ReLU" bottom: "{blob}" top: "{blob}" relu_param {{ negative_slope: {slope} }} }}\n'


def activation(kind: str, blob: str = "y", fields: str = "") -> str:
    return f'layer {{ name: "{blob}_{kind}" type: "{kind}" bottom: "{blob}" top: "{blob}" {fields} }}\n'


def channel_reduce(name: str, bottom: str, channels: int, operation: str = "SUM") -> str:
    return (
        f'layer {{ name: "{name}" type: "ChannelReduce" bottom: "{bottom}" top: "{name}"'
        f" channel_reduce_param {{ num_channels: {channels} operation: {operation} }} }}\n"
    )


MASKED = INPUTS + mask() + product("c", "x", "m", 5) + convolution("y", "c_hit")
SHARPENED = (
    INPUTS
    + mask()
    + product("s", "x", "m", 5)
    + channel_reduce("sum", "s_hit", 5)
    + channel_reduce("total", "s_tile", 5)
    + 'layer { name: "shift" type: "Power" bottom: "total" top: "shift" power_param { shift: 0.0001 } }\n'
    + 'layer { name: "over" type: "Power" bottom: "shift" top: "over" power_param { power: -1 } }\n'
    + 'layer { name: "y" type: "Eltwise" bottom: "sum" bottom: "over" top: "y" eltwise_param { operation: PROD } }\n'
)


def batchnorm(bottom: str, scale: str = "scale_param { bias_term: true }", fields: str = "") -> str:
    text = f'layer {{ name: "{bottom}_bn" type: "BatchNorm" bottom: "{bottom}" top: "{bottom}" batch_norm_param {{ {fields} }} }}\n'
    return text + (f'layer {{ name: "{bottom}_scale" type: "Scale" bottom: "{bottom}" top: "{bottom}" {scale} }}\n' if scale else "")


def bn(bottom: str, fields: str) -> str:
    return f'layer {{ name: "{bottom}_bn" type: "BN" bottom: "{bottom}" top: "{bottom}" bn_param {{ {fields} }} }}\n'


def plain(name: str, bottom: str, **fields: object) -> str:
    return convolution(name, bottom, bottom_is_im2col="false", pad=1, **fields)


CLIP = activation("Clip", fields="clip_param { min: -0.5 max: 0.7 }")
SUM = 'layer { name: "y" type: "Eltwise" bottom: "x" bottom: "a" top: "y" }\n'
#: one of each activation behind what it may be fused with
ACTIVATED = {
    "relu6": INPUTS + plain("y", "x") + activation("ReLU6"),
    "relu6 of a sum": INPUTS + plain("a", "x", num_output=5) + SUM + activation("ReLU6"),
    "leaky relu6, depthwise": INPUTS + plain("y", "x", num_output=5, group=5, stride=2)
    + activation("ReLU6", fields="relu6_param { negative_slope: 0.1 }"),
    "leaky, 1x1": INPUTS + convolution("y", "x", bottom_is_im2col="false", kernel_size=1) + relu("y", 0.2),
    "clip, depthwise": INPUTS + plain("y", "x", num_output=5, group=5, kernel_size=5) + CLIP,
    "clip of a sum": INPUTS + plain("a", "x", num_output=5) + SUM + CLIP,
    "prelu": INPUTS + plain("y", "x") + activation("PReLU"),
    "prelu of a sum": INPUTS + plain("a", "x", num_output=5) + SUM + activation("PReLU"),
    "one prelu for all": INPUTS + plain("y", "x") + activation("PReLU", fields="prelu_param { channel_shared: true }"),
    "prelu of a masked convolution": MASKED + activation("PReLU"),
    "groups of two": INPUTS.replace("dim: 5", "dim: 22") + plain("y", "x", num_output=22, group=11) + relu("y"),
    "groups of four, a sum": INPUTS.replace("dim: 5", "dim: 20") + plain("a", "x", num_output=20, group=5) + SUM
    + activation("PReLU"),
}  # fmt: skip

NETS = ACTIVATED | {
    "masked": MASKED,
    "swapped": INPUTS + mask() + product("c", "x", "m", 5, swapped=True) + convolution("y", "c_hit"),
    "without scale": INPUTS + mask(scale=False) + product("c", "x", "m", 5) + convolution("y", "c_hit"),
    "without absolute": INPUTS + mask(absolute=False) + product("c", "x", "m", 5) + convolution("y", "c_hit"),
    "shared mask": MASKED + product("d", "y", "m", 6) + convolution("z", "d_hit"),
    "shared columns": MASKED + convolution("z", "c_hit", num_output=5),
    "with relu": MASKED + relu("y"),
    "leaky": MASKED + relu("y", 0.1),
    "two masks": MASKED + mask("n") + product("d", "y", "n", 6) + convolution("z", "d_hit"),
    "groups": INPUTS.replace("dim: 5", "dim: 6") + mask() + product("c", "x", "m", 6) + convolution("y", "c_hit", group=2),
    "without bias": INPUTS + mask() + product("c", "x", "m", 5) + convolution("y", "c_hit", bias_term="false"),
    "sharpened": SHARPENED,
    "sharpened twice": SHARPENED + product("t", "y", "m", 5) + channel_reduce("again", "t_hit", 5),
    "folded": INPUTS + plain("y", "x") + batchnorm("y") + relu("y"),
    "folded without scale": INPUTS + plain("y", "x", bias_term="false") + batchnorm("y", ""),
    "folded without bias": INPUTS + plain("y", "x", group=1, stride=2) + batchnorm("y", "scale_param { }"),
    "folded with its own scale and bias": INPUTS + plain("y", "x") + batchnorm("y", "", "scale_bias: true eps: 1e-7") + relu("y"),
    "its own scale and bias, and a Scale": INPUTS + batchnorm("x", fields="scale_bias: true eps: 0.01") + plain("y", "x"),
    "folded BN of PSPNet": INPUTS + plain("y", "x") + bn("y", "slope_filler { value: 1 } eps: 0.01") + relu("y"),
    "folded BN of SegNet": INPUTS + plain("y", "x") + bn("y", "bn_mode: INFERENCE"),
    "BN of SegNet": INPUTS + plain("y", "x") + bn("y", "scale_filler { value: 1 } bn_mode: LEARN"),
    "BN that is frozen": INPUTS + bn("x", "slope_filler { value: 1 } frozen: true") + plain("y", "x"),
    "batchnorm first": INPUTS + batchnorm("x") + plain("y", "x") + relu("y"),
    "residual": INPUTS + plain("y", "x", num_output=5) + batchnorm("y")
    + 'layer { name: "add" type: "Eltwise" bottom: "x" bottom: "y" top: "add" }\n' + relu("add") + plain("z", "add"),
    "partwise": INPUTS + plain("small", "x", num_output=8, stride=2)
    + 'layer { name: "big" type: "Interp" bottom: "small" top: "big" interp_param { height: 11 width: 13 } }\n'
    + 'layer { name: "cat" type: "Concat" bottom: "x" bottom: "big" bottom: "emb" top: "cat" }\n'
    + convolution("y", "cat", bottom_is_im2col="false", kernel_size=1),
    "branch before relu": INPUTS + plain("y", "x") + 'layer { name: "r" type: "ReLU" bottom: "y" top: "r" }\n' + plain("z", "y"),
}  # fmt: skip


def twins(text: str, phase: str, passes: list[str] | None = None) -> tuple[Net, Net]:
    """The net with passes and the literal one, with equal random blobs."""
    torch.manual_seed(1)
    net, literal = Net(text, phase, passes=passes), Net(text, phase, passes=[])
    with torch.no_grad():
        for mine, theirs in zip(net.learned, literal.learned, strict=True):
            mine.tensor.uniform_(0.2, 1).mul_(torch.randint(0, 2, mine.tensor.shape) * 2 - 1 if mine.lr_mult else 1)
            theirs.tensor.copy_(mine.tensor)
    return net, literal


def fed(net: Net) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {name: torch.randn(net.shapes[name], generator=generator) for name in net.inputs}


def close(actual: torch.Tensor, expected: torch.Tensor, what: str) -> None:
    error = (actual - expected).abs().max() / expected.abs().max().clamp(min=1)
    assert error <= 1e-5, f"{what}: off by {error:.2g}"


@pytest.mark.parametrize("name", NETS)
def test_in_test_the_numbers_agree_with_the_literal_net(name):
    net, literal = twins(NETS[name], "TEST")
    inputs = fed(net)
    expected = literal(**inputs)
    for _ in range(2):  # the second time with what the first has cached
        blobs = net(**inputs)
        assert blobs.keys() == expected.keys()
        for key in expected:
            close(blobs[key], expected[key], key)


@pytest.mark.parametrize("name", NETS)
def test_in_train_values_and_gradients_agree_with_the_literal_net(name):
    net, literal = twins(NETS[name], "TRAIN")
    inputs = fed(net)
    results = []
    for each in (net, literal):
        leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
        blobs = each(**leaves)
        torch.manual_seed(3)
        sum((blobs[key] * torch.randn_like(blobs[key])).sum() for key in sorted(blobs)).backward()
        gradients = {key: leaf.grad for key, leaf in leaves.items() if leaf.grad is not None}
        gradients |= {key: parameter.grad for key, parameter in each.named_parameters() if parameter.grad is not None}
        results.append((blobs, gradients))
    for mine, expected in zip(*results, strict=True):
        assert mine.keys() == expected.keys()
        for key in expected:
            close(mine[key], expected[key], key)


@pytest.mark.parametrize("one", PASSES)
def test_every_pass_alone_keeps_the_numbers(one):
    for name, text in NETS.items():
        net, literal = twins(text, "TEST", [one])
        inputs = fed(net)
        expected = literal(**inputs)
        for key, value in net(**inputs).items():
            close(value, expected[key], f"{name}: {key}")


def steps(net: Net, *keep: str) -> list[str]:
    """Types of what runs: of a fused module its class, of a layer its type."""
    plan = net._planned(frozenset(net._sources().values()), keep, False, net.pass_names)
    return [step.module.type if isinstance(step.module, Layer) else type(step.module).__name__ for step in plan.steps]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("masked", ["Im2dist", "AttentionMask", "MaskedConvolution"]),
        ("swapped", ["Im2dist", "AttentionMask", "MaskedConvolution"]),
        ("with relu", ["Im2dist", "AttentionMask", "Activated"]),
        ("shared mask", ["Im2dist", "AttentionMask", "MaskedConvolution", "MaskedConvolution"]),
        ("sharpened", ["Im2dist", "AttentionMask", "MaskedSum", "MaskTotal", "Power", "Power", "Eltwise"]),
        ("folded", ["Activated"]),
        ("folded without scale", ["PackedConvolution"]),
        ("residual", ["Activated", "PackedConvolution"]),
        ("partwise", ["PackedConvolution", "PartwiseConvolution"]),
        ("batchnorm first", ["FoldedBatchNorm", "Activated"]),
        *((name, ["Activated"]) for name in ACTIVATED if "masked" not in name),
    ],
)
def test_what_runs_after_the_passes(name, expected):
    assert steps(Net(NETS[name])) == expected


def test_a_kept_inner_blob_is_computed_beside_the_fused_operator():
    net, literal = twins(MASKED, "TEST")
    inputs = fed(net)
    keep = ["c_col", "c_tile", "c_hit", "m_scale", "m_dist"]
    blobs, expected = net(**inputs, keep=keep), literal(**inputs, keep=keep)
    assert "MaskedConvolution" in steps(net, *keep) and "Im2col" in steps(net, *keep)
    for key in expected:
        close(blobs[key], expected[key], key)


def test_explain_says_what_was_fused_into_what():
    notes = Net(MASKED + relu("y")).explain()
    assert "attention mask 'm': m_scale, AbsVal, m in one step" in notes
    assert "masked convolution 'y': of 'x' under 'm', no column matrix" in notes
    assert "1 ReLUs work in place" in notes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MASKED.replace("operation: PROD", "operation: PROD stable_prod_grad: false"), "stable_prod_grad of 'c_hit' is false"),
        (MASKED.replace("operation: PROD", "operation: SUM"), "it is not made by an Eltwise PROD of two bottoms"),
        (INPUTS + mask() + f'layer {{ name: "c" type: "Im2col" bottom: "x" top: "c" {WINDOW} }}' + convolution("y", "c"),
         "it is not made by an Eltwise PROD"),
        (INPUTS + mask() + product("c", "x", "m", 5) + convolution("y", "c_hit", kernel_size=1), "Im2col has 9 taps, the weights 1"),
        (MASKED.replace('bottom: "c_col"', 'bottom: "c_col" propagate_down: false propagate_down: true'), "not made by an Eltwise PROD"),
    ],
)  # fmt: skip
def test_explain_says_why_something_was_not_fused(text, reason):
    net, literal = twins(text, "TEST")
    assert reason in net.explain()
    inputs = fed(net)
    close(net(**inputs)["y"], literal(**inputs)["y"], "y")


@pytest.mark.parametrize("kind", ["ReLU6", "Clip"])
def test_where_gradients_are_wanted_an_activation_has_its_own_at_its_bounds(kind):
    text = INPUTS + convolution("y", "x", bottom_is_im2col="false", kernel_size=1, bias_term="false")
    net, literal = (Net(text + activation(kind, fields="clip_param { min: 0 max: 6 }"), passes=passes) for passes in (None, []))
    gradients = []
    for each in (net, literal):
        each.params["y"][0].fill_(1)
        each.requires_grad_()
        x = torch.zeros(2, 5, 11, 13)
        x[:, 0, :5] = torch.tensor([-1.0, 0, 1.2, 6, 9]).view(5, 1)
        x.requires_grad_()
        each(x=x, emb=torch.zeros(2, 4, 11, 13))["y"].sum().backward()
        gradients.append(x.grad)
    assert torch.equal(*gradients) and gradients[0].unique().numel() == 2


def test_an_unknown_pass_is_named():
    with pytest.raises(CaffeError, match="unknown graph pass 'fast'; there are: splits, attention"):
        Net(MASKED, passes=["fast"])(x=torch.zeros(2, 5, 11, 13), emb=torch.zeros(2, 4, 11, 13))


@pytest.mark.parametrize("change", ["in place", "data", "numpy", "copy of a file", "statistics"])
def test_folded_weights_follow_a_change_of_the_blobs(change, tmp_path):
    net, literal = twins(NETS["folded"], "TEST")
    inputs = fed(net)
    net(**inputs)
    with torch.no_grad():
        literal.params["y"][0].mul_(1.5)
        if change == "statistics":
            literal.params["y_bn"][0][2] += 0.25
    weight = net.params["y"][0]
    if change == "in place":
        weight.mul_(1.5)
    elif change == "data":
        weight.data[...] = weight.data * 1.5
        net.refresh()
    elif change == "numpy":
        array = weight.numpy()
        array[0, 0, 0, 0] *= np.float32(1.5)
        literal.params["y"][0].copy_(weight)
        net.refresh()
    else:
        literal.save(tmp_path / "net.caffemodel")
        net.load_weights(tmp_path / "net.caffemodel")
    close(net(**inputs)["y"], literal(**inputs)["y"], "y")


def test_batchnorm_is_not_folded_while_it_learns_statistics():
    net = Net(NETS["folded"], "TRAIN")
    net(**fed(net))
    assert float(net.params["y_bn"][2]) == 1
    net.eval()
    assert steps(net) == ["Activated"]
    net.train()
    assert "BatchNorm" in steps(net)


def test_a_cut_gradient_stays_cut():
    text = MASKED.replace('type: "Im2col" bottom: "x"', 'type: "Im2col" bottom: "x" propagate_down: false')
    net = Net(text, "TRAIN")
    leaves = {key: value.requires_grad_() for key, value in fed(net).items()}
    net(**leaves)["y"].sum().backward()
    assert leaves["x"].grad is None and leaves["emb"].grad is not None


@pytest.mark.parametrize("name", NETS)
def test_a_net_that_is_dropped_is_freed_at_once(name):
    gc.collect()
    gc.disable()  # weights can be half a gigabyte: they must not wait for it
    try:
        net = Net(NETS[name])
        net(**fed(net))
        blobs = [weakref.ref(learned.tensor) for learned in net.learned]
        del net
        assert not any(blob() is not None for blob in blobs)
    finally:
        gc.enable()
