"""What a tensor's device is spared: many small launches, and the host's waiting for it."""

from types import ModuleType

import torch

from segaware_caffe.ops import batched

#: devices that check conditions by themselves
ASSERTING = ("cuda", "meta")


def few_launches(x: torch.Tensor) -> ModuleType | None:
    """The module whose functions launch little on the device of `x`; None on the CPU, where loops over taps stay in cache."""
    return None if x.device.type == "cpu" else batched


def asserts(condition: torch.Tensor, message: str) -> bool:
    """Have the device stop with the message unless the condition holds (PyTorch's device-side assertion), while the host goes on.

    False where it cannot: the caller reads the condition then, and knows more to say.
    """
    if condition.device.type not in ASSERTING:
        return False
    torch._assert_async(condition, message)
    return True
