"""Random messages of any type, for hypothesis."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message
from hypothesis import strategies as st

from segaware_caffe.schema import message_class
from segaware_caffe.schema.messages import declaration

SCALARS = {
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.TYPE_FLOAT: st.floats(allow_nan=False, width=32),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(codec="utf-8"), max_size=6),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=6),
}


def messages(name: str, most_fields: int = 4) -> st.SearchStrategy[Message]:
    """Messages `caffe.<name>` with up to `most_fields` of the optional fields in each level, and all required ones."""
    return st.builds(lambda fields: message_class(name)(**fields), _fields(name, most_fields))


@st.composite
def _fields(draw: st.DrawFn, name: str, most_fields: int) -> dict[str, Any]:
    descriptor = message_class(name).DESCRIPTOR
    declared = [field for field in declaration(name).field if field.name in descriptor.fields_by_name]  # no test's own words
    required = [field for field in declared if field.label == FieldDescriptorProto.LABEL_REQUIRED]
    chosen = draw(st.lists(st.sampled_from(declared), max_size=most_fields, unique_by=lambda field: field.name))
    fields = {}
    for field in {field.name: field for field in [*required, *chosen]}.values():
        value = _value(descriptor.fields_by_name[field.name])
        repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
        fields[field.name] = draw(st.lists(value, max_size=3) if repeated else value)
    return fields


def _value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return messages(field.message_type.name)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return SCALARS[field.type]
