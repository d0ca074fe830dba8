"""Plans serve the shapes for which their passes would do the same, and no others."""

import copy
import pickle

import pytest
import torch
from full_nets import ROOT, variables

from segaware_caffe import CaffeError, Layer, Net
from segaware_caffe.layers import registry


def inputs(**shapes: tuple[int, ...]) -> str:
    tops = " ".join(f'top: "{name}"' for name in shapes)
    dims = " ".join("shape { " + " ".join(f"dim: {d}" for d in shape) + " }" for shape in shapes.values())
    return f'layer {{ name: "in" type: "Input" {tops} input_param {{ {dims} }} }}\n'


def columns(window: str, tiles: int) -> str:
    """An image's columns under a mask that is tiled so many times."""
    return f"""
layer {{ name: "col" type: "Im2col" bottom: "x" top: "col" convolution_param {{ {window} }} }}
layer {{ name: "tile" type: "Tile" bottom: "m" top: "tile" tile_param {{ tiles: {tiles} }} }}
layer {{ name: "hit" type: "Eltwise" bottom: "col" bottom: "tile" top: "hit" eltwise_param {{ operation: PROD }} }}
"""


def reduced(channels: int) -> str:
    return (
        f'layer {{ name: "y" type: "ChannelReduce" bottom: "hit" top: "y" channel_reduce_param {{ num_channels: {channels}'
        " operation: SUM } }\n"
    )


def outcome(net: Net, **feed: torch.Tensor) -> dict[str, torch.Tensor] | str:
    """The blobs, or what the error says."""
    try:
        return net(**feed)
    except CaffeError as error:
        return str(error)


def same(mine: dict[str, torch.Tensor] | str, expected: dict[str, torch.Tensor] | str) -> None:
    if isinstance(mine, str) or isinstance(expected, str):
        assert mine == expected
        return
    assert mine.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(mine[name], value, rtol=1e-4, atol=1e-5 * max(1, float(value.detach().abs().max())))


SUM_3X3 = columns("kernel_size: 3 pad: 1", 4) + reduced(4)
SUM_2X2 = columns("kernel_size: 2", 4) + reduced(4)


@pytest.mark.parametrize(
    ("layers", "sequence"),
    [
        (SUM_3X3, [((1, 4, 6, 6), (1, 9, 6, 6)), ((1, 8, 6, 6), (1, 18, 6, 6)), ((1, 4, 6, 6), (1, 9, 6, 6))]),
        (SUM_3X3, [((1, 8, 6, 6), (1, 18, 6, 6)), ((2, 4, 7, 5), (2, 9, 7, 5))]),
        (SUM_2X2, [((1, 4, 5, 5), (1, 4, 4, 4)), ((1, 2, 5, 5), (1, 2, 4, 4)), ((1, 4, 5, 5), (1, 4, 4, 4))]),
        (SUM_2X2, [((1, 4, 5, 5), (1, 4, 4, 4)), ((1, 4, 5, 5), (1, 2, 4, 4)), ((1, 3, 5, 5), (1, 3, 4, 4))]),
    ],
)
def test_channels_that_no_longer_fit_the_pattern_give_what_a_fresh_net_gives(layers, sequence):
    net, literal = (Net(inputs(x=sequence[0][0], m=sequence[0][1]) + layers, passes=passes) for passes in (None, []))
    for x, m in sequence:
        feed = {"x": torch.randn(x), "m": torch.rand(m)}
        result = outcome(net, **feed)
        same(result, outcome(literal, **feed))
        if not isinstance(result, str):
            same(result, Net(inputs(x=x, m=m) + layers)(**feed))


def plans_of(net: Net) -> int:
    return len(net._plans._latest)


def test_a_feed_that_changes_what_nobody_looked_at_runs_the_same_plan():
    net = Net(inputs(x=(1, 4, 6, 6), m=(1, 9, 6, 6)) + SUM_3X3)
    for batch, height, width in ((1, 6, 6), (3, 9, 5), (1, 20, 20), (2, 1, 1)):
        net(x=torch.randn(batch, 4, height, width), m=torch.rand(batch, 9, height, width))
    assert plans_of(net) == 1


def test_many_plans_are_forgotten_again():
    net = Net(inputs(x=(1, 4, 6, 6), m=(1, 9, 6, 6)) + columns("kernel_size: 3 pad: 1", 4))
    for channels in range(1, 60):
        net.reshape(x=(1, 4 * channels, 6, 6), m=(1, 9 * channels, 6, 6))
        net(x=torch.randn(1, 4 * channels, 6, 6), m=torch.rand(1, 9 * channels, 6, 6))
        net(keep=["hit"] * channels, x=torch.randn(1, 4 * channels, 6, 6), m=torch.rand(1, 9 * channels, 6, 6))
    assert plans_of(net) <= net._plans.LIMIT


PLAIN = """
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 40 kernel_size: 3 pad: 1
        weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
"""


def test_plans_share_what_is_packed():
    net = Net(inputs(x=(1, 32, 40, 40)) + PLAIN)
    x = torch.randn(1, 32, 40, 40)
    net(x=x)
    packed = packs_of(net)
    net(x=x, keep=["c"])  # another plan
    assert packed and packs_of(net) == packed
    net.refresh()
    assert not packs_of(net)


def packs_of(net: Net) -> list[int]:
    return [id(value) for cache in net._packs._caches.values() for value in cache._values]


@pytest.mark.parametrize("change", [lambda net: net.eval(), lambda net: net.bn.eval(), lambda net: net.c.register_forward_hook(print)])
def test_a_net_that_stands_otherwise_is_planned_anew(change):
    net = Net(inputs(x=(1, 32, 40, 40)) + PLAIN, "TRAIN")
    net(x=torch.randn(1, 32, 40, 40))
    change(net)
    net(x=torch.randn(1, 32, 40, 40))
    assert plans_of(net) == 2


def test_hooks_of_layers_are_called_though_their_layers_could_be_fused():
    net = Net(inputs(x=(1, 32, 40, 40)) + PLAIN)
    x, seen = torch.randn(1, 32, 40, 40), []
    expected = net(x=x)
    hook = net.bn.register_forward_hook(lambda module, bottoms, top: seen.append(top))
    same(net(x=x), expected)
    assert len(seen) == 1
    hook.remove()
    net(x=x)
    assert len(seen) == 1


@pytest.mark.parametrize("type_name", ["double", "half back", "inference"])
def test_packed_weights_follow_what_passes_the_version_counters(type_name):
    with torch.inference_mode(type_name == "inference"):
        net = Net(inputs(x=(1, 32, 40, 40)) + PLAIN)
        literal = Net(inputs(x=(1, 32, 40, 40)) + PLAIN, passes=[])
        literal.load_state_dict(net.state_dict())
        x = torch.randn(1, 32, 40, 40)
        net(x=x)
        for each in (net, literal):
            if type_name == "double":
                each.double()
            elif type_name == "half back":
                each.half().float()
            else:
                each.params["c"][0].mul_(2)
        same(net(x=x), literal(x=x))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("phase", ["TEST", "TRAIN"])
def test_copies_make_their_own_plans_and_packed_weights(again, phase):
    net = Net(inputs(x=(1, 32, 40, 40)) + PLAIN, phase)
    x = torch.randn(1, 32, 40, 40)
    expected = net(x=x)
    twin = again(net)
    assert not plans_of(twin) and not packs_of(twin)
    with torch.no_grad():
        net.params["c"][0].zero_()
    same(twin(x=x), expected)
    assert not torch.equal(net(x=x)["c"], expected["c"])
    assert all(learned.tensor is twin.get_parameter(f"{learned.layer}.blob{learned.index}") for learned in twin.learned)


def test_a_whole_network_can_be_pickled():
    net = Net(ROOT / "configs" / "vgg" / "deploy.prototxt", variables=variables(33))
    twin = pickle.loads(pickle.dumps(net))
    assert twin.shapes == net.shapes and twin.proto == net.proto
    assert all(torch.equal(mine, other) for mine, other in zip(net.parameters(), twin.parameters(), strict=True))


@pytest.fixture
def sized(monkeypatch):
    """Registers a source whose tops have one more column at every run."""
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))

    @registry.register("Growing")
    class Growing(Layer):
        bottoms, tops, width = 0, 2, 4

        def reshape(self):
            return [(1, 4, 6, self.width), (1, 9, 6, self.width)]

        def forward(self):
            self.width += 1
            return [torch.ones(shape) for shape in self.reshape()]


def test_what_data_layers_make_gives_the_shapes_of_all_that_follows(sized):
    net = Net('layer { name: "data" type: "Growing" top: "x" top: "m" }' + SUM_3X3)
    widths = [net()["y"].shape[-1] for _ in range(3)]
    assert widths == [widths[0] + step for step in range(3)] and net.shapes["y"] == (1, 4, 6, widths[-1])
    assert plans_of(net) == 1


def test_layers_behind_a_layer_that_decides_as_it_runs_see_their_true_shapes():
    text = (
        inputs(x=(4, 3, 5, 5), pick=(4,))
        + 'layer { name: "f" type: "Filter" bottom: "x" bottom: "pick" top: "f" }\n'
        + 'layer { name: "c" type: "Convolution" bottom: "f" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }\n'
        + 'layer { name: "n" type: "Eltwise" bottom: "f" bottom: "x" top: "n" }\n'
    )
    net = Net(text.replace('bottom: "f" bottom: "x" top: "n"', 'bottom: "f" bottom: "f" top: "n"'))
    for picked in ([1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]):
        assert net(x=torch.randn(4, 3, 5, 5), pick=torch.tensor(picked))["c"].shape == (sum(picked), 2, 3, 3)
    with pytest.raises(CaffeError, match=r"layer 'n' \(Eltwise\): all bottoms must have the same shape"):
        Net(text)(x=torch.randn(4, 3, 5, 5), pick=torch.tensor([1, 0, 1, 0]))
