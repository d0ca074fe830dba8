"""Records of a database some at a time, for several readers at once."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

#: records, bytes of one answer
MOST_RECORDS = 1000
MOST_BYTES = 2**20


class Batches:
    """A task. The question is a reader's number: the answer is the sizes of the next keys and values, with their bytes
    beside it, and whether they are the last.

    `start` gives a new reader's records, in the order of their keys; a database whose keys run in circles is damaged.
    """

    def __init__(self, start: Callable[[], Iterable[Any]], close: Callable[[], None], trouble: str, text: Callable[[Exception], str] = str):
        self._start, self._close, self._trouble, self._text = start, close, trouble, text
        self._readers: dict[int, Iterator[Any]] = {}
        self._last: dict[int, bytes] = {}

    def __call__(self, reader: int | None) -> tuple[Any, bytes]:
        if reader is None:
            self._readers.clear()
            self._close()
            return None, b""
        try:
            if reader not in self._readers:
                self._readers[reader] = iter(self._start())
            return self._next(reader)
        except Exception as error:
            raise ValueError(f"{self._trouble}: {self._text(error)}") from error

    def _next(self, reader: int) -> tuple[dict[str, Any], bytes]:
        parts: list[bytes] = []
        size = 0
        for key, value in self._readers[reader]:
            parts += (bytes(key), bytes(value))
            if reader in self._last and parts[-2] <= self._last[reader]:
                raise ValueError("its keys are not in order: it is damaged")
            self._last[reader] = parts[-2]
            size += len(value)
            if size > MOST_BYTES or len(parts) >= 2 * MOST_RECORDS:
                break
        else:
            del self._readers[reader]
            self._last.pop(reader, None)
        return {"sizes": [len(part) for part in parts], "last": reader not in self._readers}, b"".join(parts)
