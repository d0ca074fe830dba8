"""A Python module as it is written: what `__init__` declares, what `forward` does, helpers, and the weights."""

import inspect
import keyword
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from segaware_caffe.schema.shapes import Shape

#: the most characters of a line before a call is broken over several
WIDTH = 120


class Value(NamedTuple):
    """A blob as a converter sees it: the variable that holds it, and its shape."""

    name: str
    shape: Shape

    def __str__(self) -> str:
        return self.name


class Several(str):
    """An expression that gives all tops of a layer at once, and `spare` values after them that nobody wants."""

    spare: int

    def __new__(cls, text: str, spare: int = 0) -> "Several":
        several = super().__new__(cls, text)
        several.spare = spare
        return several


def identifier(name: str) -> str:
    """A Python name as near to a layer's or blob's as there is."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
    word = f"_{word}" if word[0].isdigit() else word
    return f"{word}_" if keyword.iskeyword(word) or word in RESERVED else word


#: names that the written module uses itself
RESERVED = ("self", "torch", "nn", "functional", "math")


def literal(value: Any) -> str:
    """A number, or a sequence of them, as Python text; floats as short as float32 allows."""
    if isinstance(value, float):
        text = f"{value:.9g}"
        short = f"{value:.7g}"
        return short if float(short) == value or torch.tensor(float(short)) == torch.tensor(value) else text
    if isinstance(value, (tuple, list)):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


@dataclass
class Source:
    """Collects the parts of the module."""

    declared: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    helpers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    #: name in the module's state_dict -> value
    state: dict[str, torch.Tensor] = field(default_factory=dict)
    #: the layer that is being written
    layer: str = ""
    _attributes: set[str] = field(default_factory=set)

    def module(self, constructor: str, *arguments: Any, state: dict[str, torch.Tensor] | None = None, **keywords: Any) -> str:
        """Declare a submodule named after the layer, with its weights; how it is called."""
        name = self._attribute(identifier(self.layer))
        self.declared.append(call(f"self.{name} = {constructor}", *map(literal, arguments), **keywords))
        self.state |= {f"{name}.{key}": value for key, value in (state or {}).items()}
        return f"self.{name}"

    def parameter(self, value: torch.Tensor, what: str = "weight") -> str:
        """Declare a parameter of the layer, and its value; how it is called."""
        name = self._attribute(f"{identifier(self.layer)}_{what}")
        self.declared.append(f"self.{name} = nn.Parameter(torch.empty({literal(tuple(value.shape))}))")
        self.state[name] = value
        return f"self.{name}"

    def buffer(self, value: torch.Tensor, what: str) -> str:
        """Declare numbers that do not learn; how they are called."""
        name = self._attribute(f"{identifier(self.layer)}_{what}")
        self.declared.append(f'self.register_buffer("{name}", torch.empty({literal(tuple(value.shape))}))')
        self.state[name] = value
        return f"self.{name}"

    def use(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> str:
        """A call of a helper, whose text goes into the module; strings are expressions, the rest literals."""
        for needed in getattr(function, "needs", ()):
            self.helpers[needed.__name__] = needed
        self.helpers[function.__name__] = function
        words = [str(a) if isinstance(a, (str, Value)) else literal(a) for a in arguments]
        return call(function.__name__, *words, **keywords)

    def assign(self, what: str, expression: str) -> str:
        """Give an expression a variable of its own, named after the layer."""
        name = f"{identifier(self.layer)}_{what}"
        self.lines += broken(f"{name} = {expression}", 8)
        return name

    def _attribute(self, name: str) -> str:
        number, free = 1, name
        while free in self._attributes:
            number += 1
            free = f"{name}_{number}"
        self._attributes.add(free)
        return free

    def helper_texts(self) -> list[str]:
        """The helpers' own source, in the order in which they stand in their module."""
        functions = sorted(self.helpers.values(), key=lambda f: f.__code__.co_firstlineno)
        return [re.sub(r"^@needs\(.*\)\n", "", inspect.getsource(function)).rstrip("\n") for function in functions]


def call(function: str, *arguments: str, **keywords: Any) -> str:
    """The text of a call."""
    words = [*arguments, *(f"{name}={value if isinstance(value, str) else literal(value)}" for name, value in keywords.items())]
    return f"{function}({', '.join(words)})"


def broken(line: str, indent: int, comment: str = "") -> list[str]:
    """A statement that ends in a call, over several lines if it is too long for one."""
    whole = " " * indent + line + comment
    if len(whole) <= WIDTH or not line.endswith(")"):
        return [whole]
    head, arguments = split_call(line)
    pad = " " * indent
    return [f"{pad}{head}(", *(f"{pad}    {argument}," for argument in arguments), f"{pad}){comment}"]


def split_call(line: str) -> tuple[str, Sequence[str]]:
    """The text before the last outermost parenthesis, and the arguments in it."""
    depth, end = 0, len(line) - 1
    for position in range(end, -1, -1):
        depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(line[position], 0)
        if depth == 0:
            break
    arguments, depth, start = [], 0, position + 1
    for index in range(position + 1, end):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(line[index], 0)
        if line[index] == "," and depth == 0:
            arguments.append(line[start:index].strip())
            start = index + 1
    arguments.append(line[start:end].strip())
    return line[:position], [argument for argument in arguments if argument]
