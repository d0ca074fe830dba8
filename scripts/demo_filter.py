"""A demo without trained weights: coarse scores made sharp by attention masks that the photograph itself gives.

`configs/demo/sharpen.prototxt` is a segmentation-aware filter in the layers of the paper: its
embedding is each pixel's colour and position, its masks are exp(-distance) to the neighbours. The
scores it filters are made on purpose as coarse as a deep network's: colour prototypes (k-means of
the photograph) compared at an eighth of the resolution. One picture shows the photograph, the
masks of a few pixels, and the segmentation before and after.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from drawing import beside, marked, mask_sheet, show
from PIL import Image
from scipy.cluster.vq import kmeans2

import segaware_caffe
from segaware_caffe.segmentation import MEAN, read_photograph

NETWORK = Path(__file__).resolve().parent.parent / "configs" / "demo" / "sharpen.prototxt"
#: where in the photograph, as shares of its height and width, the pixels are whose masks are shown
PIXELS = ((0.18, 0.32), (0.49, 0.13), (0.55, 0.41), (0.31, 0.56), (0.71, 0.67))
PROTOTYPES = 7
STRIDE = 8


def photograph(path: str | None) -> np.ndarray:
    """An RGB photograph whose sides are 1 more than a multiple of 8, as Interp wants it; by default scikit-image's coffee cup."""
    if path is None:
        from skimage import data

        rgb = data.coffee()
    else:
        rgb = read_photograph(path)
    height, width = ((side - 1) // STRIDE * STRIDE + 1 for side in rgb.shape[:2])
    return np.ascontiguousarray(rgb[:height, :width])


def prototypes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """k-means of the colours as a 1x1 convolution: -|x - c|^2 / 2, but for |x|^2 that all classes share, is c.x - |c|^2 / 2."""
    colours = pixels[:, :: STRIDE // 2, :: STRIDE // 2].reshape(3, -1).T
    centres, _ = kmeans2(colours.astype(np.float64), PROTOTYPES, seed=0, minit="++")
    return centres.reshape(PROTOTYPES, 3, 1, 1), -0.5 * (centres**2).sum(1)


def run(rgb: np.ndarray) -> dict[str, np.ndarray]:
    """The blobs `coarse`, `scores` and `mask` of the network on the photograph."""
    pixels = rgb[:, :, ::-1].transpose(2, 0, 1) - np.asarray(MEAN).reshape(3, 1, 1)
    net = segaware_caffe.Net(NETWORK, variables={"HEIGHT": rgb.shape[0], "WIDTH": rgb.shape[1], "NUM_LABELS": PROTOTYPES})
    for blob, value in zip(net.params["prototypes"], prototypes(pixels), strict=True):
        blob.copy_(torch.as_tensor(value))
    return {name: blob[0].numpy() for name, blob in net(data=pixels[None], keep=["coarse", "mask"]).items()}


def picture(rgb: np.ndarray, blobs: dict[str, np.ndarray]) -> Image.Image:
    """Photograph with the pixels marked, their masks, and the segmentation before and after."""
    before, after = (blobs[name].argmax(0) for name in ("coarse", "scores"))
    colours = np.zeros((PROTOTYPES, 3), np.uint8)
    for label in np.unique(after):
        colours[label] = rgb[after == label].mean(0)
    height, width = rgb.shape[:2]
    pixels = [(int(row * height), int(column * width)) for row, column in PIXELS]
    return beside(
        {
            "photograph": marked(rgb, pixels, reach=8),
            "masks": mask_sheet(blobs["mask"], pixels, height),
            "coarse scores": Image.fromarray(colours[before]),
            "after the segmentation-aware filter": Image.fromarray(colours[after]),
        }
    )


def main() -> None:
    """Run the filter and say where the results are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", help="a photograph of your own (default: a coffee cup, public domain, from scikit-image)")
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    show("filter", args.output, photograph(args.image), run, picture)


if __name__ == "__main__":
    main()
