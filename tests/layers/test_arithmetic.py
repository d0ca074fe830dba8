"""InnerProduct, Scale, Bias, Eltwise, SpatialProduct, Embed and Parameter."""

import math

import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError


@pytest.mark.parametrize(
    "file",
    goldens(
        "innerproduct*",
        "inner_product_transpose",
        "scale_*",
        "bias_[a-z]*",
        "eltwise_*",
        "embed",
        "embed_free_axis",
        "parameter_*",
        "spatialproduct",
        "filler_bias_scale",
        "filler_default_zero",
    ),
)
def test_golden(file):
    run_golden(file)


def filled(layer, *blobs):
    """The layer with these values in its learned blobs."""
    for index, blob in enumerate(blobs):
        layer.registered(index).data = torch.as_tensor(blob, dtype=torch.float32)
    return layer


# -- shapes and values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "expected"),
    [
        ("Scale", "", (2, 3, 4), (3,)),
        ("Scale", "axis: 0 num_axes: -1", (2, 3, 4), (2, 3, 4)),
        ("Scale", "axis: -1", (2, 3, 4), (4,)),
        ("Scale", "num_axes: 0", (2, 3, 4), ()),
        ("Bias", "axis: 0 num_axes: 2", (2, 3, 4, 5, 6), (2, 3)),
        ("Bias", "axis: -2 num_axes: -1", (2, 3, 4), (3, 4)),
    ],
)
def test_shape_of_a_learned_operand(kind, fields, shape, expected):
    layer = make_layer(f'type: "{kind}" {kind.lower()}_param {{ {fields} }}', shape)
    assert [spec.shape for spec in layer.specs] == [expected]
    assert layer.top_shapes(shape) == [shape]


def test_a_scale_is_1_without_a_filler_and_0_with_an_empty_one():
    x = torch.ones(1, 2, 3)
    assert make_layer('type: "Scale"', (1, 2, 3))(x).sum() == 6
    assert make_layer('type: "Scale" scale_param { filler { } }', (1, 2, 3))(x).sum() == 0


def test_a_scalar_bottom_ignores_axis():
    layer = make_layer('type: "Scale" scale_param { axis: 1 }', (2, 3), ())
    torch.testing.assert_close(layer(torch.ones(2, 3), torch.tensor(4.0)), torch.full((2, 3), 4.0))


def test_an_inner_product_keeps_the_axes_before():
    layer = make_layer('type: "InnerProduct" inner_product_param { num_output: 2 axis: -1 }', (5, 3, 4))
    assert layer.top_shapes((5, 3, 4)) == [(5, 3, 2)]
    assert make_layer('type: "InnerProduct" inner_product_param { num_output: 2 axis: 0 }', (3, 4)).top_shapes((3, 4)) == [(2,)]


def test_embed_truncates_its_indices():
    layer = filled(make_layer('type: "Embed" embed_param { num_output: 2 input_dim: 3 bias_term: false }', (2,)), [[1, 2], [3, 4], [5, 6]])
    assert layer(torch.tensor([2.9, 0.5])).tolist() == [[5, 6], [1, 2]]


@pytest.mark.parametrize("index", [3.0, -1.0])
def test_embed_refuses_indices_out_of_range(index):
    layer = make_layer('type: "Embed" embed_param { num_output: 2 input_dim: 3 }', (1,))
    with pytest.raises(CaffeError, match=rf"index {int(index)} is out of range \[0, 3\) of input_dim"):
        layer(torch.tensor([index]))


def test_the_maximum_of_ties_and_nan():
    a, b, c = (torch.tensor(v, requires_grad=True) for v in ([1.0, 1.0, math.nan, 2.0], [1.0, 0.0, 1.0, math.nan], [1.0, 1.0, 0.0, 5.0]))
    top = make_layer('type: "Eltwise" eltwise_param { operation: MAX }', (4,), (4,), (4,))(a, b, c)
    torch.testing.assert_close(top, torch.tensor([1.0, 1.0, 1.0, math.nan]), equal_nan=True)
    winners = torch.autograd.grad(top.nan_to_num().sum(), (a, b, c))
    assert [w.tolist()[:3] for w in winners] == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]


def test_the_unstable_product_divides_by_the_factor():
    a = torch.tensor([2.0, 0.0], requires_grad=True)
    b = torch.tensor([3.0, 4.0], requires_grad=True)
    top = make_layer('type: "Eltwise" eltwise_param { operation: PROD stable_prod_grad: false }', (2,), (2,))(a, b)
    first, second = torch.autograd.grad(top.sum(), (a, b))
    torch.testing.assert_close(first, torch.tensor([3.0, math.nan]), equal_nan=True)
    torch.testing.assert_close(second, torch.tensor([2.0, 0.0]))


def test_coefficients_are_ignored_by_max():
    layer = make_layer('type: "Eltwise" eltwise_param { operation: MAX coeff: -1 coeff: -1 }', (1,), (1,))
    assert layer(torch.tensor([1.0]), torch.tensor([2.0])).item() == 2


# -- gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ('type: "InnerProduct" inner_product_param { num_output: 3 }', [(2, 3, 2)]),
        ('type: "InnerProduct" inner_product_param { num_output: 2 axis: -1 transpose: true bias_term: false }', [(2, 3, 5)]),
        ('type: "Scale" scale_param { bias_term: true }', [(2, 3, 4)]),
        ('type: "Scale" scale_param { axis: 2 num_axes: -1 bias_term: true }', [(2, 2, 3, 5)]),
        ('type: "Scale" scale_param { axis: 0 bias_term: true }', [(2, 3, 4), (2, 3)]),
        ('type: "Bias" bias_param { num_axes: 0 }', [(2, 3)]),
        ('type: "Bias" bias_param { axis: -2 }', [(2, 3, 5), (3, 5)]),
        ('type: "Eltwise" eltwise_param { coeff: 1 coeff: -0.5 coeff: 3 }', [(2, 3)] * 3),
        ('type: "Eltwise" eltwise_param { operation: PROD }', [(2, 3)] * 3),
        ('type: "Eltwise" eltwise_param { operation: PROD stable_prod_grad: false }', [(2, 3)] * 2),
        ('type: "Eltwise" eltwise_param { operation: MAX }', [(2, 3, 1)] * 3),
        ('type: "SpatialProduct"', [(2, 3, 5, 4), (2, 1, 5, 4)]),
        ('type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }', []),
    ],
)
def test_gradients(text, shapes):
    check_gradients(make_layer(text, *shapes), *(numbers(*shape, seed=seed) for seed, shape in enumerate(shapes)))


def test_gradients_of_embed():
    layer = make_layer('type: "Embed" embed_param { num_output: 2 input_dim: 4 }', (2, 3))
    check_gradients(layer, torch.tensor([[0.0, 1.0, 1.0], [3.0, 1.0, 0.0]], dtype=torch.float64))


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "InnerProduct"', [(2, 3)], "num_output must be positive"),
        ('type: "InnerProduct" inner_product_param { num_output: 2 axis: 2 }', [(2, 3)], "axis 2 is out of range"),
        ('type: "Scale" scale_param { num_axes: -2 }', [(2, 3)], "num_axes must be non-negative, or -1"),
        ('type: "Scale" scale_param { axis: 1 num_axes: 2 }', [(2, 3)], "scale blob's shape extends past bottom[0]'s shape"),
        ('type: "Scale" scale_param { axis: 1 }', [(2, 3), (3, 4)], "scale blob's shape (3, 4) extends past bottom[0]'s shape (2, 3)"),
        ('type: "Bias" bias_param { axis: 0 }', [(2, 3), (3,)], "dimension mismatch between bottom[0]'s shape (2, 3) from axis 0 on"),
        ('type: "Eltwise"', [(2, 3)], "takes at least 2 bottom blob(s)"),
        ('type: "Eltwise"', [(2, 3), (2, 4)], "all bottoms must have the same shape, not (2, 3), (2, 4)"),
        ('type: "Eltwise" eltwise_param { coeff: 1 }', [(2,), (2,)], "takes one coefficient per bottom blob: 1 given, 2 bottoms"),
        ('type: "Eltwise" eltwise_param { operation: PROD coeff: 1 coeff: 1 }', [(2,), (2,)], "only takes coefficients for summation"),
        ('type: "SpatialProduct"', [(2, 3, 4, 5), (2, 3, 4, 5)], "the second bottom must have shape (2, 1, 4, 5)"),
        ('type: "SpatialProduct"', [(2,), (2,)], "at least 2 axes"),
        ('type: "Embed" embed_param { input_dim: 2 }', [(2,)], "EmbedLayer num_output must be positive."),
        ('type: "Embed" embed_param { num_output: 2 }', [(2,)], "EmbedLayer input_dim must be positive."),
        ('type: "Parameter" parameter_param { shape { dim: 0 } }', [], "it must not be empty or negative"),
        ('type: "Parameter" parameter_param { shape { dim: 65536 dim: 65536 } }', [], "more than the 536870912"),
    ],
)
def test_bad_parameters(text, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text, *shapes)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "shape", "other", "sentence"),
    [
        ('type: "InnerProduct" inner_product_param { num_output: 2 }', (2, 3, 4), (2, 3, 5), "15 elements, not 12"),
        ('type: "Scale"', (2, 3, 4), (2, 4, 4), "dimension mismatch"),
        ('type: "Bias"', (2, 3, 4), (2, 4, 4), "dimension mismatch"),
    ],
)
def test_learned_blobs_hold_the_shape(text, shape, other, sentence):
    layer = make_layer(text, shape)
    layer.top_shapes((7, *shape[1:]))
    with pytest.raises(CaffeError, match=sentence):
        layer.top_shapes(other)
