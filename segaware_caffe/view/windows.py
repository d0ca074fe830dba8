"""The masks of a net: which window of which embedding each is made of, and what of it a page carries.

That is the embedding or, where they take less, the distances of all windows in it. The page makes the masks anew:
exp(-|s D|) or exp(-s D) of distances D for a mask that is written out, the softmax of -s D for NormConv and mean fields.
"""

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from segaware_caffe.layers.embedding import Im2dist
from segaware_caffe.layers.meanfield import MaskedMeanField
from segaware_caffe.layers.normconv import NormConv
from segaware_caffe.net import Net
from segaware_caffe.net.passes.activations import Activated
from segaware_caffe.net.passes.attention import AttentionMask
from segaware_caffe.net.plan import Step
from segaware_caffe.ops.distance import im2dist
from segaware_caffe.ops.geometry import Geometry

#: values of a stored channel: 16 bits
LEVELS = 2**16 - 1
#: of distances in half precision, which reaches to 65504; what is not less than SENTINEL stands for a removed tap
LARGEST, SENTINEL = 60_000, 1e36


@dataclass(frozen=True)
class Rule:
    """How a mask is made of the value `embedding` of the graph: the window, and how distances in it become weights."""

    embedding: int
    geometry: Geometry
    l1: bool
    remove_center: bool
    remove_bounds: bool
    factor: float
    absolute: bool = False
    softmax: bool = False

    @property
    def key(self) -> str:
        """What tells its distances from others."""
        removes = f"{self.remove_center:d}{self.remove_bounds:d}"
        sizes = [",".join(map(str, sizes)) for sizes in asdict(self.geometry).values()]
        return "/".join([str(self.embedding), *sizes, f"{self.l1:d}", removes])


@dataclass(frozen=True)
class Window:
    """A mask: its name, the blob that its embedding is, its size (H', W'), who reads it, and its rule."""

    name: str
    blob: str
    size: tuple[int, ...]
    #: of the embedding, (H, W)
    image: tuple[int, ...]
    readers: tuple[str, ...]
    rule: Rule

    def as_json(self) -> dict[str, Any]:
        """All of it, flat, as masks.js wants it."""
        rule = asdict(self.rule)
        return {
            "name": self.name,
            "blob": self.blob,
            "size": self.size,
            "image": self.image,
            "readers": self.readers,
            "key": self.rule.key,
            **rule.pop("geometry"),
            **rule,
        }


def find_windows(net: Net, *inputs: str) -> list[Window]:
    """Every mask that a run of the net makes, in turn, fed these inputs."""
    steps = [cost.step for cost in net.costs(*inputs)]
    makers = {step.tops[0]: step for step in steps if step.tops}
    found = []
    for step in steps:
        for rule in _rules(step, makers):
            blob = net.graph.names[rule.embedding]
            image = net.shapes_of_values[rule.embedding][2:]
            readers = [step] if rule.softmax else [reader for reader in steps if step.tops[0] in reader.bottoms]
            name = f"{step.name}, of {blob}" if rule.softmax else step.name
            found.append(
                Window(name, blob, rule.geometry.output(image), image, tuple(f"{reader.name} ({reader.type})" for reader in readers), rule)
            )
    return found


def _rules(step: Step, makers: Mapping[int, Step]) -> Iterator[Rule]:
    """The rules of the masks that a step makes."""
    module = step.module.module if isinstance(step.module, Activated) else step.module
    if isinstance(module, AttentionMask) and isinstance(makers[step.bottoms[0]].module, Im2dist):
        source = makers[step.bottoms[0]]
        factor = float(module.scale.blob(0))
        yield Rule(source.bottoms[0], source.module.geometry, *_distances(source.module.options), factor, absolute=module.absolute)
    elif isinstance(module, NormConv):
        factor = float(module.blob(len(module.specs) - 1)) if module.options.scale_term else -1.0
        yield Rule(step.bottoms[1], module.geometry, *_distances(module.options), factor, softmax=True)
    elif isinstance(module, MaskedMeanField):
        for fields, value in zip(module.fields, step.bottoms[2:], strict=True):
            yield Rule(value, fields.geometry, False, fields.remove_center, fields.remove_bounds, fields.scale, softmax=True)


def _distances(options: Any) -> tuple[bool, bool, bool]:
    """Of Im2dist's or NormConv's fields: whether the norm is L1, and whether centre and bounds are removed."""
    return options.norm == options.L1, options.remove_center, options.remove_bounds


@dataclass(frozen=True)
class Source:
    """What a page carries for the masks of one embedding: it or, where that is less, every window's distances."""

    embedding: int
    windows: tuple[Window, ...]
    as_distances: bool
    #: in base64
    size: int


def sources(net: Net, windows: Sequence[Window]) -> list[Source]:
    """What the masks are made of, for the present shapes, from small to large."""
    found = []
    for embedding in {window.rule.embedding for window in windows}:
        readers = tuple(window for window in windows if window.rule.embedding == embedding)
        whole = math.prod(net.shapes_of_values[embedding][1:])
        distances = sum({window.rule.key: window.rule.geometry.taps * math.prod(window.size) for window in readers}.values())
        found.append(Source(embedding, readers, distances < whole, 2 * 4 * min(whole, distances) // 3))
    return sorted(found, key=lambda source: source.size)


def stored_distances(embedding: torch.Tensor, rule: Rule) -> dict[str, Any]:
    """The distances (taps, H', W') of a window, in units of `unit`, as half-precision numbers in base64; of removed taps infinite.

    That is exact to 2^-11 of a distance d, so a mask to x exp(-x) 2^-11 with x = s d: 2e-4 at most, whatever the factor.
    """
    distances = im2dist(embedding, rule.geometry, rule.l1, rule.remove_center, rule.remove_bounds)[0].detach().double().cpu().numpy()
    kept = distances < SENTINEL
    unit = float(distances.max(where=kept, initial=0)) / LARGEST or 1.0
    halves = np.where(kept, distances / unit, np.inf).astype("<f2")
    return {"unit": unit, "halves": base64.b64encode(halves.tobytes()).decode()}


def stored_embedding(embedding: torch.Tensor) -> dict[str, Any]:
    """An embedding (1, E, H, W) as 16-bit levels in base64, with each channel's lowest value and the step between levels."""
    values = embedding[0].detach().double().cpu().numpy()
    low = values.min((1, 2))
    step = (values.max((1, 2)) - low) / LEVELS
    levels = np.rint((values - low[:, None, None]) / np.where(step > 0, step, 1)[:, None, None]).astype("<u2")
    return {"shape": list(values.shape), "low": low.tolist(), "step": step.tolist(), "levels": base64.b64encode(levels.tobytes()).decode()}
