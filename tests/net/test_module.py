"""A net is an ordinary module: it is copied, pickled, hooked, pruned, parametrised, moved and made half."""

import copy
import io
import pickle

import pytest
import torch
from torch.nn.utils import parametrize, prune

from segaware_caffe import CaffeError, Net
from segaware_caffe.models import CAMVID_SEGAWARE

CONVOLUTION = 'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }'
PLAIN = f"""
    name: "plain" input: "data" input_shape {{ dim: 2 dim: 3 dim: 9 dim: 11 }}
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" {CONVOLUTION} }}
    layer {{ name: "bn" type: "BatchNorm" bottom: "c" top: "c" }}
    layer {{ name: "r" type: "ReLU" bottom: "c" top: "c" }}
    layer {{ name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param {{ kernel_size: 3 stride: 2 }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "p" top: "y" inner_product_param {{ num_output: 5
             weight_filler {{ type: "xavier" }} }} }}
"""
RECURRENT = """
    name: "recurrent" input: "x" input_shape { dim: 3 dim: 2 dim: 4 } input: "cont" input_shape { dim: 3 dim: 2 }
    layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param { num_output: 4
            weight_filler { type: "uniform" min: -1 max: 1 } } }
    layer { name: "s" type: "Softmax" bottom: "h" top: "y" softmax_param { axis: 2 } }
"""
DETECTION = f"""
    name: "detection" input: "data" input_shape {{ dim: 1 dim: 3 dim: 12 dim: 12 }}
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" {CONVOLUTION} }}
    layer {{ name: "n" type: "Normalize" bottom: "c" top: "n" norm_param {{ across_spatial: false channel_shared: false }} }}
    layer {{ name: "perm" type: "Permute" bottom: "n" top: "perm" permute_param {{ order: 0 order: 2 order: 3 order: 1 }} }}
    layer {{ name: "y" type: "Flatten" bottom: "perm" top: "y" }}
    layer {{ name: "prior" type: "PriorBox" bottom: "c" bottom: "data" top: "prior" prior_box_param {{ min_size: 3 }} }}
"""


def segaware() -> Net:
    return Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)


NETS = {
    "plain": (lambda: Net(PLAIN), {"data": (2, 3, 9, 11)}),
    "segmentation-aware": (segaware, {"data": (1, 3, 33, 33)}),
    "recurrent": (lambda: Net(RECURRENT), {"x": (3, 2, 4), "cont": (3, 2)}),
    "detection": (lambda: Net(DETECTION), {"data": (1, 3, 12, 12)}),
}


@pytest.fixture(params=NETS)
def case(request):
    """A net, inputs for it, and what it makes of them."""
    make, shapes = NETS[request.param]
    torch.manual_seed(0)
    net = make()
    if request.param == "plain":
        with torch.no_grad():
            for blob, value in zip(net.params["bn"], (3.0, 60000.0, 40.0), strict=True):  # sums of many images
                blob.fill_(value)
        net.refresh()
    inputs = {name: torch.rand(shape) * 100 for name, shape in shapes.items()}
    return net, inputs, net_outputs(copy.deepcopy(net), inputs)


def net_outputs(net: Net, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net(**inputs).items()}


def assert_near(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], tolerance: float) -> None:
    for name, value in expected.items():
        error = (found[name].float() - value).abs().max().item()
        assert error <= tolerance * value.abs().max().item(), name


@pytest.mark.parametrize("run_before", [False, True])
def test_copies(case, run_before):
    net, inputs, expected = case
    if run_before:
        net(**inputs)
        for layer in net.layers:
            for state in layer.buffers(recurse=False):
                state.zero_()
    saved = io.BytesIO()
    torch.save(net, saved)
    saved.seek(0)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), torch.load(saved, weights_only=False)):
        assert_near(net_outputs(other, inputs), expected, 1e-6)
        assert not {id(p) for p in other.parameters()} & {id(p) for p in net.parameters()}


def test_every_layer_calls_its_hooks_and_takes_what_they_return(case):
    net, inputs, expected = case
    called = []
    hooks = [layer.register_forward_hook(lambda module, *_: called.append(module.name)) for layer in net.layers]
    assert_near(net_outputs(net, inputs), expected, 1e-4)
    running = [layer.name for layer in net.layers if layer.type not in ("Input", "Split")]
    assert set(running) <= set(called)
    for hook in hooks:
        hook.remove()
    first = next(layer for layer in net.layers if layer.specs)
    first.register_forward_hook(lambda module, bottoms, tops: [top * 0 for top in tops] if isinstance(tops, (list, tuple)) else tops * 0)
    changed = net_outputs(net, inputs)
    assert any((changed[name] - value).abs().max() > 1e-3 * value.abs().max() for name, value in expected.items())


class Doubled(torch.nn.Module):
    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return 2 * value


def test_parametrisations_and_pruning_count(case):
    net, inputs, expected = case
    layer = next(layer for layer in net.layers if layer.specs)
    doubled = copy.deepcopy(net)
    with torch.no_grad():
        doubled.params[layer.name][0].mul_(2)
    parametrize.register_parametrization(layer, "blob0", Doubled())
    assert_near(net_outputs(net, inputs), net_outputs(doubled, inputs), 1e-5)
    parametrize.remove_parametrizations(layer, "blob0")
    pruned = copy.deepcopy(net)
    prune.random_unstructured(pruned.get_submodule(layer.name), "blob0", 0.99)
    changed = net_outputs(pruned, inputs)
    assert any((changed[name] - value).abs().max() > 1e-3 * value.abs().max() for name, value in expected.items())


def test_a_state_dict_calls_blobs_by_their_index(case):
    net, inputs, expected = case
    state = net.state_dict()
    assert {f"{layer.name}.{index}" for layer in net.layers for index in range(len(layer.specs))} == set(state)
    other = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    other.load_state_dict({key: value.clone() for key, value in state.items()})
    assert_near(net_outputs(other, inputs), expected, 1e-6)
    names = [name for name, _ in net.named_parameters()]
    assert all(part.isidentifier() for name in names for part in name.rsplit(".", 1)[1:])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 5e-3), (torch.bfloat16, 3e-2)])
def test_halves_keep_statistics_and_accumulate_in_float32(case, dtype, tolerance):
    net, inputs, expected = case
    found = net_outputs(net.to(dtype), {name: value.to(dtype) for name, value in inputs.items()})
    assert_near(found, expected, tolerance)
    assert all(value.dtype == dtype for value in found.values())


def test_autocast(case):
    net, inputs, expected = case
    with torch.autocast("cpu", torch.bfloat16):
        found = net_outputs(net, inputs)
    assert_near(found, expected, 1e-2)


def test_meta(case):
    net, inputs, expected = case
    found = net.to("meta")(**{name: value.to("meta") for name, value in inputs.items()})
    assert {name: (value.shape, value.device.type) for name, value in found.items()} == {
        name: (value.shape, "meta") for name, value in expected.items()
    }


def test_construction_on_meta_and_in_inference_mode():
    with torch.device("meta"):
        net = Net(PLAIN)
    assert {parameter.device.type for parameter in net.parameters()} == {"meta"}
    with torch.inference_mode():
        net = Net(PLAIN)
        assert net(data=torch.zeros(2, 3, 9, 11))["y"].shape == (2, 5)


def test_an_input_by_its_place():
    net, image = Net(PLAIN), torch.rand(2, 3, 9, 11)
    torch.testing.assert_close(net(image)["y"], net(data=image)["y"])
    with pytest.raises(CaffeError, match="takes one input by place, data; feed the others by name"):
        net(image, image)
    with pytest.raises(CaffeError, match="takes one input by place"):
        net(image, data=image)
