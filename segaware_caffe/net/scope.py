"""What the passes see of a net beside its graph; what they asked becomes the guards of the plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segaware_caffe.layers import Shape
from segaware_caffe.net.packs import Packs


@dataclass(frozen=True)
class Guard:
    """A question about the shapes of values, and the answer that a plan was made with."""

    question: Callable[..., Any]
    values: tuple[int, ...]
    answer: Any

    def holds(self, shapes: Mapping[int, Shape]) -> bool:
        """Whether the answer is the same for these shapes."""
        return self.question(*(shapes[value] for value in self.values)) == self.answer


class Scope:
    """The shapes of values, which must stay, the phase, and where packed weights are kept.

    A pass is a function of the graph and of the answers that `look` gave it: shapes that give the
    same answers in the same order make the same plan. So no pass can forget what it depends on.
    """

    def __init__(
        self,
        shapes: Mapping[int, Shape],
        fixed: frozenset[int],
        training: bool,
        packs: Packs | None = None,
        unsettled: frozenset[int] = frozenset(),
    ):
        """`fixed` values are wanted as they are; shapes of `unsettled` ones are known only when the net runs."""
        self.fixed = fixed
        self.training = training
        self.packs = packs or Packs()
        self.unsettled = unsettled
        self.guards: list[Guard] = []
        self._shapes = shapes

    def look(self, question: Callable[..., Any], *values: int) -> Any:
        """`question(*shapes)` of these values; None if one of them is unsettled.

        The fewer answers a question can have, the more shapes a plan serves: ask whether an image
        is large enough, not how large it is.
        """
        if self.unsettled.intersection(values):
            return None
        answer = question(*(self._shapes[value] for value in values))
        self.guards.append(Guard(question, values, answer))
        return answer
