"""`import caffe` is this package: the modules of `segaware_caffe.pycaffe` under the names of Caffe's own."""

import importlib
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from segaware_caffe.pycaffe.mode import allow_paths as _allow_paths
from segaware_caffe.pycaffe.mode import allow_python_layers as _allow

OURS = "segaware_caffe.pycaffe"


def install(allow_python_layers: bool = False, allow_paths: Iterable[str] = ()) -> None:
    """Make `import caffe` and `import caffe.io` mean this package from now on, whatever is on `sys.path`.

    `allow_python_layers` lets nets run the code that their Python layers name; so does the
    environment variable SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS=1. `allow_paths` are folders that prototxts may name
    files in, beside the current one and their own; so are those of SEGAWARE_CAFFE_ALLOW_PATH.
    """
    if allow_python_layers:
        _allow()
    if places := list(allow_paths):
        _allow_paths(*places)
    if not any(isinstance(finder, CaffeFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, CaffeFinder())
    for name in [name for name in sys.modules if name == "caffe" or name.startswith("caffe.")]:
        del sys.modules[name]
    sys.modules["caffe"] = importlib.import_module(OURS)


class CaffeFinder(MetaPathFinder):
    """Finds `caffe` and what is in it: the very modules of this package, not copies."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        # scripts that put Caffe's python/caffe/proto on their path say caffe_pb2
        name = "caffe.proto.caffe_pb2" if fullname == "caffe_pb2" else fullname
        if name.partition(".")[0] != "caffe":
            return None
        ours = OURS + name.removeprefix("caffe")
        return ModuleSpec(fullname, _Alias(ours)) if find_spec(ours) else None


class _Alias(Loader):
    """Gives a module that is there another name."""

    def __init__(self, ours: str):
        self._ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._ours)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import machinery has put the alias there
