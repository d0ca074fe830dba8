"""Several processes that train one net, each on its share of the data, as Caffe does on several GPUs (spec/pipeline.md 5.1).

Started by torchrun, on one machine or several. With n processes the batch is n times the
prototxt's and the learning rate stays as it is: gradients and losses are averaged over the
processes before anything else is done with them, so that each makes the same update. As in the
reference, the first process alone runs the test nets, writes snapshots and logs (the outputs of the
train net that it prints are its own, the loss is everybody's).

Gradients are averaged once an iteration, after the last backward pass. `DistributedDataParallel`
would begin before the pass is over, but expects a gradient for every learned blob in every pass;
Caffe's nets may have blobs that no loss reaches, and `iter_size`.
"""

import atexit
from collections.abc import Iterable, Iterator
from datetime import timedelta

import torch
from torch import distributed

from segaware_caffe.data.processes import Process

#: how long processes wait for one that tests or writes; torchrun ends them all when one dies
PATIENCE = timedelta(days=1)
#: elements sent at a time
BUCKET = 2**24


class Processes:
    """The processes of this run: one, or those that torchrun started."""

    def __init__(self) -> None:
        if Process.this().size > 1 and not distributed.is_initialized():
            distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
            atexit.register(_leave)
        #: this one; the first one tests, writes and logs
        self.this = Process.this()

    @property
    def size(self) -> int:
        """How many there are."""
        return self.this.size

    def same(self, tensors: Iterable[torch.Tensor]) -> None:
        """Give all processes the first one's values."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.detach(), 0)

    def same_number(self, value: int) -> int:
        """The first process's value, for all."""
        number = torch.tensor(value)
        self.same([number])
        return int(number)

    def largest(self, value: int) -> int:
        """The largest value that any process has, for all."""
        if self.size == 1:
            return value
        number = torch.tensor(value)
        distributed.all_reduce(number, distributed.ReduceOp.MAX)
        return int(number)

    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace each tensor by its mean over all processes."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            distributed.all_reduce(flat)
            flat /= self.size
            for tensor, part in zip(bucket, flat.split([tensor.numel() for tensor in bucket]), strict=True):
                tensor.copy_(part.view_as(tensor))


def _buckets(tensors: Iterable[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """The tensors in groups of about BUCKET elements, which make one message each."""
    bucket: list[torch.Tensor] = []
    for tensor in tensors:
        bucket.append(tensor)
        if sum(member.numel() for member in bucket) >= BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
