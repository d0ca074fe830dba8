"""Layers on their own, without a net: made from prototxt text, filled with repeatable numbers, checked by finite differences."""

import pytest
import torch
from golden_oracle import GOLDEN
from torch.func import functional_call

from segaware_caffe.layers import Layer, layer_class
from segaware_caffe.schema import read_net


def goldens(*patterns: str) -> list:
    """The golden files of the release (`layers`) and of upstream whose names match, as pytest parameters."""
    found = []
    for pattern in patterns:
        files = [*sorted((GOLDEN / "layers").glob(f"{pattern}.npz")), *sorted((GOLDEN / "upstream/layers").glob(f"{pattern}.npz"))]
        assert files, f"no golden file matches {pattern}"
        found += files
    return [pytest.param(file, id=f"{'upstream' if 'upstream' in file.parts else 'release'}-{file.stem}") for file in found]


def make_layer(text: str, *bottom_shapes: tuple[int, ...], train: bool = False) -> Layer:
    """The layer that `text` describes (the inside of `layer { }`), set up for bottoms of these shapes, its blobs filled.

    Bottoms, and one top if the type has any, are added where the text names none.
    """
    proto = read_net(f"layer {{ {text} }}").layer[0]
    proto.name = proto.name or "l"
    if not proto.bottom:
        proto.bottom.extend(f"x{i}" for i in range(len(bottom_shapes)))
    if not proto.top and layer_class(proto.type).tops != 0:
        proto.top.append("y")
    layer = layer_class(proto.type)(proto)
    layer.check_counts()
    layer.setup(*bottom_shapes)
    layer.top_shapes(*bottom_shapes)
    return layer.materialize().train(train)


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    """Repeatable normal numbers in float64, as an input that wants its gradient."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def check_gradients(layer: Layer, *bottoms: torch.Tensor) -> None:
    """`torch.autograd.gradcheck` in float64 for every bottom that wants a gradient and every learned blob."""
    layer.double()
    learned = {f"blob{index}": numbers(*spec.shape, seed=100 + index) for index, spec in enumerate(layer.specs) if not spec.fixed}
    names = list(learned)

    def run(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        blobs = dict(zip(names, values[len(bottoms) :], strict=True))
        tops = functional_call(layer, blobs, values[: len(bottoms)])
        tops = [tops] if isinstance(tops, torch.Tensor) else tops
        return tuple(top for top in tops if top.requires_grad)

    torch.autograd.gradcheck(run, (*bottoms, *learned.values()))
