"""What the tables of dialects are made of: small nets whose numbers can be told without running them."""

from collections.abc import Mapping
from typing import NamedTuple

Shape = tuple[int, ...]


class Blob(NamedTuple):
    """What a blob should be: its shape, and its one value, or all of them in order; None for numbers that are drawn."""

    shape: Shape
    values: float | list[float] | None


class Case(NamedTuple):
    """A net's text with the blobs that it should make, or a part of the error that it should be."""

    text: str
    blobs: Mapping[str, Blob] | str
    phase: str = "TEST"


def data(*shape: int, name: str = "data", value: float = 1) -> str:
    """A source of one value."""
    dims = " ".join(f"dim: {dim}" for dim in shape)
    return layer("DummyData", "", name, f"dummy_data_param {{ shape {{ {dims} }} data_filler {{ value: {value} }} }}")


def layer(kind: str, bottom: str = "data", top: str = "top", more: str = "", name: str = "") -> str:
    """A layer of today's form; bottoms and tops are separated by blanks."""
    blobs = " ".join(f"bottom: '{blob}'" for blob in bottom.split()) + " " + " ".join(f"top: '{blob}'" for blob in top.split())
    return f"layer {{ name: '{name or top.split()[0]}' type: '{kind}' {blobs} {more} }}\n"


def conv(
    bottom: str = "data",
    top: str = "top",
    num_output: int = 2,
    weight: float = 0.5,
    more: str = "kernel_size: 1",
    kind: str = "Convolution",
) -> str:
    """A convolution whose weights are all the same, without bias."""
    param = f"convolution_param {{ num_output: {num_output} bias_term: false weight_filler {{ type: 'constant' value: {weight} }} {more} }}"
    return layer(kind, bottom, top, param)


def v1(kind: str, bottom: str = "data", top: str = "top", more: str = "", name: str = "") -> str:
    """A layer of V1."""
    blobs = " ".join(f"bottom: '{blob}'" for blob in bottom.split()) + " " + " ".join(f"top: '{blob}'" for blob in top.split())
    return f"layers {{ name: '{name or top.split()[0]}' type: {kind} {blobs} {more} }}\n"


def v1_data(*shape: int, name: str = "data", value: float = 1) -> str:
    """A source of one value, in V1."""
    n, c, h, w = shape
    param = f"dummy_data_param {{ num: {n} channels: {c} height: {h} width: {w} data_filler {{ value: {value} }} }}"
    return f"layers {{ name: '{name}' type: DUMMY_DATA top: '{name}' {param} }}\n"


def v1_conv(bottom: str = "data", top: str = "top", num_output: int = 2, weight: float = 0.5, more: str = "kernel_size: 1") -> str:
    """As `conv`, in V1."""
    param = f"num_output: {num_output} bias_term: false weight_filler {{ type: 'constant' value: {weight} }} {more}"
    return v1("CONVOLUTION", bottom, top, f"convolution_param {{ {param} }}")


def top(shape: Shape, values: float | list[float] | None, name: str = "top") -> Mapping[str, Blob]:
    """The usual expectation: one blob."""
    return {name: Blob(shape, values)}
