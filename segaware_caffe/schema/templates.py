"""`${NAME}` placeholders: values for them, and putting these into a prototxt (spec/pipeline.md 7.2)."""

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from segaware_caffe.configs import resolve
from segaware_caffe.errors import CaffeError, FileError, ParseError
from segaware_caffe.files import read_bytes
from segaware_caffe.schema.tokens import MAX_REPORTED, line_and_column, shown

Value = str | int | float | bool

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
#: Where comments and strings begin and end matters: a "#" inside a string is no comment.
_MARK = re.compile(r"""\\.|["'#\n]|\$\{([^{}\n]*)\}""")
#: A line of a variables file: nothing, or a name and a value, bare or in quotes; then perhaps a comment.
_BLANK_LINE = re.compile(r"\s*(?:#.*)?")
_ASSIGNMENT = re.compile(r"""(?P<name>[^=]*)=\s*(?:(?P<quote>["'])(?P<quoted>.*?)(?P=quote)|(?P<bare>.*?))\s*(?:(?<=\s)#.*)?""")


def render(text: str, variables: Mapping[str, Value], source: str = "<text>") -> str:
    """`text` with every `${NAME}` outside comments replaced by its value.

    Values are put in as they are; bools as `true` and `false`. A variable that the text does not
    use is no error. Raises CaffeError listing every name without a value, with its first line.
    """
    values = {name: _spelled(name, value) for name, value in variables.items()}
    pieces, end = [], 0
    missing: dict[str, int] = {}
    for match in _placeholders(text):
        if match[1] in values:
            pieces += [text[end : match.start()], values[match[1]]]
            end = match.end()
        else:
            missing.setdefault(match[1], match.start())
    if missing:
        raise ParseError(_missing_report(text, source, missing, variables))
    return "".join([*pieces, text[end:]])


def placeholders(text: str) -> set[str]:
    """The names for which `render` wants values."""
    return {match[1] for match in _placeholders(text)}


def _placeholders(text: str) -> Iterator[re.Match[str]]:
    """Every `${NAME}` outside comments."""
    inside = ""  # the quote or "#" that opened where we are
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark == "\n":
            inside = ""
        elif inside == "#":
            continue
        elif mark[0] == "$":
            yield match
        elif not inside and mark[0] != "\\":
            inside = mark
        elif inside == mark:
            inside = ""


def parse_assignment(assignment: str) -> tuple[str, str]:
    """Name and value of `NAME=VALUE`; CaffeError if it is anything else."""
    name, equals, value = assignment.partition("=")
    name = name.strip()
    if not equals or not _NAME.fullmatch(name):
        raise CaffeError(f"Expected NAME=VALUE, got: {assignment!r}")
    return name, value.strip()


def read_variables(path: str | os.PathLike[str]) -> dict[str, str]:
    """The variables of a file with a `NAME=VALUE` on each line.

    A `#` at the start of a line or after a blank begins a comment; quotes around a whole value are
    taken off. Raises CaffeError with the line for anything else, and for a name given twice.
    """
    try:
        lines = read_bytes(resolve(path)).decode().splitlines()
    except FileNotFoundError:
        raise FileError(f"File not found: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: not readable as a variables file: {getattr(error, 'strerror', None) or error}") from None
    variables: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if _BLANK_LINE.fullmatch(line):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        name = assignment["name"].strip() if assignment else ""
        if assignment is None or not _NAME.fullmatch(name):
            raise ParseError(f"{path}:{number}: Expected NAME=VALUE, got: {line.strip()!r}")
        if name in variables:
            raise ParseError(f"{path}:{number}: {name} is given a second time")
        variables[name] = assignment["bare"] if assignment["quote"] is None else assignment["quoted"]
    return variables


def _spelled(name: str, value: Value) -> str:
    """`value` as prototxt spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise CaffeError(f"Variable {name} must be a str, int, float or bool, not {type(value).__name__}")
    if "${" in str(value):
        raise CaffeError(f"Variable {name} has the value {value!r}: placeholders inside values are not replaced")
    return str(value)


def _missing_report(text: str, source: str, missing: Mapping[str, int], variables: Mapping[str, Value]) -> str:
    given = ", ".join(sorted(variables)) or "none"
    lines = [f"{source}: variables without a value (given: {given}):"]
    for name, offset in islice(missing.items(), MAX_REPORTED):
        placeholder = shown(f"${{{name}}}")
        lines.append(f"  {placeholder} (first in line {line_and_column(text, offset)[0]})")
    if len(missing) > MAX_REPORTED:
        lines.append(f"  and {len(missing) - MAX_REPORTED} more")
    return "\n".join(lines)
