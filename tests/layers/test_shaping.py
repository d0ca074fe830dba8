"""Layers that arrange values: the reference's numbers, finite differences, their definitions, refusals."""

import pytest
import torch
from golden_oracle import run_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError


@pytest.mark.parametrize(
    "file",
    goldens(
        "batchreindex",
        "concat_*",
        "crop_*",
        "filter",
        "flatten*",
        "reshape*",
        "slice_*",
        "tile_*",
    ),
)
def test_golden(file):
    run_golden(file)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ('type: "Concat" concat_param { axis: -1 }', [(2, 3), (2, 1), (2, 4)]),
        ('type: "Concat" concat_param { concat_dim: 0 }', [(2, 3, 1), (1, 3, 1)]),
        ('type: "Crop" crop_param { axis: 1 offset: 1 }', [(2, 5, 4), (1, 3, 2)]),
        ('type: "Crop"', [(2, 1, 5, 4), (3, 2, 5, 2, 7)]),
        ('type: "Flatten" flatten_param { axis: -2 }', [(2, 3, 5)]),
        ('type: "Flatten" flatten_param { axis: 0 end_axis: 1 }', [(2, 3, 5)]),
        ('type: "Reshape" reshape_param { shape { dim: -1 dim: 2 } axis: 1 }', [(2, 3, 4)]),
        ('type: "Slice" top: "a" top: "b" top: "c" slice_param { slice_point: 1 slice_point: 4 }', [(2, 5, 3)]),
        ('type: "Slice" top: "a" top: "b" slice_param { slice_dim: 0 }', [(4, 5)]),
        ('type: "Split" top: "a" top: "b" top: "c"', [(2, 3)]),
        ('type: "Tile" tile_param { axis: 0 tiles: 3 }', [(2, 3)]),
        ('type: "Tile" tile_param { axis: -1 tiles: 2 }', [(2, 3, 5)]),
    ],
)
def test_gradients(text, shapes):
    check_gradients(make_layer(text, *shapes), *(numbers(*shape, seed=i) for i, shape in enumerate(shapes)))


def test_gradient_of_reindexed_samples_adds_up():
    layer = make_layer('type: "BatchReindex"', (3, 2), (4,))
    bottom = torch.tensor([[1.0, 2], [3, 4], [5, 6]], requires_grad=True)
    top = layer(bottom, torch.tensor([2.0, 0, 2.9, 2]))
    assert top.tolist() == [[5, 6], [1, 2], [5, 6], [5, 6]]
    (gradient,) = torch.autograd.grad(top.sum(), bottom)
    assert gradient.tolist() == [[1, 1], [0, 0], [3, 3]]


@pytest.mark.parametrize(("selector", "rows"), [([1.0, 0, -0.5], [0, 2]), ([0.0, 0, 0], [])])
def test_filter_keeps_selected_rows_of_every_bottom(selector, rows):
    layer = make_layer('type: "Filter" top: "a" top: "b"', (3, 2), (3,), (3, 1, 1))
    first, second = numbers(3, 2), numbers(3, seed=1)
    tops = layer(first, second, torch.tensor(selector).view(3, 1, 1))
    for bottom, top in zip((first, second), tops, strict=True):
        torch.testing.assert_close(top, bottom[rows])
        (gradient,) = torch.autograd.grad(top.sum(), bottom)
        expected = torch.zeros_like(bottom)
        expected[rows] = 1
        assert torch.equal(gradient, expected)


@pytest.mark.parametrize(
    ("bottom", "param", "top"),
    [
        ((2, 3, 4, 5), "shape { dim: 0 dim: -1 }", (2, 60)),
        ((2, 3, 4, 5), "shape { dim: 6 dim: 0 } axis: 0 num_axes: 2", None),
        ((2, 3, 4, 5), "shape { dim: -1 } axis: 1 num_axes: 2", (2, 12, 5)),
        ((2, 3, 4, 5), "shape { dim: 1 } axis: -1", (2, 3, 4, 5, 1)),
        ((2, 3, 4, 5), "shape { dim: 1 } axis: 2 num_axes: 0", (2, 3, 1, 4, 5)),
        ((2, 3, 4, 5), "shape { } axis: 4", (2, 3, 4, 5)),
        ((1, 1, 3), "shape { } axis: 0 num_axes: 2", (3,)),
        ((1, 1), "shape { }", ()),
    ],
)
def test_reshape(bottom, param, top):
    text = f'type: "Reshape" reshape_param {{ {param} }}'
    if top is None:
        with pytest.raises(CaffeError, match="output count must match input count"):
            make_layer(text, bottom)
    else:
        layer, values = make_layer(text, bottom), numbers(*bottom)
        assert layer.top_shapes(bottom) == [top]
        assert torch.equal(layer(values), values.reshape(top))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 4), st.integers(-1, 4), st.lists(st.integers(-2, 4), max_size=4))
@settings(deadline=None, max_examples=200)
def test_reshape_keeps_all_values_or_refuses(bottom, axis, num_axes, middle):
    dims = " ".join(f"dim: {dim}" for dim in middle)
    text = f'type: "Reshape" reshape_param {{ shape {{ {dims} }} axis: {axis} num_axes: {num_axes} }}'
    try:
        layer = make_layer(text, tuple(bottom))
    except CaffeError as error:
        assert "layer 'l' (Reshape): " in str(error)
        return
    values = numbers(*bottom)
    top = layer(values)
    assert tuple(top.shape) == layer.top_shapes(tuple(bottom))[0]
    assert torch.equal(top.flatten(), values.flatten())
    end = len(bottom) if num_axes == -1 else axis + num_axes
    assert list(top.shape[:axis]) == bottom[:axis]
    assert list(top.shape[axis + len(middle) :]) == bottom[end:]


def test_slices_join_to_the_bottom():
    bottom = numbers(2, 7, 3)
    parts = make_layer('type: "Slice" top: "a" top: "b" top: "c" slice_param { slice_point: 2 slice_point: 3 }', (2, 7, 3))(bottom)
    assert [part.shape[1] for part in parts] == [2, 1, 4]
    join = make_layer('type: "Concat"', *(tuple(part.shape) for part in parts))
    assert torch.equal(join(*parts), bottom)


def test_tile_repeats_the_block():
    layer = make_layer('type: "Tile" tile_param { tiles: 2 }', (1, 3))
    assert layer(torch.tensor([[1.0, 2, 3]])).tolist() == [[1, 2, 3, 1, 2, 3]]


def test_other_shapes_are_accepted_later():
    layer = make_layer('type: "Slice" top: "a" top: "b"', (2, 4))
    assert layer.top_shapes((3, 6, 2)) == [(3, 3, 2)] * 2
    assert [tuple(top.shape) for top in layer(torch.zeros(3, 6, 2))] == [(3, 3, 2)] * 2


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "BatchReindex"', [(3, 2), (2, 2)], "the indices must have one axis"),
        ('type: "Concat"', [(2, 3), (2, 3, 1)], "All inputs must have the same #axes."),
        ('type: "Concat"', [(2, 3, 4), (2, 3, 5)], "except at concat_axis 1: bottom 0 is 2 3 4 (24), bottom 1 is 2 3 5"),
        ('type: "Concat" concat_param { axis: 1 concat_dim: 1 }', [(2, 3)], "Either axis or concat_dim should be specified; not both."),
        ('type: "Concat" concat_param { axis: 2 }', [(2, 3)], "axis 2 is out of range"),
        ('type: "Concat" concat_param { concat_dim: 2 }', [(2, 3)], "concat_dim out of range: 2"),
        ('type: "Crop" crop_param { offset: 1 offset: 2 offset: 3 }', [(1, 1, 5, 5), (1, 1, 2, 2)], "axis 2 (2), or one, or none, not 3"),
        (
            'type: "Crop" crop_param { offset: 4 }',
            [(1, 1, 5, 5), (1, 1, 2, 1)],
            "dimension 2 is out of bounds: offset 4 and size 2 exceed 5",
        ),
        ('type: "Crop" crop_param { axis: 1 }', [(1, 3, 5), (1, 3)], "must have at least the 3 axes of bottom 0, not 2"),
        ('type: "Filter"', [(3, 2), (3, 2)], "Selector blob must have all dimensions 1 after the first"),
        ('type: "Filter"', [(3, 2), (2,)], "same 0th dimension as the selector blob (2), not 3 2"),
        ('type: "Filter"', [(3, 2), (3, 2), (3,)], "should be equal to bottom.size() - 1 = 2, not 1"),
        ('type: "Flatten" bottom: "x" top: "x"', [(2, 3)], "does not allow in-place computation"),
        ('type: "Flatten" flatten_param { axis: 2 end_axis: 1 }', [(2, 3, 4)], "axis 2 must not come after end_axis 1"),
        ('type: "Flatten" flatten_param { end_axis: 3 }', [(2, 3, 4)], "end_axis 3 is out of range"),
        ('type: "Reshape" bottom: "x" top: "x"', [(2, 3)], "does not allow in-place computation"),
        ('type: "Reshape" reshape_param { shape { dim: -1 dim: -1 } }', [(2, 3)], "multiple -1 dims"),
        ('type: "Reshape" reshape_param { shape { dim: -2 } }', [(2, 3)], "dimension -2"),
        ('type: "Reshape" reshape_param { shape { dim: 4 dim: -1 } }', [(2, 3)], "bottom count 6 must be divisible"),
        ('type: "Reshape" reshape_param { shape { dim: 0 } axis: -1 }', [(2, 3)], "there's no corresponding bottom axis 2"),
        ('type: "Reshape" reshape_param { axis: 3 }', [(2, 3)], "axis 3 out of range"),
        ('type: "Reshape" reshape_param { num_axes: -2 }', [(2, 3)], "num_axes must be >= 0, or -1 for all, not -2"),
        ('type: "Reshape" reshape_param { axis: 1 num_axes: 2 }', [(2, 3)], "end_axis = axis + num_axes = 3 is out of range"),
        ('type: "Slice" top: "a" top: "b"', [(2, 3)], "Number of top blobs (2) should evenly divide input slice axis (3)"),
        ('type: "Slice" top: "a" top: "b" top: "c"', [(2, 2)], "3 tops cannot share the 2 elements of axis 1"),
        (
            'type: "Slice" top: "a" top: "b" slice_param { slice_point: 1 slice_point: 2 }',
            [(2, 4)],
            "given 1 times for 2 tops, not 2 times",
        ),
        ('type: "Slice" top: "a" top: "b" slice_param { slice_point: 4 }', [(2, 4)], "strictly increasing between 0 and 4, not [4]"),
        ('type: "Slice" top: "a" top: "b" top: "c" slice_param { slice_point: 2 slice_point: 2 }', [(2, 4)], "strictly increasing"),
        ('type: "Slice" slice_param { axis: 0 slice_dim: 0 }', [(2, 4)], "Either axis or slice_dim should be specified; not both."),
        ('type: "Tile"', [(2, 4)], "Number of tiles must be specified"),
        ('type: "Tile" tile_param { tiles: 0 }', [(2, 4)], "Number of tiles must be positive, not 0"),
    ],
)
def test_refusals(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(text, *shapes)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("index", [-1.0, 3.0, float("nan")])
def test_batch_reindex_refuses_indices_outside(index):
    layer = make_layer('type: "BatchReindex"', (3, 2), (2,))
    with pytest.raises(CaffeError, match=r"index (-1|3|nan) is outside \[0, 3\)"):
        layer(torch.zeros(3, 2), torch.tensor([0.0, index]))
