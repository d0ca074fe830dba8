"""Learning-rate policies: the worked numbers (spec/pipeline.md 10), multistep's pace, refusals."""

import pytest

from segaware_caffe import CaffeError
from segaware_caffe.schema import read_solver
from segaware_caffe.solver.policies import Schedule


def schedule(fields: str) -> Schedule:
    return Schedule(read_solver(fields + "\n"))


@pytest.mark.parametrize(
    ("fields", "iteration", "printed"),
    [
        ('base_lr: 0.1 lr_policy: "fixed"', 12345, "0.1"),
        ('base_lr: 1e-4 lr_policy: "step" gamma: 0.1 stepsize: 120000', 119999, "0.0001"),
        ('base_lr: 1e-4 lr_policy: "step" gamma: 0.1 stepsize: 120000', 239999, "1e-05"),
        ('base_lr: 0.1 lr_policy: "exp" gamma: 0.5', 3, "0.0125"),
        ('base_lr: 0.01 lr_policy: "inv" gamma: 1e-4 power: 0.75', 1000, "0.00931012"),
        ('base_lr: 2.5e-4 lr_policy: "poly" power: 0.9 max_iter: 5000', 0, "0.00025"),
        ('base_lr: 2.5e-4 lr_policy: "poly" power: 0.9 max_iter: 5000', 10, "0.00024955"),
        ('base_lr: 2.5e-4 lr_policy: "poly" power: 0.9 max_iter: 5000', 2500, "0.000133972"),
        ('base_lr: 2.5e-4 lr_policy: "poly" power: 0.9 max_iter: 5000', 4999, "1.17184e-07"),
        ('base_lr: 0.1 lr_policy: "sigmoid" gamma: 0.1 stepsize: 200', 100, "4.53979e-06"),
        ('base_lr: 0.1 lr_policy: "sigmoid" gamma: -0.1 stepsize: 200', 200, "0.05"),
        ('base_lr: 0.1 lr_policy: "sigmoid" gamma: -1 stepsize: 1', 100000, "9.85968e-306"),
    ],
)
def test_rates_print_as_the_references(fields, iteration, printed):
    assert f"{schedule(fields).rate(iteration):g}" == printed


def test_multistep_goes_one_step_down_a_call(caplog):
    caplog.set_level("INFO")
    multistep = schedule('base_lr: 1 lr_policy: "multistep" gamma: 0.1 stepvalue: 100 stepvalue: 200')
    assert [(round(multistep.rate(iteration), 6), multistep.current_step) for iteration in (99, 500, 501, 502)] == [
        (1, 0),
        (0.1, 1),
        (0.01, 2),
        (0.01, 2),
    ]
    assert caplog.messages == ["MultiStep Status: Iteration 500, step = 1", "MultiStep Status: Iteration 501, step = 2"]


WARM = "warmup_iter: 4 warmup_start_lr: 0.02"


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ('lr_policy: "fixed"', [0.1, 0.1]),
        ('lr_policy: "step" gamma: 0.5 stepsize: 2', [0.1 * 0.5**2, 0.1 * 0.5**2]),
        ('lr_policy: "poly" power: 2 max_iter: 10', [0.1 * 0.6**2, 0.1 * 0.5**2]),
    ],
)
def test_the_rate_warms_up_to_base_lr_and_then_the_policy_begins_where_it_is(fields, after):
    warm = schedule(f"base_lr: 0.1 {fields} {WARM}")
    assert [warm.rate(iteration) for iteration in range(6)] == pytest.approx([0.02, 0.04, 0.06, 0.08, *after])


def test_warming_up_from_nothing():
    warm = schedule('base_lr: 0.1 lr_policy: "fixed" warmup_iter: 2')
    assert [warm.rate(iteration) for iteration in range(3)] == pytest.approx([0, 0.05, 0.1])


def test_plateau_goes_down_where_the_loss_has_no_new_minimum(caplog):
    caplog.set_level("INFO")
    plateau = schedule('base_lr: 1 lr_policy: "plateau" gamma: 0.1 plateau_winsize: 3 plateau_winsize: 2')
    losses = [5, 4, 4, 6, 4, 3, 7, 7, 7, 7]
    rates = [round(plateau.rate(iteration, loss), 6) for iteration, loss in enumerate(losses)]
    assert rates == [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01]
    assert caplog.messages == ["Plateau Status: Iteration 4, step = 1", "Plateau Status: Iteration 7, step = 2"]
    assert (plateau.current_step, plateau.minimum_loss, plateau.last_event) == (2, 3, 7)


def test_multifixed_has_a_rate_for_each_stage():
    staged = schedule('lr_policy: "multifixed" stagelr: 0.1 stageiter: 3 stagelr: 0.2 stageiter: 5')
    assert [round(staged.rate(iteration), 6) for iteration in range(8)] == [0.1] * 4 + [0.2] * 4


def test_step_keeps_its_step():
    step = schedule('base_lr: 1 lr_policy: "step" gamma: 0.5 stepsize: 4')
    step.rate(11)
    assert step.current_step == 2


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ("base_lr: 1", "Unknown learning rate policy: (lr_policy is not given)"),
        ('lr_policy: "cosine"', "Unknown learning rate policy: cosine; there are: fixed, step, exp"),
        ('lr_policy: "step" gamma: 0.1', "lr_policy 'step' needs stepsize > 0, not 0"),
        ('lr_policy: "sigmoid" gamma: 0.1', "lr_policy 'sigmoid' needs stepsize > 0, not 0"),
        ('lr_policy: "step" gamma: -0.1 stepsize: 2', "lr_policy 'step' needs gamma >= 0, not -0.1"),
        ('lr_policy: "exp" gamma: -1', "lr_policy 'exp' needs gamma >= 0"),
        ('lr_policy: "inv" gamma: -1', "lr_policy 'inv' needs gamma >= 0"),
        ('lr_policy: "multistep" gamma: -1', "lr_policy 'multistep' needs gamma >= 0"),
        ('lr_policy: "plateau" gamma: -1', "lr_policy 'plateau' needs gamma >= 0"),
        ('lr_policy: "multifixed" stagelr: 1', "lr_policy 'multifixed' needs stagelr once for each stageiter, not 1 for 0"),
        ('lr_policy: "poly" power: 1', "lr_policy 'poly' needs max_iter > 0, not 0"),
    ],
)
def test_fields_that_give_no_rate_are_refused(fields, sentence):
    with pytest.raises(CaffeError) as error:
        schedule(fields)
    assert sentence in str(error.value)


def test_poly_ends_at_max_iter():
    poly = schedule('base_lr: 1 lr_policy: "poly" power: 0.9 max_iter: 10')
    assert poly.rate(10) == 0
    with pytest.raises(CaffeError, match="no rate for iteration 11, which is beyond max_iter 10"):
        poly.rate(11)
