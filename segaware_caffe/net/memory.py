"""What a run costs: arithmetic, traffic and memory of every step, and the memory of the whole."""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from segaware_caffe.layers import Shape
from segaware_caffe.net.plan import Step

#: glibc's malloc takes what is larger straight from the system, and gives it back at once
HEAP_LIMIT = 2**25


@dataclass(frozen=True)
class Memory:
    """Bytes that a run takes, and the step at which most blobs are alive."""

    learned: int
    packed: int
    blobs: int
    worst: str
    #: what malloc keeps of memory that was freed
    kept: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.learned + self.packed + self.blobs + self.kept

    def __str__(self) -> str:
        rows = {
            "learned blobs": self.learned,
            "packed copies of them": self.packed,
            f"blobs at '{self.worst}'": self.blobs,
            "kept by the allocator": self.kept,
            "peak": self.total,
        }
        return "\n".join(f"{name}: {size / 2**20:.1f} MiB" for name, size in rows.items())


@dataclass(frozen=True)
class Cost:
    """What one step takes: floating-point operations as its layers are defined, bytes that it must move, bytes alive while it runs."""

    step: Step
    operations: int
    moved: int
    alive: int


def costs(steps: Iterable[Step], shapes: Mapping[int, Shape], fed: Iterable[int], element: int = 4) -> Iterator[Cost]:
    """The cost of every step in turn, where the values `fed` come from a caller who keeps them."""
    readers = dict.fromkeys(fed, 2)
    owner = {value: value for value in readers}
    live = sum(math.prod(shapes[value]) for value in readers)
    for step in (single for several in steps for single in several.inner or (several,)):
        bottoms, tops = ([shapes[value] for value in values] for values in (step.bottoms, step.tops))
        shares = step.module.is_view
        for value in step.tops:
            owner[value] = owner[step.bottoms[0]] if shares else value
            readers[owner[value]] = readers.get(owner[value], 0) + 1
            live += 0 if shares else math.prod(shapes[value])
        alive = live + step.module.workspace(bottoms, tops)
        yield Cost(step, step.module.operations(bottoms, tops), element * step.module.moved(bottoms, tops), element * alive)
        for value in step.dead:
            readers[owner[value]] -= 1
            if not readers[owner[value]]:
                live -= math.prod(shapes[owner[value]])


def predict(steps: Sequence[Step], shapes: Mapping[int, Shape], fed: Sequence[int], learned: int, element: int = 4) -> Memory:
    """The memory of one run of these steps, as in `costs`; `learned` counts the learned blobs' elements."""
    peak, worst = element * sum(math.prod(shapes[value]) for value in fed), "inputs"
    packs: dict[Hashable, int] = {}
    for cost in costs(steps, shapes, fed, element):
        packs.update(cost.step.module.packed())
        if cost.alive > peak:
            peak, worst = cost.alive, cost.step.name
    # of what is smaller (tops, and weights on their way to being packed), malloc's heap keeps holes: as measured, two of the largest
    passing = [*packs.values(), *(math.prod(shapes[value]) for step in steps for value in step.tops)]
    kept = 2 * max((element * count for count in passing if element * count <= HEAP_LIMIT), default=0)
    return Memory(element * learned, element * sum(packs.values()), peak, worst, kept)
