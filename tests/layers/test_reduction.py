"""ArgMax and Reduction: the reference's numbers, finite differences, ties, refusals."""

import pytest
import torch
from golden_oracle import run_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.ranking import largest


@pytest.mark.parametrize("file", goldens("argmax*", "reduction_*"))
def test_golden(file):
    run_golden(file)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.data())
@settings(deadline=None)
def test_of_equal_values_the_larger_index_comes_first(values, data):
    count = data.draw(st.integers(1, len(values)))
    found, indices = largest(torch.tensor([values]), count, 1)
    expected = sorted(range(len(values)), key=lambda i: (values[i], i), reverse=True)[:count]
    assert indices.tolist() == [expected]
    assert found.tolist() == [[values[i] for i in expected]]


@pytest.mark.parametrize(
    ("param", "shape", "top"),
    [
        ("", (2, 3, 4, 5), (2, 1, 1, 1)),
        ("top_k: 2", (2, 6), (2, 1, 2)),
        ("top_k: 2 out_max_val: true", (2, 2, 2, 2, 2), (2, 2, 2, 1, 1)),
        ("axis: -2 top_k: 3", (2, 3, 4), (2, 3, 4)),
    ],
)
def test_argmax_shapes(param, shape, top):
    layer = make_layer(f'type: "ArgMax" argmax_param {{ {param} }}', shape)
    result = layer(numbers(*shape))
    assert layer.top_shapes(shape) == [top] == [tuple(result.shape)]
    assert not result.requires_grad


@pytest.mark.parametrize("operation", ["SUM", "ASUM", "SUMSQ", "MEAN"])
@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 5), 0), ((2, 3, 5), -1), ((4, 1, 2, 3), 2)])
def test_reduction_gradients(operation, shape, axis):
    layer = make_layer(f'type: "Reduction" reduction_param {{ operation: {operation} axis: {axis} coeff: -0.5 }}', shape)
    check_gradients(layer, numbers(*shape))


@pytest.mark.parametrize(
    ("operation", "y", "dx"),
    [
        ("SUM", -2, [2, 2, 2, 2]),
        ("ASUM", 10, [0, 2, -2, 2]),
        ("SUMSQ", 22, [0, 4, -12, 4]),
        ("MEAN", -0.5, [0.5, 0.5, 0.5, 0.5]),
    ],
)
def test_reduction_values_and_gradients(operation, y, dx):
    bottom = torch.tensor([0.0, 1, -3, 1], requires_grad=True)
    top = make_layer(f'type: "Reduction" reduction_param {{ operation: {operation} coeff: 2 }}', (4,))(bottom)
    (gradient,) = torch.autograd.grad(top, bottom)
    assert (top.item(), gradient.tolist()) == (y, dx)


@pytest.mark.parametrize(
    ("text", "shape", "sentence"),
    [
        ('type: "ArgMax" argmax_param { top_k: 0 }', (2, 3), "top k must not be less than 1."),
        ('type: "ArgMax" argmax_param { top_k: 7 }', (2, 3, 2), "top_k 7 must be less than or equal to the number of classes 6"),
        ('type: "ArgMax" argmax_param { axis: 1 top_k: 4 }', (2, 3, 2), "top_k 4 must be less than or equal to the dimension 3 of axis 1"),
        ('type: "ArgMax" argmax_param { axis: 3 }', (2, 3, 2), "axis 3 is out of range"),
        ('type: "Reduction" reduction_param { axis: -3 }', (2, 3), "axis -3 is out of range"),
    ],
)
def test_refusals(text, shape, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, shape)
    assert sentence in str(caught.value)
