"""Exported PyTorch source: it gives the net's numbers, without this package, formatted, and it trains."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from export.test_onnx import FILES, golden_net, parameters

import segaware_caffe
from segaware_caffe import CaffeError, Net
from segaware_caffe.cli import main
from segaware_caffe.export.source import CONVERTERS
from segaware_caffe.export.source.writer import identifier
from segaware_caffe.models import CAMVID_PLAIN, CAMVID_SEGAWARE

TYPES = CONVERTERS.coverage()


def loaded(path: Path):
    """The exported network, imported from its file."""
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(path.with_suffix(".safetensors"))


def assert_same(net: Net, path: Path, inputs: dict[str, torch.Tensor]) -> None:
    """The module returns the net's outputs in their order, to 1e-5 of their largest value."""
    model = loaded(path)
    fed = {identifier(name): value for name, value in inputs.items()}
    found = model(*(fed[name] for name in inspect.signature(model.forward).parameters))
    expected = [value for name, value in net(**inputs).items() if name not in net.inputs]
    for value, other in zip(expected, [found] if isinstance(found, torch.Tensor) else found, strict=True):
        assert value.shape == other.shape
        torch.testing.assert_close(other.isfinite(), value.isfinite())
        kept = value.isfinite()
        error = (other[kept].double() - value[kept]).abs().max().item() if kept.any() else 0
        assert error <= 1e-5 * max(1.0, value[kept].abs().max().item() if kept.any() else 0)


def exportable(file: Path) -> bool:
    net, _ = golden_net(file)
    return all(TYPES[node.type] in ("yes", "input") for node in net.graph.nodes)


@pytest.mark.parametrize("file", parameters(FILES))
def test_layers(file, tmp_path):
    net, inputs = golden_net(file)
    if not exportable(file):
        with pytest.raises(CaffeError, match="cannot be written as source"):
            segaware_caffe.export_source(net, tmp_path / "net.py")
        assert not list(tmp_path.iterdir())
        return
    try:
        segaware_caffe.export_source(net, tmp_path / "net.py")
    except CaffeError as error:  # some fields of a type that else is exported
        assert "cannot be written as source:\n  layer " in str(error)
        return
    assert_same(net, tmp_path / "net.py", inputs)


def test_coverage():
    assert not [name for name, reason in TYPES.items() if "unknown" in reason]
    assert sum(reason in ("yes", "input") for reason in TYPES.values()) >= 70


@pytest.mark.parametrize("model", [CAMVID_PLAIN, CAMVID_SEGAWARE], ids=lambda m: m.name)
def test_shipped_networks_any_size_formatted_without_this_package(model, tmp_path):
    net = Net(model.prototxt, weights=model.weights)
    text = segaware_caffe.export_source(net, tmp_path / "net.py")
    assert "segaware_caffe" not in text
    for size in ((97, 129), (129, 97)):
        assert_same(net, tmp_path / "net.py", {"data": torch.rand(1, 3, *size) * 255 - 110})
    style = ["--line-length", "120", str(tmp_path / "net.py")]
    assert subprocess.run([sys.executable, "-m", "ruff", "format", "--check", *style]).returncode == 0
    assert subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", *style]).returncode == 0


@pytest.mark.slow
def test_it_trains(tmp_path):
    net = Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)
    segaware_caffe.export_source(net, tmp_path / "net.py")
    model = loaded(tmp_path / "net.py").train()
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    image, labels = torch.rand(1, 3, 33, 33) * 100, torch.zeros(1, 33, 33, dtype=torch.long)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(image), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_names_that_python_has_already(tmp_path):
    net = Net("""
        name: "3 nets" input: "data" input_shape { dim: 1 dim: 2 }
        layer { name: "class" type: "InnerProduct" bottom: "data" top: "for" inner_product_param { num_output: 2
                weight_filler { type: "xavier" } } }
        layer { name: "torch" type: "ReLU" bottom: "for" top: "1/out" }
    """)
    segaware_caffe.export_source(net, tmp_path / "net.py")
    assert_same(net, tmp_path / "net.py", {"data": torch.randn(1, 2)})


def test_command(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text('input: "x" input_shape { dim: 1 dim: 2 } layer { name: "r" type: "ReLU" bottom: "x" top: "y" }')
    assert main(["export", str(tmp_path / "net.prototxt"), "--output", str(tmp_path / "net.py")]) == 0
    assert "wrote" in capsys.readouterr().out
    torch.testing.assert_close(loaded(tmp_path / "net.py")(torch.tensor([[-1.0, 2]])), torch.tensor([[0.0, 2]]))
