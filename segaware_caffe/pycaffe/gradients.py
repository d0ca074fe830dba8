"""Gradients that the reference computes from its blobs as they are at that moment.

Autograd remembers what a layer saw in its forward pass. The reference looks again: at a top that a
script or an in-place layer has written over since, or, in an in-place layer, at a diff that it has
half overwritten itself. The layers in which that shows have their formula here, on live memory.
Two formulas go wrong in place in the reference and so do here, Power's and Log's: they lose the top's diff.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from segaware_caffe.layers import Layer

if TYPE_CHECKING:
    from segaware_caffe.pycaffe.steps import Step

Tensor = torch.Tensor
#: writes the diffs of a step's bottoms and learned blobs
Formula = Callable[["Step"], None]
_FORMULAS: dict[str, Formula] = {}
_KEEPERS: dict[str, Callable[["Step"], Tensor | None]] = {}


def formula(layer: Layer) -> Formula | None:
    """The reference's own gradient of a layer, where autograd's may differ from it."""
    found = _FORMULAS.get(layer.type)
    if layer.type == "LRN" and layer.options.norm_region != layer.options.ACROSS_CHANNELS:
        return None
    return None if layer.type == "Eltwise" and layer.options.operation == layer.options.MAX else found


def kept(step: "Step") -> Tensor | None:
    """What a layer's forward keeps for its formula beside its blobs, seen before the top is written."""
    keeper = _KEEPERS.get(step.node.type)
    return keeper(step) if keeper else None


#: layers whose gradient looks at their top
_READS_TOP = frozenset({"ELU", "Exp", "LRN", "MVN", "Power", "Sigmoid", "Softmax", "Swish", "TanH"})


def agrees_with_autograd(steps: Sequence["Step"]) -> bool:
    """Whether one backward after one forward of a net gives the true gradient.

    In-place layers may keep it from that: by their own rule, or because the layer before them needs what they write over.
    """
    reads_top: dict[int, bool] = {}
    for step in steps:
        if step.in_place and (reads_top[id(step.tops[0])] or not _true_in_place(step.module)):
            return False
        unstable = step.node.type == "Eltwise" and not step.module.options.stable_prod_grad
        for top in step.tops:
            reads_top[id(top)] = step.node.type in _READS_TOP or unstable
    return True


def _true_in_place(layer: Layer) -> bool:
    """Whether a layer's formula holds when its bottom is its top by then."""
    options: Any = layer.options
    match layer.type:
        case "BNLL" | "Log" | "Power" | "Swish":
            return False
        case "ReLU":
            return options.negative_slope >= 0
        case "ELU":
            return options.alpha >= 0
        case "Eltwise":
            return options.operation == options.SUM and set(options.coeff) <= {1.0}
    return True


def _formula(*types: str) -> Callable[[Formula], Formula]:
    def add(function: Formula) -> Formula:
        _FORMULAS.update(dict.fromkeys(types, function))
        return function

    return add


def _elementwise(type_name: str) -> Callable[..., Any]:
    """The slope of a layer of one bottom and one top: (layer, bottom, top) -> d top / d bottom."""

    def add(slope: Callable[[Layer, Tensor, Tensor], Tensor]) -> Any:
        @_formula(type_name)
        def write(step: "Step") -> None:
            (bottom,), (top,) = step.bottoms, step.tops
            x, y, dx = (torch.from_numpy(array) for array in (bottom.data, top.data, bottom.diff))
            torch.mul(torch.from_numpy(top.diff), slope(step.module, x, y), out=dx)

        return slope

    return add


@_elementwise("AbsVal")
def _absval(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return x.sign()


@_elementwise("BNLL")
def _bnll(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return x.clamp(max=50).sigmoid()


@_elementwise("ELU")
def _elu(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return torch.where(x > 0, 1, layer.options.alpha + y)


@_elementwise("Exp")
def _exp(layer: Any, x: Tensor, y: Tensor) -> Tensor:
    return y * (layer.options.scale * layer._log_base)


@_elementwise("ReLU")
def _relu(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return torch.where(x > 0, 1, layer.options.negative_slope)


@_elementwise("Sigmoid")
def _sigmoid(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return y * (1 - y)


@_elementwise("TanH")
def _tanh(layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    return 1 - y * y


def _two_steps(step: "Step", slope: Tensor) -> None:
    """Write the slope, then multiply it by the top's diff: in place that diff is gone by then."""
    torch.from_numpy(step.bottoms[0].diff).copy_(slope)
    step.bottoms[0].diff[...] *= step.tops[0].diff


@_formula("Log")
def _log(step: "Step") -> None:
    layer: Any = step.module
    x = torch.from_numpy(step.bottoms[0].data)
    _two_steps(step, layer.options.scale / layer._log_base / (layer.options.scale * x + layer.options.shift))


@_formula("Power")
def _power(step: "Step") -> None:
    power, scale, shift = (getattr(step.module.options, field) for field in ("power", "scale", "shift"))
    x, y = torch.from_numpy(step.bottoms[0].data), torch.from_numpy(step.tops[0].data)
    if power * scale == 0 or power == 1:
        slope = torch.full_like(x, power * scale)
    elif power == 2:
        slope = 2 * scale * (scale * x + shift)
    else:
        slope = power * scale * y / (scale * x + shift)
    if power * scale == 0:
        step.bottoms[0].diff[...] = 0
    else:
        _two_steps(step, slope)


@_formula("Softmax")
def _softmax(step: "Step") -> None:
    y, dy = torch.from_numpy(step.tops[0].data), torch.from_numpy(step.tops[0].diff)
    axis = step.module.axis(step.module.options.axis, y.ndim)
    torch.from_numpy(step.bottoms[0].diff).copy_(y * (dy - (dy * y).sum(axis, keepdim=True)))


@_formula("LRN")
def _lrn(step: "Step") -> None:
    """x and y as they are now, the local mean squares as they were in the forward pass."""
    options = step.module.options
    x, y, dy = (torch.from_numpy(a) for a in (step.bottoms[0].data, step.tops[0].data, step.tops[0].diff))
    scale = _lrn_scale(step) if step.kept is None else step.kept
    around = _over_channels(dy * y / scale, options.local_size)
    gradient = dy * scale**-options.beta - 2 * options.alpha * options.beta / options.local_size * x * around
    torch.from_numpy(step.bottoms[0].diff).copy_(gradient)


def _lrn_scale(step: "Step") -> Tensor:
    options = step.module.options
    squares = torch.from_numpy(step.bottoms[0].data).square()
    return options.k + options.alpha / options.local_size * _over_channels(squares, options.local_size)


def _over_channels(value: Tensor, size: int) -> Tensor:
    """The sum over the `size` nearest channels."""
    half, count = size // 2, value.shape[1]
    padded = torch.nn.functional.pad(value, (0, 0, 0, 0, half, half))
    return sum((padded[:, first : first + count] for first in range(size)), torch.zeros(()))


_KEEPERS["LRN"] = _lrn_scale


@_formula("Eltwise")
def _eltwise(step: "Step") -> None:
    """One bottom after the other: in place the first one's diff is the top's diff for the others."""
    options, top = step.module.options, step.tops[0]
    for index, bottom in enumerate(step.bottoms):
        if not step.need.bottoms[index]:
            continue
        dy = torch.from_numpy(top.diff)
        if options.operation == options.SUM:
            gradient = dy * (options.coeff[index] if options.coeff else 1)
        elif options.stable_prod_grad:
            gradient = dy
            for other in step.bottoms:
                if other is not bottom:
                    gradient = gradient * torch.from_numpy(other.data)
        else:
            gradient = torch.from_numpy(top.data) / torch.from_numpy(bottom.data) * dy
        torch.from_numpy(bottom.diff).copy_(gradient)


@_formula("Scale")
def _scale(step: "Step") -> None:
    """The scale's diff is overwritten, not added to, where the reference needs no second sum (spec/layers.md 5.40).

    In place it keeps the bottom, and keeps the products for the next backward pass instead.
    """
    layer: Any = step.module
    bottom, dy = step.bottoms[0], torch.from_numpy(step.tops[0].diff)
    learned = len(step.bottoms) == 1
    scale = step.params[0] if learned else step.bottoms[1]
    x = torch.from_numpy(bottom.data) if step.kept is None else step.kept
    outer = math.prod(bottom.shape[: layer.start_axis(x.ndim, len(scale.shape))])

    def summed(value: Tensor) -> np.ndarray:
        return value.reshape(outer, scale.count, -1).sum((0, 2)).reshape(scale.shape).numpy()

    if layer.options.bias_term and layer.learns[-1]:
        step.params[-1].diff[...] += summed(dy)
    if layer.learns[0] if learned else step.need.bottoms[1]:
        products = dy * x
        whole = scale.count == bottom.count
        if learned and not whole and (outer > 1 or scale.count == 1):
            scale.diff[...] += summed(products)
        else:
            scale.diff[...] = summed(products)
        if step.kept is not None and not whole:
            step.kept.copy_(products)
    if step.need.bottoms[0]:
        torch.from_numpy(bottom.diff).copy_(dy * layer.aligned(x, torch.from_numpy(scale.data)))


def _bottom_in_place(step: "Step") -> Tensor | None:
    return torch.from_numpy(step.bottoms[0].data.copy()) if step.in_place else None


_KEEPERS["Scale"] = _bottom_in_place
