"""What a type checker makes of a user's script: the package tells it enough to find mistakes, and nothing that is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import segaware_caffe

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(segaware_caffe.__file__).resolve().parent

SCRIPT = """
import numpy as np
import numpy.typing as npt
import torch

from segaware_caffe import CaffeError, Layer, Net, Solver, read_net, register
from segaware_caffe.segmentation import ConfusionMatrix
from segaware_caffe.weights import read_weights


@register("Twice")
class Twice(Layer):
    bottoms = 1

    def reshape(self, bottom: tuple[int, ...]) -> tuple[int, ...]:
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return 2 * bottom


def scores(path: str, image: npt.NDArray[np.float32]) -> torch.Tensor:
    proto = read_net(path, {"CLASSES": 21})
    names: list[str] = [layer.name for layer in proto.layer if layer.convolution_param.num_output > 1]
    net = Net(proto, "TEST", weights=names[0])
    solver = Solver("solver.prototxt")
    solver.step(3)
    try:
        return net(data=image)["scores"] + len(read_weights(path).layers)
    except CaffeError:
        return torch.tensor(ConfusionMatrix(21).compute().mean_iou)
"""
#: mistakes, and what of the message matters
MISTAKES = {
    "layer.name for layer": ("layer.nmae for layer", '"LayerParameter" has no attribute "nmae"'),
    "num_output > 1": ("num_output > 'one'", "Unsupported operand types"),
    'Net(proto, "TEST"': ("Net(proto, 3", 'incompatible type "int"; expected "str"'),
    "solver.step(3)": ("solver.steps(3)", '"Solver" has no attribute "steps"'),
    "compute().mean_iou": ("compute().mean_iu", '"Scores" has no attribute "mean_iu"'),
    "read_weights(path).layers": ("read_weights(path).layer", '"Weights" has no attribute "layer"; maybe "layers"?'),
}


def mypy(script: Path) -> list[str]:
    """What mypy, as strict as can be, says of a script."""
    environment = {**os.environ, "MYPYPATH": str(PACKAGE.parent)}  # as the checkout's package is imported, installed or not
    done = subprocess.run([sys.executable, "-m", "mypy", script], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if f"{script.name}:" in line]


@pytest.mark.slow
def test_a_users_script_is_understood_and_its_mistakes_are_found(tmp_path):
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(SCRIPT)
    assert (PACKAGE / "py.typed").exists()
    assert mypy(right) == []
    text = SCRIPT
    for correct, (mistaken, _) in MISTAKES.items():
        assert correct in text
        text = text.replace(correct, mistaken)
    wrong.write_text(text)
    found = mypy(wrong)
    assert len(found) == len(MISTAKES), found
    for _, message in MISTAKES.values():
        assert any(message in line for line in found)
