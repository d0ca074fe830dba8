"""Values computed from learned blobs once, and again when the blobs have changed."""

from collections.abc import Callable

import numpy as np
import torch

#: in how many places a large blob is compared to find out whether it was changed
SAMPLES = 256


class Cache:
    """The result of a computation, for as long as the blobs it is computed from stay as they are.

    It is told how at each call and keeps no reference to its owner: a cycle would hold the weights of a net that is no
    longer used until the next garbage collection.

    Changes through PyTorch are seen by its version counters. For changes past them (through numpy,
    `.data`, or a file read into the memory) blobs on the CPU are compared, small ones whole and large
    ones in 256 places; after a finer change than that, `Net.refresh` is to be called.
    """

    def __init__(self) -> None:
        self._versions: list[tuple[int, int]] = []
        self._samples: list[tuple[np.ndarray, bytes]] = []
        self._values: tuple[torch.Tensor, ...] = ()

    def __call__(self, blobs: list[torch.Tensor], compute: Callable[[], tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
        """What `compute` gives for these blobs."""
        if any(blob.requires_grad for blob in blobs) or torch.compiler.is_compiling():
            return compute()
        versions = [(blob.data_ptr(), blob._version) for blob in blobs]
        if versions != self._versions or any(places.tobytes() != seen for places, seen in self._samples):
            self._values = compute()
            self._versions = versions
            self._samples = [(places, places.tobytes()) for places in map(_places, blobs) if places is not None]
        return self._values


def _places(blob: torch.Tensor) -> np.ndarray | None:
    """The elements of a blob that are compared, as a view of its memory."""
    if blob.device.type != "cpu" or blob.dtype == torch.bfloat16 or not blob.is_contiguous():
        return None
    return blob.detach().flatten()[:: max(1, blob.numel() // SAMPLES)].numpy()
