"""The built package in an environment of its own, away from the checkout: what a user gets who installs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from voc.support import write_voc

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow
#: what the sources need no copy of
LEFT_OUT = shutil.ignore_patterns(".*", "*.so", "*.egg-info", "__pycache__", "build", "dist", "demo_output", "segaware", "tests", "docs")
#: a caffemodel for a network of the package's own
MAKE_WEIGHTS = """
from segaware_caffe.schema import read_net, read_variables
from segaware_caffe.segmentation.predict import Predictor
Predictor(read_net("configs/vgg/test.prototxt", read_variables("configs/vgg/voc_val.vars"))).net.save("vgg.caffemodel")
"""


class Environment:
    """A virtual environment with PyTorch, and a folder to work in that holds nothing of the package."""

    def __init__(self, folder: Path):
        self.folder = folder / "work"
        self.folder.mkdir()
        self.bin = folder / "environment" / "bin"
        self.variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        subprocess.run([sys.executable, "-m", "venv", self.bin.parent], check=True, env=self.variables)
        self.run("pip", "install", "--quiet", "setuptools", f"torch=={torch.__version__.partition('+')[0]}")

    def run(self, program: str, *args: object, cwd: Path | None = None, **variables: str) -> str:
        """What the program prints; it must end well."""
        command = [str(self.bin / program), *map(str, args)]
        done = subprocess.run(command, cwd=cwd or self.folder, env=self.variables | variables, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    return Environment(tmp_path_factory.mktemp("install"))


@pytest.fixture(scope="module")
def sdist(environment) -> Path:
    """The source distribution of the checkout."""
    sources = environment.folder.parent / "sources"
    shutil.copytree(ROOT, sources, ignore=LEFT_OUT)
    environment.run("python", "setup.py", "--quiet", "sdist", "--dist-dir", environment.folder.parent, cwd=sources)
    shutil.rmtree(sources)
    (path,) = environment.folder.parent.glob("*.tar.gz")
    return path


def compiled(environment: Environment) -> bool:
    """Whether the installed package has its compiled kernels, and is not the checkout's."""
    path = environment.run("python", "-c", "import segaware_caffe.ops.native as native; print(native.__file__)").strip()
    assert path.startswith(str(environment.bin.parent))
    return any(Path(path).parent.glob("kernels.*.so"))


def use(environment: Environment) -> None:
    """Commands of a user: the package's own network and templates, from a folder that has neither."""
    work = environment.folder
    Image.linear_gradient("L").convert("RGB").save(work / "photo.png")
    assert "photo.png" in environment.run("segaware-caffe", "segment", "photo.png", "--output", "labels")
    assert (work / "labels" / "photo.png").exists()
    assert "85.0 MiB as float32" in environment.run("segaware-caffe", "inspect", "configs/vgg/deploy.prototxt")
    environment.run("python", "-c", MAKE_WEIGHTS)
    environment.run("segaware-caffe", "convert", "vgg.caffemodel", "vgg.npz")
    assert (work / "vgg.npz").stat().st_size > 8e7


def test_the_wheel_of_the_source_distribution_alone(environment, sdist):
    """No extra is installed, only what the package cannot do without."""
    environment.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", environment.folder.parent, sdist)
    (wheel,) = environment.folder.parent.glob("*.whl")
    environment.run("pip", "install", "--quiet", wheel)
    assert compiled(environment) == bool(shutil.which("c++") or shutil.which("g++"))
    use(environment)
    voc = write_voc(environment.folder / "voc")
    environment.run("segaware-caffe", "voc", "reproduce", "--voc", voc.root, "--weights", "vgg.npz", "--net", "vgg", "--subset", "val")
    report = json.loads((environment.folder / "reproduction_vgg_val" / "report.json").read_text())
    assert (report["images"], report["predicted"]) == (2, 2)


def test_without_a_compiler(environment, sdist):
    """The kernels are left out, and PyTorch's operators do their work."""
    none = str(environment.folder / "no-compiler")
    environment.run("pip", "install", "--quiet", "--force-reinstall", "--no-deps", "--no-cache-dir", sdist, CC=none, CXX=none)
    assert not compiled(environment)
    use(environment)
