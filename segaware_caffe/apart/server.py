"""The other side of `apart`: forks a process for each file, which answers questions about it until it is told to stop."""

import array
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Any

from segaware_caffe.apart import CLOSE, receive, send

#: task -> the library that it needs, the module whose `open_task` does it
TASKS = {"hdf5": ("h5py", "hdf5_tree"), "lmdb": ("lmdb", "lmdb_records"), "leveldb": ("plyvel", "leveldb_records")}
#: of a request
MAX_REQUEST = 2**16

#: Answers a question: something for JSON, and bytes. The question CLOSE is the last.
Task = Callable[[Any], tuple[Any, bytes]]


def serve(control: int) -> None:
    """Fork for each request that comes through the socket `control`, until it is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are done
    requests = socket.socket(fileno=control)
    while True:
        text, ancillary, _, _ = requests.recvmsg(MAX_REQUEST, socket.CMSG_SPACE(2 * array.array("i").itemsize))
        if not text:
            return
        handles = array.array("i", ancillary[0][2])
        request = json.loads(text)
        library, module = TASKS[request["task"]]
        import_module(library)  # once, for all that are forked
        task = import_module(f"segaware_caffe.apart.{module}").open_task
        if not os.fork():
            requests.close()
            try:
                _answer(task, request, socket.socket(fileno=handles[0]), handles[1] if len(handles) > 1 else None)
            finally:
                os._exit(0)
        for handle in handles:
            os.close(handle)


def _answer(open_task: Callable[..., Task], request: dict[str, Any], questions: socket.socket, spill: int | None) -> None:
    memory = request["memory"] + _memory_now()
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    task: Task | None = None
    while True:
        question, _ = receive(questions)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])  # its signal ends this process
        try:
            if task is None:
                task = open_task(request["path"], spill, request["memory"])
                answer, more = None, b""
            else:
                answer, more = task(question)
        except Exception as error:  # whatever the library raises
            answer, more = {"error": str(error)}, b""
        signal.setitimer(signal.ITIMER_PROF, 0)
        send(questions, answer, more)
        if question is CLOSE:
            return


def _memory_now() -> int:
    """Bytes that count for the bound already."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2**30
