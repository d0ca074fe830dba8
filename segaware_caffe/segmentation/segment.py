"""From a photograph to a label image, as the reference's scripts do it (spec/pipeline.md 6.2, 7.3), at any size.

The photograph (BGR, mean subtracted) sits at the top left of the network's input, padded at the
bottom and the right; the scores are cropped back to its size, never resized, and their argmax is
the label. The reference stops there. Here a photograph larger than the input is seen in tiles that
overlap, and one that is larger than what the network knows may be made smaller first; its
proportions stay, and the scores are brought to its own resolution before a class is chosen.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from segaware_caffe.errors import CaffeError, ShapeError
from segaware_caffe.layers import layer_class
from segaware_caffe.net import Net
from segaware_caffe.schema import NetParameter
from segaware_caffe.segmentation.tiles import Span, resampled, spans
from segaware_caffe.segmentation.workers import batches

#: mean of VOC's colours that DeepLab networks subtract, blue green red
MEAN = (104.008, 116.669, 122.675)
#: sides, about, between which the input of a network that takes any size is chosen
SMALLEST, LARGEST = 128, 1024


@dataclass(frozen=True)
class Segmentation:
    """Scores (classes, H, W) float32, if they were asked for, and labels (H, W) uint8 of a photograph of size (H, W)."""

    scores: np.ndarray | None
    labels: np.ndarray


class Fitted(NamedTuple):
    """A photograph (H, W, 3) uint8 RGB, and as the network is to see it, (h, w, 3)."""

    rgb: np.ndarray
    pixels: np.ndarray


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


def best_classes(scores: torch.Tensor) -> np.ndarray:
    """The class (H, W) uint8 with the best of the scores (K, H, W) at each pixel, the first of equal ones; NaN is never best."""
    if scores.isnan().any():
        scores = torch.where(scores.isnan(), -torch.inf, scores)
    return scores.argmax(0).to(torch.uint8).cpu().numpy()


@torch.no_grad()
def scores_of(net: Net, image: str, blob: np.ndarray, scores: str) -> Iterator[torch.Tensor]:
    """The blob `scores` of each sample of a batch (N, 3, H, W) that the input `image` takes, without the batch axis."""
    together = len(blob) if is_faster_together(net) else 1
    for first in range(0, len(blob), together):
        yield from net(**{image: blob[first : first + together]}, keep=[scores])[scores]


def is_faster_together(net: Net) -> bool:
    """Whether samples of a batch should go through the net together, as on a GPU.

    A processor is faster with one after the other: what the layers hand on of one photograph stays in its caches, of eight it does not.
    """
    return any(blob.tensor.is_cuda for blob in net.learned)


class Segmenter:
    """Runs a segmentation network on photographs of any size.

    Args:
        net: a net in TEST, one of whose inputs or data blobs takes (1, 3, H, W) pixels.
        image: name of that blob; None for the first blob of 3 channels.
        scores: name of the output with a channel per class; None if only one output can be it.
        mean: what to subtract, blue green red.
        side: photographs whose shorter side has more pixels are made smaller for the network; None for none.
        stride: the net takes any sides that are 1 more than a multiple of it; None if it is to run at its own input's size alone.

    >>> from segaware_caffe.models import CAMVID_SEGAWARE as model
    >>> net = Net(model.prototxt, weights=model.weights, variables={"HEIGHT": 65, "WIDTH": 65})
    >>> Segmenter(net)(np.zeros((50, 60, 3), np.uint8)).labels.shape
    (50, 60)
    """

    def __init__(
        self,
        net: Net,
        image: str | None = None,
        scores: str | None = None,
        mean: Sequence[float] = MEAN,
        side: int | None = None,
        stride: int | None = None,
    ):
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
        if self.scores not in shapes:
            raise CaffeError(f"net '{net.name}' has no blob '{self.scores}'; its outputs are: {', '.join(net.outputs)}")
        self.size = shapes[self.image][2:]
        self.mean = np.asarray(mean, np.float32)
        self.side, self.stride = side, stride

    @property
    def classes(self) -> int:
        """How many channels the scores have."""
        return self.net.shapes[self.scores][1]

    def __call__(self, rgb: np.ndarray) -> Segmentation:
        """Segment a photograph, (H, W, 3) uint8, red green blue, with its scores."""
        (result,) = self.segment([self.fit(rgb)], with_scores=True)
        return result

    def fit(self, rgb: np.ndarray) -> Fitted:
        """The photograph (H, W, 3) uint8 RGB with what of it the network sees: itself, or a smaller one."""
        height, width = self._fitted(*rgb.shape[:2])
        if (height, width) == rgb.shape[:2]:
            return Fitted(rgb, rgb)
        return Fitted(rgb, np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR)))

    def _fitted(self, height: int, width: int) -> tuple[int, int]:
        scale = min(1.0, (self.side or math.inf) / min(height, width))
        return round(height * scale), round(width * scale)

    def segment(self, photographs: Iterable[Fitted], batch: int = 1, with_scores: bool = False) -> Iterator[Segmentation]:
        """Segment photographs, in turn. Tiles that come one after the other and have one size go through the network `batch` at a time.

        Beside the photographs of a batch, only labels (and scores, if asked for) have the photographs' own size.
        """
        begun: deque[_Canvas] = deque()

        def tiles() -> Iterator[_Tile]:
            for photograph in photographs:
                begun.append(_Canvas(photograph, with_scores))
                yield from self._tiles(begun[-1])

        for group in batches(tiles(), batch, key=lambda tile: tile.size):
            self._run(group)
            while begun and not begun[0].missing:
                yield begun.popleft().result()

    def count(self, height: int, width: int) -> int:
        """How many tiles a photograph of this size takes."""
        _, rows, columns = self._grid((height, width), self._fitted(height, width))
        return len(rows) * len(columns)

    def _tiles(self, canvas: "_Canvas") -> Iterator["_Tile"]:
        size, rows, columns = self._grid(canvas.photograph.rgb.shape[:2], canvas.photograph.pixels.shape[:2])
        canvas.missing = len(rows) * len(columns)
        return (_Tile(canvas, size, row, column) for row in rows for column in columns)

    def _grid(self, whole: Sequence[int], fitted: Sequence[int]) -> tuple[tuple[int, int], list[Span], list[Span]]:
        """The size of the network's input for a photograph, and the tiles of both its axes."""
        height, width = map(self._input_side, fitted, self.size)
        return (height, width), spans(whole[0], fitted[0], height), spans(whole[1], fitted[1], width)

    def _input_side(self, fitted: int, own: int) -> int:
        """The side of the network's input for one of a photograph."""
        if self.stride is None:
            return own
        wanted = max(SMALLEST, min(fitted, LARGEST) - 1)
        return -(-wanted // self.stride) * self.stride + 1

    def _run(self, group: Sequence["_Tile"]) -> None:
        """Run the network on tiles of one size, and give each its scores."""
        size = group[0].size
        blob = np.zeros((len(group), 3, *size), np.float32)
        for image, tile in zip(blob, group, strict=True):
            pixels = tile.pixels()
            image[:, : pixels.shape[0], : pixels.shape[1]] = (pixels[:, :, ::-1] - self.mean).transpose(2, 0, 1)
        for tile, scores in zip(group, scores_of(self.net, self.image, blob, self.scores), strict=True):
            if scores.dim() != 3 or tuple(scores.shape[1:]) != size:
                raise ShapeError(
                    f"scores '{self.scores}' have size {tuple(scores.shape[1:])}, not the input's {size}:"
                    " name an output of the image's resolution (an Interp layer makes one)"
                )
            if len(scores) > 256:
                raise ShapeError(f"scores '{self.scores}' have {len(scores)} channels; a label image holds at most 256 classes")
            tile.place(scores)


class _Canvas:
    """A photograph in work: its labels as far as they are known, and how many tiles are missing."""

    def __init__(self, photograph: Fitted, with_scores: bool):
        self.photograph = photograph
        self.with_scores = with_scores
        self.missing = 0
        self.labels = np.empty(photograph.rgb.shape[:2], np.uint8)
        self.scores: np.ndarray | None = None

    def result(self) -> Segmentation:
        return Segmentation(self.scores, self.labels)


class _Tile(NamedTuple):
    """A part of a photograph that goes through the network at once, in an input of this size."""

    canvas: _Canvas
    size: tuple[int, int]
    rows: Span
    columns: Span

    def pixels(self) -> np.ndarray:
        """What it has of the photograph, (h, w, 3) uint8 RGB."""
        top, left = self.rows.start, self.columns.start
        return self.canvas.photograph.pixels[top : top + self.rows.valid, left : left + self.columns.valid]

    def place(self, scores: torch.Tensor) -> None:
        """Put what the scores (K, h, w) say into the photograph's labels."""
        canvas = self.canvas
        columns = slice(self.columns.first, self.columns.last)
        if canvas.with_scores and canvas.scores is None:
            canvas.scores = np.empty((len(scores), *canvas.labels.shape), np.float32)
        for first, strip in resampled(scores, self.rows, self.columns):
            rows = slice(first, first + strip.shape[1])
            canvas.labels[rows, columns] = best_classes(strip)
            if canvas.scores is not None:
                canvas.scores[:, rows, columns] = strip.cpu().numpy()
        canvas.missing -= 1


def _only(names: Sequence[str], complaint: str) -> str:
    if not names:
        raise CaffeError(complaint)
    return names[0]
