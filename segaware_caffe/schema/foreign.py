"""The rule for words of other forks: each is used, or changes nothing and is named, or is refused (spec/dialects.md 1)."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from segaware_caffe.errors import FieldError
from segaware_caffe.schema import treatments
from segaware_caffe.schema.dialects import Kind, Word, foreign_field, foreign_value
from segaware_caffe.schema.legacy_v1 import present_type
from segaware_caffe.schema.reflect import enum_name, items
from segaware_caffe.schema.text_writer import write_scalar, write_text
from segaware_caffe.schema.tokens import MAX_REPORTED

logger = logging.getLogger(__name__)

_LAYERS = ("LayerParameter", "V1LayerParameter")
_NEVER_LOOKED_INTO = "BlobProto"
#: Characters of a refused value that an error shows.
VALUE_SHOWN = 60
#: Fields that hold the parameters of layer types that are not built; in any other layer nothing reads them.
_PARAMETERS_OF_UNBUILT = {unbuilt.field for unbuilt in treatments.UNBUILT_TYPES.values()}


@dataclass(frozen=True)
class Foreign:
    """A foreign word of a message: where it stands, its value as text, the layer around it, and whether it says nothing new.

    `owner` is the message that has it, in its field `field`.
    """

    word: Word
    path: str
    value: str
    layer: Any
    is_default: bool
    owner: Message
    field: str

    @property
    def in_unbuilt_layer(self) -> bool:
        """Whether it belongs to a layer whose type is not built: what it means there is the type's."""
        return self.layer is not None and _type(self.layer) in treatments.UNBUILT_TYPES

    @property
    def changes_nothing(self) -> bool:
        """Whether a net is the same without it: it is harmless, the default, or in a layer that does not read it."""
        if self.in_unbuilt_layer:
            return False
        unread = self.word.kind == Kind.REFUSED and (self.is_default or self.word.name in _PARAMETERS_OF_UNBUILT)
        return unread or self.word.kind == Kind.HARMLESS


def foreign_words(message: Message) -> Iterator[Foreign]:
    """The foreign words that `message` holds, in its order; of a foreign message the field itself, and what is in it if that is built."""
    return _walk(message, "", None)


def apply_rule(message: Message, source: str, before: Callable[[str], str], phase: int | None = None) -> None:
    """Name the harmless foreign words of `message` at INFO, and refuse those whose meaning is not built.

    `before` gives the place in the text of a path. Layers that no net of `phase` has are not looked
    at, nor are layers of types that are not built: the net that is made of them names those. Raises one
    FieldError with all refused words.
    """
    named: set[tuple[str, str]] = set()
    refused: list[str] = []
    for found in foreign_words(message):
        word = found.word
        if found.in_unbuilt_layer or (found.layer is not None and _left_out(found.layer, phase)):
            continue
        if found.changes_nothing and (word.message, word.name) not in named:
            named.add((word.message, word.name))
            why = word.note if word.kind == Kind.HARMLESS else "it is the default, or in a layer that does not read it"
            logger.info("%s: %s (%s) is ignored: %s", before(found.path).rstrip(": ") or source, found.path, word.owners, why)
        elif word.kind == Kind.REFUSED and not found.changes_nothing:
            refused.append(_refusal(found, before(found.path)))
    if refused:
        lines = [f"{source}: words of other forks whose meaning is not built:", *refused[:MAX_REPORTED]]
        if len(refused) > MAX_REPORTED:
            lines.append(f"and {len(refused) - MAX_REPORTED} more")
        raise FieldError("\n  ".join(lines))


def _walk(message: Message, path: str, layer: Any | None) -> Iterator[Foreign]:
    name = message.DESCRIPTOR.name
    layer = message if name in _LAYERS else layer
    for field, content in message.ListFields():
        word = foreign_field(name, field.name)
        nested = field.message_type
        if word is None and nested and nested.name == _NEVER_LOOKED_INTO:
            continue
        for index, value in enumerate(items(content)):
            here = f"{path}{field.name}" + (f"[{index}]" if nested and not isinstance(content, Message) else "")
            found = word or _foreign_value(field, value)
            if found and (nested or index == 0):
                yield Foreign(found, here, _shown(field, value), layer, _is_default(field, value), message, field.name)
            if nested and (word is None or word.kind in (Kind.OWN, Kind.SAME)):
                yield from _walk(value, f"{here}.", layer)


def _foreign_value(field: FieldDescriptor, value: int) -> Word | None:
    return foreign_value(enum_name(field), field.enum_type.values_by_number[value].name) if field.enum_type else None


def _is_default(field: FieldDescriptor, value: Any) -> bool:
    """Whether a field says what it would mean unsaid: its default, or a message of nothing else."""
    if isinstance(value, Message):
        return all(_is_default(inner, item) for inner, content in value.ListFields() for item in items(content))
    return field.has_default_value and value == field.default_value


def _shown(field: FieldDescriptor, value: Any) -> str:
    if isinstance(value, Message):
        return "{ " + " ".join(write_text(value).split()) + " }"
    return write_scalar(field, value)


def _refusal(found: Foreign, place: str) -> str:
    word = found.word
    layer = f" (layer '{found.layer.name}')" if found.layer is not None else ""
    value = found.value if len(found.value) <= VALUE_SHOWN else found.value[: VALUE_SHOWN - 3] + "..."
    return f"{place}{found.path}: {value}{layer}: a word of {word.owners}; what would be needed: {word.note}"


def _left_out(layer: Any, phase: int | None) -> bool:
    """Whether no net of `phase` has the layer, whatever its level and stages."""
    if phase is None:
        return False
    others = [rule.HasField("phase") and rule.phase != phase for rule in layer.include]
    if others:
        return all(others)
    return any(rule.HasField("phase") and rule.phase == phase and len(rule.ListFields()) == 1 for rule in layer.exclude)


def _type(layer: Any) -> str:
    """What the layer's type is called today."""
    return layer.type if isinstance(layer.type, str) else present_type(layer.type)
