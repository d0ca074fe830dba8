import numpy as np
import torch
from view_nets import LENET

from segaware_caffe import Net
from segaware_caffe.view import compare_nets, compare_weights


def test_nets_that_differ_in_fields_shapes_and_layers():
    other = LENET.replace("num_output: 20", "num_output: 21").replace('"relu1" type: "ReLU"', '"tanh1" type: "TanH"')
    found = compare_nets(Net(LENET), Net(other), "other")
    assert [(row["layer"], row["what"]) for row in found["rows"]] == [
        ("relu1", "only in this net"),
        ("tanh1", "only in other"),
        ("conv1", "fields: - num_output: 20; + num_output: 21"),
        ("conv1", "tops: 64×20×24×24 here, 64×21×24×24 in other"),
        ("pool1", "tops: 64×20×12×12 here, 64×21×12×12 in other"),
    ]
    assert found["summary"] == "6 of 9 layers are the same in other"


def test_a_net_and_itself():
    assert compare_nets(Net(LENET), Net(LENET), "itself")["rows"] == []


def test_weights_that_differ_in_one_element(tmp_path):
    net = Net(LENET)
    net.save(tmp_path / "a.caffemodel")
    with torch.no_grad():
        net.params["conv2"][1][3] += 0.25
    net.save(tmp_path / "b.caffemodel")
    (row,) = compare_weights(tmp_path / "a.caffemodel", tmp_path / "b.caffemodel")["rows"]
    assert row["layer"] == "conv2" and row["what"].startswith("blob 1 differs by at most 0.25 ")
    assert np.isclose(float(row["what"].split()[6]), 0.25)
