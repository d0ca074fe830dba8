"""The examples run, and what they print of themselves is so."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "scripts" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "drawn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


def run(name: str, folder: Path) -> str:
    """What an example prints."""
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py", folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def numbers(pattern: str, text: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, text)]


@pytest.mark.slow
def test_learning_digits(folder):
    accuracies = numbers(r"accuracy (\S+)", run("learning_digits", folder))
    assert len(accuracies) == 4 and accuracies[-1] > 0.95
    assert (folder / "digits.caffemodel").exists() and pixels(folder / "digits.png").shape[1] > 8 * 28


@pytest.mark.slow
def test_classification(folder):
    said = run("classification", folder)
    assert "both ways agree: True" in said
    found = re.search(r"classified as (\d{8})", said)[1]
    assert sum(map(str.__eq__, found, "31415926")) >= 7


@pytest.mark.slow
def test_filter_visualization(folder):
    assert run("filter_visualization", folder).rstrip().endswith("-> 8")
    for name in ("filters_conv1", "filters_conv2", "activations_pool2"):
        assert pixels(folder / f"{name}.png").std() > 10


@pytest.mark.slow
def test_net_surgery(folder):
    said = run("net_surgery", folder)
    assert "the same on one digit: True" in said and "a page of (56, 84) makes a map of (8, 15)" in said
    found = re.search(r"places: (\d{3}) (\d{3})", said)
    assert sum(map(str.__eq__, found[1] + found[2], "271828")) >= 5


@pytest.mark.slow
def test_fine_tuning(folder):
    said = run("fine_tuning", folder)
    assert "kept: ['conv1', 'conv2', 'fc1']" in said
    tuned, scratch = numbers(r"fine-tuned ([\d.]+),", said), numbers(r"from nothing (\S+)", said)
    assert tuned[0] > scratch[0] + 0.1 and tuned[-1] > scratch[-1], "the digits' filters help"


@pytest.mark.slow
def test_deep_dream(folder):
    gains = numbers(r"sees (\S+) times", run("deep_dream", folder))
    assert len(gains) == 3 and gains[0] > 2 and min(gains) > 1.1
    assert pixels(folder / "dream.png").shape == (384, 512)


@pytest.mark.slow
def test_segmentation_aware(folder):
    said = run("segmentation_aware", folder)
    assert "attention mask" in said and numbers(r"engine differ by (\S+)", said)[0] < 1e-4
    assert {"sky", "road"} <= set(re.search(r"it sees (.*)", said)[1].split(", "))


def test_every_example_has_a_test_and_a_line():
    assert {f"test_{name}" for name in NAMES} <= set(globals())
    lines = (EXAMPLES / "README.md").read_text()
    assert all(f"[{name}.py]({name}.py)" in lines for name in NAMES)
