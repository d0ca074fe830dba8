"""Programs against the `caffe` module, and what the reference gave: tests/golden/pycaffe/README.md."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import segaware_caffe.pycaffe as caffe

GOLDEN = Path(__file__).parents[1] / "golden" / "pycaffe"
#: what gradients may differ by where all terms cancel, so that the reference too has nothing but rounding
ROUNDING = 5e-7

#: the programs leave the files that they write to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty current folder; `caffe` is ours for the time of a program."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    caffe.install()
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "caffe"]:
        del sys.modules[name]


def run(path: Path, monkeypatch) -> None:
    golden, arrays = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
    if golden["python_layers"]:
        monkeypatch.setenv("SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS", "1")
    out: dict = {}
    exec(compile(golden["code"], path.name, "exec"), {"caffe": caffe, "np": np, "os": os, "out": out})
    assert sorted(out) == sorted([*golden["out"], *arrays.files])
    for name, expected in golden["out"].items():
        assert out[name] == expected, name
    for name in arrays.files:
        expected, actual = arrays[name], np.asarray(out[name])
        assert actual.shape == expected.shape, name
        tolerance = max(2e-4 * np.abs(expected).max(initial=0), ROUNDING)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_program_gives_what_the_reference_gives(path, scratch, monkeypatch):
    run(path, monkeypatch)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("sequences/*.json")), ids=lambda path: path.stem)
def test_a_sequence_of_operations_gives_what_the_reference_gives(path, scratch, monkeypatch):
    run(path, monkeypatch)
