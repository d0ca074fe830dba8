"""Nets as readable PyTorch source, one class, with the helpers that it uses and nothing of this package."""

from segaware_caffe.export.source import (  # noqa: F401  (importing a family registers its converters)
    elementwise,
    layers,
    segaware,
)
from segaware_caffe.export.source.module import write_module
from segaware_caffe.export.source.registry import CONVERTERS

__all__ = ["CONVERTERS", "write_module"]
