"""Update rules: the worked numbers (spec/pipeline.md 10), and the order clip, normalise, decay, step."""

import pytest
import torch

from segaware_caffe import CaffeError, Net
from segaware_caffe.schema import read_solver
from segaware_caffe.solver.updates import Updater

BLOB = """
layer { name: "one" type: "Input" top: "one" input_param { shape { dim: 1 dim: 1 } } }
layer { name: "w" type: "InnerProduct" bottom: "one" top: "w" %s inner_product_param { num_output: %d bias_term: false } }
"""


def learned_blob(start: list[float], spec: str = ""):
    """A learned blob of float64 values, so that the rules' own arithmetic is compared."""
    net = Net(BLOB % (spec, len(start)), "TRAIN").double()
    net.learned[0].tensor.data.copy_(torch.tensor(start, dtype=torch.float64).view(-1, 1))
    return net.learned


def run(fields: str, gradients: list, rates: list[float], start: float = 1.0, spec: str = "") -> list[float]:
    """The weight after each update."""
    learned = learned_blob([start], spec)
    updater = Updater(read_solver(fields + "\n"), learned)
    weights = []
    for iteration, (gradient, rate) in enumerate(zip(gradients, rates, strict=True)):
        learned[0].tensor.grad = torch.full_like(learned[0].tensor, gradient)
        updater.apply(rate, iteration)
        weights.append(learned[0].tensor.item())
    return weights


FALLING = [1, 0.5, -0.25]


@pytest.mark.parametrize(
    ("fields", "gradients", "rates", "expected"),
    [
        ("momentum: 0.9", [1, 1, 1], [0.1, 0.01, 0.01], [0.9, 0.8, 0.7]),
        ('type: "Nesterov" momentum: 0.9', [1, 1, 1], [0.1] * 3, [0.81, 0.539, 0.1951]),
        ('type: "AdaGrad" delta: 1e-8', FALLING, [0.01] * 3, [0.99, 0.985527864, 0.987710043]),
        ('type: "RMSProp" rms_decay: 0.98 delta: 1e-8', FALLING, [0.01] * 3, [0.929289327, 0.897410493, 0.913109873]),
        ('type: "AdaDelta" momentum: 0.95 delta: 1e-6', FALLING, [1] * 3, [0.995527909, 0.992641196, 0.99420966]),
        ('type: "Adam"', FALLING, [0.001] * 3, [0.999, 0.99836745, 0.99874555]),
        ('type: "Adam" momentum: 0.9 momentum2: 0.999', FALLING, [0.001] * 3, [0.999, 0.998067821, 0.99750416]),
        ("solver_type: ADAM momentum: 0.9", FALLING, [0.001] * 3, [0.999, 0.998067821, 0.99750416]),
    ],
)
def test_worked_numbers(fields, gradients, rates, expected):
    assert run(fields, gradients, rates) == pytest.approx(expected, abs=2e-7)


@pytest.mark.parametrize(
    ("what", "fields", "spec", "expected"),
    [
        ("L2 decay adds d * w", "weight_decay: 0.1", "", 2 - (3 + 0.1 * 2)),
        ("L1 decay adds d * sign(w)", 'weight_decay: 0.1 regularization_type: "L1"', "", 2 - (3 + 0.1)),
        ("decay_mult scales the decay", "weight_decay: 0.1", "param { decay_mult: 0 }", 2 - 3),
        ("lr_mult scales the whole step", "weight_decay: 0.1", "param { lr_mult: 2 }", 2 - 2 * (3 + 0.1 * 2)),
        ("iter_size divides the gradient, not the decay", "weight_decay: 0.1 iter_size: 3", "", 2 - (1 + 0.1 * 2)),
        ("clipping sees the sum over iter_size", "clip_gradients: 1.5 iter_size: 3", "", 2 - 1.5 / 3),
        ("clipping comes before the decay", "clip_gradients: 1.5 weight_decay: 0.1", "", 2 - (1.5 + 0.1 * 2)),
        ("a small gradient is not clipped", "clip_gradients: 3.5", "", 2 - 3),
    ],
)
def test_a_gradient_of_3_at_a_weight_of_2(what, fields, spec, expected):
    assert run(fields, [3], [1], start=2.0, spec=spec) == pytest.approx([expected], abs=1e-6), what


def test_l1_decay_leaves_a_weight_of_0_alone():
    assert run('weight_decay: 0.1 regularization_type: "L1"', [0], [1], start=0.0) == [0]


def test_clipping_takes_the_norm_over_all_values_and_says_so(caplog):
    learned = learned_blob([0, 0])
    caplog.set_level("INFO")
    learned[0].tensor.grad = torch.tensor([[3.0], [4.0]], dtype=torch.float64)
    Updater(read_solver("clip_gradients: 2.5\n"), learned).apply(1.0, 0)
    torch.testing.assert_close(learned[0].tensor.data, torch.tensor([[-1.5], [-2.0]], dtype=torch.float64))
    assert caplog.messages == ["Gradient clipping: scaling down gradients (L2 norm 5 > 2.5) by scale factor 0.5"]


def test_after_an_update_the_gradient_is_the_step():
    learned = learned_blob([1.0])
    learned[0].tensor.grad = torch.full_like(learned[0].tensor, 3.0)
    Updater(read_solver("weight_decay: 0\n"), learned).apply(0.5, 0)
    assert learned[0].tensor.grad.item() == 1.5


@pytest.mark.parametrize("type_name", ["RMSProp", "Adam"])
def test_unset_fields_have_upstreams_defaults(type_name):
    unset, given = (
        run(f'type: "{type_name}" {fields}', FALLING, [0.01] * 3)
        for fields in ("", {"RMSProp": "rms_decay: 0.99", "Adam": "momentum: 0 momentum2: 0.999"}[type_name])
    )
    assert unset == given


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ('type: "Lion"', "Unknown solver type: Lion; there are: SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam"),
        ('type: "AdaGrad" momentum: 0.9', "Momentum cannot be used with AdaGrad: momentum is 0.9"),
        ('type: "RMSProp" momentum: 0.9', "Momentum cannot be used with RMSProp: momentum is 0.9"),
        ('type: "RMSProp" rms_decay: 1', "rms_decay should lie between 0 and 1, 1 excluded, not be 1"),
        ('regularization_type: "L3"', "Unknown regularization type: L3; there are: L1, L2"),
    ],
)
def test_what_the_rules_refuse(fields, sentence):
    with pytest.raises(CaffeError) as error:
        Updater(read_solver(fields + "\n"), learned_blob([1.0]))
    assert str(error.value) == sentence
