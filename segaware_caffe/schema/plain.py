"""Messages as plain Python: what a layer reads of its message at every run, and what PyTorch's compiler can look into.

A protobuf message is read through a C library, field by field; a compiler that traces Python stops there.
"""

from typing import Any, ClassVar

from google.protobuf.message import Message

from segaware_caffe.schema.messages import extensions, message_class
from segaware_caffe.schema.reflect import fields_of, items

#: learned blobs inside a layer's definition are large, and no layer reads them there
_NOT_COPIED = frozenset({("LayerParameter", "blobs")})


class PlainMessage:
    """A copy of a message that nobody changes: fields and enum constants as attributes, repeated fields as tuples.

    What is not given has its default, as in protobuf; `HasField` tells the two apart.
    """

    #: the type of the message, e.g. "ConvolutionParameter"
    type_name: ClassVar[str]

    def __init__(self, given: dict[str, Any]):
        #: names of the fields that are given
        self.given = frozenset(given)
        for name, value in given.items():
            setattr(self, name, value)

    def HasField(self, name: str) -> bool:  # protobuf's name
        """Whether a field is given."""
        return name in self.given

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles name the message's type; their class is made again."""
        return _restored, (self.type_name, {name: getattr(self, name) for name in self.given})


def plain(message: Message) -> Any:
    """The plain copy of a message, and of the messages in it."""
    given = {}
    for field, value in message.ListFields():
        values = [plain(item) if isinstance(item, Message) else item for item in items(value)]
        repeated = fields_of(message.DESCRIPTOR).by_name[field.name].repeated
        if (_name(message.DESCRIPTOR), field.name) not in _NOT_COPIED:
            given[field.name] = tuple(values) if repeated else values[0]
    return _plain_class(message.DESCRIPTOR)(given)


def forget_classes() -> None:
    """Make the classes of copies anew: the schema has got new fields."""
    _CLASSES.clear()


#: the class of a message's copies, by the message's name
_CLASSES: dict[str, type[PlainMessage]] = {}


def _plain_class(message: Any) -> type[PlainMessage]:
    """The class of a message's copies: its attributes are enum constants, and the defaults of fields."""
    name = _name(message)
    if name not in _CLASSES:
        # known before its fields are: a message may hold its own kind
        cls = _CLASSES[name] = type(name.replace(".", "_"), (PlainMessage,), {"type_name": name})
        constants = {value.name: value.number for kind in message.enum_types for value in kind.values}
        defaults = {field: _default(message, field) for field in fields_of(message).by_name}
        for attribute, value in {**constants, **defaults}.items():
            setattr(cls, attribute, value)
    return _CLASSES[name]


def _default(message: Any, name: str) -> Any:
    field = {**message.fields_by_name, **extensions(_name(message))}[name]
    if fields_of(message).by_name[name].repeated:
        return ()
    return field.default_value if field.message_type is None else _plain_class(field.message_type)({})


def _restored(name: str, given: dict[str, Any]) -> PlainMessage:
    return _plain_class(message_class(name).DESCRIPTOR)(given)


def _name(message: Any) -> str:
    return str(message.full_name).removeprefix("caffe.")
