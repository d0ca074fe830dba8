"""Learned blobs shared by name, and their multipliers (spec/pipeline.md 2.5)."""

import pytest
import torch

from segaware_caffe import CaffeError, Net

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 6 } } }\n'


def inner(name: str, params: str, bottom: str = "x", outputs: int = 6, extra: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {params}'
        f' inner_product_param {{ num_output: {outputs} bias_term: false weight_filler {{ type: "xavier" }} {extra} }} }}\n'
    )


def test_layers_that_name_a_blob_alike_share_the_tensor():
    net = Net(INPUT + inner("a", 'param { name: "w" }') + inner("b", 'param { name: "w" }', "a"))
    assert net.params["a"][0] is net.params["b"][0]
    assert len(net.learned) == 1
    assert list(net.state_dict()) == ["a.0", "b.0"]


def test_gradients_of_all_uses_add_up():
    net = Net(INPUT + inner("a", 'param { name: "w" }') + inner("b", 'param { name: "w" }'), "TRAIN")
    x = torch.randn(2, 6)
    blobs = net(x=x)
    (blobs["a"].sum() + 2 * blobs["b"].sum()).backward()
    torch.testing.assert_close(net.params["a"][0].grad, 3 * x.sum(0).expand(6, 6))


def test_permissive_sharing_needs_equal_counts_only():
    text = INPUT + inner("a", 'param { name: "w" }', outputs=4)
    text += 'layer { name: "s" type: "Slice" bottom: "x" top: "x1" top: "x2" slice_param { slice_point: 4 } }'
    text += inner("b", 'param { name: "w" share_mode: PERMISSIVE }', "x1", outputs=6)
    net = Net(text)
    assert net.params["b"][0].shape == (6, 4)
    net.params["b"][0].fill_(3)
    assert (net.params["a"][0] == 3).all()


@pytest.mark.parametrize(
    ("first", "second", "outputs", "sentence"),
    [
        ('param { name: "w" }', 'param { name: "w" }', 5, "Cannot share param 'w' owned by layer 'a' with layer 'b'; shape mismatch"),
        ('param { name: "w" }', 'param { name: "w" share_mode: PERMISSIVE }', 5, "count mismatch"),
        ('param { name: "w" lr_mult: 1 }', 'param { name: "w" lr_mult: 2 }', 6, "Shared param 'w' has mismatched lr_mult"),
        ('param { name: "w" decay_mult: 1 }', 'param { name: "w" decay_mult: 0 }', 6, "Shared param 'w' has mismatched decay_mult"),
    ],
)
def test_what_cannot_be_shared_says_why(first, second, outputs, sentence):
    with pytest.raises(CaffeError, match=sentence):
        Net(INPUT + inner("a", first) + inner("b", second, outputs=outputs))


def test_a_multiplier_that_only_a_later_use_states_is_adopted():
    net = Net(INPUT + inner("a", 'param { name: "w" }') + inner("b", 'param { name: "w" lr_mult: 3 decay_mult: 0 }'))
    assert (net.learned[0].lr_mult, net.learned[0].decay_mult) == (3, 0)


def test_own_lr_mult_0_stops_only_that_layers_gradient():
    net = Net(INPUT + inner("a", 'param { name: "w" lr_mult: 0 }') + inner("b", 'param { name: "w" }'), "TRAIN")
    assert net.learned[0].lr_mult == 0
    assert [layer.learns for layer in net.layers if layer.specs] == [[False], [True]]
