"""How images lie in memory."""

import torch

from segaware_caffe.ops.watched import is_watched


def planar(images: torch.Tensor) -> torch.Tensor:
    """images (N, C, H, W) plane by plane in memory; what is so already is not copied.

    oneDNN's convolutions leave the channels innermost. PyTorch's `contiguous` then takes four to five times as long as
    the transposition of a matrix, as which it is done here: longer than a convolution with few outputs.
    """
    innermost = images.ndim == 4 and images.is_contiguous(memory_format=torch.channels_last)
    if images.is_contiguous() or not innermost or is_watched():
        return images.contiguous()
    result = torch.empty_like(images, memory_format=torch.contiguous_format)
    for sample in range(len(images)):
        pixels = images[sample].permute(1, 2, 0).flatten(0, 1)
        result[sample].flatten(1).copy_(pixels.t())
    return result
