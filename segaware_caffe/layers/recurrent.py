"""Recurrent layers, unrolled over the steps of their first axis (upstream; spec/layers.md 7, 16.1)."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch.nn import functional

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register
from segaware_caffe.limits import STEPS
from segaware_caffe.ops.recurrent import lstm_unit

States = list[torch.Tensor]


class Recurrent(Layer):
    """What LSTM and RNN share.

    bottoms: x (T, N, ...), cont (T, N), optionally a static input (N, ...), and with
    expose_hidden the initial states (1, N, D); tops: the output (T, N, D), and with
    expose_hidden the final states (1, N, D). D is num_output.

    Without expose_hidden the state carries over from one forward to the next, as a constant for
    the gradient; it starts at 0, and again when N changes. cont and the states get no gradient, and
    the diffs of exposed states are ignored.
    """

    takes_empty = False
    bottoms = (2, None)
    tops = (1, None)
    param_field = "recurrent_param"
    no_forced_gradient = (1,)
    #: names of the hidden states, and rows of the weights for each output
    states: ClassVar[tuple[str, ...]] = ()
    gates: ClassVar[int] = 1

    def setup(self, *bottoms: Shape) -> None:
        options, x = self.options, bottoms[0]
        exposed = len(self.states) if options.expose_hidden else 0
        self.check(options.num_output > 0, "num_output must be positive")
        self.check(
            len(bottoms) in (2 + exposed, 3 + exposed),
            f"takes {2 + exposed} bottoms, or {3 + exposed} with a static input, but {len(bottoms)} are given",
        )
        self.check(self.num_tops == 1 + exposed, f"produces {1 + exposed} top(s), but {self.num_tops} are given")
        self.check(len(x) >= 2, f"bottom 0 must have at least 2 axes -- (#timesteps, #streams, ...), not shape {dims(x)}", ShapeError)
        self.check_limit(STEPS, x[0], "unrolled")
        self._steps, self._static = x[0], len(bottoms) == 3 + exposed
        rows = self.gates * options.num_output
        self.add_blob((rows, math.prod(x[2:])), options.weight_filler)
        self.add_blob((rows,), options.bias_filler)
        if self._static:
            self.add_blob((rows, math.prod(bottoms[2][1:])), options.weight_filler)
        self.add_blob((rows, options.num_output), options.weight_filler)
        for state in self.states:
            self.register_buffer(state, torch.zeros(x[1], options.num_output), persistent=False)

    def reshape(self, x: Shape, cont: Shape, *more: Shape) -> list[Shape]:
        self.check(x[0] == self._steps, f"input number of timesteps changed from {self._steps} to {x[0]}")
        self.check(cont == x[:2], f"bottom 1 must have the shape of bottom 0's first two axes, {dims(x[:2])}, not {dims(cont)}")
        self.check(
            math.prod(x[2:]) == self.specs[0].shape[1],
            f"the input has {math.prod(x[2:])} elements for each step, but the weights are for {self.specs[0].shape[1]}",
        )
        if self._static:
            static, more = more[0], more[1:]
            self.check(static[:1] == x[1:2], f"the static input must have {x[1]} streams, not shape {dims(static)}")
            self.check(
                math.prod(static[1:]) == self.specs[2].shape[1],
                f"the static input has {math.prod(static[1:])} elements for each stream, but the weights are for {self.specs[2].shape[1]}",
            )
        state = (1, x[1], self.options.num_output)
        for shape in more:
            self.check(shape == state, f"exposed states must have shape {dims(state)}, not {dims(shape)}")
        return [(*x[:2], self.options.num_output), *[state] * (self.num_tops - 1)]

    def forward(self, x: torch.Tensor, cont: torch.Tensor, *more: torch.Tensor) -> list[torch.Tensor]:
        drive = functional.linear(x.flatten(2), self.blob(0), self.blob(1))
        if self._static:
            static, more = more[0], more[1:]
            drive = drive + functional.linear(static.flatten(1), self.blob(2))
        states = [state.detach()[0] for state in more] or [self._carried(name, x) for name in self.states]
        outputs = []
        for now, going_on in zip(drive, cont.detach().unsqueeze(-1), strict=True):
            output, states = self.step(now, going_on, states)
            outputs.append(output)
        top, states = torch.stack(outputs), [state.detach() for state in states]
        if self.options.expose_hidden:
            return [top, *[state.unsqueeze(0) for state in states]]
        if not torch.compiler.is_exporting():
            for name, state in zip(self.states, states, strict=True):
                setattr(self, name, state)
        return [top]

    @property
    def repeatable(self) -> bool:
        return self.options.expose_hidden

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        weights = sum(math.prod(spec.shape) for spec in self.specs if len(spec.shape) > 1)
        return 2 * weights * math.prod(tops[0][:2])

    def step(self, drive: torch.Tensor, cont: torch.Tensor, states: States) -> tuple[torch.Tensor, States]:
        """The output and the states after one step, each (N, D).

        drive (N, gates * D) is what the inputs and the bias give, cont is (N, 1).
        """
        raise NotImplementedError

    @property
    def recurrent_weights(self) -> torch.Tensor:
        """The blob that the previous hidden state is multiplied by."""
        return self.blob(3 if self._static else 2)

    def _carried(self, name: str, x: torch.Tensor) -> torch.Tensor:
        state = getattr(self, name)
        if torch.compiler.is_exporting():  # an exported program starts from 0 in every run
            return x.new_zeros(x.shape[1], self.options.num_output)
        return state.to(x) if len(state) == x.shape[1] else x.new_zeros(x.shape[1], self.options.num_output)


@register("LSTM", source="spec/layers.md 7")
class LSTM(Recurrent):
    """Long short-term memory.

    gates = W_hc (cont * h) + W_xc x + b_c (+ W_xc_static x_static), in the order i, f, o, g; c and
    h as LSTMUnit has them; the output is h. Exposed states: h, then c. Blobs: W_xc (4D, X), b_c
    (4D), W_xc_static (4D, Xs) with a static input, W_hc (4D, D).
    """

    states = ("hidden", "cell")
    gates = 4

    def step(self, drive: torch.Tensor, cont: torch.Tensor, states: States) -> tuple[torch.Tensor, States]:
        hidden, cell = states
        gates = functional.linear(cont * hidden, self.recurrent_weights) + drive
        cell, hidden = lstm_unit(cell, gates, cont)
        return hidden, [hidden, cell]


@register("LSTMUnit", source="spec/layers.md 7")
class LSTMUnit(Layer):
    """One step of an LSTM.

    bottoms: c (1, N, D), gates (1, N, 4D) in the order i, f, o, g before their nonlinearities, cont
    (1, N) -> the next c = cont * f * c + i * g and h = o * tanh(c), each (1, N, D). cont gets no
    gradient; with F = cont * f, that of f's gate is taken as F * (1 - F).
    """

    bottoms = 3
    tops = 2
    no_forced_gradient = (2,)

    def reshape(self, cell: Shape, gates: Shape, cont: Shape) -> list[Shape]:
        self.check(len(cell) == 3 and cell[0] == 1, f"bottom 0 must have shape (1, N, D), not {dims(cell)}")
        _, streams, size = cell
        self.check(gates == (1, streams, 4 * size), f"bottom 1 must have shape {dims((1, streams, 4 * size))}, not {dims(gates)}")
        self.check(cont == (1, streams), f"bottom 2 must have shape {dims((1, streams))}, not {dims(cont)}")
        return [cell, cell]

    def forward(self, cell: torch.Tensor, gates: torch.Tensor, cont: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return lstm_unit(cell, gates, cont.detach().unsqueeze(-1))


@register("RNN", source="spec/layers.md 7")
class RNN(Recurrent):
    """A simple recurrent net.

    h = tanh(W_hh (cont * h) + W_xh x + b_h (+ W_xh_static x_static)); the output is
    tanh(W_ho h + b_o). Exposed state: h. Blobs: W_xh (D, X), b_h (D), W_xh_static (D, Xs) with a
    static input, W_hh (D, D), W_ho (D, D), b_o (D).
    """

    states = ("hidden",)

    def setup(self, *bottoms: Shape) -> None:
        super().setup(*bottoms)
        size = self.options.num_output
        self.add_blob((size, size), self.options.weight_filler)
        self.add_blob((size,), self.options.bias_filler)

    def step(self, drive: torch.Tensor, cont: torch.Tensor, states: States) -> tuple[torch.Tensor, States]:
        hidden = torch.tanh(functional.linear(cont * states[0], self.recurrent_weights) + drive)
        output = torch.tanh(functional.linear(hidden, self.blob(len(self.specs) - 2), self.blob(len(self.specs) - 1)))
        return output, [hidden]
