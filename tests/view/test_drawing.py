from full_nets import ROOT, variables
from view_nets import LENET, MASKS

from segaware_caffe import Net
from segaware_caffe.view.drawing import GROUPS, MANY, drawings, fold


def test_in_place_layers_share_a_box_and_splits_have_none():
    net = Net(MASKS)
    assert [node.type for node in net.graph.nodes].count("Split") == 3
    boxes, edges = fold(net)
    assert [[layer.name for layer in box.layers] for box in boxes] == [
        ["data"], ["emb"], ["dist"], ["weighted"], ["mask"], ["norm", "relu"], ["crf"],
    ]  # fmt: skip
    assert sorted(edges) == [(0, 1), (0, 5), (1, 2), (1, 5), (1, 6), (2, 3), (3, 4), (5, 6)]


def test_a_small_net_is_one_drawing():
    (drawing,) = drawings(Net(LENET)).values()
    assert [box["title"] for box in drawing["boxes"]] == ["data", "conv1", "pool1", "conv2", "pool2", "ip1", "ip2", "prob"]
    assert drawing["boxes"][5]["layers"] == [5, 6] and "group" not in drawing["boxes"][5]


def test_a_large_net_is_drawn_in_groups_that_hold_every_layer():
    net = Net(ROOT / "configs" / "vgg" / "deploy.prototxt", variables=variables(65))
    assert len(fold(net)[0]) > MANY
    found = drawings(net)
    assert len(found[""]["boxes"]) <= GROUPS
    assert sorted(layer for box in found[""]["boxes"] for layer in box["layers"]) == list(range(len(net.proto.layer)))
    for box in found[""]["boxes"]:
        if "group" in box:
            inside = {layer for each in found[box["group"]]["boxes"] if "group" not in each for layer in each["layers"]}
            assert set(box["layers"]) <= inside
