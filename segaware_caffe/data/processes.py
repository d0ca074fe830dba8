"""Which of several processes this one is. Nothing else asks torchrun's environment."""

import os
from dataclasses import dataclass

from torch import distributed

from segaware_caffe.layers.context import Share


@dataclass(frozen=True)
class Process(Share):
    """This process among those of a run, and its share of their work: `of` the items that all of them go through.

    `rank` and `size` are its number and how many there are, `local_rank` and `local_size` the same on its machine.
    """

    local_rank: int = 0
    local_size: int = 1

    @classmethod
    def this(cls) -> "Process":
        """As `torch.distributed` has it if it was started, else as torchrun says; the only one without either."""
        says = {name: int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE") if name in os.environ}
        rank, size = says.get("RANK", 0), says.get("WORLD_SIZE", 1)
        if distributed.is_available() and distributed.is_initialized():
            rank, size = distributed.get_rank(), distributed.get_world_size()
        return cls(rank, size, says.get("LOCAL_RANK", rank), says.get("LOCAL_WORLD_SIZE", 1))

    @property
    def is_first(self) -> bool:
        """Whether this is the one that reports."""
        return self.rank == 0
