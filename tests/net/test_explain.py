"""What `Net.explain` says is true of the plan that runs, and differs where another plan runs."""

import pytest
import torch

from segaware_caffe import Net
from segaware_caffe.net.passes import prepack
from segaware_caffe.ops import native

INPUTS = """
layer { name: "in" type: "Input" top: "x" top: "emb" input_param {
  shape { dim: 1 dim: 32 dim: 33 dim: 33 } shape { dim: 1 dim: 8 dim: 33 dim: 33 } } }
"""
WINDOW = "convolution_param { kernel_size: 3 pad: 1 }"
MASKED = f"""
layer {{ name: "dist" type: "Im2dist" bottom: "emb" top: "dist" {WINDOW} }}
layer {{ name: "scale" type: "Scale" bottom: "dist" top: "scale" scale_param {{ num_axes: 0 filler {{ value: -0.4 }} }} }}
layer {{ name: "m" type: "Exp" bottom: "scale" top: "m" exp_param {{ scale: -1 }} }}
layer {{ name: "tile" type: "Tile" bottom: "m" top: "tile" tile_param {{ tiles: 32 }} }}
layer {{ name: "col" type: "Im2col" bottom: "x" top: "col" {WINDOW} }}
layer {{ name: "hit" type: "Eltwise" bottom: "col" bottom: "tile" top: "hit" eltwise_param {{ operation: PROD }} }}
layer {{ name: "y" type: "Convolution" bottom: "hit" top: "y"
  convolution_param {{ num_output: 32 kernel_size: 3 bottom_is_im2col: true }} }}
layer {{ name: "r" type: "ReLU" bottom: "y" top: "y" }}
"""
PLAIN = """
layer { name: "z" type: "Convolution" bottom: "y" top: "z" convolution_param { num_output: 32 kernel_size: 3 pad: 1 } }
"""

with_kernels = pytest.mark.skipif(native.library() is None, reason="the kernels were not built: no C++ compiler")


@pytest.fixture
def without_kernels(monkeypatch):
    monkeypatch.setattr(native, "load", lambda: "the compiled kernels were not built")


def steps(net: Net) -> list[list[str]]:
    return [list(cost.step.layers) for cost in net.costs()]


def test_every_step_of_several_layers_is_named_with_its_layers():
    net = Net(INPUTS + MASKED + PLAIN)
    text = net.explain()
    assert ["col", "tile", "hit", "y", "r"] in steps(net) and "one step: col, tile, hit, y, r" in text
    assert "one step: scale, m" in text
    assert text.count("one step: ") == sum(len(layers) > 1 for layers in steps(net))


@with_kernels
def test_with_the_kernels_nothing_falls_back():
    text = Net(INPUTS + MASKED + PLAIN).explain()
    assert "slower than it could be" not in text
    assert "1 3x3 convolutions take a quarter of the products, by Winograd's algorithm" in text


def test_without_the_kernels_it_says_which_steps_are_slower_and_why(without_kernels):
    text = Net(INPUTS + MASKED + PLAIN).explain()
    assert "slower than it could be: 'dist', 'y': the compiled kernels were not built" in text
    assert "3x3 convolutions that take all products: 'z': the compiled kernels were not built" in text


@pytest.mark.parametrize(
    ("convolution", "reason"),
    [
        ("num_output: 21 kernel_size: 3", "they have fewer than 32 channels"),
        ("num_output: 32 kernel_size: 3 stride: 2", "their stride is not 1"),
        ("num_output: 32 kernel_size: 3 group: 2", "they have groups"),
        ("num_output: 32 kernel_size: 3 dilation: 12 pad: 12", "most of the tiles lie beyond the image's edges"),
    ],
)
@with_kernels
def test_every_3x3_convolution_that_winograds_algorithm_leaves_has_a_reason(convolution, reason):
    text = INPUTS + MASKED + PLAIN.replace("num_output: 32 kernel_size: 3 pad: 1", convolution)
    assert f"3x3 convolutions that take all products: 'z': {reason}" in Net(text).explain()


@with_kernels
def test_it_follows_the_present_shapes():
    net = Net(INPUTS + MASKED + PLAIN)
    small = "'z': the image has fewer than 48 tiles of 4x4"
    assert small not in net.explain()
    net.reshape(x=(1, 32, 9, 9), emb=(1, 8, 9, 9))
    assert small in net.explain()
    net(x=torch.zeros(1, 32, 40, 40), emb=torch.zeros(1, 8, 40, 40))
    assert small not in net.explain()


def test_it_follows_type_and_phase(monkeypatch):
    net = Net(INPUTS + MASKED + PLAIN)
    assert "'z': they run on the CPU, in float32" in net.double().explain()
    assert (
        "weights of 1 convolutions are not packed: in TRAIN they change with every update"
        in Net(INPUTS + MASKED + PLAIN, "TRAIN").explain()
    )
    monkeypatch.setattr(prepack, "available", lambda: False)
    assert "are not packed: this PyTorch has no oneDNN operators" in Net(INPUTS + MASKED + PLAIN).explain()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("operation: PROD", "operation: PROD stable_prod_grad: false"), "stable_prod_grad of 'hit' is false"),
        (('top: "hit"', 'top: "hit" propagate_down: true propagate_down: false'), "it is not made by an Eltwise PROD of two bottoms"),
        (('bottom: "hit" top: "y"', 'bottom: "hit" top: "y" propagate_down: false'), "its gradient is cut"),
    ],
)
def test_a_pattern_that_is_not_fused_has_a_reason(change, reason):
    net = Net((INPUTS + MASKED + PLAIN).replace(*change))
    assert f"convolution 'y' reads a column matrix: {reason}" in net.explain()
    assert ["col"] in steps(net)
