"""`caffe.NCCL`: several processes that train one net, as pycaffe's scripts start them, over `torch.distributed`.

uid = caffe.NCCL.new_uid()                      # in the parent, given to all
caffe.set_solver_count(n); caffe.set_solver_rank(rank); caffe.set_multiprocess(True)
solver = caffe.SGDSolver(file)
nccl = caffe.NCCL(solver, uid); nccl.bcast()    # everybody starts from the first one's weights
solver.add_callback(nccl)                       # and the gradients are averaged
"""

import socket
from collections.abc import Iterable
from typing import Any

import torch
from torch import distributed

from segaware_caffe.data.processes import Process
from segaware_caffe.errors import CaffeError
from segaware_caffe.pycaffe import mode


def has_nccl() -> bool:
    """Whether processes can train together: whether PyTorch was built with `torch.distributed`."""
    return distributed.is_available()


class NCCL:
    """The tie between this process's solver and those of the others. The nets run on the CPU, and so does this (Gloo)."""

    def __init__(self, solver: Any, uid: bytes):
        if not has_nccl():
            raise CaffeError("NCCL: this PyTorch was built without torch.distributed")
        self._solver = solver
        count, rank = mode.solver_count(), mode.solver_rank()
        if not 0 <= rank < count:
            raise CaffeError(f"NCCL: solver_rank {rank} is not below solver_count {count}: call set_solver_count and set_solver_rank first")
        if not distributed.is_initialized():
            distributed.init_process_group("gloo", init_method=f"tcp://{uid.decode()}", world_size=count, rank=rank)

    @staticmethod
    def new_uid() -> bytes:
        """Where the processes of this machine meet, to be given to each."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"127.0.0.1:{free.getsockname()[1]}".encode()

    def bcast(self) -> None:
        """Give all processes the first one's weights."""
        for blob in self._blobs():
            distributed.broadcast(torch.from_numpy(blob.data), 0)

    def on_start(self) -> None:
        """A solver's callback before an iteration: nothing to do."""

    def on_gradients_ready(self) -> None:
        """A solver's callback before an update: average the gradients over the processes."""
        for blob in self._blobs():
            diff = torch.from_numpy(blob.diff)
            distributed.all_reduce(diff)
            diff /= Process.this().size

    def __call__(self, layer: int) -> None:
        """A net's callback after a layer's backward: nothing to do, since all gradients are averaged when they are ready."""

    def _blobs(self) -> Iterable[Any]:
        return (blob for blobs in self._solver.net.params.values() for blob in blobs)
