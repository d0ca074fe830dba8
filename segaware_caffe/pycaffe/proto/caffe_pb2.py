"""Caffe's messages and enums under the names that protobuf's generated module gives them (`caffe.proto.caffe_pb2`).

They are the schema's, every dialect's fields included, so that `text_format`, `str`, `CopyFrom` and
the rest work as scripts know them. Their bytes are a Caffe file's: where two dialects gave one
number to different fields (spec/layers.md 1.7), nets, layers and solvers are written and read with
the file's numbers, settled by the layers' types. The classes live in a pool of their own, so that
this package's messages keep the schema's numbers.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import EncodeError, Message

from segaware_caffe import schema
from segaware_caffe.pycaffe.proto.order import declare_in_order

#: The messages that hold layers, whose numbers depend on the dialect.
_NUMBERED = ("NetParameter", "LayerParameter", "SolverParameter")


def _build() -> dict[str, Any]:
    """What the module offers: classes, enums with their values, and descriptors by the generated code's names."""
    file = descriptor_pb2.FileDescriptorProto()
    schema.NetParameter.DESCRIPTOR.file.CopyToProto(file)
    declare_in_order(file)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    classes = message_factory.GetMessageClassesForFiles([file.name], pool)
    names: dict[str, Any] = {"DESCRIPTOR": pool.FindFileByName(file.name)}
    for message in file.message_type:
        names[message.name] = classes[f"caffe.{message.name}"]
        names[f"_{message.name.upper()}"] = names[message.name].DESCRIPTOR
    for declared in file.enum_type:
        descriptor = pool.FindEnumTypeByName(f"caffe.{declared.name}")
        names[declared.name] = EnumTypeWrapper(descriptor)
        names[f"_{declared.name.upper()}"] = descriptor
        names.update((value.name, value.number) for value in descriptor.values)
    for cls in classes.values():
        cls.__str__ = cls.__repr__ = _text
    for name in _NUMBERED:
        _speak_dialects(names[name], schema.message_class(name))
    return names


def _text(message: Message) -> str:
    """The order and the form in which the runtimes of Caffe's time print, whatever this one does."""
    return schema.write_text(message, as_declared=True)


def _speak_dialects(cls: type[Message], inner: type[Message]) -> None:
    """Give `cls` the bytes of a file; `inner` is the schema's class of the same message."""
    name = inner.DESCRIPTOR.name
    serialize, merge = cls.SerializePartialToString, cls.MergeFromString

    def write(check: bool) -> Callable[..., bytes]:
        def to_string(self: Message, **options: Any) -> bytes:
            if check and not self.IsInitialized():
                missing = ", ".join(self.FindInitializationErrors())
                raise EncodeError(f"Message caffe.{name} is missing required fields: {missing}")
            return schema.write_binary(inner.FromString(serialize(self, **options)))

        return to_string

    def merge_from(self: Message, data: bytes) -> int:
        merge(self, schema.read_binary(bytes(data), name).SerializePartialToString())
        return len(data)

    def parse_from(self: Message, data: bytes) -> int:
        self.Clear()
        return merge_from(self, data)

    def from_string(data: bytes) -> Message:
        message = cls()
        merge_from(message, data)
        return message

    cls.SerializeToString, cls.SerializePartialToString = write(check=True), write(check=False)
    cls.MergeFromString, cls.ParseFromString, cls.FromString = merge_from, parse_from, staticmethod(from_string)


globals().update(_build())
