"""`segaware-caffe time`: a row for every step that really runs, as a table and as JSON. (Its log: tests/solver/test_golden_logs.py.)"""

import json

import pytest
import torch

from segaware_caffe import Net, cli
from segaware_caffe.net.timing import timing

NET = """
name: "small"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
"""
LABELLED = NET + (
    'layer { name: "data" type: "DummyData" top: "label" dummy_data_param { shape { dim: 1 } } }\n'
    'layer { name: "f" type: "InnerProduct" bottom: "p" top: "f" inner_product_param { num_output: 5 } }\n'
    'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "f" bottom: "label" top: "loss" }\n'
)


@pytest.fixture
def command(tmp_path):
    def make(text: str, *args: object) -> list[str]:
        (tmp_path / "net.prototxt").write_text(text)
        return ["time", "--model", str(tmp_path / "net.prototxt"), "--iterations", "2", *map(str, args)]

    return make


def test_json_has_what_every_step_takes(command, capsys):
    assert cli.main(command(NET, "--phase", "TEST", "--json", "-")) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["steps"]
    assert first["layers"] == ["c", "r"] and first["operations"] == found["operations"] == 2 * 4 * 27 * 49
    assert first["moved_bytes"] == 4 * (243 + 196 + 4 * 27 + 4) and first["alive_bytes"] >= 4 * (243 + 196)
    assert first["share_of_peak"] == pytest.approx(first["operations"] / first["seconds"] / found["peak_operations_per_second"])
    assert second["layers"] == ["p"] and second["operations"] == 0 and second["moved_bytes"] == 4 * (196 + 64)
    assert [layer["name"] for layer in found["layers"]] == ["in", "c", "r", "p"]


def test_the_table_is_printed_where_json_goes_to_a_file(command, capsys, tmp_path):
    assert cli.main(command(NET, "--phase", "TEST", "--json", tmp_path / "time.json")) == 0
    header, row, *_, whole = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["layers", "step", "ms"] and row.startswith("c+r")
    assert whole.startswith("fused: ") and json.loads((tmp_path / "time.json").read_text())["steps"]


def test_in_train_data_layers_and_losses_have_rows_too():
    timed = timing(Net(LABELLED, "TRAIN"), 1)
    assert (timed.steps[0][0].step.name, timed.steps[-1][0].step.name) == ("data", "loss")
    assert timed.operations == 2 * 4 * 27 * 49 + 2 * 5 * 64


def test_the_steps_of_a_net_that_recomputes_have_costs_too():
    net, plain = Net(LABELLED, "TRAIN"), Net(LABELLED, "TRAIN")
    net.recompute = True
    assert [cost.step.layers for cost in net.costs(losses=True)] == [cost.step.layers for cost in plain.costs(losses=True)]


def test_profilers_see_the_names_of_layers():
    net = Net(NET)
    with torch.profiler.profile() as profile:
        net(x=torch.zeros(1, 3, 9, 9))
    assert {"c+r", "p"} <= {event.key for event in profile.key_averages()}
