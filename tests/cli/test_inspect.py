"""`segaware-caffe inspect --json`. (Its table: tests/cli/test_cli.py.)"""

import json

from segaware_caffe import Net, cli

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
"""


def test_json_has_layers_memory_and_what_a_file_would_load(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(NET)
    Net(NET).save(tmp_path / "net.caffemodel")
    options = ["--memory", "--weights", str(tmp_path / "net.caffemodel"), "--json", "-"]
    assert cli.main(["inspect", str(tmp_path / "net.prototxt"), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["layers"][1] == {
        "name": "c",
        "type": "Convolution",
        "bottoms": ["x"],
        "tops": [{"name": "c", "shape": [1, 4, 7, 7]}],
        "blobs": [[4, 3, 3, 3], [4]],
    }
    assert found["parameters"] == 112 and found["memory"]["learned"] == 4 * 112 and found["operations"] == 2 * 4 * 27 * 49
    assert found["load"]["loaded"] == ["c"] and not found["load"]["wrong"]
