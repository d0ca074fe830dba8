"""Caffe, alive on PyTorch: prototxt in, PyTorch module out; segmentation-aware networks first of all.

The names below are imported when they are first asked for, so that whoever needs the schema
alone, or a command line's help, does not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segaware_caffe.errors import CaffeError, FieldError, FileError, GraphError, ParseError, ShapeError, UnknownLayerError, WeightsError
    from segaware_caffe.export import export_onnx, export_program, export_source
    from segaware_caffe.layers import Layer, register, set_random_seed
    from segaware_caffe.net import Net
    from segaware_caffe.schema import extend_schema, filter_net, read_net, read_solver
    from segaware_caffe.solver import Solver

__version__ = "0.1.0"
__all__ = [
    "CaffeError",
    "FieldError",
    "FileError",
    "GraphError",
    "Layer",
    "Net",
    "ParseError",
    "ShapeError",
    "Solver",
    "UnknownLayerError",
    "WeightsError",
    "__version__",
    "export_onnx",
    "export_program",
    "export_source",
    "extend_schema",
    "filter_net",
    "read_net",
    "read_solver",
    "register",
    "set_random_seed",
]

#: public name -> the room that has it
_ROOMS = {
    "CaffeError": "errors",
    "FieldError": "errors",
    "FileError": "errors",
    "GraphError": "errors",
    "Layer": "layers",
    "Net": "net",
    "ParseError": "errors",
    "ShapeError": "errors",
    "Solver": "solver",
    "UnknownLayerError": "errors",
    "WeightsError": "errors",
    "export_onnx": "export",
    "export_program": "export",
    "export_source": "export",
    "extend_schema": "schema",
    "filter_net": "schema",
    "read_net": "schema",
    "read_solver": "schema",
    "register": "layers",
    "set_random_seed": "layers",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
