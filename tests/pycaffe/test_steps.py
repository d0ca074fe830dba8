"""What a script can see of how Caffe runs a layer on its blobs: memory that is shared, kept, and looked at again."""

import numpy as np
import pytest

import segaware_caffe.pycaffe as caffe

X = 'force_backward: true layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }\n'


def layer(kind: str, top: str, *bottoms: str, **params: str) -> str:
    fields = " ".join(f"{name} {{ {value} }}" for name, value in params.items())
    return f'layer {{ name: "{top}_{kind}" type: "{kind}" {" ".join(f"bottom: {b!r}" for b in bottoms)} top: "{top}" {fields} }}\n'


def net(*layers: str, phase: int = caffe.TEST) -> caffe.Net:
    made = caffe.Net(X + "".join(layers), phase)
    random = np.random.RandomState(0)
    for blob in (made.blobs["x"], *(blob for blobs in made.params.values() for blob in blobs)):
        blob.data[...] = random.uniform(0.5, 1.5, blob.shape)
    return made


def test_backward_before_any_forward_works_on_the_blobs_as_they_are():
    made = net(layer("InnerProduct", "y", "x", inner_product_param="num_output: 2"))
    made.blobs["y"].diff[...] = 1
    made.backward()
    weight, bias = made.params["y_InnerProduct"]
    np.testing.assert_allclose(weight.diff, np.tile(made.blobs["x"].data.reshape(2, -1).sum(0), (2, 1)), rtol=1e-5)
    np.testing.assert_allclose(bias.diff, 2)
    np.testing.assert_allclose(made.blobs["x"].diff[0].ravel(), weight.data.sum(0), rtol=1e-5)


def test_backward_before_any_forward_leaves_statistics_alone():
    made = net(layer("BatchNorm", "y", "x"), phase=caffe.TRAIN)
    before = [blob.data.copy() for blob in made.params["y_BatchNorm"]]
    made.backward(y=np.ones((2, 3, 4, 5)))
    for blob, data in zip(made.params["y_BatchNorm"], before, strict=True):
        np.testing.assert_array_equal(blob.data, data)


@pytest.mark.parametrize(
    ("kind", "params"),
    [("Flatten", {}), ("Reshape", {"reshape_param": "shape { dim: 0 dim: -1 }"}), ("Concat", {}), ("Slice", {})],
)
def test_what_only_arranges_shares_the_memory_of_its_bottom(kind, params):
    made = net(layer("Power", "p", "x", power_param="scale: 2"), layer(kind, "y", "p", **params), layer("Power", "z", "y"))
    made.forward()
    assert np.shares_memory(made.blobs["p"].data, made.blobs["y"].data)
    made.blobs["p"].data[...] = 7
    assert (made.forward(start="z_Power")["z"] == 7).all()
    made.backward(z=np.full(made.blobs["z"].shape, 3))
    np.testing.assert_array_equal(made.blobs["x"].diff, 6)


def test_every_reader_sees_what_is_written_into_a_blob_and_its_diff_is_their_sum():
    made = net(layer("Power", "a", "x", power_param="scale: 2"), layer("Power", "b", "x", power_param="scale: 3"))
    made.forward()
    made.blobs["x"].data[...] = 5
    out = made.forward(start="a_Power")
    assert (out["a"] == 10).all() and (out["b"] == 15).all()
    made.backward(a=np.ones((2, 3, 4, 5)), b=np.ones((2, 3, 4, 5)))
    assert (made.blobs["x"].diff == 5).all()


def test_views_stay_views_through_passes_and_shapes_that_fit():
    made = net(layer("Power", "y", "x", power_param="scale: 2"))
    data, diff, weights = made.blobs["y"].data, made.blobs["x"].diff, made.blobs["x"].data
    made.forward(x=np.ones((2, 3, 4, 5)))
    made.backward(y=np.full((2, 3, 4, 5), 4))
    assert (data == 2).all() and (diff == 8).all()
    made.blobs["x"].reshape(1, 3, 4, 5)
    made.reshape()
    made.forward(x=np.full((1, 3, 4, 5), 9))
    assert (weights[0] == 9).all() and (data[0] == 18).all() and (data[1] == 2).all()
    made.blobs["x"].reshape(2, 3, 4, 5)
    made.reshape()
    assert made.blobs["x"].data is weights, "there was room for it"
    assert (made.blobs["x"].diff == 8).all(), "nobody has written there since"


def test_a_shape_that_does_not_fit_begins_with_zeros():
    made = net(layer("Power", "y", "x"))
    made.forward()
    made.blobs["x"].reshape(3, 3, 4, 5)
    made.reshape()
    assert made.blobs["y"].shape == (3, 3, 4, 5) and not made.blobs["x"].data.any() and not made.blobs["y"].diff.any()


SLOPES = {  # the slope of an in-place layer at what it has written, and what comes of a top's diff of 3
    "ReLU": ({"relu_param": "negative_slope: 0.5"}, lambda x, y: 3.0 * np.where(y > 0, 1, 0.5)),
    "ELU": ({}, lambda x, y: 3 * np.where(y > 0, 1, 1 + y)),
    "Sigmoid": ({}, lambda x, y: 3 * y * (1 - y)),
    "TanH": ({}, lambda x, y: 3 * (1 - y * y)),
    "Exp": ({"exp_param": "scale: 0.5"}, lambda x, y: 3 * 0.5 * y),
    "BNLL": ({}, lambda x, y: 3 / (1 + np.exp(-y))),
    "Power": ({"power_param": "power: 2 shift: 1"}, lambda x, y: (2 * (y + 1)) ** 2),
    "Log": ({}, lambda x, y: 1 / y**2),
    "PReLU": ({}, lambda x, y: 3 * np.where(x > 0, 1, 0.25)),
}


@pytest.mark.parametrize("kind", SLOPES)
def test_an_in_place_layer_has_the_gradient_that_the_reference_gives(kind):
    params, expected = SLOPES[kind]
    made = net(layer("Power", "y", "x"), layer(kind, "y", "y", **params))
    if kind == "PReLU":
        made.params["y_PReLU"][0].data[...] = 0.25
    x = np.random.RandomState(1).uniform(1.2, 3, (2, 3, 4, 5)) if kind == "Log" else np.random.RandomState(1).uniform(-1, 1, (2, 3, 4, 5))
    made.forward(x=x)
    made.blobs["y"].diff[...] = 3
    made.backward(end=f"y_{kind}")
    np.testing.assert_allclose(made.blobs["y"].diff, expected(x, made.blobs["y"].data), rtol=1e-4)


@pytest.mark.parametrize(("axis", "axes"), [(0, -1), (1, 1), (0, 1)], ids=["whole", "channels", "batch"])
@pytest.mark.parametrize("in_place", [False, True])
def test_scale_and_bias_have_their_gradients_in_place_too(in_place, axis, axes):
    top = "p" if in_place else "y"
    scale = layer("Scale", top, "p", scale_param=f"axis: {axis} num_axes: {axes} bias_term: true")
    made = net(layer("Power", "p", "x"), scale)
    x, dy = (np.random.RandomState(seed).uniform(-1, 1, (2, 3, 4, 5)) for seed in (1, 2))
    made.forward(x=x)
    made.blobs[top].diff[...] = dy
    made.backward()
    summed = {(0, -1): (), (1, 1): (0, 2, 3), (0, 1): (1, 2, 3)}[axis, axes]
    factor, bias = made.params[f"{top}_Scale"]
    np.testing.assert_allclose(factor.diff, (dy * x).sum(summed), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(bias.diff, dy.sum(summed), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(made.blobs["x"].diff, dy * np.expand_dims(factor.data, summed), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("batch", "times"), [(2, 2), (1, 1)], ids=["adds", "overwrites"])
def test_the_diff_of_a_scale_is_overwritten_where_the_reference_needs_no_second_sum(batch, times):
    made = net(layer("Scale", "y", "x", scale_param="bias_term: true"))
    made.blobs["x"].reshape(batch, 3, 4, 5)
    made.forward(x=np.ones((batch, 3, 4, 5)))
    for _ in range(2):
        made.backward(y=np.ones((batch, 3, 4, 5)))
    np.testing.assert_allclose(made.params["y_Scale"][0].diff, 20 * batch * times)
    np.testing.assert_allclose(made.params["y_Scale"][1].diff, 40 * batch)


def test_a_sum_in_place_hands_its_second_bottom_the_diff_that_it_has_written_over():
    total = layer("Eltwise", "a", "a", "b", eltwise_param="operation: SUM coeff: 2 coeff: 3")
    made = net(layer("Power", "a", "x"), layer("Power", "b", "x"), total)
    made.forward()
    made.blobs["a"].diff[...] = 1
    made.backward(end="a_Eltwise")
    assert (made.blobs["a"].diff == 2).all() and (made.blobs["b"].diff == 6).all()


def test_partial_backwards_add_up_to_the_whole():
    layers = (
        layer("Convolution", "c", "x", convolution_param="num_output: 2 kernel_size: 3"),
        layer("ReLU", "c", "c"),
        layer("TanH", "t", "c"),
    )
    whole, parts = net(*layers), net(*layers)
    for made in (whole, parts):
        made.forward()
        made.blobs["t"].diff[...] = np.random.RandomState(3).uniform(-1, 1, made.blobs["t"].shape)
    whole.backward()
    for start, end in (("t_TanH", "t_TanH"), ("c_ReLU", "c_Convolution"), ("x", "x")):
        parts.backward(start=start, end=end)
    for name in ("c", "x"):
        np.testing.assert_array_equal(parts.blobs[name].diff, whole.blobs[name].diff)
    np.testing.assert_array_equal(parts.params["c_Convolution"][0].diff, whole.params["c_Convolution"][0].diff)


def test_the_weights_that_a_gradient_sees_are_those_of_the_moment():
    made = net(layer("InnerProduct", "y", "x", inner_product_param="num_output: 1"))
    made.forward()
    made.params["y_InnerProduct"][0].data[...] = 4
    made.blobs["x"].data[...] = 3
    made.backward(y=np.ones((2, 1)))
    assert (made.blobs["x"].diff == 4).all()
    np.testing.assert_allclose(made.params["y_InnerProduct"][0].diff, 6)


def test_dummy_constants_are_there_from_the_start_and_a_script_s_values_stay():
    made = caffe.Net(
        'layer { name: "d" type: "DummyData" top: "a" top: "b" dummy_data_param { shape { dim: 9 }'
        ' data_filler { type: "constant" value: 3 } data_filler { type: "uniform" min: 1 max: 2 } } }',
        caffe.TRAIN,
    )
    assert (made.blobs["a"].data == 3).all() and not made.blobs["b"].data.any()
    made.blobs["a"].data[...] = 7
    first = made.forward()["b"].copy()
    assert (made.blobs["a"].data == 7).all() and (first >= 1).all()
    assert (made.forward()["b"] != first).any()


@pytest.mark.parametrize("across", ["false", "true"])
def test_mvn_of_three_axes(across):
    made = caffe.Net(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 } } }'
        f' layer {{ name: "y" type: "MVN" bottom: "x" top: "y" mvn_param {{ across_channels: {across} }} }}',
        caffe.TEST,
    )
    x = np.random.RandomState(0).standard_normal((2, 3, 4))
    axes = (1, 2) if across == "true" else 2
    expected = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True)
    np.testing.assert_allclose(made.forward(x=x)["y"], expected, rtol=1e-4, atol=1e-5)


def test_a_loss_is_data_times_diff_and_the_diff_is_the_script_s_to_change():
    made = net(layer("Reduction", "y", "x", reduction_param="operation: SUM").replace('top: "y"', 'top: "y" loss_weight: 2'))
    assert (made.blobs["y"].diff == 2).all()
    made.forward()
    made.backward()
    assert (made.blobs["x"].diff == 2).all()
    made.blobs["y"].diff[...] = 5
    made.forward()
    made.backward()
    assert (made.blobs["x"].diff == 5).all()
