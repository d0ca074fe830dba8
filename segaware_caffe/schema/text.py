"""Prototxt text into messages: the proto2 text format, read by reflection (spec/pipeline.md 1.1)."""

import warnings
from collections.abc import Iterator

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
from segaware_caffe.schema.values import closest

#: Bounds that no honest file comes near, so that a hostile one is refused before it exhausts anything.
MAX_TEXT_SIZE = 64 * 2**20
MAX_MESSAGES = 2**18
MAX_DEPTH = 100

_CLOSERS = {"{": "}", "<": ">"}
_SEPARATORS = (",", ";")


def parse_text(text: str, name: str, source: str = "<text>", allow_unknown_fields: bool = False) -> Message:
    """The message `caffe.<name>` that `text` describes.

    `source` is what errors call the text: its path, or something in angle brackets. Unknown fields
    are one error that lists them all; with `allow_unknown_fields` each is a warning, and skipped.
    Raises ParseError with `source:line:column`, the field's path, the value and what would be right.
    """
    message = message_class(name)()
    unknown = _UnknownFields()
    problem = None
    try:
        _check_text(text)
        _Parser(Tokens(text), unknown).parse(message)
    except TextProblem as found:
        problem = found
    lines = unknown.lines(text, source)
    if problem or (lines and not allow_unknown_fields):
        if problem:
            lines.append(_located(text, source, problem))
        kind = "text" if source.startswith("<") else f"file: {source}"
        raise ParseError("\n  ".join([f"Failed to parse {name} {kind}", *lines]))
    for line in lines:
        warnings.warn(f"{line} (skipped)", stacklevel=3)
    return message


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


class _UnknownFields:
    """Fields that no message has: the first ones in full, the rest as a count."""

    def __init__(self) -> None:
        self._first: list[TextProblem] = []
        self._count = 0

    def add(self, message: Message, tokens: Tokens, path: str) -> None:
        """Note the field whose name is the current token."""
        self._count += 1
        if self._count <= MAX_REPORTED:
            name = shown(tokens.current)
            found = f'Message type "{message.DESCRIPTOR.full_name}" has no field named "{name}".'
            hint = closest(tokens.current, fields_of(message.DESCRIPTOR).by_name)
            self._first.append(TextProblem(tokens.offset, found + hint, path + name))

    def lines(self, text: str, source: str) -> list[str]:
        """One line for each, with its place."""
        lines = [_located(text, source, problem) for problem in self._first]
        if self._count > len(lines):
            lines.append(f"and {self._count - len(lines)} more unknown fields")
        return lines


class _Parser:
    """Recursive descent: known messages go as deep as the schema nests them, unknown ones to MAX_DEPTH."""

    def __init__(self, tokens: Tokens, unknown: _UnknownFields):
        self._tokens = tokens
        self._unknown = unknown
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
                    self._unknown.add(message, tokens, path)
                    tokens.advance()
                    self._skip_value(depth=1)
                elif name in seen and not field.repeated:
                    raise tokens.problem(f'Non-repeated field "{name}" is specified multiple times.')
                else:
                    seen.add(name)
                    tokens.advance()
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
                    values.append(scalar.read(tokens, scalar))
                else:
                    self._message(values.add(), f"{path}{name}[{len(values) - 1}]")
        elif scalar:
            setattr(message, name, scalar.read(tokens, scalar))
        else:
            value = getattr(message, name)
            value.SetInParent()
            self._message(value, path + name)

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
