"""Random nets under random operations, against a restatement that keeps every blob: after each operation none differs."""

import random
from pathlib import Path

import numpy as np
import pytest
from plain_caffe import Layer, PlainNet, prototxt

import segaware_caffe.pycaffe as caffe

OPTIONS = {
    "Convolution": [{"convolution_param": "num_output: 3 kernel_size: 3 pad: 1"}],
    "Deconvolution": [{"convolution_param": "num_output: 2 kernel_size: 3 pad: 1"}],
    "Scale": [{"scale_param": "bias_term: true"}],
    "ReLU": [{}, {"relu_param": "negative_slope: 0.1"}],
    "Exp": [{"exp_param": "scale: 0.5"}],
    "Power": [{"power_param": "scale: 2 shift: 0.5"}],
    "LRN": [{"lrn_param": "local_size: 3 alpha: 0.1"}],
    "Eltwise": [{"eltwise_param": "operation: PROD"}, {"eltwise_param": "operation: SUM coeff: 1 coeff: -0.5"}],
    "Pooling": [
        {"pooling_param": "pool: MAX kernel_size: 2 stride: 1"},
        {"pooling_param": "pool: AVE kernel_size: 3 stride: 1 pad: 1"},
    ],
}
PLAIN = ("AbsVal", "BNLL", "Bias", "Concat", "ELU", "Flatten", "PReLU", "Sigmoid", "Softmax", "TanH")
IN_PLACE = ("ELU", "Exp", "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "TanH", "Bias")
TWO_AXES = ("AbsVal", "BNLL", "Bias", "ELU", "Exp", "InnerProduct", "PReLU", "Power", "ReLU", "Scale", "Sigmoid", "Softmax", "TanH")


def random_net(draw: random.Random) -> list[Layer]:
    """Four to eight layers; each reads what is there, some write over it."""
    shapes, layers = {"x": 4}, []
    for index in range(draw.randint(4, 8)):
        bottom = draw.choice(list(shapes))
        kind = draw.choice(sorted({*OPTIONS, *PLAIN, "InnerProduct"}) if shapes[bottom] == 4 else TWO_AXES)
        options = draw.choice(OPTIONS.get(kind, [{}]))
        if kind == "InnerProduct":
            options = {"inner_product_param": "num_output: 3"}
        name, bottoms = f"l{index}", [bottom]
        if kind in ("Concat", "Eltwise"):
            like = [other for other in shapes if same_map(layers, other, bottom, kind)]
            bottoms = [bottom, draw.choice([other for other in like if other != bottom] or [None])]
            if bottoms[1] is None:
                kind, options, bottoms = "ReLU", {}, [bottom]
        unread = all(bottom not in layer.bottoms for layer in layers) and bottom != "x"
        top = bottom if kind in IN_PLACE and unread and draw.random() < 0.5 else name
        layers.append(Layer(name, kind, bottoms, top, options))
        shapes[top] = 2 if kind in ("InnerProduct", "Flatten") else shapes[bottom]
    return layers


def same_map(layers: list[Layer], first: str, second: str, kind: str) -> bool:
    """Whether two blobs may be joined."""
    blobs = PlainNet(layers, (2, 3, 5, 4)).blobs
    a, b = blobs[first].shape, blobs[second].shape
    return len(a) == len(b) == 4 and a[2:] == b[2:] and (kind == "Concat" or a == b)


class Pair:
    """A net of ours and its restatement, treated alike."""

    def __init__(self, seed: int, folder: Path):
        self.draw, self.random = random.Random(seed), np.random.RandomState(seed)
        layers = random_net(self.draw)
        self.text, self.shape = prototxt(layers, (2, 3, 5, 4)), (2, 3, 5, 4)
        self.file, self.done = folder / "weights", []
        self.ours, self.plain = caffe.Net(self.text, caffe.TEST), PlainNet(layers, self.shape)
        assert list(self.ours._layer_names) == self.plain.names()
        for name in self.plain.params:
            for index, blob in enumerate(self.plain.params[name]):
                self.write(f"parameter {name} {index}", self.ours.params[name][index], blob, "data", 1)
        self.feed()

    def write(self, what: str, ours, plain, where: str, size: float = 0.5) -> None:
        self.done.append(f"write {where} of {what}")
        value = self.random.uniform(-size, size, plain.shape).astype(np.float32)
        getattr(ours, where)[...] = value
        getattr(plain, where)[...] = value

    def feed(self) -> None:
        value = self.random.uniform(-1, 1, self.shape).astype(np.float32)
        self.done.append(f"feed {self.shape}")
        self.plain.blobs["x"].data[...] = value
        self.plain.forward()
        self.ours.forward(x=value)

    def operate(self) -> None:
        """One random operation on both."""
        names, blobs = self.plain.names(), sorted(self.plain.blobs)
        match self.draw.choices(range(9), (1, 3, 3, 1, 1, 2, 4, 1, 0.5))[0]:
            case 0:
                self.feed()
            case 1:
                blob = self.draw.choice(blobs)
                self.write(blob, self.ours.blobs[blob], self.plain.blobs[blob], "data")
            case 2:
                blob = self.draw.choice(blobs)
                self.write(blob, self.ours.blobs[blob], self.plain.blobs[blob], "diff")
            case 3 if self.plain.params:
                name = self.draw.choice(sorted(self.plain.params))
                self.write(name, self.ours.params[name][0], self.plain.params[name][0], "data")
            case 4:
                start, end = sorted(self.draw.choices(range(len(names)), k=2))
                self.both("forward", names[start], names[end])
            case 5:
                end, start = sorted(self.draw.choices(range(len(names)), k=2))
                self.both("backward", names[start], names[end])
            case 6:
                self.both("backward", None, None)
            case 7:
                self.shape = (self.draw.randint(1, 3), *self.shape[1:])
                for net in (self.ours, self.plain):
                    (net.blobs["x"].reshape(*self.shape) if net is self.ours else net.blobs["x"].reshape(self.shape))
                    net.reshape()
                self.feed()
            case 8:
                self.done.append("save, clear and load; clear diffs")
                self.ours.save(str(self.file))
                for blobs_of_layer in self.ours.params.values():
                    for blob in blobs_of_layer:
                        blob.data[...] = 0
                self.ours.copy_from(str(self.file))
                self.ours.clear_param_diffs()
                for blobs_of_layer in self.plain.params.values():
                    for blob in blobs_of_layer:
                        blob.diff[...] = 0

    def both(self, what: str, start: str | None, end: str | None) -> None:
        self.done.append(f"{what} from {start} to {end}")
        for net in (self.ours, self.plain):
            getattr(net, what)(start=start, end=end)

    def compare(self) -> None:
        pairs = {name: (self.ours.blobs[name], blob) for name, blob in self.plain.blobs.items()}
        for name, blobs in self.plain.params.items():
            pairs |= {f"{name} {index}": (self.ours.params[name][index], blob) for index, blob in enumerate(blobs)}
        for name, (ours, plain) in pairs.items():
            for where in ("data", "diff"):
                expected = getattr(plain, where)
                # the gradients of a Softmax cancel against each other: what is left is rounding of what was summed
                tolerance = 2e-4 * max(np.abs(expected).max(initial=0), 1e-2)
                error = np.abs(getattr(ours, where) - expected).max(initial=0)
                assert error <= tolerance, "\n".join([f"{where} of {name} is off by {error:.3g}:", self.text, *self.done])


def check(seed: int, folder: Path, operations: int) -> None:
    with np.errstate(all="ignore"):
        pair = Pair(seed, folder)
        pair.compare()
        for _ in range(operations):
            pair.operate()
            if any(not np.isfinite(b.data).all() or np.abs(b.data).max(initial=0) > 1e4 for b in pair.plain.blobs.values()):
                break  # exponentials of exponentials
            if any(np.abs(b.diff).max(initial=0) > 1e4 for b in pair.plain.blobs.values()):
                break
            pair.compare()


@pytest.mark.parametrize("seed", range(30))
def test_no_blob_differs(seed, tmp_path):
    check(seed, tmp_path, operations=30)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5))
def test_no_blob_differs_in_many_more(block, tmp_path):
    for seed in range(1000 + 40 * block, 1040 + 40 * block):
        check(seed, tmp_path, operations=60)
