"""The runnable net: feeding, keeping, freeing, reshaping, phases, losses, state_dict."""

import gc
import weakref

import numpy as np
import pytest
import safetensors.torch
import torch

import segaware_caffe
from segaware_caffe import CaffeError, Net
from segaware_caffe.cli import main
from segaware_caffe.layers import registry

CHAIN = """
name: "chain"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 pad: 1
        weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "double" type: "Power" bottom: "conv" top: "double" power_param { scale: 2 } }
layer { name: "half" type: "Power" bottom: "double" top: "half" power_param { scale: 0.5 } }
"""


def test_forward_gives_the_outputs_and_what_is_kept():
    net = Net(CHAIN)
    x = torch.randn(1, 3, 8, 8)
    blobs = net(data=x, keep=["conv", "double"])
    assert set(blobs) == {"half", "conv", "double"}
    weight, bias = net.params["conv"]
    expected = torch.relu(torch.nn.functional.conv2d(x, weight, bias, padding=1))
    torch.testing.assert_close(blobs["conv"], expected)  # the state after the in-place layer
    torch.testing.assert_close(blobs["half"], expected)
    assert set(net(data=x)) == {"half"}


@pytest.mark.parametrize("x", [np.ones((1, 3, 8, 8)), np.ones((1, 3, 8, 8), np.uint8), torch.ones(1, 3, 8, 8, dtype=torch.float64)])
def test_any_array_can_be_fed(x):
    assert Net(CHAIN)(data=x)["half"].dtype == torch.float32


def test_a_read_only_array_can_be_fed():
    x = np.broadcast_to(np.float32(1), (1, 3, 8, 8))
    assert Net(CHAIN)(data=x)["half"].shape == (1, 4, 8, 8)


def test_inner_blobs_are_freed_once_their_last_reader_has_run():
    net = Net(CHAIN, passes=[])
    alive = {}

    def watch(name):
        def hook(module, inputs, output):
            gc.collect()
            alive[name] = [key for key, reference in seen.items() if reference() is not None]
            seen[name] = weakref.ref(output if isinstance(output, torch.Tensor) else output[0])

        return hook

    seen: dict[str, weakref.ref] = {}
    for layer in net.layers:
        layer.register_forward_hook(watch(layer.name))
    net(data=torch.randn(1, 3, 8, 8))
    assert alive["half"] == ["double"]
    assert alive["double"] == ["relu"]


def test_feeding_another_size_and_reshape_do_the_same():
    net = Net(CHAIN)
    assert net(data=torch.zeros(2, 3, 5, 7))["half"].shape == (2, 4, 5, 7)
    net.reshape(data=(1, 3, 9, 11))
    assert net.shapes["half"] == (1, 4, 9, 11)


def test_a_shape_that_does_not_fit_is_refused_before_anything_runs():
    net = Net(CHAIN)
    with pytest.raises(CaffeError, match=r"layer 'conv' \(Convolution\)"):
        net(data=torch.zeros(1, 5, 8, 8))
    assert net.shapes["data"] == (1, 3, 8, 8)


def test_what_must_be_fed_is_named():
    with pytest.raises(CaffeError, match="feed 'data' too"):
        Net(CHAIN)()
    with pytest.raises(CaffeError, match="has no input 'image'; its inputs and data blobs are: data"):
        Net(CHAIN)(image=torch.zeros(1, 3, 8, 8))
    with pytest.raises(CaffeError, match="has no blob 'conw' to keep"):
        Net(CHAIN)(data=torch.zeros(1, 3, 8, 8), keep=["conw"])


def test_an_unread_input_need_not_be_fed():
    net = Net(CHAIN + 'layer { name: "unused" type: "Input" top: "label" input_param { shape { dim: 1 } } }')
    assert set(net(data=torch.zeros(1, 3, 8, 8))) == {"half"}
    assert set(net(data=torch.zeros(1, 3, 8, 8), label=[1.0])) == {"half", "label"}


def test_a_fed_data_layer_does_not_run_and_its_silenced_tops_are_not_needed():
    text = """
    layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param { shape { dim: 1 dim: 2 } } }
    layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }
    layer { name: "hush" type: "Silence" bottom: "label" }
    """
    net = Net(text)
    torch.testing.assert_close(net(data=[[1.0, 2.0]])["twice"], torch.tensor([[2.0, 4.0]]))
    torch.testing.assert_close(net()["twice"], torch.zeros(1, 2))


def test_test_needs_no_gradient_and_train_needs_those_that_learn():
    frozen = CHAIN.replace("convolution_param", "param { lr_mult: 0 } convolution_param")
    assert not any(p.requires_grad for p in Net(CHAIN).parameters())
    assert [p.requires_grad for p in Net(frozen, "TRAIN").parameters()] == [False, True]


def test_the_loss_is_the_sum_over_tops_of_weight_times_elements():
    text = CHAIN + 'layer { name: "loss" type: "Reduction" bottom: "half" top: "loss" loss_weight: 0.5 }'
    net = Net(text, "TRAIN")
    loss, blobs = net.forward_loss(data=torch.randn(1, 3, 8, 8))
    torch.testing.assert_close(loss, 0.5 * blobs["loss"])
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net.loss_weights == {"loss": 0.5}


def test_propagate_down_false_cuts_the_gradient():
    text = CHAIN.replace('top: "double"', 'top: "double" propagate_down: false')
    net = Net(text, "TRAIN")
    assert not net(data=torch.randn(1, 3, 8, 8))["half"].requires_grad


def test_it_is_an_ordinary_module():
    net = Net(CHAIN)
    assert list(net.state_dict()) == ["conv.0", "conv.1"]
    twin = Net(CHAIN)
    twin.load_state_dict(net.state_dict())
    x = torch.randn(1, 3, 8, 8)
    torch.testing.assert_close(net(data=x)["half"], twin(data=x)["half"])
    assert net.double()(data=x)["half"].dtype == torch.float64


def test_layer_names_that_clash_with_attributes_of_modules_are_no_trouble():
    text = CHAIN.replace('"conv"', '"forward"').replace('"relu"', '"training"').replace('"double"', '"a.b/c"')
    net = Net(text)
    assert net(data=torch.zeros(1, 3, 8, 8))["half"].shape == (1, 4, 8, 8)
    assert len(net.params["forward"]) == 2
    assert net.training is False


def test_a_users_layer_runs_once_it_is_registered(monkeypatch):
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))

    @segaware_caffe.register("Negate")
    class Negate(segaware_caffe.Layer):
        def reshape(self, bottom):
            return bottom

        def forward(self, bottom):
            return -bottom

    text = CHAIN.replace('type: "ReLU"', 'type: "Negate"')
    x = torch.randn(1, 3, 8, 8)
    net = Net(text)
    torch.testing.assert_close(net(data=x)["half"], -torch.nn.functional.conv2d(x, *net.params["conv"], padding=1))


def test_the_phase_of_a_layer_wins_over_the_nets():
    text = CHAIN + 'layer { name: "drop" type: "Dropout" phase: TRAIN bottom: "half" top: "drop" }'
    net = Net(text, "TEST")
    assert [layer.training for layer in net.layers] == [False] * 5 + [True]


def test_torch_export_sees_nothing_but_tensors():
    net = Net(CHAIN)
    x = torch.randn(1, 3, 8, 8)
    program = torch.export.export(net, (), {"data": x})
    torch.testing.assert_close(program.module()(data=x)["half"], net(data=x)["half"])


@pytest.mark.parametrize("name", ["a.b/c", "forward", "run", "conv"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_converted_weights_fit_load_state_dict_whatever_the_layers_are_called(tmp_path, suffix, name):
    net = Net(CHAIN.replace('"conv"', f'"{name}"'))
    net.save(tmp_path / f"net{suffix}")
    if suffix == ".pt":
        state = torch.load(tmp_path / "net.pt", weights_only=True)
    else:
        state = safetensors.torch.load_file(tmp_path / "net.safetensors")
    twin = Net(CHAIN.replace('"conv"', f'"{name}"'))
    twin.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(net.params[name], twin.params[name], strict=True))


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".safetensors", ".npz", ".pt"])
def test_the_five_blobs_of_nvidias_batch_norm_are_saved_and_loaded(tmp_path, suffix):
    text = (
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 3, 4] } } }'
        'layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { scale_bias: true } }'
    )
    net = Net(text, "TRAIN")
    net(x=torch.randn(2, 3, 4))
    with torch.no_grad():
        for learned in net.learned[3:]:
            learned.tensor.uniform_()
    assert [learned.lr_mult for learned in net.learned] == [0, 0, 0, 1, 1]
    net.save(tmp_path / f"bn{suffix}")
    other = Net(text, weights=tmp_path / f"bn{suffix}")
    for mine, theirs in zip(other.learned, net.learned, strict=True):
        assert torch.equal(mine.tensor, theirs.tensor)
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(other(x=x)["y"], Net(text, weights=tmp_path / f"bn{suffix}", passes=[])(x=x)["y"])


def test_a_file_that_holds_definition_and_weights(tmp_path, capsys):
    """In .safetensors; conversion to the same format keeps it, and what has none is refused by name."""
    text = """name: "pair" input: "x" input_shape { dim: 2 dim: 3 }
        layer { name: "fc" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: ${N}
                weight_filler { type: "xavier" } } }"""
    net, x = Net(text, variables={"N": 4}), torch.rand(2, 3)
    prototxt, weights, both, again = (tmp_path / name for name in ("n.prototxt", "n.caffemodel", "n.safetensors", "again.safetensors"))
    prototxt.write_text(text)
    net.save(weights)
    assert main(["convert", str(prototxt), "--weights", str(weights), "--set", "N=4", str(both)]) == 0
    assert main(["convert", str(both), str(again)]) == 0
    assert "1 layers with weights" in capsys.readouterr().out
    for path in (both, again):
        torch.testing.assert_close(Net.from_file(path)(x), net(x), rtol=0, atol=0)
    assert main(["convert", str(weights), str(both)]) == 0
    assert main(["convert", str(weights), str(both), "--set", "N=4"]) == 2
    with pytest.raises(CaffeError, match=r"n\.safetensors: holds no prototxt, only weights"):
        Net.from_file(both)
