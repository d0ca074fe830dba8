"""A photograph in a net, for a page: every blob as tiles, embeddings as colours, scores as classes, masks' embeddings."""

import base64
import io
import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from PIL import Image

from segaware_caffe.errors import CaffeError
from segaware_caffe.net import Net
from segaware_caffe.net.plan import Step
from segaware_caffe.net.run import Observer, Tensors
from segaware_caffe.segmentation import CLASSES, MEAN, colormap, without_sinks
from segaware_caffe.segmentation.palette import safe_colours
from segaware_caffe.view.windows import Source, find_windows, sources, stored_distances, stored_embedding

#: bytes that what masks are made of, and all pictures of blobs together, may take in a page of at most 8 MB
SOURCES, TILES = 5_000_000, 1_600_000
#: sides of the photograph that are tried for nets that take any, one more than multiples of 8
SIDES = range(481, 64, -32)
MAX_CHANNELS, TILE = 16, 72


def photographed(net: Net, rgb: np.ndarray, classes: Sequence[str] = ()) -> dict[str, Any]:
    """What a photograph (H, W, 3) uint8 RGB makes of a net: pictures of every blob, masks and class probabilities.

    `classes` name the channels of the scores. Those are an output of
    the photograph's size. CaffeError if no input takes an image.
    """
    runner = Net(without_sinks(net.proto), net.phase, allow_paths=net.allowed_paths.places)
    runner.share_with(net)
    name = _image_input(runner)
    carried, left_out = _fit(runner, name, rgb)
    height, width = runner.shapes[name][2:]
    photo, blob = pixels_at(rgb, height, width, runner.shapes[name][1])
    scores = _scores_of(runner, (height, width))
    watch = _Watch(runner, {source.embedding for source in carried}, runner.shapes[scores][1] if scores else 0)
    outputs, _ = runner.run({name: blob}, passes=[], observers=[watch])
    by_distance = [window for source in carried if source.as_distances for window in source.windows]
    result: dict[str, Any] = {
        "input": name,
        "photo": _uri(Image.fromarray(photo), quality=88),
        "height": height,
        "width": width,
        "tiles": watch.found,
        "embeddings": {str(s.embedding): stored_embedding(watch.embeddings[s.embedding]) for s in carried if not s.as_distances},
        "distances": {w.rule.key: stored_distances(watch.embeddings[w.rule.embedding], w.rule) for w in by_distance},
        "windows": [window.as_json() for window in find_windows(runner, name) if window.name not in left_out],
        "left_out": left_out,
        "scores": None,
    }
    if scores:
        channels = outputs[scores].shape[1]
        known = list(classes) if len(classes) == channels else list(CLASSES) if channels == len(CLASSES) else []
        result["scores"] = _scored(scores, outputs[scores], known or [f"class {index}" for index in range(channels)])
    return result


def _scores_of(net: Net, size: tuple[int, int]) -> str | None:
    """The output that is taken for scores of classes: of those with several channels and the photograph's size the last, if any."""
    shapes, values = net.shapes, net.graph.blobs()
    found = [name for name in net.outputs if len(shapes[name]) == 4 and 1 < shapes[name][1] <= 256 and shapes[name][2:] == size]
    return max(found, key=values.__getitem__, default=None)


def _image_input(net: Net) -> str:
    shapes = net.shapes
    sources = [net.graph.names[value] for node in net.graph.sources() for value in node.tops]
    for name in sources:
        if len(shapes[name]) == 4 and shapes[name][1] in (1, 3, 4):
            return name
    raise CaffeError(f"net '{net.name}' has no input for a photograph (1, 3, H, W) among {', '.join(sources) or 'none'}")


def _fit(net: Net, name: str, rgb: np.ndarray) -> tuple[list[Source], list[str]]:
    """Reshape the net to the largest size of the photograph's proportions for which the page can carry what masks are made of.

    A net that takes no other size than its own keeps it: the masks that the page then has no room for are left out. What is
    carried, and the names of the masks that are not.
    """
    own = net.shapes[name]
    longest = max(rgb.shape[:2])
    for side in SIDES:
        size = [int(round(side * length / longest) - 1) // 8 * 8 + 1 for length in rgb.shape[:2]]
        try:
            net.reshape(**{name: (1, own[1], *size)})
            found = sources(net, find_windows(net, name))
        except CaffeError:
            net.reshape(**{name: (1, *own[1:])})
            break
        if sum(source.size for source in found) <= SOURCES:
            return found, []
    found = sources(net, find_windows(net, name))
    carried = [source for source, total in zip(found, accumulate(source.size for source in found), strict=True) if total <= SOURCES]
    return carried, [window.name for source in found if source not in carried for window in source.windows]


def pixels_at(rgb: np.ndarray, height: int, width: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """The photograph at the input's size and as networks take it: BGR minus mean, or grey.

    Where the proportions are others than the photograph's, both are filled up below or to the right.
    """
    down, right = height / rgb.shape[0], width / rgb.shape[1]
    scale = min(down, right)
    near = scale > 0.95 * max(down, right)
    size = (width, height) if near else (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    fitted = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
    shown = np.zeros((height, width, 3), np.uint8)
    shown[: size[1], : size[0]] = fitted
    blob = np.zeros((1, channels, height, width), np.float32)
    if channels == 1:
        blob[0, 0, : size[1], : size[0]] = fitted.mean(2) / 255
    else:
        blob[0, :3, : size[1], : size[0]] = (fitted[:, :, ::-1] - np.asarray(MEAN, np.float32)).transpose(2, 0, 1)
    return shown, blob


class _Watch(Observer):
    """Makes small pictures of every top as it passes, and keeps those `wanted`; what has `classes` channels may be scores."""

    def __init__(self, net: Net, wanted: AbstractSet[int], classes: int):
        self.net = net
        self.wanted = wanted
        self.classes = classes
        self.embeddings: dict[int, torch.Tensor] = {}
        self.found: dict[str, dict[str, Any]] = {}
        steps = sum(len(node.tops) for node in net.graph.nodes if node.type != "Split")
        area = TILES / max(1, steps) * 3  # a picture takes about a third of a byte a pixel
        self.channels = int(min(MAX_CHANNELS, max(4, area // 48**2)))
        self.side = int(min(TILE, max(24, math.sqrt(area / self.channels))))

    def after(self, step: Step, bottoms: Tensors, tops: Tensors) -> None:
        """Called after every step."""
        for value, top in zip(step.tops, tops, strict=True):
            if value in self.wanted:
                self.embeddings[value] = top.detach().clone()
            if step.type != "Split":
                self.found[f"{step.name}/{self.net.graph.names[value]}"] = self._pictured(top, value in self.wanted)

    def _pictured(self, top: torch.Tensor, embedding: bool) -> dict[str, Any]:
        values = top.detach().float()
        finite = values[values.isfinite()]
        result: dict[str, Any] = {"shape": list(top.shape)}
        if finite.numel():
            result |= {"min": float(finite.min()), "max": float(finite.max()), "mean": float(finite.mean())}
        if top.dim() == 4 and min(top.shape[2:]) > 1:
            planes = torch.nan_to_num(values[0, : self.channels]).cpu().numpy()
            result["tiles"] = _uri(_sheet(planes, self.side))
            result["channels"] = len(planes)
            labels = values[0].argmax(0).cpu().numpy()
            if top.shape[1] == self.classes and np.ptp(labels):
                best = Image.fromarray(safe_colours()[labels])
                best.thumbnail((4 * self.side, 4 * self.side), Image.Resampling.NEAREST)
                result["classes"] = _uri(best, lossless=True)
            if embedding:
                result["colours"] = _uri(Image.fromarray(principal_colours(values[0].cpu().numpy())), quality=85)
        return result


def _sheet(planes: np.ndarray, side: int) -> Image.Image:
    """Planes (K, H, W) in a row of 4 each, every one from its least value in black to its largest in white."""
    scale = side / max(planes.shape[1:])
    size = (max(1, round(planes.shape[2] * scale)), max(1, round(planes.shape[1] * scale)))
    columns = min(4, len(planes))
    sheet = Image.new("L", (columns * (size[0] + 2), -(-len(planes) // columns) * (size[1] + 2)), 128)
    for index, plane in enumerate(planes):
        low, high = float(plane.min()), float(plane.max())
        grey = (255 * ((plane - low) / (high - low) if high > low else np.zeros_like(plane))).astype(np.uint8)
        tile = Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR)
        sheet.paste(tile, (index % columns * (size[0] + 2) + 1, index // columns * (size[1] + 2) + 1))
    return sheet


def principal_colours(features: np.ndarray) -> np.ndarray:
    """Features (channels, H, W) as a picture (H, W, 3) uint8: their three principal components as red, green and blue."""
    flat = features.reshape(len(features), -1).astype(np.float64)
    flat -= flat.mean(1, keepdims=True)
    _, directions = np.linalg.eigh(flat @ flat.T)
    parts = directions[:, ::-1][:, :3].T @ flat
    parts = np.concatenate((parts, np.zeros((3 - len(parts), parts.shape[1]))))
    low, high = np.percentile(parts, [2, 98], axis=1, keepdims=True)
    scaled = np.clip((parts - low) / np.where(high > low, high - low, 1), 0, 1)
    return (255 * scaled).astype(np.uint8).reshape(3, *features.shape[1:]).transpose(1, 2, 0)


def _scored(name: str, scores: torch.Tensor, classes: Sequence[str]) -> dict[str, Any]:
    """The best classes in both palettes, and the probabilities (softmax) at every second pixel or fewer, in 255ths."""
    best = scores[0].argmax(0).cpu().numpy().astype(np.uint8)
    stride = max(1, math.ceil(math.sqrt(scores[0].numel() / 700_000)))
    chances = torch.softmax(scores[0, :, ::stride, ::stride].float(), 0).cpu().numpy()
    palettes = {"colour-blind safe": safe_colours(), "VOC": colormap()}
    return {
        "blob": name,
        "classes": list(classes),
        "pictures": {title: _uri(Image.fromarray(colours[best]), lossless=True) for title, colours in palettes.items()},
        "colours": {title: colours[: len(classes)].tolist() for title, colours in palettes.items()},
        "shape": list(chances.shape),
        "probabilities": base64.b64encode(np.rint(chances * 255).astype(np.uint8).tobytes()).decode(),
    }


def _uri(image: Image.Image, **options: Any) -> str:
    """The picture as an address that holds it."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", **({"quality": 60} | options))
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
