"""Caffe's message classes, built at import from the compiled form of `proto/caffe.proto`.

The classes come from a descriptor set and not from generated Python, so they work with every
protobuf runtime from 4 to 7. They live in a pool of their own: a `caffe_pb2` that the same
process imported from elsewhere neither clashes with them nor mixes with them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from segaware_caffe.errors import ParseError

#: Numbers that protobuf keeps for itself, and the end of all numbers.
RESERVED, NUMBERS_END = range(19000, 20000), 2**29


def _open(declared: descriptor_pb2.DescriptorProto) -> None:
    """Leave every number that a message does not use to extensions (`extend`)."""
    start = 1
    for taken in sorted([range(field.number, field.number + 1) for field in declared.field] + [RESERVED], key=lambda taken: taken.start):
        if start < taken.start:
            declared.extension_range.add(start=start, end=taken.start)
        start = max(start, taken.stop)
    declared.extension_range.add(start=start, end=NUMBERS_END)
    for nested in declared.nested_type:
        _open(nested)


_FILE = descriptor_pb2.FileDescriptorSet.FromString(Path(__file__).with_name("caffe.binpb").read_bytes()).file[0]
for _message in _FILE.message_type:
    _open(_message)
_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_FILE)
_FILES = {_FILE.name: _FILE}
#: Every class is made now and kept: protobuf 4.22 to 4.24 crash when one is first needed inside a repeated field.
_CLASSES = message_factory.GetMessageClassesForFiles([_FILE.name], _POOL)
_DECLARATIONS = {message.name: message for message in _FILE.message_type}
_TYPES = {message.name: "message" for message in _FILE.message_type} | {enum.name: "enum" for enum in _FILE.enum_type}
_TYPES |= {f"{message.name}.{enum.name}": "enum" for message in _FILE.message_type for enum in message.enum_type}


def _restored(name: str, content: bytes) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name)).FromString(content)


def _reduced(message: Any) -> tuple[Any, tuple[str, bytes]]:
    return _restored, (message.DESCRIPTOR.full_name, message.SerializePartialToString())


def _pickle(classes: Mapping[str, Any]) -> None:
    """Let messages be pickled, though no module has their classes."""
    for cls in classes.values():
        cls.__reduce__ = _reduced
        nested = map(message_factory.GetMessageClass, cls.DESCRIPTOR.nested_types)
        _pickle({each.DESCRIPTOR.full_name: each for each in nested})


_pickle(_CLASSES)


def message_class(name: str) -> type[Any]:
    """The class of `caffe.<name>`; KeyError if the schema has none."""
    return _CLASSES[f"caffe.{name}"]


def declaration(name: str) -> descriptor_pb2.DescriptorProto:
    """How `caffe.<name>` is declared: the one way to its fields' labels that the runtimes 4 to 7 share."""
    return _DECLARATIONS[name]


def extensions(name: str) -> Mapping[str, FieldDescriptor]:
    """The fields that were added to `caffe.<name>` (`extend`), by name."""
    return _EXTENSIONS.get(name, {})


def declarations() -> Mapping[str, descriptor_pb2.DescriptorProto]:
    """All messages, by name, with the fields that were added to them."""
    return _DECLARATIONS


def type_names() -> dict[str, str]:
    """Name of each message and enum -> which of the two it is."""
    return dict(_TYPES)


def enum(name: str) -> EnumDescriptor:
    """The enum `caffe.<name>`, e.g. "Phase" or "PoolingParameter.PoolMethod"."""
    return _POOL.FindEnumTypeByName(f"caffe.{name}")


_EXTENSIONS: dict[str, dict[str, FieldDescriptor]] = {}


def register(
    new_messages: Sequence[descriptor_pb2.DescriptorProto],
    new_enums: Sequence[descriptor_pb2.EnumDescriptorProto],
    new_fields: Mapping[tuple[str, str], descriptor_pb2.FieldDescriptorProto],
) -> None:
    """Add messages and enums, and fields to messages that are there, by message and name; all or, with ParseError, nothing.

    A field is an attribute of its message's class, which `HasField` and `ClearField` know as well.
    """
    if not (new_messages or new_enums or new_fields):
        return
    for message in new_messages:
        _open(message)
    number = len(_FILES)
    file = descriptor_pb2.FileDescriptorProto(name=f"own{number}.proto", package="caffe", dependency=list(_FILES))
    file.message_type.extend(new_messages)
    file.enum_type.extend(new_enums)
    files = [file]
    for target in sorted({target for target, _ in new_fields}):
        package = f"caffe.own{number}.{target}"
        names = [*_FILES, file.name]
        extension = descriptor_pb2.FileDescriptorProto(name=f"own{number}/{target}.proto", package=package, dependency=names)
        for (owner, _), field in new_fields.items():
            if owner == target:
                extension.extension.add(extendee=f".caffe.{target}").MergeFrom(field)
        files.append(extension)
    _try(files)
    for file in files:
        _POOL.Add(file)
        _FILES[file.name] = file
        added = message_factory.GetMessageClassesForFiles([file.name], _POOL)
        _pickle(added)
        _CLASSES.update(added)
        for field in file.extension:
            target = file.package.rpartition(".")[2]
            declared = descriptor_pb2.DescriptorProto()
            declared.CopyFrom(_DECLARATIONS[target])
            declared.field.append(new_fields[target, field.name])
            _DECLARATIONS[target] = declared
            _attach(target, _POOL.FindExtensionByName(f"{file.package}.{field.name}"))
    for message in new_messages:
        _record(message, "")
    _TYPES.update({enum.name: "enum" for enum in new_enums})


def _try(files: Sequence[descriptor_pb2.FileDescriptorProto]) -> None:
    """Build the files in a pool that is thrown away; ParseError if protobuf finds something that the checks did not."""
    pool = descriptor_pool.DescriptorPool()
    try:
        for file in [*_FILES.values(), *files]:
            pool.Add(file)
            pool.FindFileByName(file.name)
    except (TypeError, KeyError, ValueError) as error:
        raise ParseError(f"the piece cannot be added to the schema: {error}") from None


def _record(message: descriptor_pb2.DescriptorProto, scope: str) -> None:
    """Note a new message, and what is declared in it, under their names within the package."""
    path = f"{scope}{message.name}"
    _DECLARATIONS[path], _TYPES[path] = message, "message"
    _TYPES.update({f"{path}.{enum.name}": "enum" for enum in message.enum_type})
    for nested in message.nested_type:
        _record(nested, f"{path}.")


def _attach(target: str, field: FieldDescriptor) -> None:
    """Make an extension look like any field of its message."""
    cls: Any = message_class(target)
    names = _EXTENSIONS.setdefault(target, {})
    if not names:
        has, clear, assign = cls.HasField, cls.ClearField, cls.__setattr__

        def set_attribute(self: Any, name: str, value: Any) -> None:
            if name in names:
                self.Extensions[names[name]] = value
            else:
                assign(self, name, value)

        cls.HasField = lambda self, name: self.HasExtension(names[name]) if name in names else has(self, name)
        cls.ClearField = lambda self, name: self.ClearExtension(names[name]) if name in names else clear(self, name)
        cls.__setattr__ = set_attribute
    names[field.name] = field
    setattr(cls, field.name, property(lambda self: self.Extensions[field]))


if TYPE_CHECKING:
    from segaware_caffe.schema.caffe_types import (
        BlobProto as BlobProto,
    )
    from segaware_caffe.schema.caffe_types import (
        BlobProtoVector as BlobProtoVector,
    )
    from segaware_caffe.schema.caffe_types import (
        BlobShape as BlobShape,
    )
    from segaware_caffe.schema.caffe_types import (
        Datum as Datum,
    )
    from segaware_caffe.schema.caffe_types import (
        FillerParameter as FillerParameter,
    )
    from segaware_caffe.schema.caffe_types import (
        LayerParameter as LayerParameter,
    )
    from segaware_caffe.schema.caffe_types import (
        NetParameter as NetParameter,
    )
    from segaware_caffe.schema.caffe_types import (
        NetState as NetState,
    )
    from segaware_caffe.schema.caffe_types import (
        NetStateRule as NetStateRule,
    )
    from segaware_caffe.schema.caffe_types import (
        ParamSpec as ParamSpec,
    )
    from segaware_caffe.schema.caffe_types import (
        SolverParameter as SolverParameter,
    )
    from segaware_caffe.schema.caffe_types import (
        SolverState as SolverState,
    )
    from segaware_caffe.schema.caffe_types import (
        V0LayerParameter as V0LayerParameter,
    )
    from segaware_caffe.schema.caffe_types import (
        V1LayerParameter as V1LayerParameter,
    )
else:
    NetParameter = message_class("NetParameter")
    SolverParameter = message_class("SolverParameter")
    SolverState = message_class("SolverState")
    LayerParameter = message_class("LayerParameter")
    V1LayerParameter = message_class("V1LayerParameter")
    V0LayerParameter = message_class("V0LayerParameter")
    BlobProto = message_class("BlobProto")
    BlobProtoVector = message_class("BlobProtoVector")
    BlobShape = message_class("BlobShape")
    Datum = message_class("Datum")
    FillerParameter = message_class("FillerParameter")
    NetState = message_class("NetState")
    NetStateRule = message_class("NetStateRule")
    ParamSpec = message_class("ParamSpec")
