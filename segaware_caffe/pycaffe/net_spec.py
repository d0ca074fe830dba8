"""`caffe.net_spec`: nets written as Python expressions, which become prototxt.

`layers.Convolution(bottom, num_output=8)` makes a `Function` and its `Top`; a `NetSpec` gives tops
their names; `to_proto` walks from tops to what they are made of. Keywords are fields: those of the
layer message, or else of the type's own parameter message; `in_place=True` and `ntop=N` say what
the tops are. `params.Pooling.MAX` reads the enums.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from segaware_caffe.pycaffe.proto import caffe_pb2


@cache
def param_name_dict() -> dict[str, str]:
    """From the names of parameter messages to those of the layer's fields, both without their endings: InnerProduct -> inner_product."""
    names: dict[str, str] = {}
    for field in caffe_pb2.LayerParameter.DESCRIPTOR.fields:
        if field.message_type is not None and field.name.endswith("_param"):
            names.setdefault(field.message_type.name.removesuffix("Parameter"), field.name.removesuffix("_param"))
    return names


def to_proto(*tops: Top) -> Any:
    """The NetParameter of all layers that `tops` need; tops without a name are called by their type and a number."""
    layers: OrderedDict[Function, Any] = OrderedDict()
    autonames: Counter[str] = Counter()
    for top in tops:
        top.fn._to_proto(layers, {}, autonames)
    net = caffe_pb2.NetParameter()
    net.layer.extend(layers.values())
    return net


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set the field `name` of a message: dicts are messages, lists are repeated, a message's field takes a dict's items.

    A single value goes into a repeated field as its one item.
    """
    field = getattr(proto, name)
    if hasattr(field, "extend") and not isinstance(val, (list, tuple)):
        val = [val]
    if isinstance(val, (list, tuple)):
        if val and isinstance(val[0], Mapping):
            for item in val:
                added = field.add()
                for key, value in item.items():
                    assign_proto(added, key, value)
        else:
            field.extend(val)
    elif isinstance(val, Mapping):
        for key, value in val.items():
            assign_proto(field, key, value)
    else:
        setattr(proto, name, val)


class Top:
    """One output of a function."""

    def __init__(self, fn: Function, n: int):
        self.fn = fn
        self.n = n

    def to_proto(self) -> Any:
        """The net that ends in this top."""
        return to_proto(self)

    def _update(self, params: Mapping[str, Any]) -> None:
        self.fn._update(params)

    def _to_proto(self, layers: OrderedDict[Function, Any], names: dict[Any, str], autonames: Counter[str]) -> None:
        self.fn._to_proto(layers, names, autonames)


class Function:
    """A layer to be: its type, its bottoms, its fields; `tops` are its outputs."""

    def __init__(self, type_name: str, inputs: Iterable[Top], params: Mapping[str, Any]):
        self.type_name = type_name
        self.inputs = tuple(inputs)
        for index, top in enumerate(self.inputs):
            if not isinstance(top, Top):
                raise TypeError(f"{type_name} input {index} is not a Top (type is {type(top)})")
        self.params = dict(params)
        self.ntop = self.params.pop("ntop", 1)
        self.in_place = self.params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _update(self, params: Mapping[str, Any]) -> None:
        self.params.update(params)

    def _get_name(self, names: dict[Any, str], autonames: Counter[str]) -> str:
        return self._get_top_name(self.tops[0] if self.tops else self, names, autonames)

    def _get_top_name(self, top: Any, names: dict[Any, str], autonames: Counter[str]) -> str:
        if top not in names:
            autonames[self.type_name] += 1
            names[top] = f"{self.type_name}{autonames[self.type_name]}"
        return names[top]

    def _to_proto(self, layers: OrderedDict[Function, Any], names: dict[Any, str], autonames: Counter[str]) -> None:
        if self in layers:
            return
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        for top in self.inputs:
            top._to_proto(layers, names, autonames)
            layer.bottom.append(layers[top.fn].top[top.n])
        layer.top.extend(layer.bottom if self.in_place else [self._get_top_name(top, names, autonames) for top in self.tops])
        layer.name = self._get_name(names, autonames)
        for key, value in self.params.items():
            assign_proto(self._owner(layer, key), key, value)
        layers[self] = layer

    def _owner(self, layer: Any, key: str) -> Any:
        """The message that has the field: the type's own parameter, or the layer."""
        own = param_name_dict().get(self.type_name)
        if own is None or key.endswith("param"):
            return layer
        parameter = getattr(layer, f"{own}_param")
        return parameter if key in parameter.DESCRIPTOR.fields_by_name else layer


class NetSpec:
    """Tops by name: `n.conv1 = L.Convolution(n.data, num_output=20, kernel_size=5)`, or `n["conv1/3x3"] = ...`.

    `n.to_proto()` is the net of all of them, in the order in which they were named.
    """

    tops: OrderedDict[str, Top]

    def __init__(self) -> None:
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name: str, value: Top) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Top:
        try:
            return self.tops[name]
        except KeyError:
            raise AttributeError(f"the net has no top '{name}'") from None

    def __setitem__(self, key: str, value: Top) -> None:
        self.tops[key] = value

    def __getitem__(self, item: str) -> Top:
        return self.tops[item]

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    def __delitem__(self, item: str) -> None:
        del self.tops[item]

    def to_proto(self) -> Any:
        """The NetParameter of all layers that the named tops need."""
        names = {top: name for name, top in self.tops.items()}
        layers: OrderedDict[Function, Any] = OrderedDict()
        autonames: Counter[str] = Counter()
        for top in self.tops.values():
            top._to_proto(layers, names, autonames)
        net = caffe_pb2.NetParameter()
        net.layer.extend(layers.values())
        return net


class Layers:
    """`layers.Type(*bottoms, **fields)` is a Top, or a tuple of them with `ntop`."""

    def __getattr__(self, name: str) -> Any:
        def layer_fn(*args: Top, **kwargs: Any) -> Any:
            function = Function(name, args, kwargs)
            if function.ntop == 0:
                return function
            return function.tops[0] if function.ntop == 1 else function.tops

        return layer_fn


class Parameters:
    """`params.Pooling.MAX`: the value of an enum, by the type whose parameter it belongs to."""

    def __getattr__(self, name: str) -> Any:
        class Param:
            def __getattr__(self, param_name: str) -> int:
                return getattr(getattr(caffe_pb2, name + "Parameter"), param_name)

        return Param()


layers = Layers()
params = Parameters()
