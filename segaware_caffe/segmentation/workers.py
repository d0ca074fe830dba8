"""Work on threads and on several processes, so that reading and writing never hold up the network."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import torch.distributed

from segaware_caffe.data.processes import Process

T = TypeVar("T")
R = TypeVar("R")

#: wraps items, whose number it is told, to show how far they are
Track: TypeAlias = Callable[[Iterable[Any], int], Iterable[Any]]

#: threads that read, and threads that write, unless the caller says otherwise
THREADS = 2


def ahead(function: Callable[[T], R], items: Iterable[T], threads: int = THREADS) -> Iterator[R]:
    """`function` of each item, in order, computed on threads that run at most two items each ahead of the caller.

    `items` is drawn from in the caller's thread. When an item's turn comes and its function has
    raised, so does this; whatever ends it, functions that were begun have returned before it does.
    """
    begun: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            begun.append(pool.submit(function, item))
            while begun and (len(begun) > 2 * threads or begun[0].done()):
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def batches(items: Iterable[T], size: int, key: Callable[[T], Any]) -> Iterator[list[T]]:
    """Items that follow each other and have one key, up to `size` together; none is drawn before it is needed.

    >>> list(batches([1, 3, 5, 2, 7], 2, key=lambda number: number % 2))
    [[1, 3], [5], [2], [7]]
    """
    group: list[T] = []
    for item in items:
        if group and key(item) != key(group[0]):
            yield group
            group = []
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def untracked(items: Iterable[T], total: int) -> Iterable[T]:
    """The items, with nothing shown."""
    return items


def wait_for_all(process: Process) -> None:
    """Return when every process of the run has called this."""
    if process.size == 1:
        return
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", timeout=timedelta(days=30))
    torch.distributed.barrier()
