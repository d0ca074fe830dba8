"""What the data layers draw when they are set up (spec/pipeline.md 4.8).

The context's generator hands out seeds while a net is built; every data layer then draws from
generators of its own, so what it serves does not depend on when its thread runs.
"""

from dataclasses import dataclass

from segaware_caffe.layers.context import Context


@dataclass(frozen=True)
class Seeds:
    """What a data layer draws when it is set up; None where it needs none."""

    transform: int | None = None
    #: for shuffling the list, or for sampling windows
    order: int | None = None
    skip: int = 0


def draw_seeds(context: Context, transform: bool, order: bool, rand_skip: int = 0) -> Seeds:
    """The draws of a prefetching layer, in the reference's order.

    The transformer's seed is drawn twice and the second counts; the last word would seed the
    reading thread, which needs none. Of processes that share the data each gets another transformer's
    seed, but all the same order.
    """
    draw = context.random.next32
    if transform:
        draw()
    order_seed = draw() if order else None
    skip = draw() % rand_skip if rand_skip else 0
    transform_seed = draw() + context.share.rank if transform else None
    draw()
    return Seeds(transform_seed, order_seed, skip)
