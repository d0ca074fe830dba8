"""Messages by reflection: what text may say inside each, and copying one field to another message."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from segaware_caffe.schema.dialects import foreign_field, foreign_value
from segaware_caffe.schema.messages import declaration, extensions
from segaware_caffe.schema.tokens import Tokens
from segaware_caffe.schema.values import (
    Scalar,
    read_bool,
    read_bytes,
    read_enum,
    read_float,
    read_integer,
    read_string,
)

_PROTO = descriptor_pb2.FieldDescriptorProto
_READERS: dict[int, tuple[str, Callable[[Tokens, Scalar], object]]] = {
    _PROTO.TYPE_DOUBLE: ("double", read_float),
    _PROTO.TYPE_FLOAT: ("float", read_float),
    _PROTO.TYPE_BOOL: ("bool", read_bool),
    _PROTO.TYPE_STRING: ("string", read_string),
    _PROTO.TYPE_BYTES: ("bytes", read_bytes),
}
_INTEGERS: dict[int, tuple[str, int, int]] = {
    _PROTO.TYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    _PROTO.TYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    _PROTO.TYPE_UINT32: ("uint32", 0, 2**32 - 1),
    _PROTO.TYPE_UINT64: ("uint64", 0, 2**64 - 1),
}


@dataclass(frozen=True)
class Field:
    """One field: how often it may stand, its scalar (None for a message), and whether it may be a word of some fork's."""

    name: str
    repeated: bool
    scalar: Scalar | None
    foreign: bool


@dataclass(frozen=True)
class Fields:
    """The fields of one message type, by name, and the names of those that must be there."""

    by_name: Mapping[str, Field]
    required: tuple[str, ...]


@cache
def fields_of(message: Descriptor) -> Fields:
    """The fields of `message`, those that were added to it among them."""
    name = message.full_name.removeprefix("caffe.")
    labels = {field.name: field.label for field in declaration(name).field}
    fields = {**message.fields_by_name, **extensions(name)}
    return Fields(
        {
            field: Field(field, label == _PROTO.LABEL_REPEATED, _scalar(fields[field]), _is_foreign(name, fields[field]))
            for field, label in labels.items()
        },
        tuple(field for field, label in labels.items() if label == _PROTO.LABEL_REQUIRED),
    )


def _scalar(field: FieldDescriptor) -> Scalar | None:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return None
    if field.enum_type is not None:
        values = {value.name: value.number for value in field.enum_type.values}
        return Scalar(field.name, field.enum_type.name, read_enum, -(2**31), 2**31 - 1, values)
    if field.type in _INTEGERS:
        word, low, high = _INTEGERS[field.type]
        return Scalar(field.name, word, read_integer, low, high)
    word, reader = _READERS[field.type]
    return Scalar(field.name, word, reader)


def _is_foreign(message: str, field: FieldDescriptor) -> bool:
    values = field.enum_type.values if field.enum_type else ()
    return foreign_field(message, field.name) is not None or any(foreign_value(enum_name(field), value.name) for value in values)


def enum_name(field: FieldDescriptor) -> str:
    """The name of an enum field's type, e.g. "PoolingParameter.PoolMethod"."""
    return "" if field.enum_type is None else field.enum_type.full_name.removeprefix("caffe.")


def items(content: Any) -> Iterable[Any]:
    """What `ListFields` gave for a field, as its values: one, or those of a repeated field."""
    # A message has no iteration of its own: what is no scalar or message is a list.
    return [content] if isinstance(content, (Message, str, bytes, int, float)) else content


def copy_field(target: Message, name: str, value: Any) -> None:
    """Set, fill or extend the field `name` of `target` with what `ListFields` gave for its like."""
    if isinstance(value, Message):
        getattr(target, name).CopyFrom(value)
    elif isinstance(value, (str, bytes, int, float)):
        setattr(target, name, value)
    else:
        getattr(target, name).extend(value)
