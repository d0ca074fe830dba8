"""How two weight files differ."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from segaware_caffe.weights.blobs import BLOCK, BlobRef, Shape, Weights, dims, same_shape
from segaware_caffe.weights.formats import read_weights


@dataclass(frozen=True)
class BlobDifference:
    """Two blobs of one shape: the largest absolute difference, and the largest one relative to the larger value."""

    layer: str
    index: int
    shape: Shape
    max_abs: float
    max_rel: float


@dataclass(frozen=True)
class ShapeDifference:
    """Two blobs of different shapes; None where a side has no such blob."""

    layer: str
    index: int
    a: Shape | None
    b: Shape | None


@dataclass
class Comparison:
    """What `compare` found. Layers without blobs do not count."""

    a: str
    b: str
    only_in_a: list[str] = field(default_factory=list)
    only_in_b: list[str] = field(default_factory=list)
    shapes: list[ShapeDifference] = field(default_factory=list)
    blobs: list[BlobDifference] = field(default_factory=list)

    @property
    def max_abs(self) -> float:
        """The largest absolute difference of all; NaN against a number counts as infinite."""
        return max((blob.max_abs for blob in self.blobs), default=0.0)

    @property
    def equal(self) -> bool:
        """Whether both files hold the same layers with the same values."""
        return not (self.only_in_a or self.only_in_b or self.shapes or self.max_abs)

    def __str__(self) -> str:
        lines = [f"only in {self.a}: {name}" for name in self.only_in_a]
        lines += [f"only in {self.b}: {name}" for name in self.only_in_b]
        lines += [f"{s.layer}.{s.index}: shape {_dims(s.a)} in {self.a}, {_dims(s.b)} in {self.b}" for s in self.shapes]
        lines += [
            f"{d.layer}.{d.index}: {dims(d.shape)} differs by at most {d.max_abs:.6g} (relative {d.max_rel:.3g})"
            for d in self.blobs
            if d.max_abs
        ]
        equal = sum(not d.max_abs for d in self.blobs)
        return "\n".join([*lines, f"{equal} of {len(self.blobs)} common blobs are equal"])


def compare(a: str | os.PathLike[str] | Weights, b: str | os.PathLike[str] | Weights) -> Comparison:
    """Compare two weight files of any kinds, or what was read from them, layer by layer and blob by blob.

    The n-th layer of a name is compared with the n-th of that name. A legacy shape equals the one
    it stands for.

    >>> import numpy as np
    >>> layers = [("fc", "InnerProduct", [np.ones((2, 3), np.float32), np.zeros(2, np.float32)])]
    >>> from segaware_caffe.weights import write_weights
    >>> write_weights("a.caffemodel", "net", layers)
    >>> write_weights("b.npz", "net", layers)
    >>> print(compare("a.caffemodel", "b.npz"))
    2 of 2 common blobs are equal
    """
    first, second = (side if isinstance(side, Weights) else read_weights(side) for side in (a, b))
    left, right = dict(_layers(first)), dict(_layers(second))
    result = Comparison(first.path, second.path)
    result.only_in_a = [key[0] for key in left if key not in right]
    result.only_in_b = [key[0] for key in right if key not in left]
    for key, blobs in left.items():
        if key in right:
            _compare_layer(result, key[0], blobs, right[key])
    return result


def _layers(weights: Weights) -> Iterator[tuple[tuple[str, int], list[BlobRef | None]]]:
    """The layers with blobs, by name and how many of the name came before."""
    seen: dict[str, int] = {}
    for layer in weights:
        if layer.blobs:
            yield (layer.name, seen.setdefault(layer.name, 0)), list(layer.blobs)
            seen[layer.name] += 1


def _compare_layer(result: Comparison, layer: str, a: list[BlobRef | None], b: list[BlobRef | None]) -> None:
    for index in range(max(len(a), len(b))):
        left = a[index] if index < len(a) else None
        right = b[index] if index < len(b) else None
        if left and right and (same_shape(left.shape, left.legacy, right.shape) or same_shape(right.shape, right.legacy, left.shape)):
            result.blobs.append(BlobDifference(layer, index, right.shape, *_largest(left, right)))
        elif left or right:
            shapes = [blob.shape if blob else None for blob in (left, right)]
            result.shapes.append(ShapeDifference(layer, index, *shapes))


def _largest(a: BlobRef, b: BlobRef) -> tuple[float, float]:
    """The largest absolute and relative difference of two blobs, a block at a time."""
    left, right = a.numpy().reshape(-1), b.numpy().reshape(-1)
    absolute = relative = 0.0
    for start in range(0, a.count, BLOCK):
        x = left[start : start + BLOCK].astype(np.float64)
        y = right[start : start + BLOCK].astype(np.float64)
        differ = ~((x == y) | (np.isnan(x) & np.isnan(y)))
        x, y = x[differ], y[differ]
        with np.errstate(invalid="ignore"):
            difference = np.nan_to_num(np.abs(x - y), nan=np.inf, posinf=np.inf)
            ratio = np.nan_to_num(difference / np.maximum(np.abs(x), np.abs(y)), nan=1.0, posinf=np.inf)
        absolute = max(absolute, float(difference.max(initial=0)))
        relative = max(relative, float(ratio.max(initial=0)))
    return absolute, relative


def _dims(shape: Shape | None) -> str:
    return "missing" if shape is None else dims(shape)
