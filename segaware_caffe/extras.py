"""Packages that only some file formats need."""

import importlib
import os
from types import ModuleType

from segaware_caffe.errors import CaffeError


def optional_import(package: str, extra: str, path: str | os.PathLike[str]) -> ModuleType:
    """Import `package`; if it is missing raise CaffeError that tells how to install it for `path`."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise CaffeError(f"{path}: needs {package.split('.')[0]}; install it with: pip install 'segaware-caffe[{extra}]'") from error
