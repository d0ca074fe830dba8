"""What a forward pass asks of a device, counted on the meta device: operators, waits for it, and copies to it.

The numbers hold for any device that is not the CPU, with PyTorch's operators alone; no GPU was at hand. Of a net in TEST the
second pass counts: folded weights are kept. "Operators" are those that PyTorch dispatches, views among them, which launch nothing.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

import four_nets
import pytest
import torch
from full_nets import ROOT, variables
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks import networks
from segaware_caffe import Net, read_net
from segaware_caffe.layers import densecrf
from segaware_caffe.ops import watched
from segaware_caffe.ops.distance import im2dist
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_sum
from segaware_caffe.schema import read_variables
from segaware_caffe.segmentation import without_sinks

META = torch.device("meta")
#: operators whose result the host must have before it goes on
READS = {"_local_scalar_dense", "nonzero", "_unique2", "unique_consecutive", "unique_dim", "masked_select", "is_nonzero", "equal"}


class Launches(TorchDispatchMode):
    """Counts the operators on the meta device, and where the host waits for it or copies to it."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: Counter[str] = Counter()
        self.waits, self.copies = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = function.overloadpacket.__name__
        devices = {value.device for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)}
        target = torch.device(kwargs.get("device") or (args[0].device if name == "copy_" else META))
        if META not in devices | {target}:
            return function(*args, **kwargs)
        self.operators[name] += 1
        if name in READS:
            self.waits += 1
            raise AssertionError(f"{name} waits for the device")
        if name in ("_to_copy", "copy_") and devices != {target}:
            self.copies += target == META
            self.waits += target != META
        return function(*args, **kwargs)


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """The counting shall not change what runs, as a dispatch mode otherwise does."""
    monkeypatch.setattr(watched, "_len_torch_dispatch_stack", lambda: 0)


def config(name: str) -> Net:
    """One of configs/ without the layers that write files; those for training are built for TRAIN."""
    path = ROOT / "configs" / f"{name}.prototxt"
    values = {**variables(321), "HEIGHT": 321, "WIDTH": 321, "HALF_SIZE": 257 if name == "res/test" else 161}
    for file in sorted(path.parent.glob("*.vars")):
        values = {**read_variables(file), **values}
    phase = "TRAIN" if "train" in path.stem else "TEST"
    return Net(without_sinks(read_net(path, variables=values, phase=phase)), phase)


def count(net: Net) -> tuple[int, int, int]:
    """Operators, waits and copies of a forward pass."""
    fed = {name: torch.empty(net.shapes[name]) for name in net._sources() if name in net.shapes}
    run = net.forward_loss if net.phase == "TRAIN" else net
    with Launches():
        run(**fed)  # what is folded and packed once
    with Launches() as seen:
        run(**fed)
    return sum(seen.operators.values()), seen.waits, seen.copies


#: name in configs/ -> most operators of a forward pass
CONFIGS = {
    "camvid/embeddings_train": 710,
    "camvid/plain_deploy": 224,
    "camvid/plain_train": 266,
    "camvid/segaware_deploy": 368,
    "camvid/segaware_train": 601,
    "deeplab/aspp_test": 71,
    "deeplab/aspp_train": 211,
    "deeplab/largefov_test": 54,
    "deeplab/largefov_train": 164,
    "deeplab/largefov_v1_test": 54,
    "deeplab/largefov_v1_train": 164,
    "deeplab/msc_v1_test": 84,
    "deeplab/msc_v1_train": 244,
    "deeplab/resnet101_test": 758,
    "deeplab/resnet101_train": 6826,
    "demo/sharpen": 102,
    "embs/deploy": 128,
    "embs/test": 93,
    "embs/train": 218,
    "res/deploy": 958,
    "res/test": 1073,
    "res/train": 7160,
    "vgg/deploy": 369,
    "vgg/test": 329,
    "vgg/test_unlabelled": 329,
    "vgg/train": 446,
}
#: the same with a DenseCRF, which reads how large the valid area is: the one wait
CRFS = {
    "deeplab/aspp_crf": 825,
    "deeplab/largefov_crf": 808,
    "deeplab/largefov_v1_crf": 808,
    "deeplab/msc_v1_crf": 838,
    "deeplab/resnet101_crf": 1512,
}
#: the same for standard networks, of benchmarks/networks.py, and for small ones of other kinds, of tests/four_nets.py
OTHERS: dict[str, tuple[Callable[[], Net], int]] = {
    "ResNet-50": (lambda: Net(networks.resnet50()), 127),
    "VGG-16": (lambda: Net(networks.vgg16()), 58),
    "GoogLeNet": (lambda: Net(networks.googlenet()), 236),
    "an LSTM": (lambda: Net(four_nets.RECURRENT), 75),
    "SSD's layers": (lambda: Net(four_nets.DETECTION), 12),
}
#: they take seconds
LARGE = {"deeplab/resnet101_train", "res/train", "res/test", "res/deploy", "deeplab/resnet101_test", "deeplab/resnet101_crf"}
CASES = [
    *(pytest.param(partial(config, name), most, id=name, marks=[pytest.mark.slow] * (name in LARGE)) for name, most in CONFIGS.items()),
    *(pytest.param(make, most, id=name) for name, (make, most) in OTHERS.items()),
]


@pytest.mark.parametrize(("make", "most"), CASES)
def test_a_forward_pass_takes_few_operators_never_waits_and_copies_nothing(make, most):
    with META:
        operators, waits, copies = count(make())
    assert (waits, copies) == (0, 0)
    assert operators <= most


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in CRFS])
def test_a_dense_crf_waits_for_the_sizes_of_valid_areas_alone(name, monkeypatch):
    reads = []

    def sizes(layer, blob):
        reads.append(blob)
        return [(321, 321)] * len(blob)

    monkeypatch.setattr(densecrf, "read_sizes", sizes)
    with META:
        operators, waits, copies = count(config(name))
    assert (waits, copies, len(reads)) == (0, 0, 2), "the two passes read once each"
    assert operators <= CRFS[name]


def test_no_network_of_this_project_is_left_out():
    there = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "configs").glob("*/*.prototxt")}
    assert set(CONFIGS) | set(CRFS) == {name for name in there if "solver" not in name}


@pytest.mark.parametrize("geometry", [Geometry((3, 3), (1, 1), (1, 1), (1, 1)), Geometry((9, 9), (2, 2), (8, 8), (2, 2))])
@pytest.mark.parametrize(("groups", "batch"), [(1, 1), (2, 3)])
def test_one_operator_of_windows_is_few_of_pytorchs_whatever_its_size(geometry, groups, batch):
    with META:
        x = torch.empty(batch, 4, 40, 40, requires_grad=True)
        mask = torch.empty(batch, geometry.taps, *geometry.output((40, 40)), requires_grad=True)
        weight = torch.empty(6, 4 // groups, *geometry.kernel, requires_grad=True)
        bias = torch.empty(6, requires_grad=True)
        calls = {
            "masked convolution": (lambda: masked_convolution(x, mask, weight, bias, geometry, groups), 12, 32),
            "masked sum": (lambda: masked_sum(x, mask, geometry), 12, 24),
            "distances": (lambda: im2dist(x, geometry, True, True, True), 24, 36),
        }
        for name, (call, forward, backward) in calls.items():
            with Launches() as seen:
                result = call()
            assert sum(seen.operators.values()) <= forward, name
            with Launches() as seen:
                result.sum().backward()
            assert sum(seen.operators.values()) <= backward, name
