"""The winograd pass: the numbers of the literal net, what it takes and what it leaves to the direct sum."""

import pytest
import torch

from segaware_caffe import Net
from segaware_caffe.net.passes import PASSES
from segaware_caffe.ops import native

pytestmark = pytest.mark.skipif(native.library() is None, reason="the kernels were not built: no C++ compiler")


def layer(name: str, bottom: str, **fields: object) -> str:
    fields = {"num_output": 40, "kernel_size": 3, "pad": 1, **fields}
    text = " ".join(f"{key}: {value}" for key, value in fields.items())
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" convolution_param {{ {text}'
        ' weight_filler { type: "msra" } bias_filler { type: "gaussian" std: 0.1 } } }\n'
    )


INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 32 dim: 33 dim: 30 } } }\n'
RELU = 'layer { name: "r" type: "ReLU" bottom: "y" top: "y" }\n'
NORMALISED = """
layer { name: "bn" type: "BatchNorm" bottom: "y" top: "y" }
layer { name: "s" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }
"""
PARAMS = 'param { name: "w" } param { name: "b" } convolution_param'
SHARED = INPUT + (layer("y", "x", num_output=32) + layer("z", "y", num_output=32)).replace("convolution_param", PARAMS)
SUM = 'layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "y" top: "sum" }\n'

NETS = {
    "plain": INPUT + layer("y", "x"),
    "with relu": INPUT + layer("y", "x") + RELU,
    "leaky": INPUT + layer("y", "x") + RELU.replace("ReLU\"", 'ReLU" relu_param { negative_slope: 0.2 }'),
    "relu6": INPUT + layer("y", "x") + RELU.replace("ReLU", "ReLU6"),
    "prelu": INPUT + layer("y", "x") + RELU.replace("ReLU", "PReLU"),
    "shortcut": INPUT + layer("y", "x", num_output=32) + SUM + RELU.replace('"y"', '"sum"'),
    "without bias": INPUT + layer("y", "x", bias_term="false"),
    "folded": INPUT + layer("y", "x") + NORMALISED + RELU,
    "dilated": INPUT + layer("y", "x", dilation=2, pad=2) + layer("z", "y", dilation=3, pad=0),
    "shared": SHARED,
    "deep": INPUT + layer("y", "x") + RELU + layer("z", "y") + layer("u", "z", pad=0),
}  # fmt: skip


def twins(text: str) -> tuple[Net, Net]:
    torch.manual_seed(0)
    net, literal = Net(text), Net(text, passes=[])
    for mine, theirs in zip(net.learned, literal.learned, strict=True):
        theirs.tensor.data.copy_(mine.tensor)
    return net, literal


def modules(net: Net, direct: bool = False) -> int:
    """How many convolutions run by the algorithm, or directly, with the present plan."""
    found = [getattr(cost.step.module, "module", cost.step.module) for cost in net.costs()]
    return sum(type(module).__name__ == ("PackedConvolution" if direct else "WinogradConvolution") for module in found)


def differ(blobs: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    assert blobs.keys() == expected.keys()
    return max(float((blobs[name] - value).abs().max() / value.abs().max()) for name, value in expected.items())


@pytest.mark.parametrize("name", NETS)
def test_the_numbers_agree_with_the_literal_net(name):
    net, literal = twins(NETS[name])
    x = torch.randn(net.shapes["x"])
    expected = literal(x=x)
    for _ in range(2):  # the second time with what the first has cached
        assert differ(net(x=x), expected) < 1e-5
    assert modules(net) == NETS[name].count('"Convolution"') and not modules(net, direct=True)


INFINITE = [(name, value) for name in ("plain", "without bias", "dilated") for value in (float("inf"), float("-inf"))]


@pytest.mark.parametrize(("name", "value"), [*INFINITE, *((name, float("nan")) for name in ("plain", "with relu", "folded"))])
def test_an_infinity_or_nan_stands_where_the_literal_net_has_it(name, value):
    net, literal = twins(NETS[name])
    x = torch.randn(net.shapes["x"])
    x[0, 3, 8, 9] = value
    expected = literal(x=x)
    for top, blob in net(x=x).items():
        allowed = 1e-5 * float(expected[top].nan_to_num(0, 0, 0).abs().max())
        torch.testing.assert_close(blob, expected[top], rtol=0, atol=allowed, equal_nan=True)
        assert blob.isfinite().sum() > blob.numel() / 2
    assert modules(net)


@pytest.mark.parametrize(
    "text",
    [
        INPUT + layer("y", "x", num_output=21),
        INPUT + layer("y", "x", stride=2),
        INPUT + layer("y", "x", group=2, num_output=64),
        INPUT + layer("y", "x", kernel_size=5),
    ],
    ids=["few outputs", "stride", "group", "5x5"],
)
def test_what_it_leaves_to_the_direct_sum(text):
    net, literal = twins(text)
    x = torch.randn(net.shapes["x"])
    assert differ(net(x=x), literal(x=x)) < 1e-5
    assert not modules(net) and modules(net, direct=True)


def test_it_can_be_switched_off():
    net = Net(NETS["deep"], passes=[name for name in PASSES if name != "winograd"])
    net(x=torch.randn(net.shapes["x"]))
    assert not modules(net)


def test_explain_counts_the_convolutions_of_large_images():
    net = Net(NETS["deep"])
    assert "3 3x3 convolutions take a quarter of the products, by Winograd's algorithm" in net.explain()
    net.reshape(x=(1, 32, 9, 9))
    assert "Winograd" not in net.explain()


def test_another_size_may_go_the_other_way():
    net, literal = twins(NETS["deep"])
    for size in ((33, 30), (9, 9), (40, 40)):
        x = torch.randn(1, 32, *size)
        assert differ(net(x=x), literal(x=x)) < 1e-5


def test_gradients_take_the_direct_sum():
    net, literal = twins(NETS["folded"])
    x = torch.randn(net.shapes["x"])
    mine, theirs = (x.clone().requires_grad_() for _ in range(2))
    net(x=mine)["y"].square().sum().backward()
    literal(x=theirs)["y"].square().sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-5 * float(theirs.grad.abs().max()))


def test_it_follows_a_change_of_the_weights():
    net, literal = twins(NETS["folded"])
    x = torch.randn(net.shapes["x"])
    net(x=x)
    with torch.no_grad():
        for each in (net, literal):
            each.params["y"][0].mul_(1.5)
            each.params["y"][1].data[:] = 0.25
            each.refresh()
    assert differ(net(x=x), literal(x=x)) < 1e-5


def test_the_packed_weights_are_counted():
    net = Net(NETS["plain"])
    assert net.memory("x").packed == 4 * 4 * net.params["y"][0].numel()
    net.reshape(x=(1, 32, 9, 9))
    assert net.memory("x").packed == 4 * net.params["y"][0].numel()
