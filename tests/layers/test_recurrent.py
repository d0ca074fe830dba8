"""LSTM, RNN and LSTMUnit: the reference's numbers, finite differences, the state between passes, refusals."""

import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers
from torch import nn

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Layer


@pytest.mark.parametrize("file", goldens("lstm*", "rnn*"))
def test_golden(file):
    run_golden(file)


def param(size: int, expose: bool = False) -> str:
    filler = '{ type: "uniform" min: -1 max: 1 }'
    return f"recurrent_param {{ num_output: {size} expose_hidden: {str(expose).lower()} weight_filler {filler} bias_filler {filler} }}"


def make(kind: str, x, cont, *more, size=2, expose=False) -> Layer:
    tops = ["y", *[f"s{i}" for i in range({"LSTM": 2, "RNN": 1}[kind])]] if expose else ["y"]
    text = f'type: "{kind}" {" ".join(f"top: {top!r}" for top in tops)} {param(size, expose)}'
    torch.manual_seed(3)
    return make_layer(text, *(tuple(bottom.shape) for bottom in (x, cont, *more)))


KINDS = pytest.mark.parametrize("kind", ["LSTM", "RNN"])


@KINDS
def test_gradients(kind):
    """With cont 0 at the first step, so that the state of the pass before has no part."""
    x, cont = numbers(3, 2, 3), torch.tensor([[0.0, 0], [1, 1], [0, 1]]).double()
    check_gradients(make(kind, x, cont), x, cont)


@KINDS
def test_gradients_with_a_static_input(kind):
    x, cont, static = numbers(2, 3, 2, 2), torch.tensor([[0.0, 0, 0], [1, 0, 1]]).double(), numbers(3, 1, 2, seed=1)
    check_gradients(make(kind, x, cont, static, size=3), x, cont, static)


@pytest.mark.parametrize("shape", [(1, 2, 3), (1, 1, 1)])
def test_unit_gradients(shape):
    _, streams, size = shape
    layer = make_layer('type: "LSTMUnit" top: "c" top: "h"', shape, (1, streams, 4 * size), (1, streams))
    check_gradients(layer, numbers(*shape), numbers(1, streams, 4 * size, seed=1), torch.ones(1, streams).double())


def test_unit_gradient_of_a_fading_past():
    """With F = cont * sigmoid(f'), the gradient of f' is c_prev * F * (1 - F); autograd alone would give c_prev * F * (1 - F / cont)."""
    layer = make_layer('type: "LSTMUnit" top: "c" top: "h"', (1, 1, 1), (1, 1, 4), (1, 1))
    gates = torch.zeros(1, 1, 4, requires_grad=True)
    cell, _ = layer(torch.full((1, 1, 1), 8.0), gates, torch.full((1, 1), 0.5))
    assert cell.item() == 8 * 0.25
    (gradient,) = torch.autograd.grad(cell.sum(), gates)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0, 8 * 0.25 * 0.75, 0, 0.5]))


def test_lstm_is_torchs_with_its_gates_reordered():
    x, cont = numbers(4, 3, 5), torch.ones(4, 3).double()
    layer = make("LSTM", x, cont, size=2).double()
    theirs = nn.LSTM(5, 2).double()
    inputs, bias, hidden = (blob.detach().view(4, 2, -1)[[0, 1, 3, 2]].reshape(8, -1) for blob in layer.blobs)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(inputs)
        theirs.bias_ih_l0.copy_(bias[:, 0])
        theirs.bias_hh_l0.zero_()
        theirs.weight_hh_l0.copy_(hidden)
    torch.testing.assert_close(layer(x, cont)[0], theirs(x)[0])


@KINDS
def test_the_state_carries_over(kind):
    """Two passes over halves of a sequence are one pass over the whole; no gradient flows between them."""
    x, cont = numbers(4, 2, 3), torch.ones(4, 2).double()
    whole, half = make(kind, x, cont).double(), make(kind, x[:2], cont[:2]).double()
    [expected] = whole(x, cont)
    [first], [second] = half(x[:2], cont[:2]), half(x[2:], cont[2:])
    torch.testing.assert_close(torch.cat((first, second)), expected)
    (gradient,) = torch.autograd.grad(second.sum(), x)
    assert not gradient[:2].any()
    assert gradient[2:].all()


@KINDS
def test_cont_0_begins_a_sequence(kind):
    x = numbers(2, 2, 3)
    layer = make(kind, x, torch.zeros(2, 2)).double()
    [fresh] = layer(x, torch.tensor([[0.0, 0], [1, 1]]).double())
    [again] = layer(x, torch.tensor([[0.0, 1], [1, 1]]).double())
    torch.testing.assert_close(again[:, 0], fresh[:, 0])
    assert not torch.isclose(again[:, 1], fresh[:, 1]).any()


@KINDS
def test_another_batch_size_begins_from_zero(kind):
    x, cont = numbers(2, 2, 3), torch.ones(2, 2).double()
    layer = make(kind, x, cont).double()
    [first] = layer(x, cont)
    [one] = layer(x[:, :1], cont[:, :1])
    [two] = layer(x, cont)
    torch.testing.assert_close(one, first[:, :1])
    torch.testing.assert_close(two, first)


@KINDS
def test_exposed_states_go_in_and_come_out_without_gradients(kind):
    x, cont = numbers(4, 2, 3), torch.ones(4, 2).double()
    zeros = [torch.zeros(1, 2, 2).double().requires_grad_() for _ in range({"LSTM": 2, "RNN": 1}[kind])]
    [expected] = make(kind, x, cont).double()(x, cont)
    layer = make(kind, x[:2], cont[:2], *zeros, expose=True).double()
    first, *states = layer(x[:2], cont[:2], *zeros)
    assert [tuple(state.shape) for state in states] == [(1, 2, 2)] * len(zeros)
    assert not any(state.requires_grad for state in states)
    second, *_ = layer(x[2:], cont[2:], *states)
    torch.testing.assert_close(torch.cat((first, second)), expected)
    assert torch.autograd.grad(first.sum(), zeros, allow_unused=True) == (None,) * len(zeros)


@KINDS
def test_the_state_is_no_part_of_a_model(kind):
    x, cont = numbers(1, 2, 3), torch.ones(1, 2)
    layer = make(kind, x, cont)
    assert len(layer.state_dict()) == len(layer.blobs) == {"LSTM": 3, "RNN": 5}[kind]


@pytest.mark.parametrize(
    ("kind", "static", "shapes"),
    [
        ("LSTM", False, [(8, 6), (8,), (8, 2)]),
        ("LSTM", True, [(8, 6), (8,), (8, 5), (8, 2)]),
        ("RNN", False, [(2, 6), (2,), (2, 2), (2, 2), (2,)]),
        ("RNN", True, [(2, 6), (2,), (2, 5), (2, 2), (2, 2), (2,)]),
    ],
)
def test_learned_blobs(kind, static, shapes):
    more = [torch.zeros(4, 5, 1)] if static else []
    layer = make(kind, torch.zeros(3, 4, 2, 3), torch.zeros(3, 4), *more)
    assert [tuple(blob.shape) for blob in layer.blobs] == shapes


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "LSTM"', [(3, 2, 4), (3, 2)], "num_output must be positive"),
        ('type: "LSTM"' + param(2), [(3, 2, 4)], "takes at least 2 bottom blob(s) as input, but 1 are given"),
        ('type: "LSTM"' + param(2), [(3, 2, 4), (3, 2), (2, 1), (1, 2, 2)], "takes 2 bottoms, or 3 with a static input, but 4 are given"),
        ('type: "LSTM"' + param(2, True), [(3, 2, 4), (3, 2), (1, 2, 2)], "takes 4 bottoms, or 5 with a static input, but 3 are given"),
        ('type: "LSTM"' + param(2, True), [(3, 2, 4), (3, 2), (1, 2, 2), (1, 2, 2)], "produces 3 top(s), but 1 are given"),
        ('type: "RNN" top: "y" top: "h"' + param(2), [(3, 2, 4), (3, 2)], "produces 1 top(s), but 2 are given"),
        ('type: "RNN"' + param(2), [(3,), (3, 2)], "bottom 0 must have at least 2 axes"),
        ('type: "RNN"' + param(2), [(3, 2, 4), (2, 3)], "must have the shape of bottom 0's first two axes, 3 2 (6), not 2 3 (6)"),
        ('type: "RNN"' + param(2), [(3, 2, 4), (3, 2), (3, 4)], "the static input must have 2 streams"),
        (
            'type: "RNN" top: "y" top: "h"' + param(2, True),
            [(3, 2, 4), (3, 2), (2, 2)],
            "exposed states must have shape 1 2 2 (4), not 2 2 (4)",
        ),
        ('type: "LSTMUnit" top: "c" top: "h"', [(2, 2, 3), (1, 2, 12), (1, 2)], "bottom 0 must have shape (1, N, D)"),
        ('type: "LSTMUnit" top: "c" top: "h"', [(1, 2, 3), (1, 2, 9), (1, 2)], "bottom 1 must have shape 1 2 12 (24), not 1 2 9"),
        ('type: "LSTMUnit" top: "c" top: "h"', [(1, 2, 3), (1, 2, 12), (2, 1)], "bottom 2 must have shape 1 2 (2), not 2 1"),
    ],
)
def test_refusals(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, *shapes)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ([(4, 2, 4), (4, 2), (2, 5)], "input number of timesteps changed from 3 to 4"),
        ([(3, 2, 5), (3, 2), (2, 5)], "the input has 5 elements for each step, but the weights are for 4"),
        ([(3, 2, 4), (3, 2), (2, 6)], "the static input has 6 elements for each stream, but the weights are for 5"),
    ],
)
def test_sizes_stay(shapes, sentence):
    layer = make_layer('type: "LSTM"' + param(2), (3, 2, 4), (3, 2), (2, 5))
    assert layer.top_shapes((3, 7, 4), (3, 7), (7, 5)) == [(3, 7, 2)]
    with pytest.raises(CaffeError) as caught:
        layer.top_shapes(*shapes)
    assert sentence in str(caught.value)
