"""The standard networks as one writes them in PyTorch, to train against: the layers of benchmarks/networks.py, one for one."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional


def activated(inputs: int, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, pad), nn.ReLU(inplace=True))


def maximum(kernel: int, stride: int, pad: int = 0) -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel, stride, pad, ceil_mode=True)


class LeNet(nn.Sequential):
    """LeNet of Caffe's examples."""

    def __init__(self) -> None:
        features = nn.Conv2d(1, 20, 5), maximum(2, 2), nn.Conv2d(20, 50, 5), maximum(2, 2), nn.Flatten()
        super().__init__(*features, nn.Linear(800, 500), nn.ReLU(inplace=True), nn.Linear(500, 10))


class VGG16(nn.Sequential):
    """VGG-16, without dropout."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        inputs = 3
        for count, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
            for _ in range(count):
                layers.append(activated(inputs, width, 3, pad=1))
                inputs = width
            layers.append(maximum(2, 2))
        classifier = nn.Linear(25088, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000)
        super().__init__(*layers, nn.Flatten(), *classifier)


class Inception(nn.Module):
    """Four branches side by side."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, project: int):
        super().__init__()
        self.one = activated(inputs, one, 1)
        self.three = nn.Sequential(activated(inputs, reduce3, 1), activated(reduce3, three, 3, pad=1))
        self.five = nn.Sequential(activated(inputs, reduce5, 1), activated(reduce5, five, 5, pad=2))
        self.project = nn.Sequential(maximum(3, 1, 1), activated(inputs, project, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.project(x)], 1)


class GoogLeNet(nn.Sequential):
    """GoogLeNet without its side classifiers."""

    def __init__(self) -> None:
        norm = nn.LocalResponseNorm(5, 0.0001, 0.75)
        layers: list[nn.Module] = [activated(3, 64, 7, 2, 3), maximum(3, 2), norm, activated(64, 64, 1), activated(64, 192, 3, pad=1), norm]
        layers.append(maximum(3, 2))
        inputs = 192
        for sizes in (
            (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (),
            (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
            (256, 160, 320, 32, 128, 128), (), (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128),
        ):  # fmt: skip
            layers.append(Inception(inputs, *sizes) if sizes else maximum(3, 2))
            inputs = sizes[0] + sizes[2] + sizes[4] + sizes[5] if sizes else inputs
        super().__init__(*layers, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(inputs, 1000))


class Bottleneck(nn.Module):
    """Three convolutions and a shortcut; the first one has the stride, as in Caffe's files."""

    def __init__(self, inputs: int, width: int, stride: int, projects: bool):
        super().__init__()

        def normalized(before: int, outputs: int, kernel: int, step: int = 1, pad: int = 0) -> list[nn.Module]:
            return [nn.Conv2d(before, outputs, kernel, step, pad, bias=False), nn.BatchNorm2d(outputs)]

        self.body = nn.Sequential(
            *normalized(inputs, width, 1, stride), nn.ReLU(inplace=True),
            *normalized(width, width, 3, 1, 1), nn.ReLU(inplace=True), *normalized(width, 4 * width, 1),
        )  # fmt: skip
        self.shortcut = nn.Sequential(*normalized(inputs, 4 * width, 1, stride)) if projects else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu_(self.shortcut(x) + self.body(x))


class ResNet50(nn.Sequential):
    """ResNet-50."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), maximum(3, 2)]
        inputs = 64
        for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512))):
            for block in range(blocks):
                layers.append(Bottleneck(inputs, width, 2 if stage and block == 0 else 1, block == 0))
                inputs = 4 * width
        super().__init__(*layers, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(inputs, 1000))


#: each network, and its images' size
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "LeNet": (LeNet, (1, 28, 28)),
    "GoogLeNet": (GoogLeNet, (3, 224, 224)),
    "ResNet-50": (ResNet50, (3, 224, 224)),
    "VGG-16": (VGG16, (3, 224, 224)),
}


def step_of(network: nn.Module, data: torch.Tensor, label: torch.Tensor, kind: str) -> Callable[[], float]:
    """A step of torch.optim's SGD, with momentum and decay; the loss is read, as a solver reads it."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9, weight_decay=0.0005, **{kind: True})

    def step() -> float:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(data), label)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
