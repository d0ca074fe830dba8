"""Nets as readable PyTorch source, one class, with the helpers that it uses and nothing of this package."""

from segaware_caffe.export.source import (  # noqa: F401  (importing a family registers its converters)
    elementwise,
    layers,
    segaware,
)
from segaware_caffe.export.source.module import coverage, write_module

__all__ = ["coverage", "write_module"]
