"""Caffe's message classes, built at import from the compiled form of `proto/caffe.proto`.

The classes come from a descriptor set and not from generated Python, so they work with every
protobuf runtime from 4 to 7. They live in a pool of their own: a `caffe_pb2` that the same
process imported from elsewhere neither clashes with them nor mixes with them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import EnumDescriptor

_FILE = descriptor_pb2.FileDescriptorSet.FromString(Path(__file__).with_name("caffe.binpb").read_bytes()).file[0]
_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_FILE)
#: Every class is made now and kept: protobuf 4.22 to 4.24 crash when one is first needed inside a repeated field.
_CLASSES = message_factory.GetMessageClassesForFiles([_FILE.name], _POOL)
_DECLARATIONS = {message.name: message for message in _FILE.message_type}


def message_class(name: str) -> type[Any]:
    """The class of `caffe.<name>`; KeyError if the schema has none."""
    return _CLASSES[f"caffe.{name}"]


def declaration(name: str) -> descriptor_pb2.DescriptorProto:
    """How `caffe.<name>` is declared: the one way to its fields' labels that the runtimes 4 to 7 share."""
    return _DECLARATIONS[name]


def enum(name: str) -> EnumDescriptor:
    """The enum `caffe.<name>`, e.g. "Phase" or "PoolingParameter.PoolMethod"."""
    return _POOL.FindEnumTypeByName(f"caffe.{name}")


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
