"""NaN, infinities, denormals and batches of none in the bottoms of every layer: it passes them on, says so, or is listed here."""

import math

import pytest
import torch
from layers.cases import CASES

from segaware_caffe import CaffeError, Net

#: bottoms, by their numbers, whose NaN reaches no top, and why
SWALLOWED = {
    "Accuracy": {0: "counts"},
    "ArgMax": {0: "gives places"},
    "BoxAnnotatorOHEM": {0: "looks at other bottoms", 1: "looks at other bottoms"},
    "ChannelReduce": {0: "takes the largest, as the reference compares"},
    "ContrastiveLoss": {2: "a label: not 0 is similar"},
    "Crop": {0: "cuts this place away", 1: "takes the shape alone"},
    "DetectionOutput": {1: "a score above no threshold"},
    "DistLoss": {1: "a label like no other"},
    "Filter": {1: "not 0 is chosen"},
    "Im2parity": {0: "a label like no other"},
    "L1Loss": {0: "left out of the sum, as a flow that is not known", 1: "left out of the sum, as a flow that is not known"},
    "MultinomialLogisticLoss": {0: "max(p, FLT_MIN), as the reference compares"},
    "Pooling": {0: "no largest, as the reference compares"},
    "PriorBox": {0: "takes the shape alone", 1: "takes the shape alone"},
    "ROIPooling": {0: "no largest, as the reference compares"},
    "SPP": {0: "no largest, as the reference compares"},
    "SegAccuracy": {0: "counts"},
    "Silence": {0: "has no top"},
    "Threshold": {0: "above no threshold"},
}


def outcome(name: str, bottoms: list[torch.Tensor]) -> str:
    """What a layer makes of bottoms: "says", "nan", "infinite" or "finite". Any other error is a failure."""
    torch.manual_seed(2)
    layer = CASES[name].layer(name)
    try:
        layer.top_shapes(*(tuple(bottom.shape) for bottom in bottoms))
        tops = layer(*bottoms)
    except CaffeError as error:
        assert f"({name})" in str(error)
        return "says"
    tops = [tops] if isinstance(tops, torch.Tensor) else list(tops or [])
    if any(top.isnan().any() for top in tops):
        return "nan"
    return "infinite" if any(top.isinf().any() for top in tops) else "finite"


def spoiled(name: str, index: int, value: float) -> list[torch.Tensor]:
    """The case's bottoms with `value` in the middle of one."""
    bottoms = CASES[name].bottom_values()
    bottoms[index].view(-1)[bottoms[index].numel() // 2] = value
    return bottoms


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.bottoms])
def test_what_is_not_finite(name):
    for index in range(len(CASES[name].bottoms)):
        found = outcome(name, spoiled(name, index, math.nan))
        if index in SWALLOWED.get(name, {}):
            assert found == "finite"
        else:
            assert found in ("nan", "says"), f"bottom {index}: {found}"
        for value in (math.inf, -math.inf):
            outcome(name, spoiled(name, index, value))
        if name != "Augmentation":  # it draws powers, which colours below 0 do not have
            assert outcome(name, spoiled(name, index, 1e-41)) in ("finite", "says")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.bottoms])
def test_a_batch_of_none(name):
    assert outcome(name, [bottom[:0] for bottom in CASES[name].bottom_values()]) in ("finite", "says")


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_relu_that_a_convolution_applies(kernel, value):
    """In TEST it may make 0 of NaN, and of nothing else; run literally the net keeps it."""
    torch.manual_seed(0)
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 1 dim: 32 dim: 40 dim: 40 }} }} }}
    layer {{ name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param {{ num_output: 32 kernel_size: {kernel} pad: {kernel // 2}
             weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "r" type: "ReLU" bottom: "c" top: "c" }}
    """
    literal, net = Net(text, passes=[]), Net(text)
    net.load_state_dict(literal.state_dict())
    image = torch.randn(1, 32, 40, 40)
    image[0, 3, 20, 20] = value
    expected, found = literal(x=image)["c"], net(x=image)["c"]
    lost = ~expected.isfinite()
    assert lost.any() and lost.sum() <= 32 * kernel**2
    torch.testing.assert_close(found[~lost], expected[~lost], rtol=1e-4, atol=1e-5)
    assert (found[lost].isnan() | (found[lost] == 0) | (found[lost] == math.inf)).all()
