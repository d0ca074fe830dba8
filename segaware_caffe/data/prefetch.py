"""Reading ahead: a thread that runs an iterator while the network computes."""

import os
import threading
import weakref
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
#: seconds that the end waits for an item in work; a reader that hangs (a lost network drive, say) must not hang the program
PATIENCE = 5.0


class Prefetcher(Generic[T]):
    """Iterates over `items` on a thread, at most `ahead` of them in advance, in order.

    What goes wrong on the thread is raised by `next`, in its turn, and again by every later
    one. The thread ends with `close`, when the prefetcher is forgotten, and with the program.
    """

    def __init__(self, items: Iterator[T], ahead: int):
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._room = threading.Semaphore(ahead)
        self._process = os.getpid()
        stop = threading.Event()
        thread = threading.Thread(target=_fill, args=(items, self._queue, self._room, stop), name="data reader", daemon=True)
        self._error: BaseException | None = None
        self.close = weakref.finalize(self, _end, thread, stop, self._room, self._process)
        thread.start()

    @property
    def is_orphan(self) -> bool:
        """Whether this is a forked process's copy, which no thread fills."""
        return self._process != os.getpid()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._error is None:
            item, self._error = self._queue.get()
            self._room.release()
        if self._error is not None:
            raise self._error
        return item


def _fill(items: Iterator[T], queue: SimpleQueue[Any], room: threading.Semaphore, stop: threading.Event) -> None:
    """The thread; it knows nothing of the Prefetcher, so that this can be forgotten."""
    try:
        while True:
            room.acquire()
            if stop.is_set():
                return
            queue.put((next(items), None))
    except BaseException as error:  # StopIteration too: the reader's turn will come
        queue.put((None, error))


def _end(thread: threading.Thread, stop: threading.Event, room: threading.Semaphore, process: int) -> None:
    if process != os.getpid():
        return  # what the thread held as the process forked, it holds here for ever
    stop.set()
    room.release()
    thread.join(PATIENCE)
