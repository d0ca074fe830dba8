"""Random changes of image pairs and the flow between them (spec/layers.md 4.11).

Each takes and returns images of shape (images, 3, H, W) that are changed alike.
"""

import torch
from torch.nn.functional import pad


def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
    """Random numbers between low and high, on the CPU."""
    return torch.empty(shape).uniform_(low, high)


def translate(images: torch.Tensor, shift: int, fill: float = 0.0) -> torch.Tensor:
    """The content moved up and left by `shift` pixels (down and right if negative); `fill` comes in."""
    return pad(images, (-shift, shift, -shift, shift), value=fill)


def translate_flow(flow: torch.Tensor, shift: int) -> torch.Tensor:
    """A flow (2, H, W) moved like its images and stretched by size / (size - |shift|); (1, 0) comes in."""
    height, width = flow.shape[1:]
    moved = torch.stack((translate(flow[0], shift, 1.0), translate(flow[1], shift)))
    stretch = torch.tensor([width / (width - abs(shift)), height / (height - abs(shift))])
    return moved * stretch.view(2, 1, 1).to(flow)


def add_noise(images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Gaussian noise, the same for all channels, with a deviation between low and high for each row."""
    noise = torch.randn(images.shape[2:]) * uniform(low, high, images.shape[2], 1)
    return images + noise.to(images)


def scale_colours(images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Each channel times a factor between low and high."""
    return images * uniform(low, high, images.shape[1], 1, 1).to(images)


def change_contrast(images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """t * (v - 0.5) + 0.5 with t between low and high."""
    return (images - 0.5) * uniform(low, high).to(images) + 0.5


def change_gamma(images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """v ^ t with t between low and high; NaN for negative values."""
    return images ** uniform(low, high).to(images)


def change_brightness(images: torch.Tensor) -> torch.Tensor:
    """Gaussian noise of deviation 0.2, the same for all channels."""
    return images + 0.2 * torch.randn(images.shape[2:]).to(images)
