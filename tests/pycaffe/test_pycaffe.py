"""What scripts written for Caffe's Python module do with a net. The numbers are in tests/layers: every golden file runs through it."""

import numpy as np
import pytest

import segaware_caffe.pycaffe as caffe
from segaware_caffe import CaffeError

NET = """
name: "small"
layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 5 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(NET)
    return str(path)


def fed(net, seed=0):
    net.blobs["data"].data[...] = np.random.RandomState(seed).standard_normal(net.blobs["data"].shape)
    net.blobs["label"].data[...] = [1, 6]
    return net


def test_a_net_shows_its_layers_blobs_and_parameters(file):
    net = caffe.Net(file, caffe.TEST)
    assert list(net._layer_names) == ["in", "conv", "relu", "fc", "loss"]
    assert [layer.type for layer in net.layers] == ["Input", "Convolution", "ReLU", "InnerProduct", "SoftmaxWithLoss"]
    assert list(net.blobs) == ["data", "label", "conv", "fc", "loss"]
    assert net.inputs == ["data", "label"] and net.outputs == ["loss"]
    assert {name: [blob.shape for blob in blobs] for name, blobs in net.params.items()} == {
        "conv": [(5, 3, 3, 3), (5,)],
        "fc": [(7, 20), (7,)],
    }
    blob = net.blobs["conv"]
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (2, 5, 2, 2, 40)
    assert net.bottom_names["fc"] == ["conv"] and net.top_names["in"] == ["data", "label"]


def test_forward_and_backward_fill_data_and_diff_of_every_blob(file):
    net = fed(caffe.Net(file, caffe.TRAIN))
    out = net.forward()
    assert set(out) == {"loss"} and out["loss"].shape == ()
    net.backward()
    assert np.abs(net.blobs["fc"].diff).sum() > 0
    assert np.abs(net.params["conv"][0].diff).sum() > 0
    assert not net.blobs["data"].diff.any(), "no learned blob lies before the data, so the reference does not go there"


def test_diffs_are_the_slope_of_the_loss(file):
    net = fed(caffe.Net(file, caffe.TRAIN))
    net.forward()
    net.backward()
    weight, step = net.params["fc"][0], 1e-2
    expected = weight.diff[3, 4]
    losses = []
    for sign in (1, -1):
        weight.data[3, 4] += sign * step
        losses.append(float(net.forward()["loss"]))
        weight.data[3, 4] -= sign * step
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(expected, rel=1e-2, abs=1e-4)


def test_parameter_diffs_add_up_until_they_are_cleared(file):
    net = fed(caffe.Net(file, caffe.TRAIN))
    net.forward()
    net.backward()
    once = net.params["fc"][1].diff.copy()
    net.backward()
    np.testing.assert_allclose(net.params["fc"][1].diff, 2 * once, rtol=1e-6)
    net.clear_param_diffs()
    assert not net.params["fc"][1].diff.any()


def test_any_range_of_layers_runs(file):
    net = fed(caffe.Net(file, caffe.TEST))
    net.forward(end="relu")
    assert (net.blobs["conv"].data >= 0).all() and net.blobs["conv"].data.any()
    assert not net.blobs["fc"].data.any()
    net.blobs["conv"].data[...] = 0
    out = net.forward(start="fc", blobs=["fc"])
    np.testing.assert_allclose(out["fc"], np.tile(net.params["fc"][1].data, (2, 1)))


def test_forward_takes_inputs_and_backward_takes_diffs_as_keywords(file):
    net = caffe.Net(file, caffe.TRAIN)
    net.forward(data=np.ones((2, 3, 4, 4)), label=np.zeros(2))
    net.backward(loss=np.float32(2))
    doubled = net.params["fc"][1].diff.copy()
    net.clear_param_diffs()
    net.backward(loss=np.float32(1))
    np.testing.assert_allclose(doubled, 2 * net.params["fc"][1].diff, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda net: net.forward(image=np.zeros(1)), "Input blob arguments do not match net inputs"),
        (lambda net: net.backward(conv=np.zeros(1)), "Top diff arguments do not match net outputs"),
        (lambda net: net.forward(start="nope"), "has no layer 'nope'"),
    ],
)
def test_wrong_names_are_named(file, call, sentence):
    with pytest.raises(CaffeError, match=sentence):
        call(caffe.Net(file, caffe.TEST))


def test_a_missing_phase_is_asked_for(file):
    with pytest.raises(CaffeError, match=r"phase must be caffe\.TRAIN"):
        caffe.Net(file)


def test_reshape_of_an_input_goes_through_the_net(file):
    net = caffe.Net(file, caffe.TEST)
    net.blobs["data"].reshape(6, 3, 4, 4)
    net.blobs["label"].reshape(6)
    net.reshape()
    assert net.blobs["fc"].shape == (6, 7)


def test_a_view_of_a_blob_stays_the_blob_from_pass_to_pass(file):
    net = fed(caffe.Net(file, caffe.TEST))
    fc = net.blobs["fc"].data
    net.forward()
    first = fc.copy()
    fed(net, seed=1).forward()
    assert fc is net.blobs["fc"].data and (fc != first).any()


def test_weights_travel_by_save_copy_from_and_share_with(file, tmp_path):
    source, target, mirror = (caffe.Net(file, caffe.TEST) for _ in range(3))
    source.save(str(tmp_path / "net.caffemodel"))
    target.copy_from(str(tmp_path / "net.caffemodel"))
    loaded = caffe.Net(file, str(tmp_path / "net.caffemodel"), caffe.TEST)
    mirror.share_with(source)
    for net in (target, loaded, mirror):
        np.testing.assert_array_equal(net.params["conv"][0].data, source.params["conv"][0].data)
    source.params["conv"][0].data[...] = 3
    assert (mirror.params["conv"][0].data == 3).all() and (target.params["conv"][0].data != 3).all()
    fed(source).forward()
    fed(mirror).forward()
    np.testing.assert_array_equal(mirror.blobs["fc"].data, fed(source).blobs["fc"].data)


def test_splits_are_layers_and_blobs_of_their_own(tmp_path):
    text = NET + 'layer { name: "more" type: "Power" bottom: "fc" top: "more" }'
    (tmp_path / "net.prototxt").write_text(text)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    assert "fc_fc_0_split" in net._layer_names and "fc_fc_0_split_1" in net.blobs


def test_a_seed_repeats_the_fillers(file):
    nets = []
    for _ in range(2):
        caffe.set_random_seed(5)
        nets.append(caffe.Net(file, caffe.TEST))
    np.testing.assert_array_equal(nets[0].params["conv"][0].data, nets[1].params["conv"][0].data)


def test_cpu_mode_is_what_there_is_and_gpu_mode_says_so():
    caffe.set_mode_cpu()
    with pytest.warns(UserWarning, match="runs on the CPU"):
        caffe.set_mode_gpu()
    with pytest.warns(UserWarning, match="runs on the CPU"):
        caffe.set_device(0)


def test_lists_of_blobs_behave_as_vectors(file):
    net = caffe.Net(file, caffe.TRAIN)
    blobs = net.params["conv"]
    assert len(blobs) == 2 and blobs[-1] is blobs[1] and [blob.shape for blob in blobs[:1]] == [(5, 3, 3, 3)] and blobs[0] in blobs
    assert blobs is net.params["conv"] is net.layers[1].blobs is net.layer_dict["conv"].blobs
    made = type(blobs[:])(blobs)
    made.extend([caffe.Blob()])
    assert len(made) == 3 and len(blobs) == 2


def test_a_blob_in_the_place_of_another_is_the_layer_s_from_then_on(file):
    net, other = fed(caffe.Net(file, caffe.TRAIN)), caffe.Net(file, caffe.TRAIN)
    net.params["fc"][0] = other.params["fc"][0]
    net.params["fc"][1:] = other.params["fc"][1:]
    other.params["fc"][0].data[...], other.params["fc"][1].data[...] = 0, 3
    assert (net.forward(blobs=["fc"])["fc"] == 3).all()
    net.backward()
    assert other.params["fc"][1].diff.any()
    with pytest.raises(CaffeError, match=r"layer 'fc': blob 0 has shape \(7, 20\), not \(7,\)"):
        net.params["fc"][0] = net.params["fc"][1]
