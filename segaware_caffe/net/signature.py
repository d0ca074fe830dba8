"""A net's `forward` as a callable whose signature names the net's own inputs: `torch.export` tells the shapes of arguments by it."""

import inspect
from collections.abc import Callable
from typing import Any


class NamesInputs:
    """Decorates `forward(self, *first, keep, **inputs)`."""

    def __init__(self, function: Callable[..., Any]):
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, net: Any, owner: type | None = None) -> Callable[..., Any]:
        return self._function if net is None else Bound(self._function, net)


class Bound:
    """The `forward` of one net."""

    def __init__(self, function: Callable[..., Any], net: Any):
        self._function = function
        self._net = net
        self.__code__ = function.__code__  # torch.export asks for it

    def __call__(self, *first: Any, **inputs: Any) -> Any:
        return self._function(self._net, *first, **inputs)

    @property
    def __signature__(self) -> inspect.Signature:
        names = [name for name in self._net._sources() if name.isidentifier()]
        inputs = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in names]
        return inspect.Signature([*inputs, inspect.Parameter("keep", inspect.Parameter.KEYWORD_ONLY, default=())])
