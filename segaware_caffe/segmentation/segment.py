"""From a photograph to a label image, as the reference's scripts do it (spec/pipeline.md 6.2, 7.3).

The photograph (BGR, mean subtracted) sits at the top left of the network's input, padded at the
bottom and the right; the scores are cropped back to its size, never resized, and their argmax is
the label. A photograph larger than the input is scaled down to fit, and its scores up again:
the reference has no rule for that (VOC's images fit).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps

from segaware_caffe.data.images import loading
from segaware_caffe.errors import CaffeError, ShapeError
from segaware_caffe.layers import layer_class
from segaware_caffe.net import Net
from segaware_caffe.schema import NetParameter

#: mean of VOC's colours that DeepLab networks subtract, blue green red
MEAN = (104.008, 116.669, 122.675)


@dataclass(frozen=True)
class Segmentation:
    """Scores (classes, H, W) float32 and labels (H, W) uint8 of a photograph of size (H, W)."""

    scores: np.ndarray
    labels: np.ndarray


def read_photograph(path: str | os.PathLike[str]) -> np.ndarray:
    """A photograph (H, W, 3) uint8 RGB, upright: turned and mirrored as its EXIF orientation says. FileError names the file.

    >>> Image.new("RGB", (4, 2), "red").save("red.png")
    >>> read_photograph("red.png").shape
    (2, 4, 3)
    """
    with loading(path), Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def without_sinks(net: NetParameter) -> NetParameter:
    """A copy without the layers that only write or silence (MatWrite, Silence, HDF5Output), so that what they read becomes output.

    >>> from segaware_caffe.schema import read_net
    >>> net = read_net('layer { name: "in" type: "Input" top: "x" } layer { name: "silence" type: "Silence" bottom: "x" }')
    >>> [layer.name for layer in without_sinks(net).layer]
    ['in']
    """
    result = NetParameter()
    result.CopyFrom(net)
    kept = [layer for layer in net.layer if layer.top or layer_class(layer.type).tops != 0]
    result.ClearField("layer")
    result.layer.extend(kept)
    return result


class Segmenter:
    """Runs a segmentation network on photographs.

    Args:
        net: a net in TEST, one of whose inputs or data blobs takes (1, 3, H, W) pixels.
        image: name of that blob; None for the first blob of 3 channels.
        scores: name of the output with a channel per class; None if only one output can be it.
        mean: what to subtract, blue green red.

    >>> from segaware_caffe.models import CAMVID_SEGAWARE as model
    >>> net = Net(model.prototxt, weights=model.weights, variables={"HEIGHT": 65, "WIDTH": 65})
    >>> Segmenter(net)(np.zeros((50, 60, 3), np.uint8)).labels.shape
    (50, 60)
    """

    def __init__(self, net: Net, image: str | None = None, scores: str | None = None, mean: Sequence[float] = MEAN):
        self.net = net
        sources = [net.graph.names[v] for node in net.graph.sources() for v in node.tops]
        shapes = net.shapes
        self.image = image or _only(
            [name for name in sources if len(shapes[name]) == 4 and shapes[name][1] == 3][:1],
            f"net '{net.name}' has no input of 3 channels among {', '.join(sources) or 'none'}; name the blob that takes the image",
        )
        if self.image not in sources:
            raise CaffeError(f"net '{net.name}' has no input '{self.image}'; its inputs are: {', '.join(sources)}")
        candidates = [name for name in net.outputs if name not in sources and len(shapes[name]) == 4 and shapes[name][1] > 1]
        self.scores = scores or _only(
            candidates if len(candidates) == 1 else [],
            f"net '{net.name}' has {len(candidates)} outputs that could be scores ({', '.join(candidates) or 'none'}); name one",
        )
        self.size = shapes[self.image][2:]
        self.mean = np.asarray(mean, np.float32)

    def __call__(self, rgb: np.ndarray) -> Segmentation:
        """Segment a photograph, (H, W, 3) uint8, red green blue."""
        height, width = rgb.shape[:2]
        scale = min(1.0, self.size[0] / height, self.size[1] / width)
        fitted = rgb if scale == 1 else _resize(rgb, max(1, int(height * scale)), max(1, int(width * scale)))
        pixels = fitted[:, :, ::-1].astype(np.float32) - self.mean
        blob = np.zeros((1, 3, *self.size), np.float32)
        blob[0, :, : fitted.shape[0], : fitted.shape[1]] = pixels.transpose(2, 0, 1)
        scores = self.net(**{self.image: blob}, keep=[self.scores])[self.scores]
        scores = self._at_image_size(scores, fitted.shape[:2], (height, width))
        return Segmentation(scores.numpy(), scores.argmax(0).to(torch.uint8).numpy())

    def _at_image_size(self, scores: torch.Tensor, fitted: tuple[int, int], original: tuple[int, int]) -> torch.Tensor:
        if tuple(scores.shape[2:]) != tuple(self.size):
            raise ShapeError(
                f"scores '{self.scores}' have size {tuple(scores.shape[2:])}, not the input's {tuple(self.size)}:"
                " name an output of the image's resolution (an Interp layer makes one)"
            )
        scores = scores[:, :, : fitted[0], : fitted[1]].float()
        if fitted != original:
            scores = torch.nn.functional.interpolate(scores, original, mode="bilinear", align_corners=True)
        return scores[0].cpu().contiguous()


def _only(names: Sequence[str], complaint: str) -> str:
    if not names:
        raise CaffeError(complaint)
    return names[0]


def _resize(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR))
