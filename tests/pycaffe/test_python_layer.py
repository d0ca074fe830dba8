"""Python layers: a user's module in a net, its gradients, its learned blobs, and that nothing runs unasked."""

import sys

import numpy as np
import pytest
import torch

from segaware_caffe import CaffeError, Net, Solver, pycaffe

MODULE = '''
import json

import caffe
import numpy as np


class Affine(caffe.Layer):
    """scale * x + a learned offset per channel; param_str holds the scale."""

    def setup(self, bottom, top):
        self.scale = json.loads(self.param_str)["scale"]
        self.blobs.add_blob(bottom[0].channels)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.scale * bottom[0].data + self.blobs[0].data[:, None]

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = self.scale * top[0].diff
        self.blobs[0].diff[...] += top[0].diff.sum((0, 2))


class Photographs(caffe.Layer):
    """Loads the next photograph, of its own size, in reshape, as FCN's data layers do."""

    def setup(self, bottom, top):
        self.index = 0

    def reshape(self, bottom, top):
        self.image = np.full((1, 2, 5 + self.index, 7), self.index, np.float32)
        top[0].reshape(*self.image.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.image
        self.index += 1


class Kept(caffe.Layer):
    """Keeps as many samples as the first value says, and says so in forward, as Faster R-CNN's proposals do."""

    def setup(self, bottom, top):
        top[0].reshape(1, *bottom[0].data.shape[1:])

    def forward(self, bottom, top):
        count = int(bottom[0].data.flat[0])
        top[0].reshape(count, *bottom[0].data.shape[1:])
        top[0].data[...] = bottom[0].data[:count]


class Pictures(caffe.Layer):
    """The way of FCN's data layers: the next sample is loaded in reshape, of its own size."""

    def setup(self, bottom, top):
        self.count = 0

    def reshape(self, bottom, top):
        self.count += 1
        self.picture = np.full((1, 1, 2 + self.count, 3), self.count, np.float32)
        top[0].reshape(*self.picture.shape)
        top[1].reshape(1)

    def forward(self, bottom, top):
        top[0].data[...] = self.picture
        top[1].data[...] = 10 * self.phase + self.count


class Triple(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = 3 * bottom[0].data


class NoForward(caffe.Layer):
    def setup(self, bottom, top): ...


class NoLayer:
    def forward(self, bottom, top): ...
'''

NET = """
force_backward: true
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 } } }
layer { name: "user" type: "Python" bottom: "x" top: "y"
        python_param { module: "users_layers" layer: "Affine" param_str: '{"scale": 2.5}' } }
"""


@pytest.fixture
def users_layers(tmp_path, monkeypatch):
    (tmp_path / "users_layers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_layers", raising=False)
    yield
    sys.modules.pop("users_layers", None)


def test_it_is_refused_unless_the_caller_allows_it(users_layers):
    with pytest.raises(CaffeError, match=r"wants to run Python code in layer 'user' \(users_layers\.Affine\).*allow_python_layers=True"):
        Net(NET)
    assert "users_layers" not in sys.modules


def test_it_computes_and_differentiates(users_layers):
    net = Net(NET, "TRAIN", allow_python_layers=True)
    with torch.no_grad():
        net.params["user"][0].copy_(torch.tensor([1.0, 2.0, 3.0]))
    x = torch.randn(2, 3, 4, requires_grad=True)
    y = net(x=x)["y"]
    torch.testing.assert_close(y, 2.5 * x + torch.tensor([1.0, 2.0, 3.0])[:, None])
    (y * y.detach()).sum().backward()
    torch.testing.assert_close(x.grad, 2.5 * y.detach())
    torch.testing.assert_close(net.params["user"][0].grad, y.detach().sum((0, 2)))


def test_it_follows_another_size(users_layers):
    assert Net(NET, allow_python_layers=True)(x=torch.zeros(1, 3, 7))["y"].shape == (1, 3, 7)


SIZED = """
layer { name: "data" type: "Python" top: "x" python_param { module: "users_layers" layer: "Photographs" } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 3
  weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "c" top: "loss" loss_weight: 1 }
"""


def test_a_source_that_loads_in_reshape_gives_its_size_to_all_that_follows(users_layers):
    net = Net(SIZED, allow_python_layers=True)
    for index in range(3):
        blobs = net(keep=["x", "c"])
        assert blobs["x"].shape == (1, 2, 5 + index, 7) and (blobs["x"] == index).all()
        assert blobs["c"].shape == net.shapes["c"] == (1, 3, 3 + index, 5)
    assert [net.next_batch({})["x"].shape[2] for _ in range(2)] == [8, 9]


KEPT = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 dim: 6 dim: 6 } } }
layer { name: "keep" type: "Python" bottom: "x" top: "y" python_param { module: "users_layers" layer: "Kept" } }
layer { name: "c" type: "Convolution" bottom: "y" top: "c" convolution_param { num_output: 3 kernel_size: 3
  weight_filler { type: "xavier" } } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "f" type: "Flatten" bottom: "c" top: "f" }
"""


def test_a_layer_that_decides_in_forward_how_many_samples_it_keeps(users_layers):
    net, literal = (Net(KEPT, passes=passes, allow_python_layers=True) for passes in (None, []))
    literal.load_state_dict(net.state_dict())
    for count in (4, 1, 3):
        x = torch.randn(4, 2, 6, 6)
        x.view(-1)[0] = count
        top = net(x=x)["f"]
        assert top.shape == (count, 48)
        torch.testing.assert_close(top, literal(x=x)["f"])


def test_pycaffe_runs_it(users_layers):
    net = pycaffe.Net(NET, pycaffe.TRAIN, allow_python_layers=True)
    net.blobs["x"].data[...] = np.arange(24).reshape(2, 3, 4)
    net.forward()
    net.backward(y=np.ones((2, 3, 4)))
    np.testing.assert_allclose(net.blobs["x"].diff, 2.5)
    np.testing.assert_allclose(net.params["user"][0].diff, 8)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('"users_layers"', '"no_such_module"'), "module 'no_such_module' cannot be imported"),
        (('"Affine"', '"Afine"'), "module 'users_layers' has no class 'Afine'"),
        (('"Affine"', '"NoForward"'), "class 'NoForward' of module 'users_layers' lacks forward"),
        (('"Affine"', '"NoLayer"'), r"class 'NoLayer' of module 'users_layers' must be a subclass of caffe\.Layer"),
    ],
)
def test_what_is_wrong_is_named(users_layers, change, sentence):
    with pytest.raises(CaffeError, match=sentence):
        Net(NET.replace(*change), allow_python_layers=True)


# -- what FCN's data layers do ---------------------------------------------------------------

PICTURES = """
layer { name: "data" type: "Python" top: "data" top: "number" python_param { module: "users_layers" layer: "Pictures" } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Deconvolution" bottom: "pool" top: "up" convolution_param { num_output: 1 kernel_size: 4 stride: 2
        weight_filler { type: "constant" value: 0.1 } } }
layer { name: "crop" type: "Crop" bottom: "up" bottom: "data" top: "crop" crop_param { axis: 2 offset: 0 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "crop" bottom: "data" top: "loss" }
"""
#: the sizes and values of the pictures that three passes show; the first was loaded when the net was made
SEEN = [((1, 1, 4, 3), 2), ((1, 1, 5, 3), 3), ((1, 1, 6, 3), 4)]


def seen(data, crop) -> tuple[tuple[int, ...], int]:
    assert tuple(crop.shape) == tuple(data.shape), "what follows from the size follows it"
    return tuple(data.shape), int(data.max())


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_every_pass_of_a_net_loads_the_next_picture(users_layers, phase):
    net = Net(PICTURES, phase, allow_python_layers=True)
    for expected in SEEN:
        out = net(keep=["data", "crop"])
        assert seen(out["data"], out["crop"]) == expected
        assert out["number"].item() == expected[1] + (10 if phase == "TEST" else 0)


@pytest.mark.parametrize("phase", [pycaffe.TRAIN, pycaffe.TEST])
def test_every_pass_of_pycaffe_loads_the_next_picture(users_layers, phase):
    net = pycaffe.Net(PICTURES, phase, allow_python_layers=True)
    for expected in SEEN:
        out = net.forward(blobs=["data", "crop"])
        assert seen(out["data"], out["crop"]) == expected
        assert out["number"] == expected[1] + 10 * phase


@pytest.mark.parametrize("maker", [Solver, pycaffe.SGDSolver], ids=["Solver", "pycaffe"])
def test_every_step_of_a_solver_loads_the_next_picture(users_layers, tmp_path, maker):
    (tmp_path / "net.prototxt").write_text(PICTURES)
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 1e-9 lr_policy: "fixed" test_iter: 2 test_interval: 2 test_initialization: false'
    )
    solver = maker(str(tmp_path / "solver.prototxt"), allow_python_layers=True)
    reference = Net(PICTURES, "TRAIN", allow_python_layers=True)
    for _ in SEEN:
        solver.step(1)
        assert solver.loss == pytest.approx(float(reference.forward_loss()[0].detach()), rel=1e-5)
    if maker is pycaffe.SGDSolver:
        assert seen(solver.net.blobs["data"].data, solver.net.blobs["crop"].data) == SEEN[-1]
        (test,) = solver.test_nets
        assert solver.net.layers[0].count == 4 and test.layers[0].count == 3, "one when made, one each pass"
        assert test.layers[0].phase == pycaffe.TEST and test.forward()["number"] == 14


def test_a_layer_of_a_net_is_the_user_s_object(users_layers):
    net = pycaffe.Net(PICTURES, pycaffe.TEST, allow_python_layers=True)
    assert type(net.layers[0]).__name__ == "Pictures" and net.layers[0].type == "Python" and net.layer_dict["data"] is net.layers[0]
    net.layers[0].count = 40
    assert net.forward()["number"] == 51
    user = pycaffe.Net(NET, pycaffe.TRAIN, allow_python_layers=True)
    assert user.params["user"] is user.layers[1].blobs
    user.params["user"][0].data[...] = 7
    assert (user.forward(x=np.zeros((2, 3, 4)))["y"] == 7).all()


def test_only_forward_is_required_and_backward_where_a_pass_needs_it(users_layers):
    text = NET.replace("Affine", "Triple")
    net = pycaffe.Net(text, pycaffe.TRAIN, allow_python_layers=True)
    assert (net.forward(x=np.ones((2, 3, 4)))["y"] == 3).all()
    with pytest.raises(CaffeError, match="class 'Triple' of module 'users_layers' has no backward"):
        net.backward()
    assert (Net(text, allow_python_layers=True)(x=torch.ones(2, 3, 4))["y"] == 3).all()


def test_a_user_s_layer_works_on_the_net_s_own_blobs(users_layers):
    net = pycaffe.Net(NET, pycaffe.TRAIN, allow_python_layers=True)
    net.forward(x=np.ones((2, 3, 4)))
    net.backward(y=np.ones((2, 3, 4)))
    net.backward()
    np.testing.assert_allclose(net.params["user"][0].diff, 16)
    learned = net.layers[1].blobs[0]
    learned.data[...] = 1
    assert (net.forward()["y"] == 3.5).all() and net.params["user"][0].data is learned.data
