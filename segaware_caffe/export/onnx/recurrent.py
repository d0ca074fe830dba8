"""Recurrent layers, unrolled over their steps as the layers are; without exposed states they start at 0 in every run."""

from typing import Any

from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import Blob, Writer


class Steps:
    """What drives each step of LSTM and RNN: the input, the initial states, and whether a sequence goes on."""

    def __init__(self, w: Writer, layer: Any, x: Blob, cont: Blob, *more: Blob):
        exposed = len(layer.states) if layer.options.expose_hidden else 0
        static = len(more) > exposed
        flat = w.reshape(x.name, (0, 0, -1)) if len(x.shape) != 3 else x.name
        drive = w.add(w.op("MatMul", flat, transposed(w, layer, 0)), w.learned(layer.blob(1), f"{layer.name}.1"))
        if static:
            fixed = w.op("MatMul", w.op("Flatten", more[0].name, axis=1), transposed(w, layer, 2))
            drive = w.add(drive, w.unsqueeze(fixed, 0))
        self.recurrent = transposed(w, layer, 3 if static else 2)
        count = x.shape[0]
        self.drives = w.ops("Split", count, drive, axis=0)
        self.going_on = w.ops("Split", count, w.unsqueeze(cont.name, 2), axis=0)  # (1, N, 1)
        self.states = [state.name for state in more[static:]]
        if not self.states:
            shape = w.concat([w.integers(1), w.shape(x.name, 1, 2), w.integers(layer.options.num_output)], 0)
            self.states = [w.op("Expand", w.constant(0.0), shape)] * len(layer.states)


def transposed(w: Writer, layer: Any, index: int) -> str:
    """A learned matrix (outputs, inputs), to be multiplied with from the left."""
    return w.learned(layer.blob(index).T, f"{layer.name}.{index} transposed")


@converter("LSTM")
def lstm(w: Writer, layer: Any, *bottoms: Blob) -> list[str]:
    steps = Steps(w, layer, *bottoms)
    hidden, cell = steps.states
    outputs = []
    for drive, cont in zip(steps.drives, steps.going_on, strict=True):
        gates = w.add(drive, w.op("MatMul", w.mul(cont, hidden), steps.recurrent))
        cell, hidden = unit(w, cell, gates, cont)
        outputs.append(hidden)
    return [w.concat(outputs, 0), *([hidden, cell] if layer.options.expose_hidden else [])]


def unit(w: Writer, cell: str, gates: str, cont: str) -> tuple[str, str]:
    """The next cell and hidden state."""
    i, f, o, g = w.ops("Split", 4, gates, axis=-1)
    forget = w.mul(cont, w.op("Sigmoid", f))
    cell = w.add(w.mul(forget, cell), w.mul(w.op("Sigmoid", i), w.op("Tanh", g)))
    return cell, w.mul(w.op("Sigmoid", o), w.op("Tanh", cell))


@converter("LSTMUnit")
def lstm_unit(w: Writer, layer: Any, cell: Blob, gates: Blob, cont: Blob) -> list[str]:
    return list(unit(w, cell.name, gates.name, w.unsqueeze(cont.name, 2)))


@converter("RNN")
def rnn(w: Writer, layer: Any, *bottoms: Blob) -> list[str]:
    steps, last = Steps(w, layer, *bottoms), len(layer.specs)
    out, bias = transposed(w, layer, last - 2), w.learned(layer.blob(last - 1), f"{layer.name}.{last - 1}")
    (hidden,) = steps.states
    outputs = []
    for drive, cont in zip(steps.drives, steps.going_on, strict=True):
        hidden = w.op("Tanh", w.add(drive, w.op("MatMul", w.mul(cont, hidden), steps.recurrent)))
        outputs.append(w.op("Tanh", w.add(w.op("MatMul", hidden, out), bias)))
    return [w.concat(outputs, 0), *([hidden] if layer.options.expose_hidden else [])]
