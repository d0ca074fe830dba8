"""ResNet-101 with dilated last stages, as DeepLab cuts it: one branch a resolution, all with the same learned blobs."""

from dataclasses import dataclass
from typing import Any

from config_builders.layers import convolution, eltwise, layer, pooling, relu
from config_builders.text import Message, variable

LABELS = 21
STAGES = (
    # number, blocks, width, stride, dilation
    (2, ("a", "b", "c"), 64, 1, 1),
    (3, ("a", *(f"b{i}" for i in range(1, 4))), 128, 2, 1),
    (4, ("a", *(f"b{i}" for i in range(1, 23))), 256, 1, 2),
    (5, ("a", "b", "c"), 512, 1, 4),
)


@dataclass(frozen=True)
class Branch:
    """The network at one resolution. Layers and blobs end in `suffix`; learned blobs do not, and so are shared.

    `memory` holds the fields that let the reference free a convolution's blobs early.
    """

    suffix: str
    memory: Message

    def trunk(self) -> list[Message]:
        """From `data` to `res5c`, at an eighth of the resolution."""
        layers = self._normalized("conv1", "data", num_output=64, kernel_size=7, pad=3, stride=2)
        layers += [relu(f"conv1_relu{self.suffix}", f"conv1{self.suffix}")]
        layers += [pooling(f"pool1{self.suffix}", f"conv1{self.suffix}", stride=2)]
        bottom = "pool1"
        for number, blocks, width, stride, dilation in STAGES:
            for block in blocks:
                name = f"res{number}{block}"
                layers += self._bottleneck(name, bottom, width, stride if block == "a" else 1, dilation)
                bottom = name
        return layers

    def _bottleneck(self, name: str, bottom: str, width: int, stride: int, dilation: int) -> list[Message]:
        """Three convolutions added to a shortcut, which the first block of a stage projects to the new width."""
        narrow = {"num_output": width, "kernel_size": 1, "pad": 0}
        wide = {"num_output": 4 * width, "kernel_size": 1, "pad": 0}
        dilated = {"dilation": dilation} if dilation > 1 else {}
        window = {"num_output": width, "kernel_size": 3, "pad": dilation, **dilated}
        projected = name.endswith("a")
        shortcut = f"{name}_branch1" if projected else bottom
        reduced, seen, restored = (f"{name}_branch2{part}" for part in "abc")
        return [
            *(self._normalized(shortcut, bottom, **wide, stride=stride) if projected else []),
            *self._normalized(reduced, bottom, **narrow, stride=stride),
            self._relu(reduced),
            *self._normalized(seen, reduced, **window, stride=1),
            self._relu(seen),
            *self._normalized(restored, seen, **wide, stride=1),
            layer("Eltwise", name + self.suffix, [shortcut + self.suffix, restored + self.suffix]),
            self._relu(name),
        ]

    def _normalized(self, name: str, bottom: str, **convolution_param: Any) -> list[Message]:
        """A convolution, and the normalisation and affine map that stay as they were learned on ImageNet."""
        blob = name + self.suffix
        place = name.removeprefix("res") if name.startswith("res") else f"_{name}"
        rate = [{"name": f"{name}_0", "lr_mult": variable("MAIN_LR1"), "decay_mult": 1}]
        return [
            convolution(blob, bottom + self.suffix, rate, self.memory, bias_term=False, **convolution_param),
            self._in_place("BatchNorm", f"bn{place}", blob, 3, batch_norm_param={"use_global_stats": True}),
            self._in_place("Scale", f"scale{place}", blob, 2, scale_param={"bias_term": True}),
        ]

    def _in_place(self, kind: str, name: str, blob: str, learned: int, **fields: Any) -> Message:
        frozen = [{"name": f"{name}_{index}", "lr_mult": 0} for index in range(learned)]
        return layer(kind, name + self.suffix, [blob], [blob], param=frozen, **fields)

    def _relu(self, name: str) -> Message:
        return relu(f"{name}_relu{self.suffix}", name + self.suffix)


def classifiers(
    suffix: str, rates: tuple[Message, Message], memory: Message, name: str = "fc1_voc12", labels: Any = LABELS
) -> list[Message]:
    """Four dilated classifiers of `res5c` at one resolution, added up (`name`).

    `rates` are the fields of the ParamSpecs of their weights and of their biases, besides the name.
    """
    scores = f"{name}{suffix}"
    names = [f"{scores}_c{index}" for index in range(4)]
    layers = []
    for index, each in enumerate(names):
        reach = 6 * (index + 1)
        window = {"kernel_size": 3, "pad": reach, "dilation": reach}
        param = [{"name": f"{name}_c{index}_{blob}", **rate} for blob, rate in zip("wb", rates, strict=True)]
        layers.append(convolution(each, f"res5c{suffix}", param, memory, num_output=labels, **window))
    return [*layers, eltwise(scores, names, "SUM")]
