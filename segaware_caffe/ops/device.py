"""What a tensor's device is spared: many small launches, and the host's waiting for it."""

import importlib.util
import os
from functools import cache
from types import ModuleType

import torch

from segaware_caffe.ops import batched

#: devices that check conditions by themselves
ASSERTING = ("cuda", "meta")


#: what a GPU's kernels read and write; they add up in float32
KERNEL_TYPES = (torch.float32, torch.float16, torch.bfloat16)

#: 0 leaves the work on GPUs to PyTorch's operators
VARIABLE = "SEGAWARE_CAFFE_TRITON"


def few_launches(x: torch.Tensor) -> ModuleType | None:
    """The module whose functions launch little on the device of `x`; None on the CPU, where loops over taps stay in cache.

    On CUDA devices Triton's kernels, where Triton is installed, and else PyTorch's operators on all taps at once.
    """
    if x.device.type == "cpu":
        return None
    kernels = triton_kernels() if x.device.type == "cuda" and x.dtype in KERNEL_TYPES else None
    return batched if kernels is None else kernels


@cache
def triton_kernels() -> ModuleType | None:
    """The Triton kernels; None where Triton is not installed or not wanted."""
    if os.environ.get(VARIABLE) == "0" or importlib.util.find_spec("triton") is None:
        return None
    return importlib.import_module("segaware_caffe.ops.triton")


def stops(wrong: torch.Tensor, message: str) -> bool:
    """Whether the caller, who knows more to say, must stop because `wrong` is true.

    Not on devices that check by themselves: there the host does not wait, and the device stops, later, with PyTorch's device-side
    assertion and the message.
    """
    if wrong.device.type not in ASSERTING:
        return bool(wrong)
    torch._assert_async(~wrong, message)
    return False
