"""Libraries that read files of strangers run apart, in a process that may crash, loop or run out of memory.

HDF5, LMDB and LevelDB trust what they read: a damaged file makes them loop for ever, or takes the process with
it. So a server of this package's own (`server`) is started when the first such file is read. It has the libraries
loaded and forks a process for each file, which has 4 seconds of work for each answer and 1 GB and 20 times the file's
size of memory. This side asks questions of that process and believes none of its answers unchecked.
"""

import array
import atexit
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from typing import Any, ClassVar

from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.limits import UNPACKED

#: seconds of work for an answer
SECONDS = 4
#: bytes a second that honest unpacking does at least
PACE = 20 * 2**20
#: the first question, and the last
OPEN, CLOSE = "open", None
#: how a message begins: the sizes of its JSON and of what follows that
HEAD = struct.Struct("<QQ")


class Conversation:
    """With a process that has a file open; of one thread at a time.

    `task` is a name in `server.TASKS`. FileError, or an error of the `kind`, from here and from `ask`: for what the task
    complains of, and where its process has ended.
    """

    def __init__(self, path: str | os.PathLike[str], task: str, size: int, spill: int | None = None, kind: type[CaffeError] = FileError):
        self._where, self._kind, self._lock = os.fspath(path), kind, threading.Lock()
        self._memory = UNPACKED.most() + 20 * size
        self._socket, theirs = socket.socketpair()
        with theirs:
            request = {"task": task, "path": os.path.abspath(path), "seconds": SECONDS + size // PACE, "memory": self._memory}
            _Server.fork(request, theirs.fileno(), spill)
        try:
            self.ask(OPEN)
        except CaffeError:
            self._socket.close()
            raise

    def ask(self, question: Any) -> tuple[Any, bytes]:
        """The answer, and the bytes that come with it."""
        with self._lock:
            try:
                send(self._socket, question)
                answer, more = receive(self._socket)
            except (OSError, EOFError):
                if not _Server.runs():
                    raise CaffeError(f"{self._where}: the process that reads such files cannot be started: {sys.executable}") from None
                raise self._kind(
                    f"{self._where}: damaged: the library that reads such files crashed on it, or asked for more than"
                    f" {SECONDS} s or {self._memory >> 20} MB"
                ) from None
        if isinstance(answer, dict) and "error" in answer:
            raise self._kind(f"{self._where}: {answer['error']}")
        return answer, more

    def close(self) -> None:
        """Let go of the file; when this returns it has been."""
        with self._lock:
            try:
                send(self._socket, CLOSE)
                receive(self._socket)
            except (OSError, EOFError):
                pass
            self._socket.close()


def send(to: socket.socket, message: Any, more: bytes = b"") -> None:
    """A message in JSON, and bytes."""
    text = json.dumps(message).encode()
    to.sendall(HEAD.pack(len(text), len(more)) + text)
    to.sendall(more)


def receive(source: socket.socket) -> tuple[Any, bytes]:
    """The next message. EOFError if there is none."""
    text, more = HEAD.unpack(_exactly(source, HEAD.size))
    return json.loads(_exactly(source, text)), _exactly(source, more)


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = source.recv(min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Server:
    """The server of this process; a process that was forked starts its own."""

    _lock = threading.Lock()
    _running: "_Server | None" = None
    #: those of the process that this one was forked from, whose handles are its own to close, and those that ended
    _replaced: ClassVar[list["_Server | None"]] = []

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.control, theirs = socket.socketpair()
        paths = [os.path.abspath(path) for path in sys.path]
        script = f"import sys; sys.path[:] = {paths!r}; from segaware_caffe.apart.server import serve; serve({theirs.fileno()})"
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", script],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    @classmethod
    def fork(cls, request: dict[str, Any], theirs: int, spill: int | None) -> None:
        """A process for a file, which talks through the socket `theirs` and may write to `spill`."""
        with cls._lock:
            if cls._running is None or cls._running.owner != os.getpid() or cls._running.process.poll() is not None:
                cls._replaced.append(cls._running)
                cls._running = cls()
            handles = array.array("i", [theirs] if spill is None else [theirs, spill])
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)]
            cls._running.control.sendmsg([json.dumps(request).encode()], rights)

    @classmethod
    def runs(cls) -> bool:
        """Whether there is one."""
        with cls._lock:
            return cls._running is not None and cls._running.process.poll() is None

    @classmethod
    def stop(cls) -> None:
        """The server ends when its owner lets go."""
        server, cls._running = cls._running, None
        if server is not None and server.owner == os.getpid():
            server.control.close()
            server.process.wait()


def _after_fork() -> None:
    """Another thread may have held the lock."""
    _Server._lock = threading.Lock()


atexit.register(_Server.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
