"""Prints dicts as prototxt: one block a layer, on one line where it fits.

Numbers may be placeholders here (`lr_mult: ${MAIN_LR1}`), which no parsed message could hold: hence no protobuf.
"""

from itertools import groupby
from string import Template
from typing import Any

Message = dict[str, Any]  # field -> str, int, float, bool, Word, Message, or a list of those

HEADER = "# Written by scripts/make_configs.py; change the script, not this file.\n"
WIDTH = 120


class Word(str):
    """Text that stands without quotes: the name of an enum's value, or a placeholder for a number."""


def variable(name: str) -> Word:
    """The placeholder `${name}`, for a field that is not a string."""
    return Word(f"${{{name}}}")


def network(sections: dict[str, list[Message]], name: str = "${NET_ID}", block: str = "layer") -> str:
    """The text of a network called `name`: its layers in order, each section under its title."""
    parts = [f'{HEADER}name: "{name}"\n']
    for title, layers in sections.items():
        blocks = [line for layer in layers for line in _block(block, layer, "")]
        parts.append("\n".join([f"# {title}", *blocks]) + "\n")
    return "\n".join(parts)


def solver(fields: Message) -> str:
    """The text of a solver, one field a line."""
    return HEADER + "".join(f"{_inline(name, value)}\n" for name, value in fields.items())


def variables(values: dict[str, Any]) -> str:
    """The text of a variables file, a value a line."""
    return HEADER + "".join(f"{name}={value}\n" for name, value in values.items())


def render(template: str, variables: dict[str, Any]) -> str:
    """`template` with its placeholders replaced; KeyError for one that has no value. Values may be left over."""
    return Template(template).substitute(variables)


def _fields(message: Message) -> list[tuple[str, Any]]:
    """The fields of `message` in order, a repeated one once for each of its values."""
    values = {name: value if isinstance(value, list) else [value] for name, value in message.items()}
    return [(name, item) for name, items in values.items() for item in items]


def _inline(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{name} {{ {' '.join(_inline(*field) for field in _fields(value))} }}"
    if isinstance(value, bool):
        return f"{name}: {str(value).lower()}"
    if isinstance(value, str) and not isinstance(value, Word):
        return f'{name}: "{value}"'
    return f"{name}: {value}"


def _block(name: str, value: Any, indent: str) -> list[str]:
    """The lines of a field: one where it fits, otherwise a line for each run of scalars and of messages of one name."""
    line = indent + _inline(name, value)
    if len(line) <= WIDTH:
        return [line]
    inner = indent + "  "
    lines = []
    for kind, run in groupby(_fields(value), key=lambda field: field[0] if isinstance(field[1], dict) else ""):
        fields = list(run)
        joined = inner + " ".join(_inline(*field) for field in fields)
        if len(joined) <= WIDTH:
            lines.append(joined)
        elif kind:
            lines += [line for field in fields for line in _block(*field, inner)]
        else:
            lines += _filled([_inline(*field) for field in fields], inner)
    return [f"{indent}{name} {{", *lines, f"{indent}}}"]


def _filled(words: list[str], indent: str) -> list[str]:
    lines = [indent + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(indent + word)
    return lines
