"""From a prototxt and a caffemodel to each format and back to labels of photographs: they are the net's.

ONNX in ONNX Runtime, source through torch.compile, a program of torch.export.
"""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from export.test_onnx import onnx_outputs
from export.test_source import loaded
from full_nets import GOLDEN_NETS, photograph
from PIL import Image

from segaware_caffe import Net
from segaware_caffe.cli import main
from segaware_caffe.models import FOLDER
from segaware_caffe.segmentation import MEAN

SHIPPED = sorted(FOLDER.glob("*.caffemodel"))
SUFFIXES = (".onnx", ".py", ".pt2")


def image_of(pixels: np.ndarray) -> torch.Tensor:
    """(H, W, 3) RGB as a net's input, cropped to sides that nets of any stride up to 32 take."""
    height, width = ((size - 1) // 32 * 32 + 1 for size in pixels.shape[:2])
    bgr = pixels[:height, :width, ::-1] - np.asarray(MEAN)
    return torch.from_numpy(bgr.transpose(2, 0, 1)[None].astype(np.float32))


def runner(path: Path, name: str, backend: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """What runs the exported file: an image to scores."""
    if path.suffix == ".onnx":
        return lambda image: torch.from_numpy(next(iter(onnx_outputs(path, {name: image}).values())))
    if path.suffix == ".pt2":
        module = torch.export.load(path).module()
    else:
        torch.compiler.reset()
        module = torch.compile(loaded(path), backend=backend)
    return lambda image: found if isinstance(found := module(image), torch.Tensor) else found[0]


def assert_same_labels(weights: Path, suffix: str, folder: Path, images: Iterable[torch.Tensor], backend: str = "aot_eager") -> None:
    """Labels are the same but where two scores of the net are the same to 1e-4 of the largest."""
    path = folder / f"net{suffix}"
    assert main(["export", str(weights.with_suffix(".prototxt")), "--weights", str(weights), "--output", str(path)]) == 0
    net = Net(weights.with_suffix(".prototxt"), weights=weights)
    run = runner(path, next(iter(net.inputs)), backend)
    for image in images:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the compiler's own
            scores, found = next(iter(net(image).values())), run(image)
        first, second = scores.topk(2, dim=1).values.unbind(1)
        clear = first - second > 1e-4 * scores.abs().max()
        assert clear.float().mean() > 0.99
        assert torch.equal(found.argmax(1)[clear], scores.argmax(1)[clear])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("weights", SHIPPED, ids=lambda path: path.stem)
def test_photographs_of_the_golden_files(weights, suffix, tmp_path):
    with np.load(next(path for path in sorted(GOLDEN_NETS.glob("*.npz")) if "rgb" in np.load(path).files)) as golden:
        pixels = photograph(golden)[0][0].transpose(1, 2, 0)[:, :, ::-1] + np.asarray(MEAN)[::-1]
    assert_same_labels(weights, suffix, tmp_path, [image_of(pixels)])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("weights", SHIPPED, ids=lambda path: path.stem)
def test_photographs(weights, suffix, shared, tmp_path):
    """Some of VOC's, and of CamVid's test images."""
    names = (shared / "data/camvid/ImageSets/Segmentation/test.txt").read_text().split()
    files = [shared / "data/camvid/JPEGImages" / f"{name}.jpg" for name in names[::60]]
    files += sorted((shared / "data/voc_sample/JPEGImages").glob("*.jpg"))[:3]
    assert len(files) >= 6
    assert_same_labels(weights, suffix, tmp_path, (image_of(np.asarray(Image.open(file).convert("RGB"))) for file in files))
