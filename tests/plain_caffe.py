"""Caffe's way of running a net, restated in NumPy: every blob keeps its data and diff, layers read and write them in place.

For nets of the layers below, with `force_backward`, whose blobs have four axes (or two). Nothing
here is shared with the package. `PlainNet` takes the same layers as `prototxt`: tuples
(name, type, bottoms, top, options).
"""

from dataclasses import dataclass, field

import numpy as np

F = np.float32


@dataclass
class Layer:
    name: str
    type: str
    bottoms: list[str]
    top: str
    options: dict = field(default_factory=dict)


def prototxt(layers: list[Layer], shape: tuple[int, ...]) -> str:
    """The text of a net."""
    dims = " ".join(f"dim: {d}" for d in shape)
    lines = [f'force_backward: true layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}']
    for layer in layers:
        bottoms = " ".join(f'bottom: "{b}"' for b in layer.bottoms)
        fields = " ".join(f"{key} {{ {value} }}" if key.endswith("_param") else f"{key}: {value}" for key, value in layer.options.items())
        lines.append(f'layer {{ name: "{layer.name}" type: "{layer.type}" {bottoms} top: "{layer.top}" {fields} }}')
    return "\n".join(lines)


class Blob:
    """Data and diff; the memory stays as long as it is large enough."""

    def __init__(self):
        self.shape, self.memory = (0,), [np.zeros(0, F), np.zeros(0, F)]

    def reshape(self, shape):
        self.shape, count = tuple(shape), int(np.prod(shape))
        if count > min(m.size for m in self.memory):
            self.memory = [np.zeros(count, F), np.zeros(count, F)]

    @property
    def data(self):
        return self.memory[0][: int(np.prod(self.shape))].reshape(self.shape)

    @property
    def diff(self):
        return self.memory[1][: int(np.prod(self.shape))].reshape(self.shape)


class PlainNet:
    """A net of the layers above, with the splits that Caffe puts in."""

    def __init__(self, layers: list[Layer], shape: tuple[int, ...]):
        self.blobs: dict[str, Blob] = {"x": Blob()}
        self.layers = with_splits([Layer("x", "Input", [], "x"), *layers])
        self.params: dict[str, list[Blob]] = {}
        self.state: dict[str, np.ndarray] = {}
        self.blobs["x"].reshape(shape)
        for layer in self.layers:
            for top in tops_of(layer):
                self.blobs.setdefault(top, Blob())
        self.reshape()

    def reshape(self):
        for layer in self.layers[1:]:
            x = [self.blobs[b].shape for b in layer.bottoms]
            shape = top_shape(layer, x)
            for top in tops_of(layer):
                self.blobs[top].reshape(shape)
                if layer.type in ("Split", "Flatten"):
                    self.blobs[top].memory[0] = self.blobs[layer.bottoms[0]].memory[0]
            if layer.name not in self.params and layer.type in LEARNED:
                self.params[layer.name] = [Blob() for _ in LEARNED[layer.type](layer, x[0])]
                for blob, size in zip(self.params[layer.name], LEARNED[layer.type](layer, x[0]), strict=True):
                    blob.reshape(size)

    def names(self):
        return [layer.name for layer in self.layers]

    def forward(self, start=None, end=None):
        first = self.names().index(start) if start else 0
        last = self.names().index(end) if end else len(self.layers) - 1
        for layer in self.layers[max(first, 1) : last + 1]:
            if layer.type in ("Split", "Flatten"):
                continue
            x = [self.blobs[b].data for b in layer.bottoms]
            if layer.top in layer.bottoms:
                self.state[layer.name] = x[0].copy()
            if layer.type in STATES:
                self.state[layer.name] = STATES[layer.type](layer, x[0])
            y = FORWARD[layer.type](layer, x, [p.data for p in self.params.get(layer.name, [])])
            self.blobs[layer.top].data[...] = y

    def backward(self, start=None, end=None):
        first = self.names().index(start) if start else len(self.layers) - 1
        last = self.names().index(end) if end else 0
        for layer in reversed(self.layers[max(last, 1) : first + 1]):
            bottoms, tops = [self.blobs[b] for b in layer.bottoms], [self.blobs[t] for t in tops_of(layer)]
            if layer.type in ("Split", "Flatten"):
                bottoms[0].diff[...] = sum(top.diff.reshape(bottoms[0].shape) for top in tops)
            else:
                params = self.params.get(layer.name, [])
                BACKWARD.get(layer.type, elementwise)(layer, bottoms, tops[0], params, self.state.get(layer.name))


def with_splits(layers: list[Layer]) -> list[Layer]:
    """A Split behind the last writer of every blob that several layers read."""
    result, renamed = [], {}
    for index, layer in enumerate(layers):
        bottoms = [renamed[b].pop(0) if renamed.get(b) else b for b in layer.bottoms]
        result.append(Layer(layer.name, layer.type, bottoms, layer.top, layer.options))
        later = layers[index + 1 :]
        rewritten = next((i for i, other in enumerate(later) if other.top == layer.top), None)
        readers = [b for other in later for b in other.bottoms if b == layer.top]
        if rewritten is None and len(readers) > 1:
            name = f"{layer.top}_{layer.name}_0_split"
            renamed[layer.top] = [f"{name}_{k}" for k in range(len(readers))]
            result.append(Layer(name, "Split", [layer.top], name, {"count": len(readers)}))
    return result


def tops_of(layer: Layer) -> list[str]:
    return [f"{layer.top}_{k}" for k in range(layer.options["count"])] if layer.type == "Split" else [layer.top]


# -- what the layers are -----------------------------------------------------------------------
# All convolutions have 3x3 kernels and pad 1, all poolings stride 1, LRN three channels.


def top_shape(layer: Layer, x: list[tuple[int, ...]]) -> tuple[int, ...]:
    n, c, *rest = x[0]
    match layer.type:
        case "Convolution":
            return (n, 3, *rest)
        case "Deconvolution":
            return (n, 2, *rest)
        case "InnerProduct":
            return (n, 3)
        case "Concat":
            return (n, sum(shape[1] for shape in x), *rest)
        case "Flatten":
            return (n, c * int(np.prod(rest)))
        case "Pooling" if is_max(layer):
            return (n, c, *(d - 1 for d in rest))
    return x[0]


def is_max(layer: Layer) -> bool:
    return "MAX" in layer.options["pooling_param"]


LEARNED = {
    "Convolution": lambda layer, x: [(3, x[1], 3, 3), (3,)],
    "Deconvolution": lambda layer, x: [(x[1], 2, 3, 3), (2,)],
    "InnerProduct": lambda layer, x: [(3, int(np.prod(x[1:]))), (3,)],
    "Scale": lambda layer, x: [(x[1],), (x[1],)],
    "Bias": lambda layer, x: [(x[1],)],
    "PReLU": lambda layer, x: [(x[1],)],
}


def along(value, x):
    """One value a channel, for broadcasting."""
    return value.reshape(1, -1, *[1] * (x.ndim - 2))


def taps(x, kernel=3, pad=1):
    """The image as every tap of the kernel sees it: (row, column, view of the padded image)."""
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    h, w = x.shape[2] + 2 * pad - kernel + 1, x.shape[3] + 2 * pad - kernel + 1
    return [(i, j, padded[:, :, i : i + h, j : j + w]) for i in range(kernel) for j in range(kernel)]


def spread(shape, tap_values, kernel=3, pad=1):
    """The adjoint of `taps`."""
    padded = np.zeros((*shape[:2], shape[2] + 2 * pad, shape[3] + 2 * pad), F)
    for i, j, value in tap_values:
        padded[:, :, i : i + value.shape[2], j : j + value.shape[3]] += value
    return padded[:, :, pad : pad + shape[2], pad : pad + shape[3]]


def around(x):
    """The sum over a channel and its neighbours."""
    padded = np.pad(x, [(0, 0), (1, 1), (0, 0), (0, 0)])
    return padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def divisors(x):
    """How many pixels of the padded image a window of an average has: all of them count, padding too."""
    return 9


def conv(x, weight, bias):
    return sum(np.einsum("nchw,oc->nohw", v, weight[:, :, i, j]) for i, j, v in taps(x)) + along(bias, x)


def deconv(x, weight, bias):
    shape = (x.shape[0], weight.shape[1], *x.shape[2:])
    return spread(shape, [(i, j, np.einsum("nchw,co->nohw", x, weight[:, :, i, j])) for i in range(3) for j in range(3)]) + along(bias, x)


def slope(layer: Layer) -> float:
    return 0.1 if "slope" in str(layer.options) else 0.0


FORWARD = {
    "Convolution": lambda layer, x, p: conv(x[0], *p),
    "Deconvolution": lambda layer, x, p: deconv(x[0], *p),
    "InnerProduct": lambda layer, x, p: x[0].reshape(len(x[0]), -1) @ p[0].T + p[1],
    "Scale": lambda layer, x, p: x[0] * along(p[0], x[0]) + along(p[1], x[0]),
    "Bias": lambda layer, x, p: x[0] + along(p[0], x[0]),
    "PReLU": lambda layer, x, p: np.where(x[0] > 0, x[0], along(p[0], x[0]) * x[0]),
    "ReLU": lambda layer, x, p: np.where(x[0] > 0, x[0], slope(layer) * x[0]),
    "ELU": lambda layer, x, p: np.where(x[0] > 0, x[0], np.exp(np.minimum(x[0], 0)) - 1),
    "AbsVal": lambda layer, x, p: np.abs(x[0]),
    "Sigmoid": lambda layer, x, p: 1 / (1 + np.exp(-x[0])),
    "TanH": lambda layer, x, p: np.tanh(x[0]),
    "Exp": lambda layer, x, p: np.exp(0.5 * x[0]),
    "BNLL": lambda layer, x, p: np.log1p(np.exp(x[0])),
    "Power": lambda layer, x, p: 2 * x[0] + 0.5,
    "Softmax": lambda layer, x, p: softmax(x[0]),
    "LRN": lambda layer, x, p: x[0] * lrn_scale(layer, x[0]) ** -0.75,
    "Concat": lambda layer, x, p: np.concatenate(x, 1),
    "Eltwise": lambda layer, x, p: x[0] * x[1] if "PROD" in str(layer.options) else x[0] - 0.5 * x[1],
    "Pooling": lambda layer, x, p: (
        np.max([v for *_, v in taps(x[0], 2, 0)], 0) if is_max(layer) else sum(v for *_, v in taps(x[0])) / divisors(x[0])
    ),
}


def lrn_scale(layer, x):
    return 1 + 0.1 / 3 * around(x * x)


#: what a forward leaves for the backward beside blobs
STATES = {
    "LRN": lrn_scale,
    "Pooling": lambda layer, x: np.argmax([v for *_, v in taps(x, 2, 0)], 0) if is_max(layer) else None,
}

SLOPES = {
    "ReLU": lambda layer, x, y: np.where(x > 0, 1, slope(layer)),
    "ELU": lambda layer, x, y: np.where(x > 0, 1, 1 + y),
    "AbsVal": lambda layer, x, y: np.sign(x),
    "Sigmoid": lambda layer, x, y: y * (1 - y),
    "TanH": lambda layer, x, y: 1 - y * y,
    "Exp": lambda layer, x, y: 0.5 * y,
    "BNLL": lambda layer, x, y: 1 / (1 + np.exp(-x)),
}


def elementwise(layer, bottoms, top, params, state):
    bottoms[0].diff[...] = top.diff * SLOPES[layer.type](layer, bottoms[0].data, top.data)


def back_conv(layer, bottoms, top, params, state):
    x, dy, weight = bottoms[0].data, top.diff.copy(), params[0].data
    for i, j, v in taps(x):
        params[0].diff[:, :, i, j] += np.einsum("nohw,nchw->oc", dy, v)
    params[1].diff[...] += dy.sum((0, 2, 3))
    bottoms[0].diff[...] = spread(x.shape, [(i, j, np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])) for i in range(3) for j in range(3)])


def back_deconv(layer, bottoms, top, params, state):
    x, dy, weight = bottoms[0].data, top.diff, params[0].data
    for i, j, v in taps(dy):
        params[0].diff[:, :, i, j] += np.einsum("nchw,nohw->co", x, v)
    params[1].diff[...] += dy.sum((0, 2, 3))
    bottoms[0].diff[...] = sum(np.einsum("nohw,co->nchw", v, weight[:, :, i, j]) for i, j, v in taps(dy))


def back_inner(layer, bottoms, top, params, state):
    x, dy = bottoms[0].data.reshape(len(top.diff), -1), top.diff
    params[0].diff[...] += dy.T @ x
    params[1].diff[...] += dy.sum(0)
    bottoms[0].diff[...] = (dy @ params[0].data).reshape(bottoms[0].shape)


def others(x):
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def back_scale(layer, bottoms, top, params, state):
    """In place it looks at its copy of the bottom, and keeps the products there; a batch of one overwrites the scale's diff."""
    in_place = bottoms[0] is top
    x, dy = (state if in_place else bottoms[0].data), top.diff
    params[1].diff[...] += dy.sum(others(dy))
    products = dy * x
    if len(x) == 1 and np.prod(x.shape[2:]) > 0:
        params[0].diff[...] = products.sum(others(x))
    else:
        params[0].diff[...] += products.sum(others(x))
    if in_place and params[0].data.size != x.size:
        state[...] = products
    bottoms[0].diff[...] = dy * along(params[0].data, dy)


def back_bias(layer, bottoms, top, params, state):
    params[0].diff[...] += top.diff.sum(others(top.diff))
    bottoms[0].diff[...] = top.diff


def back_prelu(layer, bottoms, top, params, state):
    x, dy = (state if bottoms[0] is top else bottoms[0].data), top.diff
    params[0].diff[...] += (dy * x * (x <= 0)).sum(others(x))
    bottoms[0].diff[...] = dy * np.where(x > 0, 1, along(params[0].data, x))


def back_power(layer, bottoms, top, params, state):
    """The slope is written where the top's diff may be, and then multiplied by it."""
    bottoms[0].diff[...] = np.where(bottoms[0] is top, 2, top.diff) * 2


def back_softmax(layer, bottoms, top, params, state):
    y, dy = top.data, top.diff
    bottoms[0].diff[...] = y * (dy - (dy * y).sum(1, keepdims=True))


def back_lrn(layer, bottoms, top, params, state):
    x, y, dy = bottoms[0].data, top.data, top.diff
    bottoms[0].diff[...] = dy * state**-0.75 - 2 * 0.1 * 0.75 / 3 * x * around(dy * y / state)


def back_concat(layer, bottoms, top, params, state):
    start = 0
    for bottom in bottoms:
        bottom.diff[...] = top.diff[:, start : start + bottom.shape[1]]
        start += bottom.shape[1]


def back_eltwise(layer, bottoms, top, params, state):
    for index, bottom in enumerate(bottoms):
        factor = bottoms[1 - index].data if "PROD" in str(layer.options) else (1, -0.5)[index]
        bottom.diff[...] = top.diff * factor


def back_pooling(layer, bottoms, top, params, state):
    shape, dy = bottoms[0].shape, top.diff
    if is_max(layer):
        values = [(i, j, dy * (state == 2 * i + j)) for i in range(2) for j in range(2)]
        bottoms[0].diff[...] = spread(shape, values, 2, 0)
    else:
        bottoms[0].diff[...] = spread(shape, [(i, j, dy / 9) for i in range(3) for j in range(3)])


BACKWARD = {
    "Convolution": back_conv,
    "Deconvolution": back_deconv,
    "InnerProduct": back_inner,
    "Scale": back_scale,
    "Bias": back_bias,
    "PReLU": back_prelu,
    "Power": back_power,
    "Softmax": back_softmax,
    "LRN": back_lrn,
    "Concat": back_concat,
    "Eltwise": back_eltwise,
    "Pooling": back_pooling,
}
