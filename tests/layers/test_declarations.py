"""What every layer type declares is true: its gradient, its source, and a shape rule that leaves nothing behind."""

import copy
import re
from pathlib import Path

import pytest
import torch
from layers.cases import CASES

from segaware_caffe import CaffeError
from segaware_caffe.data import DataLayer
from segaware_caffe.layers import registered

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = next((folder for folder in (ROOT / "docs" / "spec", ROOT.parent / "shared" / "spec") if folder.exists()), None)

#: the name of a fork of Caffe, where the specification has no section for a type
FORK = re.compile(r"[A-Z][\w-]{2,}( [A-Z][\w-]*)*")

#: types whose tops come from outside, tested with files of their own
OUTSIDE = {name for name, cls in registered().items() if issubclass(cls, DataLayer)} | {
    "HDF5Output",
    "Input",
    "MatWrite",
    "MemoryData",
    "Python",
}


def test_every_type_has_a_case():
    assert set(CASES) == set(registered()) - OUTSIDE


@pytest.mark.parametrize("name", sorted(OUTSIDE - {"Python"}))
def test_what_comes_from_outside_has_no_gradient(name):
    assert not registered()[name].differentiable


def run(layer, bottoms):
    """The tops, as a list, with the same random draws each time."""
    torch.manual_seed(2)
    tops = layer(*bottoms)
    return [tops] if isinstance(tops, torch.Tensor) else list(tops or [])


@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("name", CASES)
def test_the_declared_gradient_is_what_backward_gives(name, train):
    layer = CASES[name].layer(name, train)
    bottoms = [value.requires_grad_() for value in CASES[name].bottom_values()]
    tops = [top for top in run(layer, bottoms) if top.requires_grad]
    sources = [*bottoms, *layer.parameters()]
    gradients = torch.autograd.grad([(top * torch.rand_like(top)).sum() for top in tops], sources, allow_unused=True) if tops else []
    assert any(gradient is not None and gradient.any() for gradient in gradients) is registered()[name].differentiable


def other_shapes(shapes):
    """Shapes that differ from these: one axis of all longer or twice as long, without the last axis, with one more."""
    for axis in range(max(map(len, shapes), default=0)):
        for change in (lambda size: size + 1, lambda size: 2 * size):
            yield [tuple(change(size) if i == axis else size for i, size in enumerate(shape)) for shape in shapes]
    yield [shape[:-1] for shape in shapes]
    yield [(*shape, 1) for shape in shapes]


@pytest.mark.parametrize("name", CASES)
def test_forward_gives_the_same_after_other_shapes_were_asked_for(name):
    bottoms = CASES[name].bottom_values()
    shapes = [tuple(value.shape) for value in bottoms]
    accepted = 0
    for others in other_shapes(shapes):
        layer = CASES[name].layer(name)
        expected = run(copy.deepcopy(layer), bottoms)
        try:
            layer.top_shapes(*others)
        except CaffeError:
            continue
        accepted += 1
        for top, want in zip(run(layer, bottoms), expected, strict=True):
            assert torch.equal(top, want), others
    assert accepted or not shapes, "no other shape was accepted: nothing was tested"


def sections(source):
    """The (file, section) pairs that a source names."""
    file, numbers = re.fullmatch(r"spec/(\w+\.md) (\d[\d.]*(?:, \d[\d.]*)*)", source).groups()
    return [(file, number) for number in numbers.split(", ")]


@pytest.mark.parametrize(("name", "cls"), registered().items())
def test_the_source_is_there(name, cls):
    if not cls.source.startswith("spec/"):
        assert all(FORK.fullmatch(name) for name in cls.source.split(", "))
        return
    for file, number in sections(cls.source):
        headings = re.findall(r"^#+ (\d[\d.]*\d|\d)\.? ", (SPECIFICATION / file).read_text(), re.M)
        assert number in headings or has_item(SPECIFICATION / file, number)


def has_item(path, number):
    """Whether a numbered section is a list whose items have the section's number."""
    section, _, item = number.rpartition(".")
    text = re.search(rf"^#+ {re.escape(section)}\. .*?(?=^## |\Z)", path.read_text(), re.M | re.S)
    return bool(text) and bool(re.search(rf"^{item}\. ", text[0], re.M))
