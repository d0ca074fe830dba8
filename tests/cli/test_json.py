"""What `--json FILE` writes, whichever subcommand it is."""

import json

import pytest

from segaware_caffe import CaffeError, cli
from segaware_caffe.cli.common import write_json
from segaware_caffe.schema import NetParameter, write_binary


def test_a_file_is_written_whole_and_what_is_no_number_is_null(tmp_path):
    write_json(str(tmp_path / "a.json"), {"iou": [0.5, float("nan")], "name": "val"})
    assert json.loads((tmp_path / "a.json").read_text()) == {"iou": [0.5, None], "name": "val"}


def test_a_dash_prints_it(capsys):
    write_json("-", [1, 2])
    assert json.loads(capsys.readouterr().out) == [1, 2]


AVERAGED = """
layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 2 } data_filler { value: 3 } } }
layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }
layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } loss_weight: 0.5 }
"""


def test_the_means_of_test(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(AVERAGED)
    (tmp_path / "none.caffemodel").write_bytes(write_binary(NetParameter(layer=[{"name": "other"}])))
    args = ["test", "--model", str(tmp_path / "net.prototxt"), "--weights", str(tmp_path / "none.caffemodel"), "--iterations", "2"]
    assert cli.main([*args, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "iterations": 2,
        "loss": 6.0,
        "outputs": {"flat": {"values": [3.0, 3.0], "loss_weight": 0.0}, "twice": {"values": [6.0, 6.0], "loss_weight": 0.5}},
    }


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(CaffeError, match="cannot be written"):
        write_json(str(tmp_path / "missing" / "a.json"), {})
