"""Which class runs a layer of a given type."""

import difflib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from segaware_caffe.errors import UnknownLayerError
from segaware_caffe.schema.dialects import foreign_type

if TYPE_CHECKING:
    from segaware_caffe.layers.base import Layer

#: what registers layers beside the families of this room; imported when a type is first looked for
ROOMS = ("segaware_caffe.data",)
#: types of rooms that take their time to import, which happens when a net has such a layer
LATER = {"Python": "segaware_caffe.pycaffe.python_layer"}

_CLASSES: dict[str, type["Layer"]] = {}
_L = TypeVar("_L", bound="type[Layer]")


def register(type_name: str, *, source: str = "") -> Callable[[_L], _L]:
    """Class decorator: nets run layers of `type: "type_name"` with this `Layer` subclass.

    `source` says where the layer is specified: a section ("spec/layers.md 5.9"), or the fork of Caffe that has it.
    Registering a type again replaces its class, so a user's own version of a layer wins.

    >>> import segaware_caffe
    >>> @register("Swap")
    ... class Swap(segaware_caffe.Layer):
    ...     def reshape(self, bottom):
    ...         return bottom[::-1]
    ...     def forward(self, bottom):
    ...         return bottom.T
    >>> text = 'input: "x" input_shape { dim: 2 dim: 3 } layer { name: "swap" type: "Swap" bottom: "x" top: "y" }'
    >>> segaware_caffe.Net(text).shapes["y"]
    (3, 2)
    """

    def add(cls: _L) -> _L:
        if not cls.__module__.startswith("segaware_caffe."):
            _import_rooms(type_name)  # a room that came later would take the user's place
        cls.type, cls.source = type_name, source
        _CLASSES[type_name] = cls
        return cls

    return add


def registered() -> dict[str, type["Layer"]]:
    """All known layer types, sorted by name."""
    _import_rooms(*LATER)
    return dict(sorted(_CLASSES.items()))


def is_registered(type_name: str) -> bool:
    """Whether layers of a type can run."""
    _import_rooms(type_name)
    return type_name in _CLASSES


def layer_class(type_name: str) -> type["Layer"]:
    """The class for a type; UnknownLayerError with the fork that has it, or the nearest names, if there is none."""
    if not is_registered(type_name):
        folded = {known.lower(): known for known in _CLASSES}
        near = [folded[match] for match in difflib.get_close_matches(type_name.lower(), folded, n=2)]
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        foreign = foreign_type(type_name)
        if foreign:
            hint = f" (a layer of {foreign.owners}, which {foreign.note}; it is not built here)"
        raise UnknownLayerError(f"Unknown layer type: {type_name or '(empty)'}{hint}")
    return _CLASSES[type_name]


def _import_rooms(*types: str) -> None:
    """Import what registers layers, the given types of later rooms among them."""
    for room in (*ROOMS, *(LATER[name] for name in types if name in LATER)):
        _import_once(room)


@cache
def _import_once(room: str) -> None:
    import_module(room)
