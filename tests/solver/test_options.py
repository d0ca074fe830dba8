"""Mixed precision, compilation, recomputation: the same training, but for rounding."""

from functools import partial

import numpy as np
import pytest
import torch
from solver.support import GOLDEN, batch, counting_solver, golden_solver

from segaware_caffe import CaffeError, Net
from segaware_caffe.solver.runner import LossScale

NAMES = ["solver/sgd_poly", "solver/embedding_adam", "upstream/solver/nesterov_bn_itersize_clip", "upstream/solver/adam_lstm_carry"]


def losses(name: str, iterations: int, **options) -> tuple[np.ndarray, np.ndarray]:
    """Ours and the reference's."""
    golden = np.load(GOLDEN / f"{name}.npz")
    solver, ours = golden_solver(golden, **options), []
    for iteration in range(iterations):
        solver.step(1, **batch(golden, iteration))
        ours.append(solver.loss)
    return np.array(ours), golden["loss"][:iterations]


@pytest.mark.parametrize("name", NAMES)
def test_recomputation_changes_no_number(name):
    plain, again = (losses(name, 6, recompute=recompute)[0] for recompute in (False, True))
    np.testing.assert_array_equal(again, plain)


@pytest.mark.filterwarnings("ignore")  # the compiler warns of its own doings
@pytest.mark.parametrize("name", NAMES[1:3])
def test_compiled_training_agrees(name, monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))  # traced and split, without code generation
    ours, reference = losses(name, 4, compile=True)
    np.testing.assert_allclose(ours, reference, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 2e-2), ("float16", 5e-3)])
def test_mixed_precision_starts_where_full_precision_does(name, precision, tolerance):
    ours, reference = losses(name, 1, autocast=precision)
    np.testing.assert_allclose(ours, reference, rtol=tolerance)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains_float32_weights(precision):
    golden = np.load(GOLDEN / "upstream/solver/adam_fcn_crop.npz")
    solver = golden_solver(golden, autocast=precision)
    for iteration in range(12):
        solver.step(1, **batch(golden, iteration))
    assert solver.loss < 0.75 * golden["loss"][0]
    assert {blob.tensor.dtype for blob in solver.net.learned} == {torch.float32}
    assert all(memory.isfinite().all() for memory in solver._updater.history)


def test_an_overflow_in_float16_leaves_one_update_out_and_lowers_the_scale(caplog):
    caplog.set_level("INFO", "segaware_caffe.solver")
    solver = counting_solver(autocast="float16")
    solver._train.loss_scale.factor = 2.0**130  # beyond float32
    solver.step(1)
    assert solver.iter == 1 and not solver.net.params["w"][0].any()
    assert any("gradients overflow float16; no update" in line for line in caplog.messages)
    assert solver._train.loss_scale.factor == 2.0**129


def test_the_scale_grows_back_with_patience(monkeypatch):
    monkeypatch.setattr(LossScale, "PATIENCE", 3)
    scale, good = LossScale(), torch.ones(2)
    start = scale.factor
    assert [scale.undo([good.clone()]) and scale.factor / start for _ in range(6)] == [1, 1, 2, 2, 2, 4]
    assert not scale.undo([good * torch.inf]) and scale.factor / start == 2


def test_another_precision_is_refused():
    with pytest.raises(CaffeError, match="autocast must be bfloat16 or float16, not 'int8'"):
        counting_solver(autocast="int8")


# -- recomputation keeps less --------------------------------------------------------------

DEEP = (
    'layer { name: "in" type: "Input" top: "c0" input_param { shape { dim: 1 dim: 8 dim: 32 dim: 32 } } }\n'
    + "".join(
        f'layer {{ name: "c{i}" type: "Convolution" bottom: "c{i - 1}" top: "c{i}" convolution_param {{ num_output: 8 kernel_size: 3 pad: 1'
        f' weight_filler {{ type: "xavier" }} }} }}\nlayer {{ name: "r{i}" type: "Sigmoid" bottom: "c{i}" top: "c{i}" }}\n'
        for i in range(1, 26)
    )
    + 'layer { name: "loss" type: "Reduction" bottom: "c25" top: "loss" loss_weight: 1 }'
)


def kept_bytes(net: Net, x: torch.Tensor) -> int:
    """What the forward pass keeps for the backward pass, learned blobs apart."""
    kept: dict[int, int] = {}
    learned = {blob.tensor.data_ptr() for blob in net.learned}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in learned:
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        net.forward_loss(c0=x)
    return sum(kept.values())


def test_recomputation_keeps_the_ends_of_segments_alone():
    net, x = Net(DEEP, "TRAIN"), torch.randn(1, 8, 32, 32)
    one_blob = x.numel() * x.element_size()
    plain = kept_bytes(net, x)
    net.recompute = True
    assert plain >= 26 * one_blob
    assert kept_bytes(net, x) < plain / 3


def test_what_a_second_forward_would_change_is_not_repeated():
    text = DEEP.replace('type: "Sigmoid" bottom: "c9" top: "c9"', 'type: "BatchNorm" bottom: "c9" top: "c9"')
    statistics = []
    for recompute in (False, True):
        torch.manual_seed(0)
        net = Net(text, "TRAIN")
        net.recompute = recompute
        loss, _ = net.forward_loss(c0=torch.ones(1, 8, 32, 32).cumsum(3))
        loss.backward()
        statistics.append([blob.detach().clone() for blob in net.params["r9"]])
    assert all(map(torch.equal, *statistics)) and statistics[0][2] == 1
