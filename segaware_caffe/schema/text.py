"""Prototxt text into messages: the proto2 text format, read by reflection (spec/pipeline.md 1.1)."""

import warnings
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from segaware_caffe.errors import ParseError
from segaware_caffe.schema.messages import message_class
from segaware_caffe.schema.reflect import Field, fields_of
from segaware_caffe.schema.tokens import (
    MAX_REPORTED,
    TextProblem,
    Tokens,
    is_number,
    is_string,
    is_word,
    line_and_column,
    shown,
)
from segaware_caffe.schema.treatments import HINTS
from segaware_caffe.schema.values import Scalar, UnknownValue, closest

#: Bounds that no honest file comes near, so that a hostile one is refused before it exhausts anything.
MAX_TEXT_SIZE = 64 * 2**20
MAX_MESSAGES = 2**18
MAX_DEPTH = 100

#: Said once, at the first unknown field.
OWN_WORDS = " A field of your own is declared with segaware_caffe.extend_schema (on the command line: --schema FILE)"

_CLOSERS = {"{": "}", "<": ">"}
_SEPARATORS = (",", ";")


def parse_text(text: str, name: str, source: str = "<text>", allow_unknown_fields: bool = False) -> Any:
    """The message `caffe.<name>` that `text` describes.

    `source` is what errors call the text: its path, or something in angle brackets. Unknown fields
    and enum values are one error that lists them all; with `allow_unknown_fields` each is a warning,
    and skipped. Words of other forks are read like all others; what becomes of them is decided where
    a net or solver is read.
    Raises ParseError with `source:line:column`, the field's path, the value and what would be right.
    """
    return parse_located(text, name, source, allow_unknown_fields)[0]


class Places:
    """Where the words of other forks stand in a text, by their path in the message."""

    def __init__(self, text: str, source: str):
        self._text, self._source = text, source
        self._offsets: dict[str, int] = {}

    def note(self, path: str, offset: int) -> None:
        """The field at `path` stands at `offset`; of a repeated scalar the first one counts."""
        self._offsets.setdefault(path, offset)

    def before(self, path: str) -> str:
        """`source:line:column: ` for the field at `path`; "" if the text does not have it."""
        if path not in self._offsets:
            return ""
        line, column = line_and_column(self._text, self._offsets[path])
        return f"{self._source}:{line}:{column}: "


def parse_located(text: str, name: str, source: str = "<text>", allow_unknown_fields: bool = False) -> tuple[Any, Places]:
    """As `parse_text`, and where the message's foreign words stand."""
    message = message_class(name)()
    unknown = _Unknown()
    places = Places(text, source)
    problem = None
    try:
        _check_text(text)
        _Parser(Tokens(text), unknown, places).parse(message)
    except TextProblem as found:
        problem = found
    lines = unknown.lines(text, source)
    if problem or (lines and not allow_unknown_fields):
        if problem:
            lines.append(_located(text, source, problem))
        kind = "text" if source.startswith("<") else f"file: {source}"
        raise ParseError("\n  ".join([f"Failed to parse {name} {kind}", *lines]))
    for line in lines:
        warnings.warn(f"{line} (skipped)", stacklevel=4)
    return message, places


def _check_text(text: str) -> None:
    """Refuse what is too long, or holds half characters that no file can."""
    if len(text) > MAX_TEXT_SIZE:
        raise TextProblem(0, f"The text is longer than {MAX_TEXT_SIZE} characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextProblem(error.start, "The text is not valid Unicode") from None


def _located(text: str, source: str, problem: TextProblem) -> str:
    line, column = line_and_column(text, problem.offset)
    path = f"{problem.path}: " if problem.path else ""
    return f"{source}:{line}:{column}: {path}{problem.message}"


class _Unknown:
    """Fields that no message has and values that no enum has: the first ones in full, the rest as a count."""

    def __init__(self) -> None:
        self._first: list[TextProblem] = []
        self._count = 0

    def add_field(self, message: Message, tokens: Tokens, path: str) -> None:
        """Note the field whose name is the current token."""
        name = shown(tokens.current)
        found = f'Message type "{message.DESCRIPTOR.full_name}" has no field named "{name}".'
        hint = f" {HINTS[name]}" if name in HINTS else closest(tokens.current, fields_of(message.DESCRIPTOR).by_name)
        self._add(tokens.offset, found + hint + (OWN_WORDS if not self._count else ""), path + name)

    def add_value(self, problem: UnknownValue, path: str) -> None:
        """Note a value of the field at `path`."""
        self._add(problem.offset, problem.message, path)

    def _add(self, offset: int, found: str, path: str) -> None:
        self._count += 1
        if self._count <= MAX_REPORTED:
            self._first.append(TextProblem(offset, found, path))

    def lines(self, text: str, source: str) -> list[str]:
        """One line for each, with its place."""
        lines = [_located(text, source, problem) for problem in self._first]
        if self._count > len(lines):
            lines.append(f"and {self._count - len(lines)} more unknown fields")
        return lines


class _Parser:
    """Recursive descent: known messages go as deep as the schema nests them, unknown ones to MAX_DEPTH."""

    def __init__(self, tokens: Tokens, unknown: _Unknown, places: Places):
        self._tokens = tokens
        self._unknown = unknown
        self._places = places
        self._messages = 0

    def parse(self, message: Message) -> None:
        """Fill `message` from the whole text."""
        self._fields(message, "", 0, "")

    def _fields(self, message: Message, closer: str, opened: int, path: str) -> None:
        """Read `name: value` pairs up to `closer`, which stays the current token."""
        tokens = self._tokens
        fields = fields_of(message.DESCRIPTOR)
        seen = set()
        while tokens.current != closer:
            self._expect_name(closer, opened, path)
            name = tokens.current
            field = fields.by_name.get(name)
            try:
                if field is None:
                    self._unknown.add_field(message, tokens, path)
                    tokens.advance()
                    self._skip_value(depth=1)
                elif name in seen and not field.repeated:
                    raise tokens.problem(f'Non-repeated field "{name}" is specified multiple times.')
                else:
                    seen.add(name)
                    offset = tokens.offset
                    tokens.advance()
                    if field.foreign:
                        index = f"[{len(getattr(message, name))}]" if field.repeated and not field.scalar else ""
                        self._places.note(f"{path}{name}{index}", offset)
                    self._value(message, field, path)
            except TextProblem as problem:
                problem.path = problem.path or path + shown(name)
                raise
            self._skip_separator()
        missing = [name for name in fields.required if name not in seen]
        if missing:
            what = f'Message type "{message.DESCRIPTOR.full_name}" is missing required fields: {", ".join(missing)}'
            raise TextProblem(opened, what, path.rstrip("."))

    def _value(self, message: Message, field: Field, path: str) -> None:
        """Read what follows a field's name: a scalar or a message, or a list where the field repeats."""
        tokens, name, scalar = self._tokens, field.name, field.scalar
        colon = tokens.skip(":")
        if scalar and not colon:
            raise tokens.problem(f'Expected ":" after {name}, found {shown(tokens.current)}')
        if field.repeated:
            values = getattr(message, name)
            for _ in self._items():
                if scalar:
                    values.extend(self._scalar(scalar, path))
                else:
                    self._message(values.add(), f"{path}{name}[{len(values) - 1}]")
        elif scalar:
            for value in self._scalar(scalar, path):
                setattr(message, name, value)
        else:
            value = getattr(message, name)
            value.SetInParent()
            self._message(value, path + name)

    def _scalar(self, scalar: Scalar, path: str) -> tuple[Any, ...]:
        """The value at hand; nothing for one that its enum does not declare."""
        try:
            return (scalar.read(self._tokens, scalar),)
        except UnknownValue as problem:
            self._unknown.add_value(problem, path + scalar.name)
            return ()

    def _message(self, message: Message, path: str) -> None:
        tokens = self._tokens
        closer = _CLOSERS.get(tokens.current)
        if closer is None:
            raise tokens.problem(f'Expected "{{", found {shown(tokens.current)}')
        self._messages += 1
        if self._messages > MAX_MESSAGES:
            raise tokens.problem(f"The text holds more than {MAX_MESSAGES} messages")
        opened = tokens.offset
        tokens.advance()
        self._fields(message, closer, opened, path + ".")
        tokens.advance()

    def _items(self) -> Iterator[None]:
        """Step through `[a, b]`, yielding before each item; where there is no list, yield once."""
        tokens = self._tokens
        if not tokens.skip("["):
            yield
        elif not tokens.skip("]"):
            yield
            while tokens.skip(","):
                yield
            if not tokens.skip("]"):
                raise tokens.problem(f'Expected "," or "]" in a list, found {shown(tokens.current)}')

    def _skip_separator(self) -> None:
        if self._tokens.current in _SEPARATORS:
            self._tokens.advance()

    def _expect_name(self, closer: str, opened: int, path: str) -> None:
        """The current token must be a word; `closer` would end the message that opened at `opened`."""
        tokens = self._tokens
        if not is_word(tokens.current):
            or_closer = f' or "{closer}"' if closer else ""
            what = f"Expected a field name{or_closer}, found {shown(tokens.current)}"
            if closer and not tokens.current:
                line, column = line_and_column(tokens.text, opened)
                what += f" (the message opened at {line}:{column} is not closed)"
            raise TextProblem(tokens.offset, what, path.rstrip("."))

    def _skip_value(self, depth: int) -> None:
        """Step over what follows the name of an unknown field."""
        tokens = self._tokens
        colon = tokens.skip(":")
        for _ in self._items():
            closer = _CLOSERS.get(tokens.current)
            if closer:
                self._skip_message(closer, depth)
            elif colon:
                self._skip_scalar()
            else:
                raise tokens.problem(f'Expected ":" or "{{" after a field name, found {shown(tokens.current)}')

    def _skip_message(self, closer: str, depth: int) -> None:
        tokens = self._tokens
        if depth > MAX_DEPTH:
            raise tokens.problem(f"Messages are nested deeper than {MAX_DEPTH}")
        opened = tokens.offset
        tokens.advance()
        while tokens.current != closer:
            self._expect_name(closer, opened, "")
            tokens.advance()
            self._skip_value(depth + 1)
            self._skip_separator()
        tokens.advance()

    def _skip_scalar(self) -> None:
        """Step over strings in a row, or a word or number with its sign."""
        tokens = self._tokens
        if is_string(tokens.current):
            while is_string(tokens.current):
                tokens.advance()
            return
        tokens.skip("-")
        if not (is_word(tokens.current) or is_number(tokens.current)):
            raise tokens.problem(f"Expected a value, found {shown(tokens.current)}")
        tokens.advance()
