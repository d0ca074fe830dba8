"""Convolutions with packed weights that a compiled kernel of ours runs, where that is there and can."""

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import torch

from segaware_caffe.layers import Runnable, Shape
from segaware_caffe.net.packs import Packs
from segaware_caffe.net.passes.prepack import PackedConvolution, why_not_onednn
from segaware_caffe.ops import native
from segaware_caffe.ops.activation import Activation, applied
from segaware_caffe.ops.convolution import finishing


class KernelConvolution(Runnable):
    """A PackedConvolution that a compiled kernel runs; where that cannot it stays what it was."""

    #: the name of the kernel, for what is packed for it
    kernel: ClassVar[str]
    fresh = True
    convolution: Any

    def __init__(self, direct: PackedConvolution, packs: Packs):
        super().__init__()
        self.direct = direct
        self.convolution = direct.convolution
        self._packed = packs.cache(self.kernel, direct.source.key)

    @abstractmethod
    def pack_weight(self, weight: torch.Tensor) -> torch.Tensor:
        """The weights as the kernel wants them."""

    @abstractmethod
    def run(self, bottom: torch.Tensor, packed: torch.Tensor, finish: native.Finish) -> torch.Tensor:
        """Call the kernel. A FloatingPointError says that the direct sum must be taken."""

    @abstractmethod
    def packed_size(self) -> int:
        """Elements of the weights as the kernel wants them."""

    def forward(self, bottom: torch.Tensor, shortcut: torch.Tensor | None = None, activation: Activation | None = None) -> torch.Tensor:
        blobs = self.direct.blobs()
        if why_not_onednn(bottom, *blobs) is not None or (shortcut is not None and why_not_onednn(shortcut) is not None):
            return self.direct(bottom, shortcut, activation)
        weight, *bias = self._packed(blobs, self._pack)
        finish = finishing(bias[0] if bias else None, shortcut, activation, self.convolution.num_output)
        try:
            return self.run(bottom, weight, finish)
        except FloatingPointError:  # an infinity or NaN, which belongs to fewer pixels than a tile has; oneDNN's ReLU makes 0 of NaN
            return applied(self.direct(bottom, shortcut), activation)

    def takes(self, activation: Activation) -> bool:
        return True

    def check_shapes(self, *bottoms: Shape) -> None:
        self.convolution.check_shapes(bottoms[0])

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.blob(0).numel()

    def packed(self) -> Mapping[Hashable, int]:
        return {self._packed: self.packed_size()}

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.operations(bottoms[:1], tops)

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        return self.direct.why_not(*bottoms)

    def _pack(self) -> tuple[torch.Tensor, ...]:
        weight, bias = self.direct.weight_and_bias()
        packed = self.pack_weight(weight)
        return (packed,) if bias is None else (packed, bias)
