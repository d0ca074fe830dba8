"""Values computed from learned blobs once, and again when the blobs have changed: folded and packed weights."""

from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakValueDictionary

import torch

Tensors = tuple[torch.Tensor, ...]


class Cache:
    """The result of a computation, for as long as the blobs it is computed from stay as they are.

    It is told how at each call and keeps no reference to its owner: a cycle would hold the weights of a net that is no
    longer used until the next garbage collection.

    Changes are seen by PyTorch's version counters. Whoever writes past them (through numpy, `.data`,
    or a file read into the memory) calls `Net.refresh`, as all of this package's own writers do.
    """

    def __init__(self) -> None:
        self._versions: list[tuple[int, int]] | None = None
        self._values: Tensors = ()

    def __call__(self, blobs: list[torch.Tensor], compute: Callable[[], Tensors]) -> Tensors:
        """What `compute` gives for these blobs."""
        if torch.compiler.is_compiling():
            return compute()
        graded, versions = torch.is_grad_enabled(), []
        for blob in blobs:
            if blob.is_inference() or (graded and blob.requires_grad):
                return compute()
            versions.append((blob.data_ptr(), blob._version))
        if versions != self._versions:
            with torch.no_grad():
                self._values = compute()
            self._versions = versions
        return self._values

    def clear(self) -> None:
        """Forget the result."""
        self._versions, self._values = None, ()


class Packs:
    """The caches of a net by what they are made of: all its plans share them, so that a new plan packs nothing again.

    A cache lives as long as a plan needs it. Copies and pickles of a net leave what is packed behind.
    """

    def __init__(self) -> None:
        self._caches: WeakValueDictionary[Hashable, Cache] = WeakValueDictionary()

    def cache(self, *key: Hashable) -> Cache:
        """The cache of that key, new if there is none."""
        found = self._caches.get(key)
        if found is None:
            found = self._caches[key] = Cache()
        return found

    def clear(self) -> None:
        """Forget all results; who holds a cache fills it again when it is next used."""
        for cache in list(self._caches.values()):
            cache.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(vars(type(self)()))
