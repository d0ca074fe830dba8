"""A net is compiled whole and exported by `torch.export`; its operators are counted, and PyTorch knows them."""

import copy

import pytest
import torch
from four_nets import assert_near, net_outputs
from four_nets import case as case
from torch.export import Dim
from torch.utils.flop_counter import FlopCounterMode

from segaware_caffe import Net

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*should not be instantiated:DeprecationWarning",  # PyTorch's compiler instantiates autograd functions itself
)

#: the axes of each net's inputs that may change: its text fixes the others
DYNAMIC = {
    "plain": {"data": (0,)},
    "segmentation-aware": {"data": (0, 2, 3)},
    "recurrent": {"x": (1,), "cont": (1,)},
    "detection": {"data": (0, 2, 3)},
}
#: other sizes that it takes
OTHERS = {
    "plain": {"data": (3, 3, 9, 11)},
    "segmentation-aware": {"data": (3, 3, 65, 33)},
    "recurrent": {"x": (3, 5, 4), "cont": (3, 5)},
    "detection": {"data": (3, 3, 14, 15)},
}


def fresh(net: Net) -> Net:
    """A copy that carries no states."""
    other = copy.deepcopy(net)
    for layer in other.layers:
        for state in layer.buffers(recurse=False):
            state.zero_()
    return other


@pytest.fixture
def name(request):
    return request.node.callspec.params["case"]


def test_compiles_without_a_break(case):
    """With the compiler's own front end: what its code generator makes is PyTorch's matter."""
    net, inputs, expected = case
    torch.compiler.reset()
    with torch.no_grad():
        assert_near(torch.compile(net, fullgraph=True, backend="eager")(**inputs), expected, 1e-4)


@pytest.mark.slow
def test_strict_export_with_dynamic_axes(case, name):
    net, inputs, _ = case
    inputs = {key: value if len(value) > 1 else value.repeat(2, *[1] * (value.ndim - 1)) for key, value in inputs.items()}
    axes = {key: dict.fromkeys(changing, Dim.DYNAMIC) for key, changing in DYNAMIC[name].items()}
    program = torch.export.export(net, (), inputs, strict=True, dynamic_shapes=axes).module()
    for given in (inputs, {key: torch.rand(shape) * 100 for key, shape in OTHERS[name].items()}):
        assert_near(program(**given), net_outputs(fresh(net), given), 1e-4)


def test_export_without_tracing_python(case):
    net, inputs, expected = case
    assert_near(torch.export.export(net, (), inputs).module()(**inputs), expected, 1e-4)


def test_flops_are_those_of_the_layers(case):
    net, inputs, _ = case
    with FlopCounterMode(display=False) as counter:
        net(**inputs)
    assert counter.get_total_flops() == pytest.approx(net.operations, rel=0.01)


def test_profilers_see_the_layers(case):
    net, inputs, _ = case
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        net(**inputs)
    seen = {event.key for event in profile.key_averages()}
    assert {step.label for step in net._planned_for(net.inputs)[2].steps} <= seen


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:`torch.jit:DeprecationWarning")
def test_jit_traces_the_literal_net(case, name):
    """PyTorch's older tracer, for the sizes that it sees; it takes no keywords.

    Its own check traces again, and says that the graphs differ where column matrices get their sizes.
    """
    net, inputs, expected = case
    net.pass_names = ()
    net = fresh(net)

    class ByPlace(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, *values):
            return tuple(self.net(**dict(zip(inputs, values, strict=True))).values())

    with torch.no_grad():
        traced = torch.jit.trace(ByPlace(), tuple(inputs.values()), check_trace=name != "segmentation-aware")
        found = traced(*inputs.values())
    if not any(list(layer.buffers(recurse=False)) for layer in net.layers):  # a state goes on from run to run
        assert_near(dict(zip(expected, found, strict=True)), expected, 1e-4)
