"""Something done to a module right after its import, or now if it has been imported; and modules that are there no more."""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Repair = Callable[[ModuleType], None]


def after_import(repairs: Mapping[str, Repair], missing: Sequence[str] = ()) -> None:
    """Run each repair on its module as soon as that is imported; those in `missing` are made empty where there are none."""
    for name, repair in repairs.items():
        if name in sys.modules:
            repair(sys.modules[name])
    sys.meta_path.insert(0, _Repairer(repairs, missing))


class _Repairer(MetaPathFinder):
    def __init__(self, repairs: Mapping[str, Repair], missing: Sequence[str]):
        self._repairs = repairs
        self._missing = missing

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        repair = self._repairs.get(fullname)
        if repair is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is None and fullname in self._missing:
            spec = ModuleSpec(fullname, _Empty())
        if spec is not None and spec.loader is not None:
            _then(spec.loader, repair)
        return spec


class _Empty(Loader):
    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it yet."""


def _then(loader: Loader, repair: Repair) -> None:
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that names are gone, which now are there
            run(module)
        repair(module)

    loader.exec_module = exec_module
