"""What a tensor's device is spared: many small launches, and the host's waiting for it."""

from types import ModuleType

import torch

from segaware_caffe.ops import batched

#: devices that check conditions by themselves
ASSERTING = ("cuda", "meta")


def few_launches(x: torch.Tensor) -> ModuleType | None:
    """The module whose functions launch little on the device of `x`; None on the CPU, where loops over taps stay in cache."""
    return None if x.device.type == "cpu" else batched


def stops(wrong: torch.Tensor, message: str) -> bool:
    """Whether the caller, who knows more to say, must stop because `wrong` is true.

    Not on devices that check by themselves: there the host does not wait, and the device stops, later, with PyTorch's device-side
    assertion and the message.
    """
    if wrong.device.type not in ASSERTING:
        return bool(wrong)
    torch._assert_async(~wrong, message)
    return False
