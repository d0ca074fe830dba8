"""What memory a run of a net will take, from its plan: learned blobs, their packed copies, and the blobs alive at the worst step."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from segaware_caffe.layers import Layer, Shape
from segaware_caffe.layers.convolution import Convolution
from segaware_caffe.layers.meanfield import MaskedMeanField
from segaware_caffe.layers.normalization import LRN
from segaware_caffe.layers.normconv import NormConv
from segaware_caffe.net.passes.activations import Activated
from segaware_caffe.net.passes.masked import MaskedConvolution
from segaware_caffe.net.passes.partwise import PartwiseConvolution
from segaware_caffe.net.passes.prepack import PackedConvolution
from segaware_caffe.net.passes.winograd import WinogradConvolution
from segaware_caffe.net.plan import Plan, Step

#: glibc's malloc takes what is larger straight from the system, and gives it back at once
HEAP_LIMIT = 2**25

#: types whose top is the memory of their bottom
VIEWS = ("Split", "Flatten", "Reshape", "Dropout")


@dataclass(frozen=True)
class Memory:
    """Bytes that a run takes, and the step at which most blobs are alive."""

    learned: int
    packed: int
    blobs: int
    worst: str
    #: what malloc keeps of memory that was freed
    kept: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.learned + self.packed + self.blobs + self.kept

    def __str__(self) -> str:
        rows = {
            "learned blobs": self.learned,
            "packed copies of them": self.packed,
            f"blobs at '{self.worst}'": self.blobs,
            "kept by the allocator": self.kept,
            "peak": self.total,
        }
        return "\n".join(f"{name}: {size / 2**20:.1f} MiB" for name, size in rows.items())


def predict(plan: Plan, shapes: Mapping[int, Shape], fed: Mapping[int, Shape], learned: int, element: int = 4) -> Memory:
    """The memory of one run of `plan` that is fed blobs of the shapes `fed`; `learned` counts the learned blobs' elements."""
    owner = {value: value for value in fed}
    readers: dict[int, int] = dict.fromkeys(fed, 2)  # the second is the caller, who keeps them
    live = sum(map(math.prod, fed.values()))
    peak, worst = live, "inputs"
    packs: dict[int, int] = {}
    for step in plan.steps:
        module = _inner(step, shapes)
        if isinstance(module, (PackedConvolution, WinogradConvolution)):
            packs[id(module.packed)] = _weights(module) * (4 if isinstance(module, WinogradConvolution) else 1)
        shares = isinstance(module, Layer) and module.type in VIEWS and not module.training
        for value in step.tops:
            owner[value] = owner[step.bottoms[0]] if shares else value
            readers[owner[value]] = readers.get(owner[value], 0) + 1
            live += 0 if shares else math.prod(shapes[value])
        now = live + _workspace(step, module, shapes)
        if now > peak:
            peak, worst = now, step.name
        for value in step.dead:
            readers[owner[value]] -= 1
            if not readers[owner[value]]:
                live -= math.prod(shapes[owner[value]])
    # of what is smaller (tops, and weights on their way to being packed), malloc's heap keeps holes: as measured, two of the largest
    passing = [*packs.values(), *(math.prod(shapes[value]) for step in plan.steps for value in step.tops)]
    kept = 2 * max((element * count for count in passing if element * count <= HEAP_LIMIT), default=0)
    return Memory(element * learned, element * sum(packs.values()), element * peak, worst, kept)


def _inner(step: Step, shapes: Mapping[int, Shape]) -> nn.Module:
    """The module that does a step's work, at these shapes."""
    module = step.module.module if isinstance(step.module, Activated) else step.module
    return module.direct if isinstance(module, WinogradConvolution) and not module.pays(shapes[step.bottoms[0]]) else module


def _weights(module: MaskedConvolution | PackedConvolution | WinogradConvolution) -> int:
    return module.convolution.blobs[0].numel()


def _workspace(step: Step, module: nn.Module, shapes: Mapping[int, Shape]) -> int:
    """Elements that a step takes beside its bottoms and tops, where it takes many."""
    tops = sum(math.prod(shapes[value]) for value in step.tops)
    if isinstance(module, (MaskedConvolution, WinogradConvolution)):
        return _weights(module)
    if isinstance(module, PackedConvolution):  # while it packs them, folded weights and their copy with channels innermost
        return 2 * _weights(module)
    if isinstance(module, PartwiseConvolution):  # a second term
        return tops
    if isinstance(module, Convolution):
        return tops + sum(math.prod(shapes[value]) for value in step.bottoms)
    if isinstance(module, LRN):
        return 2 * tops
    if isinstance(module, MaskedMeanField):
        batch, _, height, width = shapes[step.tops[0]]
        taps = [fields.geometry.taps for fields in module.fields]
        return batch * height * width * (sum(taps) + max(taps)) + 4 * tops
    if isinstance(module, NormConv):
        batch, _, height, width = shapes[step.tops[0]]
        return 2 * batch * height * width * module.geometry.taps
    return 0
