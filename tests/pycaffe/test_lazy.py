"""A solver's net is trained by the ordinary engine, and no script can tell: every blob is what the layer-by-layer run has."""

import numpy as np
import pytest
import torch

import segaware_caffe.pycaffe as caffe
from segaware_caffe.pycaffe.steps import Step

NET = """
layer { name: "data" type: "Input" top: "data" top: "label" input_param { shape { dim: 4 dim: 3 dim: 9 dim: 9 } shape { dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 6 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "lrn" type: "LRN" bottom: "conv" top: "lrn" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "flat" type: "Flatten" bottom: "pool" top: "flat" }
layer { name: "fc" type: "InnerProduct" bottom: "flat" top: "fc" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" }
layer { name: "other" type: "InnerProduct" bottom: "lrn" top: "other" inner_product_param { num_output: 5
        weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "fc" bottom: "other" top: "sum" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "sum" bottom: "label" top: "loss" }
"""
SOLVER = 'net: "%s" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.01 max_iter: 9 random_seed: 3 %s'
INNER = ["conv", "lrn", "pool", "flat", "fc", "other", "sum", "conv_relu_0_split_0", "conv_relu_0_split_1"]


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Makes two solvers that are fed alike: one runs layer by layer, one by the engine. Counts the layers run through blobs."""

    def make(net: str = NET, fields: str = "") -> tuple[caffe.SGDSolver, caffe.SGDSolver]:
        (tmp_path / "net.prototxt").write_text(net)
        (tmp_path / "solver.prototxt").write_text(SOLVER % (tmp_path / "net.prototxt", fields))
        solvers = caffe.get_solver(str(tmp_path / "solver.prototxt")), caffe.get_solver(str(tmp_path / "solver.prototxt"))
        solvers[0]._train._watch.literal = True
        return solvers

    return make


@pytest.fixture
def ran(monkeypatch):
    """The names of the layers that ran through blobs."""
    names: list[str] = []
    forward = Step.forward
    monkeypatch.setattr(Step, "forward", lambda step, *args: (names.append(step.node.name), forward(step, *args))[1])
    return names


def step(solvers, seed: int) -> None:
    for solver in solvers:
        random = np.random.RandomState(seed)
        solver.net.blobs["data"].data[...] = random.standard_normal((4, 3, 9, 9))
        solver.net.blobs["label"].data[...] = random.randint(0, 5, 4)
        torch.manual_seed(seed)
        solver.step(1)


def same(solvers, what=lambda blob: blob.data, names=None) -> None:
    literal, engine = (solver.net for solver in solvers)
    for name in names or literal.blobs:
        np.testing.assert_allclose(what(engine.blobs[name]), what(literal.blobs[name]), rtol=1e-4, atol=1e-5, err_msg=name)


def same_parameters(solvers) -> None:
    literal, engine = (solver.net.params for solver in solvers)
    for name in literal:
        for theirs, ours in zip(literal[name], engine[name], strict=True):
            np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-4, atol=1e-5, err_msg=name)
            np.testing.assert_allclose(ours.diff, theirs.diff, rtol=1e-4, atol=1e-5, err_msg=name)


def test_nothing_runs_twice_unless_somebody_looks(pair, ran):
    solvers = pair()
    for seed in range(3):
        ran.clear()
        step(solvers[1:], seed)
        assert solvers[1].net.blobs["loss"].data > 0 and solvers[1].net.blobs["data"].data.any()
        assert not ran
    step(solvers[:1], 0)
    assert "conv" in ran


@pytest.mark.parametrize("name", INNER)
def test_a_blob_that_is_looked_at_first_after_some_steps_is_the_last_pass_s(pair, name):
    solvers = pair()
    for seed in range(3):
        step(solvers, seed)
    same(solvers, names=[name])
    same(solvers)
    same_parameters(solvers)


def test_diffs_too_and_they_disturb_nothing(pair):
    solvers = pair()
    for seed in range(4):
        step(solvers, seed)
        same(solvers, lambda blob: blob.diff, ["conv", "pool", "fc", "sum"])
        same_parameters(solvers)
    same(solvers, lambda blob: blob.diff)


def test_what_is_looked_at_at_every_step_is_kept_by_the_engine(pair, ran):
    solvers = pair()
    for seed in range(4):
        ran.clear()
        step(solvers[1:], seed)
        assert not ran, "the engine has kept it"
        step(solvers[:1], seed)
        ran.clear()
        same(solvers, names=["fc", "conv_relu_0_split_1"])
        assert bool(ran) == (seed == 0)


def test_views_stay_views(pair):
    solvers = pair()
    views = [(solver.net.blobs["pool"].data[1:], solver.net.blobs["flat"].data, solver.net.blobs["fc"].diff[0]) for solver in solvers]
    for seed in range(3):
        step(solvers, seed)
        for theirs, ours in zip(*views, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        assert views[1][0].any() and views[1][2].any()


def test_what_a_script_does_between_steps_counts(pair):
    solvers = pair()
    step(solvers, 0)
    for solver in solvers:
        solver.net.blobs["data"].data[...] = 9  # the next batch is not the one of the last pass
        solver.net.clear_param_diffs()
    same(solvers, names=["conv", "sum"])
    step(solvers, 1)
    for solver in solvers:
        solver.apply_update()
    same(solvers, names=["conv", "sum"])
    same_parameters(solvers)
    for solver in solvers:
        solver.net.blobs["pool"].data[...] = 1
        torch.manual_seed(0)
        solver.net.forward(start="flat")
    same(solvers, names=["flat", "fc"])
    step(solvers, 2)
    same(solvers)
    same_parameters(solvers)


def test_a_loss_diff_that_a_script_has_set_counts(pair):
    solvers = pair()
    for solver in solvers:
        solver.net.blobs["loss"].diff[...] = 3
    step(solvers, 0)
    same_parameters(solvers)
    assert float(solvers[1].net.blobs["loss"].diff) == 3


def test_hooks_see_every_layer(pair):
    solvers = pair()
    seen = []
    solvers[1].net.before_forward(seen.append)
    solvers[1].net.after_backward(seen.append)
    step(solvers, 0)
    count = len(solvers[1].net.layers)
    assert seen == [*range(count), *reversed(range(count))]


def test_gradients_that_in_place_layers_distort_are_the_reference_s(pair):
    text = NET.replace('layer { name: "other"', 'layer { name: "tanh" type: "TanH" bottom: "lrn" top: "lrn" }\nlayer { name: "other"')
    solvers = pair(text)
    assert solvers[1]._train._watch.literal, "autograd would give the true ones"
    step(solvers, 0)
    same_parameters(solvers)


def test_several_passes_an_update(pair):
    solvers = pair(fields="iter_size: 2")
    for seed in range(2):
        step(solvers, seed)
    same(solvers)
    same_parameters(solvers)


def test_other_sizes_show_in_the_shapes_before_anything_is_looked_at(pair):
    solvers = pair()
    for solver in solvers:
        solver.net.blobs["data"].reshape(2, 3, 9, 9)
        solver.net.blobs["label"].reshape(2)
        solver.net.blobs["label"].data[...] = 1
        torch.manual_seed(0)
        solver.step(1)
        assert solver.net.blobs["sum"].shape == (2, 5)
    same_parameters(solvers)
