"""Programs of torch.export: the net's numbers, for other sizes too, in a process that does not know this package."""

import subprocess
import sys

import pytest
import torch

import segaware_caffe
from segaware_caffe import CaffeError, Net
from segaware_caffe.cli import main
from segaware_caffe.models import CAMVID_PLAIN, CAMVID_SEGAWARE

ALONE = """
import sys, torch
program, tensors = torch.export.load(sys.argv[1]).module(), torch.load(sys.argv[2])
for inputs, expected in tensors:
    found = program(*inputs)
    for a, b in zip([found] if isinstance(found, torch.Tensor) else found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5 * b.abs().max().item())
assert not any(name.startswith("segaware_caffe") for name in sys.modules)
"""

CONVOLUTION = """
    input: "data" input_shape { dim: 1 dim: 3 dim: 9 dim: 11 }
    layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3
            weight_filler { type: "xavier" } } }
    layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 3 stride: 2 pad: 1 } }
    layer { name: "r" type: "ReLU" bottom: "p" top: "p" }
"""
DENSE = """
    layer { name: "ip" type: "InnerProduct" bottom: "p" top: "ip" inner_product_param { num_output: 5
            weight_filler { type: "xavier" } } }
"""
LSTM = """
    input: "x" input_shape { dim: 3 dim: 2 dim: 4 } input: "cont" input_shape { dim: 3 dim: 2 }
    layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" top: "y" recurrent_param { num_output: 4
            weight_filler { type: "uniform" min: -1 max: 1 } } }
"""


def assert_runs_alone(net: Net, path, *shapes: dict[str, tuple[int, ...]]) -> None:
    """The program at `path` gives the net's outputs for inputs of these shapes, in a process of its own."""
    tensors = []
    for given in shapes:
        inputs = {name: torch.rand(shape) for name, shape in given.items()}
        tensors.append((list(inputs.values()), [value.detach().clone() for value in net(**inputs).values()]))
        for layer in net.layers:  # a carried state starts anew in the program
            for state in layer.buffers(recurse=False):
                state.zero_()
    torch.save(tensors, path.with_suffix(".inputs"))
    subprocess.run([sys.executable, "-c", ALONE, str(path), str(path.with_suffix(".inputs"))], check=True, cwd=path.parent)


def test_sizes_that_may_change(tmp_path):
    net = Net(CONVOLUTION)
    segaware_caffe.export_program(net, tmp_path / "net.pt2")
    assert_runs_alone(net, tmp_path / "net.pt2", {"data": (1, 3, 9, 11)}, {"data": (4, 3, 32, 17)})


def test_sizes_that_may_not(tmp_path):
    net = Net(CONVOLUTION + DENSE)
    segaware_caffe.export_program(net, tmp_path / "net.pt2")
    assert_runs_alone(net, tmp_path / "net.pt2", {"data": (3, 3, 9, 11)})
    program = segaware_caffe.export_program(net, tmp_path / "net.pt2", dynamic=())
    assert not program.range_constraints


@pytest.mark.parametrize("first", ["c", "data"])
def test_normalisation_is_folded_into_convolutions(first, tmp_path):
    """Where there is one; else factor and offset are one step."""
    net = Net(
        CONVOLUTION
        + f"""
        layer {{ name: "bn" type: "BatchNorm" bottom: "{first}" top: "n" }}
        layer {{ name: "s" type: "Scale" bottom: "n" top: "n" scale_param {{ bias_term: true filler {{ type: "uniform" min: 0.5 max: 2 }}
                bias_filler {{ type: "uniform" }} }} }}"""
    )
    with torch.no_grad():
        for blob, value in zip(net.params["bn"], (3.0, 60.0, 40.0), strict=True):
            blob.fill_(value)
    path = tmp_path / "net.pt2"
    for fold, normalisations in ((False, 1), (True, 0)):
        program = segaware_caffe.export_program(net, path, outputs=["n"], fold=fold)
        assert sum("batch_norm" in str(node.target) for node in program.graph.nodes) == normalisations
        image = torch.rand(2, 3, 13, 12)
        torch.testing.assert_close(torch.export.load(path).module()(image), net(image, keep=["n"])["n"])


def test_recurrence(tmp_path):
    net = Net(LSTM)
    segaware_caffe.export_program(net, tmp_path / "net.pt2")
    assert_runs_alone(net, tmp_path / "net.pt2", {"x": (3, 2, 4), "cont": (3, 2)})


@pytest.mark.slow
@pytest.mark.parametrize("model", [CAMVID_PLAIN, CAMVID_SEGAWARE], ids=lambda m: m.name)
def test_shipped_networks(model, tmp_path):
    net = Net(model.prototxt, weights=model.weights)
    segaware_caffe.export_program(net, tmp_path / "net.pt2")
    assert_runs_alone(net, tmp_path / "net.pt2", {"data": (1, 3, 97, 129)}, {"data": (2, 3, 129, 97)})


def test_command_and_what_has_no_form(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(CONVOLUTION)
    arguments = [str(tmp_path / "net.prototxt"), "--output", str(tmp_path / "net.pt2"), "--static"]
    assert main(["export", *arguments]) == 0
    assert main(["export", *arguments[:-2], str(tmp_path / "net.py"), "--no-fold"]) == 2
    assert "fold has no meaning for .py" in capsys.readouterr().err
    net = Net('layer { name: "d" type: "DummyData" top: "y" dummy_data_param { shape { dim: 2 } } }')
    with pytest.raises(CaffeError, match="layer 'd' \\(DummyData\\) makes numbers of its own"):
        segaware_caffe.export_program(net, tmp_path / "other.pt2")
    assert not (tmp_path / "other.pt2").exists()
