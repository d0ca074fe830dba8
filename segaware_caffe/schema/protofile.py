"""A compact reader of .proto files: messages, enums and `extend` blocks of proto2, as much as Caffe's schema uses.

The package reads its own schema in compiled form; this is for a user's piece of schema (`extend`),
where no protoc is at hand.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from segaware_caffe.errors import ParseError
from segaware_caffe.schema.tokens import line_and_column, shown

_TOKEN = re.compile(
    r"""//[^\n]* | /\*.*?(?:\*/|\Z)                                     # a comment
      | "(?:\\.|[^"\\\n])*+"? | '(?:\\.|[^'\\\n])*+'?
      | [A-Za-z_.][A-Za-z0-9_.]*                                         # a name, with its package perhaps
      | -?(?:0[xX][0-9a-fA-F]+|[0-9][A-Za-z0-9_.]*(?:(?<=[eE])[+-][0-9]+)?|\.[0-9][A-Za-z0-9_]*|inf\b|nan\b)
      | \S
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPE = re.compile(r"\.?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_LABELS = {name: FieldDescriptorProto.Label.Value(f"LABEL_{name.upper()}") for name in ("optional", "required", "repeated")}
_SCALARS = {
    name: FieldDescriptorProto.Type.Value(f"TYPE_{name.upper()}")
    for name in ("double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes")
}
_UNUSED = ("fixed32", "fixed64", "sfixed32", "sfixed64", "sint32", "sint64")
#: messages that lie in each other
MAX_DEPTH = 32
_INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|[0-9]+)")


@dataclass
class ProtoFile:
    """What a .proto file declares; a field's `type_name` is as it is written.

    `extensions` are pairs of a message's name and a field for it. `places` gives the offset of what
    each message, enum or field was read from, by its path (`Message.field`).
    """

    messages: list[DescriptorProto] = field(default_factory=list)
    enums: list[EnumDescriptorProto] = field(default_factory=list)
    extensions: list[tuple[str, FieldDescriptorProto]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)


class ProtoReader:
    """Reads one text; `fail` makes errors of it that name `source:line:column`."""

    def __init__(self, text: str, source: str):
        self.text, self.source = text, source
        self.file = ProtoFile()
        self._tokens = [(m.group(), m.start()) for m in _TOKEN.finditer(text) if not m.group().startswith(("//", "/*"))]
        self._tokens.append(("", len(text)))
        self._next = 0

    def read(self) -> ProtoFile:
        """The whole text. Raises ParseError for what is no .proto, and for parts of the language that are not read."""
        while self._current:
            word = self._take()
            if word in ("syntax", "package", "import", "option"):
                if word == "syntax":
                    self._expect("=")
                    if self._current.strip("\"'") not in ("proto2", "proto3"):
                        self._unexpected('"proto2"', self._next)
                self._skip_statement()
            elif word == "message":
                self.file.messages.append(self._message(""))
            elif word == "enum":
                self.file.enums.append(self._enum(""))
            elif word == "extend":
                self._extend()
            elif word != ";":
                self._unexpected("message, enum or extend", self._next - 1)
        return self.file

    def fail(self, path: str, problem: str) -> NoReturn:
        """ParseError at what `path` was read from."""
        self._fail_at(self.file.places.get(path, 0), problem)

    def _message(self, scope: str) -> DescriptorProto:
        if scope.count(".") >= MAX_DEPTH:
            self._fail_at(self._tokens[self._next - 1][1], f"Messages are nested deeper than {MAX_DEPTH}")
        message = DescriptorProto(name=self._declared(scope))
        path = f"{scope}{message.name}."

        def statement(word: str) -> None:
            if word == "message":
                message.nested_type.append(self._message(path))
            elif word == "enum":
                message.enum_type.append(self._enum(path))
            elif word == "extend":
                self._extend()
            elif word in ("option", "extensions", "reserved"):
                self._skip_statement()
            elif word in ("oneof", "map", "group"):
                self._fail_at(self._tokens[self._next - 1][1], f"{word} is not read here: Caffe's text format has no such fields")
            else:
                message.field.append(self._field(word, path))

        self._block(statement)
        return message

    def _extend(self) -> None:
        target = self._take(_TYPE, "the name of a message").rpartition(".")[2]
        self._block(lambda word: self.file.extensions.append((target, self._field(word, f"{target}."))))

    def _enum(self, scope: str) -> EnumDescriptorProto:
        enum = EnumDescriptorProto(name=self._declared(scope))

        def statement(word: str) -> None:
            if word in ("option", "reserved"):
                self._skip_statement()
                return
            if not _NAME.fullmatch(word):
                self._unexpected("the name of a value", self._next - 1)
            self._expect("=")
            enum.value.add(name=word, number=self._int32("a number"))
            self._options()
            self._expect(";")

        self._block(statement)
        return enum

    def _field(self, word: str, scope: str) -> FieldDescriptorProto:
        """A field whose label, or type where it has none, was taken already."""
        start = self._next - 1
        label = _LABELS.get(word, _LABELS["optional"])
        kind = self._take(_TYPE, "a type") if word in _LABELS else word
        if not _TYPE.fullmatch(kind):
            self._unexpected("a field", start)
        if kind in _UNUSED:
            self._fail_at(self._tokens[start][1], f"fields of type {kind} are not read here; use int32, int64, uint32 or uint64")
        result = FieldDescriptorProto(name=self._declared(scope), label=label)
        if kind in _SCALARS:
            result.type = _SCALARS[kind]
        else:
            result.type_name = kind
        self._expect("=")
        result.number = self._int32("a field number")
        options = self._options()
        if "default" in options:
            result.default_value = self._default(kind, options["default"])
        if options.get("packed") == "true":
            result.options.packed = True
        self._expect(";")
        return result

    def _options(self) -> dict[str, str]:
        options: dict[str, str] = {}
        if self._current != "[":
            return options
        while self._take() != "]":
            name = ""
            while self._current not in ("=", ""):
                name += self._take()
            self._expect("=")
            options[name] = self._take()
            while self._current not in (",", "]", ""):
                options[name] += self._take()
            if self._current not in (",", "]"):
                self._unexpected('"," or "]"', self._next)
        return options

    def _default(self, kind: str, written: str) -> str:
        """A default in the one spelling that descriptors have."""
        try:
            if kind in ("float", "double"):
                return repr(float(written)).removesuffix(".0")
            if kind in ("string", "bytes"):
                return str(ast.literal_eval(written))
            if kind in _SCALARS and kind != "bool":
                return str(int(written, 0))
        except (ValueError, SyntaxError):
            self._fail_at(self._tokens[self._next - 2][1], f"{shown(written)} is no default for a field of type {kind}")
        return written

    # -- tokens ------------------------------------------------------------------------------

    @property
    def _current(self) -> str:
        return self._tokens[self._next][0]

    def _take(self, pattern: re.Pattern[str] | None = None, what: str = "") -> str:
        token = self._current
        if not token or (pattern is not None and not pattern.fullmatch(token)):
            self._unexpected(what or "more", self._next)
        self._next += 1
        return token

    def _int32(self, what: str) -> int:
        token = self._take(_INTEGER, what)
        try:
            number = int(token, 0) if len(token) < 20 else 2**63
        except ValueError:  # 08
            number = 2**63
        if not -(2**31) <= number < 2**31:
            self._fail_at(self._tokens[self._next - 1][1], f"{shown(token)} is no number of 32 bits")
        return number

    def _expect(self, token: str) -> None:
        if self._current != token:
            self._unexpected(f'"{token}"', self._next)
        self._next += 1

    def _declared(self, scope: str) -> str:
        offset = self._tokens[self._next][1]
        name = self._take(_NAME, "a name")
        if self.file.places.setdefault(f"{scope}{name}", offset) != offset:
            self._fail_at(offset, f"{scope}{name} is declared a second time")
        return name

    def _block(self, statement: Callable[[str], None]) -> None:
        opened = self._tokens[self._next][1]
        self._expect("{")
        while self._current != "}":
            if not self._current:
                line, column = line_and_column(self.text, opened)
                self._fail_at(len(self.text), f'Expected "}}", found the end of the text (the block opened at {line}:{column})')
            word = self._take()
            if word != ";":
                statement(word)
        self._next += 1

    def _skip_statement(self) -> None:
        while self._take() != ";":
            pass

    def _unexpected(self, expected: str, index: int) -> NoReturn:
        token, offset = self._tokens[index]
        self._fail_at(offset, f"Expected {expected}, found {shown(token)}")

    def _fail_at(self, offset: int, problem: str) -> NoReturn:
        line, column = line_and_column(self.text, offset)
        raise ParseError(f"{self.source}:{line}:{column}: {problem}")
