"""Bad input to the whole way: one clear sentence, nothing half done, no storm of memory."""

import tracemalloc

import numpy as np
import pytest
import torch

from segaware_caffe import CaffeError, Net

INPUT = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n'
DUMMY = 'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 100000 dim: 100000 } } }'
TILE = 'layer { name: "t" type: "Tile" bottom: "data" top: "t" tile_param { tiles: 100000000 } }'
INNER = 'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: %s } }'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (INPUT.replace("dim: 8", "dim: 1000000000"), "layer 'in' (Input): top would have shape"),
        (INPUT.replace("dim: 8", "dim: -8"), "must not be empty or negative"),
        (INPUT + INNER % 1000000000, "learned blob 0 would have shape 1000000000 192"),
        (INPUT + INNER % 4294967295, "learned blob 0 would have shape 4294967295 192"),
        (DUMMY, "layer 'd' (DummyData): top would have shape"),
        (INPUT + TILE, "layer 't' (Tile): top would have shape"),
        (INPUT + 'layer { name: "i" type: "Interp" bottom: "data" top: "i" interp_param { zoom_factor: 1000000 } }', "layer 'i' (Interp)"),
        ("layer {" * 10000, "nest"),
        (INPUT + 'layer { name: "p" tpye: "Power" }', 'did you mean "type"'),
    ],
    ids=["1e9", "negative", "weights", "uint32", "dummy", "tile", "zoom", "braces", "typo"],
)
def test_a_hostile_prototxt_costs_a_sentence(text, sentence):
    tracemalloc.start()
    with pytest.raises(CaffeError) as error:
        Net(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sentence.lower() in str(error.value).lower()
    assert len(str(error.value)) < 2000
    assert peak < 20e6


def net_and_weights(tmp_path, outputs=4):
    net = Net(INPUT + INNER % outputs)
    path = tmp_path / f"net{outputs}.caffemodel"
    net.save(path)
    return net, path


def test_weights_of_another_shape_name_both_and_change_nothing(tmp_path):
    net, _ = net_and_weights(tmp_path)
    _, other = net_and_weights(tmp_path, outputs=5)
    before = [blob.clone() for blob in net.params["fc"]]
    with pytest.raises(CaffeError) as error:
        net.load_weights(other)
    assert "Source param shape is 5 192 (960); target param shape is 4 192 (768)" in str(error.value)
    assert all(torch.equal(a, b) for a, b in zip(before, net.params["fc"], strict=True))


def test_weights_of_another_net_are_refused(tmp_path):
    _, path = net_and_weights(tmp_path)
    with pytest.raises(CaffeError, match="another net"):
        Net(INPUT + (INNER % 4).replace('"fc"', '"head"'), weights=path)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "lying length"])
def test_a_damaged_caffemodel_is_an_error_or_loads(tmp_path, damage):
    net, path = net_and_weights(tmp_path)
    content = path.read_bytes()
    rng = np.random.RandomState(0)
    for _ in range(60):
        broken = bytearray(content)
        position = rng.randint(len(content) if damage != "lying length" else 60)
        if damage == "truncated":
            del broken[position:]
        elif damage == "flipped":
            broken[position] ^= 1 << rng.randint(8)
        else:
            broken[position : position + 1] = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
        path.write_bytes(broken)
        try:
            net.load_weights(path)
        except CaffeError as error:
            assert str(path) in str(error)
