import json
import re

import numpy as np
import pytest
import torch
from view_nets import LENET, MASKS

from segaware_caffe import CaffeError, Net
from segaware_caffe.cli import main
from segaware_caffe.view import write_page

PHOTOGRAPH = np.random.default_rng(1).integers(0, 256, (50, 60, 3)).astype(np.uint8)


def content(path):
    """The data in a page."""
    return json.loads(re.search(r'<script id="page" type="application/json">(.*?)</script>', path.read_text(), re.DOTALL)[1])


def test_layers_have_shapes_blobs_costs_and_their_lines(tmp_path):
    net = Net(MASKS)
    write_page(net, tmp_path / "net.html")
    page = content(tmp_path / "net.html")
    layers = {layer["name"]: layer for layer in page["layers"]}
    assert list(layers) == ["data", "emb", "dist", "weighted", "mask", "norm", "relu", "crf"]
    lines = page["text"].split("\n")
    for name, layer in layers.items():
        first, last = layer["lines"]
        assert lines[first - 1] == "layer {" and lines[last - 1] == "}" and lines[first] == f'  name: "{name}"'
    norm = layers["norm"]
    assert norm["bottoms"] == [{"name": "data", "shape": [1, 3, 33, 41]}, {"name": "emb", "shape": [1, 3, 33, 41]}]
    assert norm["tops"] == [{"name": "norm", "shape": [1, 4, 33, 41]}]
    assert [blob["count"] for blob in norm["blobs"]] == [108, 4, 1] and "histogram" not in norm["blobs"][0]
    assert norm["operations"] == 2 * 108 * 33 * 41
    assert layers["weighted"]["step"]["layers"] == ["weighted", "mask"] and layers["weighted"]["step"]["type"] == "AttentionMask"
    assert layers["mask"]["notes"][0].startswith("attention mask 'mask'")
    assert page["totals"]["parameters"] == sum(blob.tensor.numel() for blob in net.learned)


def test_steps_have_the_time_that_was_measured(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(MASKS)
    for words, is_there in (((), False), (("--time", "2"), True)):
        assert main(["view", str(tmp_path / "net.prototxt"), *words, "--output", str(tmp_path / "net.html")]) == 0
        steps = [layer["step"] for layer in content(tmp_path / "net.html")["layers"] if layer["step"]]
        assert steps and all((step["seconds"] or 0) > 0 for step in steps if step["type"] != "Input") == is_there


def test_blobs_of_a_file_have_statistics(tmp_path):
    net = Net(LENET)
    with torch.no_grad():
        net.params["ip2"][1].copy_(torch.arange(10.0))
        net.params["ip1"][1][:2] = torch.tensor([float("nan"), 3.0])
    net.save(tmp_path / "lenet.caffemodel")
    write_page(Net(LENET, weights=tmp_path / "lenet.caffemodel"), tmp_path / "net.html")
    layers = {layer["name"]: layer for layer in content(tmp_path / "net.html")["layers"]}
    bias = layers["ip2"]["blobs"][1]
    assert (bias["min"], bias["max"], bias["mean"], bias["zeros"], bias["not_finite"]) == (0, 9, 4.5, 1, 0)
    assert bias["std"] == pytest.approx(np.arange(10).std()) and sum(bias["histogram"]) == 10
    assert layers["ip1"]["blobs"][1]["not_finite"] == 1 and layers["ip1"]["blobs"][1]["max"] == 3


def test_a_photograph_gives_pictures_of_every_blob(tmp_path):
    write_page(Net(MASKS), tmp_path / "net.html", photograph=PHOTOGRAPH, classes=["a", "b", "c", "d"])
    photo = content(tmp_path / "net.html")["photograph"]
    assert set(photo["tiles"]) == {"emb/emb", "dist/dist", "weighted/weighted", "mask/mask", "norm/norm", "relu/norm", "crf/crf"}
    assert photo["tiles"]["emb/emb"]["colours"].startswith("data:image/webp;base64,")
    assert photo["tiles"]["mask/mask"]["channels"] == 16 and photo["tiles"]["relu/norm"]["min"] >= 0
    assert {key for key, tile in photo["tiles"].items() if "classes" in tile} == {"norm/norm", "relu/norm", "crf/crf"}
    assert photo["scores"]["classes"] == ["a", "b", "c", "d"] and next(window["name"] for window in photo["windows"]) == "mask"


def test_a_net_of_one_size_takes_a_grey_photograph_at_that_size(tmp_path):
    write_page(Net(LENET), tmp_path / "net.html", photograph=PHOTOGRAPH)
    photo = content(tmp_path / "net.html")["photograph"]
    assert (photo["height"], photo["width"], photo["windows"], photo["scores"]) == (28, 28, [], None)
    assert "prob/prob" in photo["tiles"] and "tiles" in photo["tiles"]["conv2/conv2"]


def test_names_cannot_end_the_script(tmp_path):
    write_page(Net(LENET.replace('"LeNet"', '"</script><b>"')), tmp_path / "net.html")
    assert (tmp_path / "net.html").read_text().count("</script>") == 2
    assert content(tmp_path / "net.html")["text"].startswith('name: "</script><b>"')


def test_a_net_without_an_image_input_says_so(tmp_path):
    net = Net('layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 7 } } }')
    with pytest.raises(CaffeError, match=r"no input for a photograph .* among data"):
        write_page(net, tmp_path / "net.html", photograph=PHOTOGRAPH)
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenet.prototxt").write_text(LENET)
    assert main(["view", "lenet.prototxt", "--shape", "data=2,1,28,28", "--compare", "lenet.prototxt"]) == 0
    assert capsys.readouterr().out.startswith("lenet.html: ")
    page = content(tmp_path / "lenet.html")
    assert page["layers"][0]["tops"][0]["shape"] == [2, 1, 28, 28] and page["comparison"]["title"] == "lenet.prototxt"
    assert main(["view", "lenet.prototxt", "--compare", "other.caffemodel"]) == 2
    assert "it is a weight file; give the one to compare it with by --weights" in capsys.readouterr().err
