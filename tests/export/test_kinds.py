"""Nets of many kinds in each format: the outputs, their names and their order are those of the net."""

import pytest
import torch
from export.kinds import NETS
from export.test_onnx import assert_same as assert_onnx_same
from export.test_source import assert_same as assert_source_same

import segaware_caffe
from segaware_caffe import Net

#: those with layers that plain PyTorch has no form for
ONLY_ONNX = ("SSD",)


def drawn(name: str) -> tuple[Net, dict[str, torch.Tensor]]:
    """The net, its statistics and slopes away from where the fillers leave them, and inputs."""
    torch.manual_seed(7)
    net = Net("".join(NETS[name]()))
    with torch.no_grad():
        for node in net.graph.nodes:
            if node.type in ("BatchNorm", "Scale"):
                for blob in net.params[node.name]:
                    blob.copy_(torch.rand(blob.shape) + 0.5)
    net.refresh()
    inputs = {name: torch.randn(net.shapes[name]) for name in net.inputs}
    inputs |= {name: (torch.rand(net.shapes[name]) * 2).floor() for name in ("label", "words", "cont") if name in inputs}
    return net, inputs


def without_states(net: Net) -> Net:
    for layer in net.layers:
        for state in layer.buffers(recurse=False):
            state.zero_()
    return net


@pytest.mark.parametrize("name", NETS)
def test_onnx(name, tmp_path):
    net, inputs = drawn(name)
    segaware_caffe.export_onnx(net, tmp_path / "net.onnx")
    assert_onnx_same(net, tmp_path / "net.onnx", inputs)


@pytest.mark.parametrize("name", [name for name in NETS if name not in ONLY_ONNX])
def test_source(name, tmp_path):
    net, inputs = drawn(name)
    segaware_caffe.export_source(net, tmp_path / "net.py")
    assert_source_same(net, tmp_path / "net.py", inputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETS if name not in ONLY_ONNX])
def test_program(name, tmp_path):
    net, inputs = drawn(name)
    segaware_caffe.export_program(net, tmp_path / "net.pt2")
    program = torch.export.load(tmp_path / "net.pt2")
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    found = program.module()(*(inputs[name] for name in names))
    expected = [value for name, value in without_states(net)(**inputs).items() if name not in inputs]
    for value, other in zip(expected, [found] if isinstance(found, torch.Tensor) else found, strict=True):
        torch.testing.assert_close(other, value, rtol=1e-5, atol=1e-5 * max(1.0, value.abs().max().item()))
