"""Wiring: splits, in-place layers, duplicate names, and the errors of a graph that cannot be (spec/pipeline.md 2.2, 2.3)."""

import pytest

from segaware_caffe import CaffeError, Net, read_net
from segaware_caffe.net.insert_splits import insert_splits

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } } }\n'


def power(name: str, bottom: str, top: str, extra: str = "") -> str:
    return f'layer {{ name: "{name}" type: "Power" bottom: "{bottom}" top: "{top}" {extra} }}\n'


def layers(text: str) -> list[tuple[str, list[str], list[str]]]:
    return [(layer.name, list(layer.bottom), list(layer.top)) for layer in insert_splits(read_net(text)).layer]


def test_a_blob_with_two_readers_is_split_after_its_producer():
    assert layers(INPUT + power("a", "x", "a") + power("b", "x", "b")) == [
        ("in", [], ["x"]),
        ("x_in_0_split", ["x"], ["x_in_0_split_0", "x_in_0_split_1"]),
        ("a", ["x_in_0_split_0"], ["a"]),
        ("b", ["x_in_0_split_1"], ["b"]),
    ]


def test_the_split_is_called_after_the_last_in_place_producer():
    text = INPUT + power("p", "x", "y") + power("q", "y", "y") + power("a", "y", "a") + power("b", "y", "b")
    assert [name for name, _, _ in layers(text)] == ["in", "p", "q", "y_q_0_split", "a", "b"]


def test_a_legacy_input_takes_part_as_layer_input():
    text = 'input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4\n' + power("a", "x", "a") + power("b", "x", "b")
    assert [name for name, _, _ in layers(text)] == ["input", "x_input_0_split", "a", "b"]


def test_an_explicit_loss_weight_counts_as_a_reader_and_moves_to_the_split():
    net = insert_splits(read_net(INPUT + power("p", "x", "y", "loss_weight: 3") + power("a", "y", "a")))
    assert [(layer.name, list(layer.loss_weight)) for layer in net.layer] == [
        ("in", []), ("p", [0]), ("y_p_0_split", [3, 0]), ("a", []),
    ]  # fmt: skip
    assert list(net.layer[3].bottom) == ["y_p_0_split_1"]


def test_splits_add_nothing_where_every_blob_has_one_reader():
    net = read_net(INPUT + power("a", "x", "a") + power("b", "a", "b"))
    assert insert_splits(net) == net


def test_outputs_are_the_unread_blobs_in_the_order_of_their_names():
    net = Net(INPUT + power("p", "x", "zebra") + power("q", "x", "Ant") + power("r", "x", "bee"))
    assert net.outputs == ["Ant", "bee", "zebra"]
    assert net.inputs == ["x"]


def test_layers_may_share_a_name_and_each_runs():
    net = Net(INPUT + power("twin", "x", "a", "power_param { scale: 2 }") + power("twin", "x", "b", "power_param { scale: 3 }"))
    blobs = net(x=[[[[1.0]]]])
    assert float(blobs["a"]) == 2 and float(blobs["b"]) == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (power("a", "nowhere", "a"), "Unknown bottom blob 'nowhere' (layer 'a', bottom index 0): no layer makes that blob"),
        (INPUT.replace('"x"', '"data"') + power("a", "dta", "a"), "did you mean 'data'?"),
        (power("a", "b", "a") + power("b", "a", "b"), "first made by layer 'b', which does not come before; a layer must follow"),
        (INPUT + power("a", "x", "y") + power("b", "x", "y"), "Top blob 'y' produced by multiple sources: by layer 'a' and by layer 'b'"),
        (INPUT + power("a", "x", "y") + power("b", "x", "x"), "Top blob 'x' produced by multiple sources"),
        (INPUT + power("a", "x", "a") + 'layer { name: "c" type: "Power" top: "c" }', "Power Layer takes 1 bottom blob(s) as input"),
        (INPUT + power("a", "x", "a", "loss_weight: 1 loss_weight: 2"), "loss_weight must be unspecified or specified once per top blob"),
        (INPUT + power("a", "x", "a", "param { lr_mult: 1 }"), "Too many params specified for layer a"),
    ],
    ids=["unknown", "misspelt", "cycle", "two writers", "late in-place", "no bottom", "loss weights", "params"],
)
def test_an_impossible_graph_is_one_clear_sentence(text, sentence):
    with pytest.raises(CaffeError) as error:
        Net(text)
    assert sentence in str(error.value)


def test_all_unsupported_layers_are_named_at_once_with_the_nearest_types_and_the_way_out():
    text = INPUT + 'layer { name: "p" type: "Powr" bottom: "x" top: "y" } layer { name: "q" type: "ReLu" bottom: "y" top: "z" }'
    with pytest.raises(CaffeError) as error:
        Net(text)
    message = str(error.value)
    assert "Unknown layer type: Powr (did you mean Power" in message
    assert "Unknown layer type: ReLu (did you mean ReLU" in message
    assert "segaware_caffe.register" in message
