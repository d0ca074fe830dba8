"""What scripts written for Caffe's Python module do with a solver. The numbers are in tests/solver, which runs them through it."""

import numpy as np
import pytest

import segaware_caffe.pycaffe as caffe
from segaware_caffe import CaffeError

NET = """
name: "small"
layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
"""
SOLVER = """
net: "%s" base_lr: 0.5 lr_policy: "fixed" max_iter: 6 snapshot: 4 random_seed: 1 test_iter: 1 test_interval: 1000
test_initialization: false %s
"""
KINDS = [caffe.SGDSolver, caffe.NesterovSolver, caffe.AdaGradSolver, caffe.RMSPropSolver, caffe.AdaDeltaSolver, caffe.AdamSolver]


@pytest.fixture
def solver_file(tmp_path):
    def write(fields: str = "", net: str = NET) -> str:
        (tmp_path / "net.prototxt").write_text(net)
        (tmp_path / "solver.prototxt").write_text(SOLVER % (tmp_path / "net.prototxt", fields))
        return str(tmp_path / "solver.prototxt")

    return write


def feed(net: caffe.Net) -> None:
    """Class 1 where the first number is positive."""
    data = np.random.RandomState(0).standard_normal((4, 3))
    net.blobs["data"].data[...] = data
    net.blobs["label"].data[...] = data[:, 0] > 0


def test_a_script_writes_into_blobs_between_steps_and_reads_diffs_after(solver_file):
    solver = caffe.get_solver(solver_file())
    assert isinstance(solver, caffe.SGDSolver) and isinstance(solver.net, caffe.Net)
    feed(solver.net)
    weights = solver.net.params["ip"][0].data
    losses = []
    for _ in range(20):
        before = weights.copy()
        solver.step(1)
        losses.append(float(solver.net.blobs["loss"].data))
        np.testing.assert_array_equal(weights, before - solver.net.params["ip"][0].diff)
    assert losses[0] == pytest.approx(np.log(2)) and losses[-1] < 0.3
    assert solver.iter == 20
    assert solver.net.blobs["ip"].diff.any()


def test_new_data_counts_from_the_next_step_on(solver_file):
    solver = caffe.SGDSolver(solver_file())
    solver.step(1)
    assert not solver.net.params["ip"][0].diff.any(), "data of zeros"
    feed(solver.net)
    solver.step(1)
    assert solver.net.params["ip"][0].diff.any()


def test_test_nets_run_on_the_trained_weights(solver_file):
    solver = caffe.get_solver(solver_file())
    feed(solver.net)
    (test,) = solver.test_nets
    feed(test)
    solver.step(30)
    assert test.forward()["accuracy"] == 1
    assert np.shares_memory(test.params["ip"][0].data, solver.net.params["ip"][0].data)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_snapshots_and_restores(solver_file, tmp_path, kind):
    fields = "momentum: 0.9" if kind in (caffe.SGDSolver, caffe.NesterovSolver, caffe.AdamSolver) else ""
    solver = kind(solver_file(fields))
    feed(solver.net)
    solver.step(5)
    assert (tmp_path / "solver_iter_4.solverstate").exists()
    solver.snapshot()
    again = kind(solver_file(fields))
    feed(again.net)
    again.restore(str(tmp_path / "solver_iter_5.solverstate"))
    assert again.iter == 5
    for each in (solver, again):
        each.step(2)
    np.testing.assert_array_equal(solver.net.params["ip"][0].data, again.net.params["ip"][0].data)


def test_get_solver_goes_by_the_type_and_a_class_by_itself(solver_file):
    assert type(caffe.get_solver(solver_file('type: "Adam"'))) is caffe.AdamSolver
    assert caffe.NesterovSolver(solver_file('type: "Adam"')).param.type == "Nesterov"
    with pytest.raises(CaffeError, match="Unknown solver type: Lion; there are: SGD, Nesterov"):
        caffe.get_solver(solver_file('type: "Lion"'))


def test_solve_trains_to_the_end_and_resumes(solver_file, tmp_path):
    solver = caffe.get_solver(solver_file(), variables=None)
    feed(solver.net)
    feed(solver.test_nets[0])
    solver.solve()
    assert solver.iter == 6 and (tmp_path / "solver_iter_6.caffemodel").exists()
    again = caffe.get_solver(solver_file())
    feed(again.net)
    again.solve(str(tmp_path / "solver_iter_4.solverstate"))
    np.testing.assert_array_equal(solver.net.params["ip"][0].data, again.net.params["ip"][0].data)


def test_weights_are_copied_in_as_scripts_do(solver_file, tmp_path):
    solver = caffe.get_solver(solver_file())
    solver.net.params["ip"][0].data[...] = 2
    solver.net.save(str(tmp_path / "w.caffemodel"))
    other = caffe.get_solver(solver_file())
    other.net.copy_from(str(tmp_path / "w.caffemodel"))
    assert (other.test_nets[0].params["ip"][0].data == 2).all()


def test_debug_info_prints_diffs_of_the_literal_net(solver_file, caplog):
    solver = caffe.get_solver(solver_file("debug_info: true display: 1"))
    feed(solver.net)
    caplog.set_level("INFO", "segaware_caffe.solver")
    solver.step(1)
    lines = [line.rsplit(" ", 1)[0] for line in caplog.messages if "] Layer" in line]
    assert lines == [
        "    [Forward] Layer ip, top blob ip data:",
        "    [Forward] Layer ip, param blob 0 data:",
        "    [Forward] Layer ip, param blob 1 data:",
        "    [Forward] Layer loss, top blob loss data:",
        "    [Backward] Layer loss, bottom blob ip diff:",
        "    [Backward] Layer ip, param blob 0 diff:",
        "    [Backward] Layer ip, param blob 1 diff:",
        "    [Update] Layer ip, param 0 data: 0; diff:",
        "    [Update] Layer ip, param 1 data: 0; diff:",
    ]


def test_nan_is_traced_to_the_data(solver_file):
    solver = caffe.get_solver(solver_file())
    solver.net.blobs["data"].data[...] = np.nan
    with pytest.raises(CaffeError, match="Iteration 0: the loss is nan; the data has NaN or infinity already, in blob 'data'"):
        solver.step(1)
