"""Which function writes a layer of a given type in a format, and why some types have none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from segaware_caffe.errors import CaffeError
from segaware_caffe.export.selection import is_input, is_input_type
from segaware_caffe.layers import registered
from segaware_caffe.net.graph import Node

#: `convert(writer, layer, *bottoms)`: what the layer's tops are in the format
Converter = Callable[..., str | Sequence[str]]


class NoForm(CaffeError):
    """A layer that has no form in a format as it is configured."""


def refuse(layer: Any, reason: str) -> NoForm:
    """The error of a layer that cannot be written as it is configured."""
    return NoForm(f"layer '{layer.name}' ({layer.type}): {reason}")


class Converters:
    """The functions that write layers in one format, by type."""

    def __init__(self, headline: str, refused: Mapping[str, Sequence[str]]):
        """`headline` opens the error that lists what cannot be written; `refused` says why, and of which types."""
        self._headline = headline
        self._refused = refused
        self._functions: dict[str, Converter] = {}

    def converter(self, *types: str) -> Callable[[Converter], Converter]:
        """Decorator: the function writes layers of these types."""

        def add(function: Converter) -> Converter:
            self._functions.update(dict.fromkeys(types, function))
            return function

        return add

    def write(self, writer: Any, name: str, node_type: str, module: Any, bottoms: Iterable[Any]) -> str | Sequence[str]:
        """What the function of a type makes of a layer called `name`."""
        writer.layer = name
        return self._functions[node_type](writer, module, *bottoms)

    def why_not(self, layer_type: str) -> str | None:
        """Why layers of a type cannot be written; None if they can."""
        if layer_type in self._functions:
            return None
        return next((reason for reason, types in self._refused.items() if layer_type in types), "is of a type that has no converter here")

    def check(self, nodes: Iterable[Node]) -> None:
        """Raise CaffeError for the nodes whose types cannot be written, all at once."""
        wrong = [(node, self.why_not(node.type)) for node in nodes if not is_input(node)]
        self.fail([f"layer '{node.name}' ({node.type}) {reason}" for node, reason in wrong if reason])

    def fail(self, lines: Sequence[str]) -> None:
        """Raise CaffeError with these lines, if there are any."""
        if lines:
            raise CaffeError("\n  ".join([f"{self._headline}:", *lines]))

    def coverage(self) -> dict[str, str]:
        """Layer type -> "yes", "input" (its tops are inputs of what is exported), or why it cannot be exported."""
        return {
            name: "input" if is_input_type(name, layer.bottoms) else self.why_not(name) or "yes" for name, layer in registered().items()
        }
