"""Which sizes of an exported net may change from run to run.

That is not guessed: the net is written for two sizes, and where both give the same text or graph,
it holds for any size that the net takes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from segaware_caffe.errors import CaffeError
from segaware_caffe.export.selection import is_input
from segaware_caffe.net import Net
from segaware_caffe.net.graph import Node
from segaware_caffe.schema.shapes import Shape

T = TypeVar("T")

#: what may be dynamic: the first axis of the inputs; height and width of images
BATCH, SIZE = KINDS = ("batch", "size")
#: by how much sizes are changed to see whether they may; nets of stride 32 take both 32n and 32n + 1
HEIGHT_STEP, WIDTH_STEP = 64, 128


def asked_kinds(dynamic: Iterable[str] | None) -> tuple[str, ...]:
    """The kinds of sizes that are asked to be dynamic: all if None."""
    asked = KINDS if dynamic is None else tuple(dynamic)
    unknown = [kind for kind in asked if kind not in KINDS]
    if unknown:
        raise CaffeError(f"dynamic may name '{BATCH}' and '{SIZE}', not {unknown[0]!r}")
    return asked


def not_dynamic(net: Net, kind: str, reason: str) -> CaffeError:
    """The error for a size that was asked to be dynamic and cannot be."""
    return CaffeError(f"net '{net.name}' cannot be exported with dynamic {kind}: {reason}")


def changed_inputs(net: Net, nodes: Sequence[Node], kind: str) -> dict[str, Shape]:
    """The inputs that hold one item each, or images of the first image's size, with that changed."""
    inputs = {net.graph.names[value]: net.shapes_of_values[value] for node in nodes if is_input(node) for value in node.tops}
    inputs = {name: shape for name, shape in inputs.items() if shape}
    if kind == BATCH:
        first = next(iter(inputs.values()), ())
        return {name: (shape[0] + 1, *shape[1:]) for name, shape in inputs.items() if shape[0] == first[0]}
    sizes = [shape[2:] for shape in inputs.values() if len(shape) == 4 and min(shape[2:]) > 1]
    return {
        name: (*shape[:2], shape[2] + HEIGHT_STEP, shape[3] + WIDTH_STEP)
        for name, shape in inputs.items()
        if sizes and shape[2:] == sizes[0]
    }


def written_for(net: Net, shapes: dict[str, Shape], write: Callable[[], T]) -> T | str:
    """What `write` makes of the net with inputs of other shapes; or why the net, or a converter, does not take them."""
    if not shapes:
        return "no input has such an axis"
    try:
        with reshaped(net, shapes):
            return write()
    except CaffeError as error:
        return f"with other inputs, {error}"


@contextmanager
def reshaped(net: Net, shapes: dict[str, Shape]) -> Iterator[None]:
    """The net with inputs of these shapes; afterwards of its own again."""
    before = {name: net.shapes[name] for name in shapes}
    try:
        net.reshape(**shapes)
        yield
    finally:
        net.reshape(**before)
