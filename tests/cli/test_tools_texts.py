"""upgrade_*_proto_*, draw_net, parse_log, and the flags and variables by which glog is told what to write."""

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from segaware_caffe import cli
from segaware_caffe.cli import caffe
from segaware_caffe.pycaffe import draw
from segaware_caffe.pycaffe.proto import caffe_pb2
from segaware_caffe.schema import parse_text, read_binary, read_net, upgrade_net, write_binary

V1 = """name: "old" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 2 kernel_size: 3 } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "conv" top: "loss" include { phase: TRAIN } }
layers { name: "pool" type: POOLING bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 2 } }
"""


@pytest.fixture
def old(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("old.prototxt").write_text(V1)
    return tmp_path


# -- upgrades ------------------------------------------------------------------------------


@pytest.mark.parametrize("main", [cli.main, caffe.main])
def test_a_net_is_upgraded_once(old, capsys, main):
    assert main(["upgrade_net_proto_text", "old.prototxt", "new.prototxt"]) == 0
    said = capsys.readouterr().err
    assert "] Wrote upgraded NetParameter text proto to new.prototxt" in said and "already" not in said
    new = parse_text(Path("new.prototxt").read_text(), "NetParameter")
    assert [layer.type for layer in new.layer] == ["Input", "Convolution", "ReLU", "SoftmaxWithLoss", "Pooling"] and not new.layers
    assert new == read_net("old.prototxt")
    assert main(["upgrade_net_proto_text", "new.prototxt", "again.prototxt"]) == 0
    assert "] File already in latest proto format: new.prototxt" in capsys.readouterr().err
    assert Path("again.prototxt").read_text() == Path("new.prototxt").read_text()


def test_a_binary_net_is_upgraded_with_its_weights(old, capsys):
    net = parse_text(V1, "NetParameter")
    net.layers[0].blobs.add(num=1, channels=1, height=1, width=2, data=[0.5, 0.25])
    Path("old.caffemodel").write_bytes(write_binary(net))
    assert cli.main(["upgrade_net_proto_binary", "old.caffemodel", "new.caffemodel"]) == 0
    upgrade_net(net)
    assert read_binary(Path("new.caffemodel").read_bytes(), "NetParameter") == net and len(net.layer[1].blobs[0].data) == 2
    assert "Wrote upgraded NetParameter binary proto to new.caffemodel" in capsys.readouterr().err


def test_a_solver_is_upgraded(old, capsys):
    Path("old_solver.prototxt").write_text('net: "old.prototxt" solver_type: NESTEROV base_lr: 0.1')
    assert cli.main(["upgrade_solver_proto_text", "old_solver.prototxt", "solver.prototxt"]) == 0
    assert Path("solver.prototxt").read_text() == 'base_lr: 0.1\nnet: "old.prototxt"\ntype: "Nesterov"\n'
    assert "Wrote upgraded SolverParameter text proto to solver.prototxt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["upgrade_net_proto_text", "old.prototxt"], 1, "usage: upgrade_net_proto_text v0_net_proto_file_in net_proto_file_out"),
        (["upgrade_net_proto_text", "missing", "new"], 2, "missing"),
        (["upgrade_net_proto_binary", "old.prototxt", "new"], 2, "Not a binary NetParameter"),
        (["upgrade_solver_proto_text", "old.prototxt", "new"], 2, "old.prototxt:1"),
        (["draw_net", "--phase", "BOTH", "old.prototxt", "x.dot"], 2, "--phase BOTH: it is ALL, TRAIN, TEST"),
        (["draw_net", "--rankdir=UP", "old.prototxt", "x.dot"], 2, "--rankdir UP: it is TB, BT, LR or RL"),
        (["parse_log", "old.prototxt", "."], 2, "no outputs of a training run"),
        (["parse_log", "--delimiter=::", "old.prototxt", "."], 2, "--delimiter '::': it is one character"),
        (["parse_log", "missing.log", "."], 2, "missing.log: cannot be read"),
    ],
)
def test_mistakes(old, capsys, words, status, said):
    assert cli.main(words) == status
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in old.iterdir()) == ["old.prototxt"]


# -- draw_net ------------------------------------------------------------------------------


def test_the_graph_of_a_net(old, capsys):
    assert cli.main(["draw_net", "--rankdir", "TB", "--phase=TEST", "old.prototxt", "net.dot"]) == 0
    assert capsys.readouterr().out == "Drawing net to net.dot\n"
    text = Path("net.dot").read_text()
    assert "rankdir=TB" in text and 'label="conv (Convolution) kernel size: 3 stride: 1 pad: 0"' in text
    assert "(AVE Pooling)" in text and "loss_SoftmaxWithLoss" not in text
    assert text.count("->") == 2 * 4 - 1, "each layer but the input has one bottom and one top"
    assert cli.main(["draw_net", "--display_lrm", "old.prototxt", "all.dot"]) == 0 and "lr mult: 1.0, 2.0" in Path("all.dot").read_text()
    assert "loss_SoftmaxWithLoss" in Path("all.dot").read_text()


def test_the_functions_of_draw():
    net = text_format.Merge(write_text_of(V1), caffe_pb2.NetParameter())
    assert draw.get_pooling_types_dict()[1] == "AVE"
    assert [draw.get_edge_label(layer) for layer in net.layer[1:3]] == ["2", '""']
    assert draw.get_layer_label(net.layer[1], "LR") == '"conv\\n(Convolution)\\nkernel size: 3\\nstride: 1\\npad: 0"'
    assert draw.get_layer_label(net.layer[1], "TB", display_lrm=True).endswith('pad: 0 lr mult: 1.0, 2.0"')
    with pytest.raises(ValueError, match="ReLU layers do not have a learning rate multiplier"):
        draw.get_layer_lr_mult(net.layer[2])
    assert draw.choose_color_by_layertype("Convolution") == "#FF5050" and draw.choose_color_by_layertype("X") == "#6495ED"
    assert len(draw.get_pydot_graph(net, "LR").get_nodes()) == 5 + 4
    assert b"digraph" in draw.draw_net(net, "LR", "dot")


def write_text_of(text: str) -> str:
    from segaware_caffe.schema import write_text

    return write_text(read_net(text))


def test_pictures_need_graphviz(old, capsys, monkeypatch):
    if shutil.which("dot"):
        assert cli.main(["draw_net", "old.prototxt", "net.png"]) == 0
        assert Path("net.png").read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["draw_net", "old.prototxt", "no.svg"]) == 2
    assert "a net as svg needs Graphviz" in capsys.readouterr().err and not Path("no.svg").exists()


# -- parse_log -----------------------------------------------------------------------------

LOG = """\
I1231 23:59:58.000000  1 solver.cpp:45] Initializing solver from parameters:
I1231 23:59:58.500000  1 solver.cpp:279] Solving net
I1231 23:59:58.500000  1 solver.cpp:337] Iteration 0, Testing net (#0)
I1231 23:59:58.750000  1 solver.cpp:404]     Test net output #0: accuracy = 0.5
I1231 23:59:58.750000  1 solver.cpp:404]     Test net output #1: loss = 1.5 (* 1 = 1.5 loss)
I1231 23:59:59.000000  1 solver.cpp:228] Iteration 0 (0 iter/s, 0.5s/10 iters), loss = 1.5
I1231 23:59:59.000000  1 solver.cpp:244]     Train net output #0: loss = 1.5 (* 1 = 1.5 loss)
I1231 23:59:59.000000  1 sgd_solver.cpp:106] Iteration 0, lr = 0.1
I0101 00:00:01.500000  1 solver.cpp:228] Iteration 10 (4 iter/s, 2.5s/10 iters), loss = 1e-05
I0101 00:00:01.500000  1 solver.cpp:244]     Train net output #0: loss = 1e-05 (* 1 = 1e-05 loss)
I0101 00:00:01.500000  1 sgd_solver.cpp:106] Iteration 10, lr = 0.05
I0101 00:00:02.500000  1 solver.cpp:337] Iteration 20, Testing net (#0)
I0101 00:00:02.500000  1 solver.cpp:404]     Test net output #0: accuracy = 0.75
I0101 00:00:02.500000  1 solver.cpp:404]     Test net output #1: loss = nan (* 1 = nan loss)
"""
TABLES = {
    "train": ["NumIters,Seconds,LearningRate,loss", "0.0,0.5,0.1,1.5", "10.0,3.0,0.1,1e-05"],
    "test": ["NumIters,Seconds,LearningRate,accuracy,loss", "0.0,0.25,0.05,0.5,1.5", "20.0,4.0,0.05,0.75,nan"],
}


def test_a_log_as_tables(tmp_path, capsys):
    """The rates are those that Caffe's parse_log.py gives: the last one printed before the row."""
    (tmp_path / "run.log").write_text(LOG)
    assert cli.main(["parse_log", "--verbose", str(tmp_path / "run.log"), str(tmp_path)]) == 0
    for kind, lines in TABLES.items():
        assert (tmp_path / f"run.log.{kind}").read_text().splitlines() == lines
    assert capsys.readouterr().out.count("NumIters") == 4
    assert cli.main(["parse_log", str(tmp_path / "run.log"), str(tmp_path), "--delimiter", ";"]) == 0
    assert (tmp_path / "run.log.train").read_text().splitlines()[1] == "0.0;0.5;0.1;1.5"


def test_our_own_log_as_tables(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(
        'layer { name: "d" type: "DummyData" top: "x" top: "t" dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 }'
        ' data_filler { type: "constant" value: 0.5 } } }'
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }'
        'layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }'
    )
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 6 display: 2 test_iter: 1 test_interval: 3 solver_mode: CPU'
    )
    assert caffe.main(["train", "-solver", "solver.prototxt"]) == 0
    Path("train.log").write_text(log := capfd.readouterr().err)
    assert log.count(" iter/s, ") == 3
    assert cli.main(["parse_log", "train.log", "."]) == 0
    with open("train.log.train") as train, open("train.log.test") as test:
        rows, tests = list(csv.DictReader(train)), list(csv.DictReader(test))
    assert [float(row["NumIters"]) for row in rows] == [0, 2, 4] and [float(row["NumIters"]) for row in tests] == [0, 3, 6]
    assert all(float(row["LearningRate"]) == np.float32(0.1) or math.isclose(float(row["LearningRate"]), 0.1) for row in rows + tests)
    assert float(rows[0]["loss"]) == pytest.approx(0.25), "zero against 0.5, two of them, halved"


# -- glog ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "said"), [("0", True), ("1", False), ("3", False), ("", True), ("x", True)])
def test_the_least_severity(old, capsys, monkeypatch, level, said):
    monkeypatch.setenv("GLOG_minloglevel", level)
    assert caffe.main(["upgrade_net_proto_text", "old.prototxt", "new.prototxt"]) == 0
    assert ("Wrote upgraded" in capsys.readouterr().err) is said


def test_flags_for_the_log(old, capsys, monkeypatch):
    for name in ("GLOG_minloglevel", "GLOG_logtostderr", "GLOG_log_dir"):
        monkeypatch.setenv(name, "")  # what a flag sets is undone
    assert cli.main(["upgrade_net_proto_text", "-minloglevel=1", "old.prototxt", "new.prototxt"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("GLOG_minloglevel", "")
    arguments = ["upgrade_net_proto_text", "old.prototxt", "new.prototxt", "--log_dir", "logs"]
    assert cli.main([*arguments, "--logtostderr"]) == 0 and not Path("logs").exists()
    monkeypatch.setenv("GLOG_logtostderr", "0")
    assert cli.main(arguments) == 0 and any(".INFO" in path.name for path in Path("logs").iterdir())


@pytest.mark.parametrize(("words", "program"), [(["-version"], "caffe"), (["parse_log", "--version"], "parse_log")])
def test_version(capsys, words, program):
    assert caffe.main(words) == 0
    assert capsys.readouterr().out.startswith(f"{program} version 1.0.0")


def test_device_query_says_where_nets_run(capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert caffe.main(["device_query"]) == 0 and "nets run on the CPU" in capsys.readouterr().err
    assert caffe.main(["device_query", "-gpu", "0"]) == 2


def test_usage_names_the_tools(capsys):
    assert caffe.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in cli.TOOLS)
