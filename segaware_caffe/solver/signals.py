"""What Ctrl-C and a hang-up do to a running solver (spec/pipeline.md 4.6)."""

import enum
import signal
from types import FrameType, TracebackType
from typing import Any

from segaware_caffe.errors import CaffeError


class Action(enum.IntEnum):
    """What a solver is asked to do between two iterations."""

    NONE = 0
    SNAPSHOT = 1
    STOP = 2


EFFECTS = {"stop": Action.STOP, "snapshot": Action.SNAPSHOT, "none": Action.NONE}


class Signals:
    """Catches SIGINT and SIGHUP while its block runs; `poll` tells, once for each, what they ask for.

    Args:
        sigint, sighup: "stop", "snapshot" or "none".
    """

    def __init__(self, sigint: str = "stop", sighup: str = "snapshot"):
        self._effects = {signal.SIGHUP: _effect(sighup), signal.SIGINT: _effect(sigint)}  # the order in which poll serves them
        self._pending: set[int] = set()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        for number in self._effects:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pending.add(number)

    def poll(self) -> Action:
        """The action of the first pending signal, SIGHUP before SIGINT; the other is served by the next call."""
        for number, action in self._effects.items():
            if number in self._pending:
                self._pending.discard(number)
                return action
        return Action.NONE


def _effect(name: str) -> Action:
    if name not in EFFECTS:
        raise CaffeError(f'Invalid signal effect "{name}" was specified; there are: {", ".join(EFFECTS)}')
    return EFFECTS[name]
