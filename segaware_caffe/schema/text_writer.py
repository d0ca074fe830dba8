"""Messages into prototxt text, as the reference prints them; parsing it again gives an equal message."""

import math
import re
import struct
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from segaware_caffe.schema.reflect import items

#: What a literal cannot hold as it is: quotes, backslashes, control characters and, in bytes, everything above ASCII.
_SPECIAL = re.compile(r"[\x00-\x1f\x7f\"'\\]")
_SPECIAL_BYTE = re.compile(r"[^\x20-\x7e]|[\"'\\]")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "'": "\\'", "\\": "\\\\"}


def write_text(message: Message, as_declared: bool = False) -> str:
    """`message` as prototxt: one field a line, two spaces a level, in the order of the numbers or as the schema declares the fields."""
    return "".join(f"{line}\n" for line in _lines(message, "", as_declared))


def _lines(message: Message, indent: str, as_declared: bool) -> list[str]:
    lines = []
    fields = sorted(message.ListFields(), key=lambda pair: pair[0].index) if as_declared else message.ListFields()
    for field, content in fields:
        for value in items(content):
            if isinstance(value, Message):
                lines += [f"{indent}{field.name} {{", *_lines(value, indent + "  ", as_declared), f"{indent}}}"]
            else:
                lines.append(f"{indent}{field.name}: {write_scalar(field, value)}")
    return lines


def write_scalar(field: FieldDescriptor, value: Any) -> str:
    """One value of a scalar field, as prototxt spells it."""
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return _float(value, digits=6, exact=lambda text: struct.pack("<f", float(text)) == struct.pack("<f", value))
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return _float(value, digits=15, exact=lambda text: float(text) == value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_SPECIAL.sub(_escape, value)}"'
    if isinstance(value, bytes):
        return f'"{_SPECIAL_BYTE.sub(_escape, value.decode("latin-1"))}"'
    return str(value)


def _float(value: float, digits: int, exact: Callable[[str], bool]) -> str:
    """The shortest text from `digits` digits on that reads back as `value`."""
    if not math.isfinite(value):
        return str(value)
    while not exact(text := f"{value:.{digits}g}"):
        digits += 1
    return text


def _escape(character: re.Match[str]) -> str:
    return _ESCAPES.get(character.group(), f"\\{ord(character.group()):03o}")
