"""A user's own messages and fields: `extend_schema` makes text and binary files read them (spec/dialects.md 5).

Fields of messages that exist become extensions of proto2, registered in the schema's own pool, and
attributes of their classes: nothing that was read before changes.
"""

import os

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes
from segaware_caffe.schema import messages
from segaware_caffe.schema.fork_numbers import numbers_of
from segaware_caffe.schema.plain import forget_classes
from segaware_caffe.schema.protofile import ProtoFile, ProtoReader
from segaware_caffe.schema.reflect import fields_of
from segaware_caffe.schema.text import MAX_TEXT_SIZE

_REQUIRED = FieldDescriptorProto.LABEL_REQUIRED


def extend_schema(path_or_text: str | os.PathLike[str]) -> None:
    """Add a piece of .proto to the schema: from now on text and binary files may use its words.

    The piece, a file or its text (a str with a line break or "{"), holds messages and enums, and new fields of
    the messages that are there, in `extend` blocks or as `message LayerParameter { ... }` with the
    new fields alone:

        message HardSwishParameter { optional float scale = 1 [default = 6]; }
        extend LayerParameter { optional HardSwishParameter hard_swish_param = 5001; }

    A layer then says `hard_swish_param { scale: 6 }`, and a class registered for its type with
    `param_field = "hard_swish_param"` reads it. The same piece may be given again. Raises ParseError
    (`file:line:column`) for what is no .proto, and for a name or number that means something else
    already: then nothing is added. FileError if there is no such file.

    >>> extend_schema('''
    ...     message ScaledSwishParameter { optional float beta = 1 [default = 1]; }
    ...     extend LayerParameter { optional ScaledSwishParameter scaled_swish_param = 8901; }
    ... ''')
    >>> from segaware_caffe.schema import read_net
    >>> read_net('layer { name: "s" type: "ScaledSwish" scaled_swish_param { beta: 2 } }').layer[0].scaled_swish_param.beta
    2.0
    """
    text, source = _text_of(path_or_text)
    reader = ProtoReader(text, source)
    _Extension(reader, reader.read()).register()


def _text_of(path_or_text: str | os.PathLike[str]) -> tuple[str, str]:
    if isinstance(path_or_text, str) and ("{" in path_or_text or "\n" in path_or_text):
        return path_or_text, "<proto>"
    try:
        return read_bytes(path_or_text, MAX_TEXT_SIZE).decode(), os.fspath(path_or_text)
    except FileNotFoundError:
        raise FileError(f"File not found: {path_or_text}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path_or_text}: cannot be read as a .proto file: {getattr(error, 'strerror', None) or error}") from None


class _Extension:
    """One piece of schema: checked whole against what is there, then registered whole."""

    def __init__(self, reader: ProtoReader, file: ProtoFile):
        self._reader = reader
        self._types = messages.type_names()
        self._messages = [message for message in file.messages if message.name not in self._types]
        self._enums = [enum for enum in file.enums if enum.name not in self._types]
        self._fields = list(file.extensions)
        for message in file.messages:
            if message.name in self._types:
                self._check_known(message, "")
                self._fields += [(message.name, field) for field in message.field]
        for enum in file.enums:
            if enum.name in self._types:
                self._check_enum(enum, "")
        self._declare(self._messages, self._enums, "")

    def register(self) -> None:
        """Check what is left, and add it."""
        for message in self._messages:
            self._resolve(message, "")
        new: dict[tuple[str, str], FieldDescriptorProto] = {}
        for target, field in self._fields:
            path = f"{target}.{field.name}"
            if target not in messages.declarations():
                self._reader.fail(path, f"there is no message {target} in the schema to extend" + self._own(target))
            self._resolve_field(field, target, path)
            if not self._is_known(target, field, path):
                new[target, field.name] = field
        messages.register(self._messages, self._enums, new)
        fields_of.cache_clear()
        numbers_of.cache_clear()
        forget_classes()

    def _own(self, target: str) -> str:
        return ": write the field in the message itself" if any(target == message.name for message in self._messages) else ""

    def _declare(self, new: list[DescriptorProto], enums: list[EnumDescriptorProto], scope: str) -> None:
        """Names of the piece's own types, for its fields to refer to."""
        for enum in enums:
            self._types[f"{scope}{enum.name}"] = "enum"
        for message in new:
            self._types[f"{scope}{message.name}"] = "message"
            self._declare(list(message.nested_type), list(message.enum_type), f"{scope}{message.name}.")

    def _check_known(self, message: DescriptorProto, scope: str) -> None:
        """A message that the schema has may get fields, but no types of its own."""
        path = f"{scope}{message.name}."
        for name in [enum.name for enum in message.enum_type] + [nested.name for nested in message.nested_type]:
            if f"{path}{name}" not in self._types:
                self._reader.fail(f"{path}{name}", f"{message.name} is the schema's: declare {name} outside of it")
        for enum in message.enum_type:
            self._check_enum(enum, path)

    def _check_enum(self, enum: EnumDescriptorProto, scope: str) -> None:
        known = {value.name: value.number for value in messages.enum(f"{scope}{enum.name}").values}
        for value in enum.value:
            if known.get(value.name) != value.number:
                there = ", ".join(f"{name} = {number}" for name, number in known.items())
                what = f"the schema's enum {scope}{enum.name} ({there}) cannot get the value {value.name} = {value.number}"
                self._reader.fail(f"{scope}{enum.name}", what)

    def _resolve(self, message: DescriptorProto, scope: str) -> None:
        path = f"{scope}{message.name}"
        numbers: dict[int, str] = {}
        for field in message.field:
            self._resolve_field(field, path, f"{path}.{field.name}")
            self._check_number(field, numbers, f"{path}.{field.name}")
        for nested in message.nested_type:
            self._resolve(nested, f"{path}.")

    def _resolve_field(self, field: FieldDescriptorProto, scope: str, path: str) -> None:
        """Give a field its full type: what its name means there, looked for from inside out."""
        if field.HasField("type"):
            if field.type == FieldDescriptorProto.TYPE_BOOL and field.default_value not in ("", "true", "false"):
                self._reader.fail(path, f"{field.default_value} is no default for a field of type bool")
            return
        name = field.type_name.removeprefix(".").removeprefix("caffe.")
        while f"{scope}.{name}" not in self._types and scope:
            scope = scope.rpartition(".")[0]
        full = f"{scope}.{name}" if scope else name
        if full not in self._types:
            self._reader.fail(path, f"there is no type {field.type_name}, in the piece or in the schema")
        is_enum = self._types[full] == "enum"
        field.type = FieldDescriptorProto.TYPE_ENUM if is_enum else FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".caffe.{full}"

    def _is_known(self, target: str, field: FieldDescriptorProto, path: str) -> bool:
        """Whether the schema has just this field; ParseError for one that contradicts it."""
        known = {other.name: other for other in messages.declarations()[target].field}
        if field.name in known:
            there = known[field.name]
            if (there.label, there.type, there.type_name, there.number) == (field.label, field.type, field.type_name, field.number):
                return True
            self._reader.fail(path, f"{target} has a field {field.name} already, of another type or number ({there.number}): leave it out")
        if field.label == _REQUIRED:
            self._reader.fail(path, f"{target} is the schema's: its new fields are optional or repeated")
        self._check_number(field, {other.number: other.name for other in known.values()}, path)
        return False

    def _check_number(self, field: FieldDescriptorProto, taken: dict[int, str], path: str) -> None:
        number = field.number
        if number in taken:
            self._reader.fail(path, f"the number {number} is {taken[number]}'s: take another")
        if number < 1 or number >= messages.NUMBERS_END or number in messages.RESERVED:
            self._reader.fail(
                path, f"{number} cannot be a field's number: they go from 1 to {messages.NUMBERS_END - 1}, without 19000 to 19999"
            )
        taken[number] = field.name
