"""The masks of a net: which window of which embedding each is made of, and the embeddings themselves, small enough to carry.

A page makes the masks anew from them: exp(-|s D|) or exp(-s D) of distances D for a written-out mask, the softmax of
-s D for NormConv and the mean fields.
"""

import base64
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
from segaware_caffe.ops.geometry import Geometry

#: values of a stored channel: 16 bits
LEVELS = 2**16 - 1


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


@dataclass(frozen=True)
class Window:
    """A mask: its name, the blob that its embedding is, its size (H', W'), who reads it, and its rule."""

    name: str
    blob: str
    size: tuple[int, ...]
    readers: tuple[str, ...]
    rule: Rule

    def as_json(self) -> dict[str, Any]:
        """All of it, flat, as masks.js wants it."""
        rule = asdict(self.rule)
        return {"name": self.name, "blob": self.blob, "size": self.size, "readers": self.readers, **rule.pop("geometry"), **rule}


def find_windows(net: Net, *inputs: str) -> list[Window]:
    """Every mask that a run of the net makes, in turn, fed these inputs."""
    steps = [cost.step for cost in net.costs(*inputs)]
    makers = {step.tops[0]: step for step in steps if step.tops}
    found = []
    for step in steps:
        for rule in _rules(step, makers):
            blob = net.graph.names[rule.embedding]
            size = rule.geometry.output(net.shapes_of_values[rule.embedding][2:])
            readers = [step] if rule.softmax else [reader for reader in steps if step.tops[0] in reader.bottoms]
            name = f"{step.name}, of {blob}" if rule.softmax else step.name
            found.append(Window(name, blob, size, tuple(f"{reader.name} ({reader.type})" for reader in readers), rule))
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


def stored_bytes(net: Net, windows: Sequence[Window]) -> int:
    """What the embeddings of the windows take in a page."""
    values = {window.rule.embedding for window in windows}
    return sum(int(np.prod(net.shapes_of_values[value][1:])) * 2 * 4 // 3 for value in values)


def stored(embedding: torch.Tensor) -> dict[str, Any]:
    """An embedding (1, E, H, W) as 16-bit levels in base64, with each channel's lowest value and the step between levels."""
    values = embedding[0].detach().double().cpu().numpy()
    low = values.min((1, 2))
    step = (values.max((1, 2)) - low) / LEVELS
    levels = np.rint((values - low[:, None, None]) / np.where(step > 0, step, 1)[:, None, None]).astype("<u2")
    return {"shape": list(values.shape), "low": low.tolist(), "step": step.tolist(), "levels": base64.b64encode(levels.tobytes()).decode()}
