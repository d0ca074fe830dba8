"""A net is an ordinary module: it is copied, pickled, hooked, pruned, parametrised, moved and made half."""

import copy
import io
import pickle

import pytest
import torch
from four_nets import PLAIN, assert_near, net_outputs
from four_nets import case as case
from torch.nn.utils import parametrize, prune

from segaware_caffe import CaffeError, Net


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


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 5e-3), (torch.bfloat16, 4e-2)])  # 11 and 8 bits of mantissa
def test_halves_keep_statistics_and_accumulate_in_float32(case, dtype, tolerance):
    """Beside float32 on weights and inputs that are rounded alike, what is left is one rounding a blob."""
    net, inputs, _ = case
    net, inputs = net.to(dtype), {name: value.to(dtype) for name, value in inputs.items()}
    rounded = net_outputs(copy.deepcopy(net).float(), {name: value.float() for name, value in inputs.items()})
    found = net_outputs(net, inputs)
    assert_near(found, rounded, tolerance)
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
