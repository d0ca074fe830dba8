"""Caffe's messages, and the ways into and out of them: prototxt text, `${NAME}` templates, binary files.

A net's text becomes a message in the present form in `read_net`: template -> text -> message ->
upgrade. `filter_net` then keeps the layers of one phase. Everything here needs protobuf alone.
"""

from segaware_caffe.schema.binary import read_binary, write_binary
from segaware_caffe.schema.extend import extend_schema
from segaware_caffe.schema.filter import filter_net
from segaware_caffe.schema.legacy import upgrade_net, upgrade_solver
from segaware_caffe.schema.messages import (
    BlobProto,
    BlobProtoVector,
    BlobShape,
    Datum,
    FillerParameter,
    LayerParameter,
    NetParameter,
    NetState,
    NetStateRule,
    ParamSpec,
    SolverParameter,
    SolverState,
    V0LayerParameter,
    V1LayerParameter,
    enum,
    message_class,
)
from segaware_caffe.schema.modern import ModernText, modern_text
from segaware_caffe.schema.read import file_text, read_net, read_solver
from segaware_caffe.schema.templates import parse_assignment, read_variables, render
from segaware_caffe.schema.text import parse_text
from segaware_caffe.schema.text_writer import write_text

__all__ = [
    "BlobProto",
    "BlobProtoVector",
    "BlobShape",
    "Datum",
    "FillerParameter",
    "LayerParameter",
    "ModernText",
    "NetParameter",
    "NetState",
    "NetStateRule",
    "ParamSpec",
    "SolverParameter",
    "SolverState",
    "V0LayerParameter",
    "V1LayerParameter",
    "enum",
    "extend_schema",
    "file_text",
    "filter_net",
    "message_class",
    "modern_text",
    "parse_assignment",
    "parse_text",
    "read_binary",
    "read_net",
    "read_solver",
    "read_variables",
    "render",
    "upgrade_net",
    "upgrade_solver",
    "write_binary",
    "write_text",
]
