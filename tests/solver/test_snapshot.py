"""Snapshots: both formats, with gradients, whole or not at all; restoring, and what cannot be restored."""

import errno
import os
import resource
import shutil
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import torch
from solver.support import GOLDEN, counter_param, counting_solver

from segaware_caffe import CaffeError, Net, Solver
from segaware_caffe.solver import snapshot as snapshot_module
from segaware_caffe.weights import read_solverstate, read_weights

FORMATS = pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])


def snapshotting(folder, fields: str = "", size: int = 4) -> Solver:
    return counting_solver(f'snapshot_prefix: "{folder}/run" momentum: 0.5 {fields}', size)


def weight(solver: Solver) -> torch.Tensor:
    return solver.net.params["w"][0]


@FORMATS
def test_a_snapshot_restores_into_a_new_solver(tmp_path, form):
    first = snapshotting(tmp_path, f"snapshot_format: {form}")
    first.step(3)
    state = first.snapshot()
    second = snapshotting(tmp_path)
    second.restore(state)
    assert second.iter == 3 and torch.equal(weight(first), weight(second))
    for solver in (first, second):
        solver.step(2)
    assert torch.equal(weight(first), weight(second))


SLASHED = """
    net_param {
        layer { name: "in" type: "DummyData" top: "x" dummy_data_param { shape { dim: [2, 3] } } }
        layer { name: "inception/1x1" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }
        layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }
    }
    base_lr: 0.1 lr_policy: "fixed" max_iter: 2 display: 0
"""


@pytest.mark.parametrize("when", ["snapshot: 1", "snapshot_after_train: true"])
def test_layers_that_hdf5_cannot_hold_are_told_before_training(tmp_path, when):
    text = f'{SLASHED} snapshot_prefix: "{tmp_path}/run" {when}'
    with pytest.raises(CaffeError) as caught:
        Solver(f"{text} snapshot_format: HDF5")
    assert "a layer named 'inception/1x1' cannot be stored in HDF5" in str(caught.value)
    assert "snapshot_format: BINARYPROTO in the solver" in str(caught.value)
    Solver(f"{text} snapshot_format: BINARYPROTO").solve()
    assert {path.suffix for path in tmp_path.iterdir()} == {".caffemodel", ".solverstate"}
    Solver(f'{SLASHED} snapshot_prefix: "{tmp_path}/run" snapshot_format: HDF5 snapshot_after_train: false').solve()


@FORMATS
def test_a_snapshot_holds_what_plateau_remembers(tmp_path, form):
    param = counter_param(f'snapshot_prefix: "{tmp_path}/run" snapshot_format: {form} gamma: 0.5 plateau_winsize: [3, 3, 3, 3]')
    param.lr_policy, param.base_lr = "plateau", -1  # uphill: the first loss stays the least
    whole, first, second = (Solver(param) for _ in range(3))
    whole.step(7)
    first.step(5)
    second.restore(first.snapshot())
    second.step(2)
    assert second.rate == whole.rate == -0.25
    assert torch.equal(weight(second), weight(whole))


@FORMATS
def test_names_lines_and_what_is_left_in_the_folder(tmp_path, caplog, form):
    solver = snapshotting(tmp_path, f"snapshot: 2 snapshot_format: {form}")
    caplog.set_level("INFO", "segaware_caffe.solver")
    solver.step(4)
    suffix, kind = (".h5", "HDF5 file") if form == "HDF5" else ("", "binary proto file")
    files = [f"run_iter_{n}.{part}{suffix}" for n in (2, 4) for part in ("caffemodel", "solverstate")]
    assert sorted(os.listdir(tmp_path)) == files
    words = [f"Snapshotting to {kind}", f"Snapshotting solver state to {kind}"] * 2
    assert [line for line in caplog.messages if "Snap" in line] == [f"{w} {tmp_path}/{f}" for w, f in zip(words, files, strict=True)]


def test_the_hdf5_form_is_the_references(tmp_path):
    solver = snapshotting(tmp_path, "snapshot_format: HDF5 snapshot_diff: true")
    solver.step(3)
    with h5py.File(solver.snapshot()) as file:
        assert file["iter"][...].tolist() == [3] and file["current_step"][...].tolist() == [0]
        assert file["iter"].dtype == file["current_step"].dtype == np.int32
        assert file["learned_net"][()].decode() == f"{tmp_path}/run_iter_3.caffemodel.h5"
        assert h5py.check_string_dtype(file["learned_net"].dtype).length == len(file["learned_net"][()]) + 1, "read as a C string"
        np.testing.assert_array_equal(file["history/0"], np.full((4, 1), 1.75))
    with h5py.File(tmp_path / "run_iter_3.caffemodel.h5") as file:
        np.testing.assert_array_equal(file["data/w/0"], weight(solver).detach())
        np.testing.assert_array_equal(file["diff/w/0"], np.full((4, 1), 1.75)), "the last step"


@pytest.mark.parametrize(("flag", "diff"), [("true", [1.0] * 4), ("false", None)])
def test_snapshot_diff_stores_the_last_step(tmp_path, flag, diff):
    solver = snapshotting(tmp_path, f"snapshot_diff: {flag}")
    solver.step(1)
    solver.snapshot()
    blob = next(layer for layer in read_weights(tmp_path / "run_iter_1.caffemodel") if layer.name == "w").blobs[0]
    assert (blob.diff and blob.diff.numpy().ravel().tolist()) == diff


@pytest.mark.parametrize(
    ("fields", "expected"), [("", [4]), ("snapshot: 2", [2, 4]), ("snapshot: 3", [3, 4]), ("snapshot: 3 snapshot_after_train: false", [3])]
)
def test_when_solve_writes(tmp_path, fields, expected):
    solver = snapshotting(tmp_path, fields)
    solver.param.max_iter = 4
    solver.solve()
    assert sorted(int(path.stem.rsplit("_", 1)[1]) for path in tmp_path.glob("*.solverstate")) == expected


def test_solve_resumes(tmp_path, caplog):
    snapshotting(tmp_path, "snapshot: 2").step(2)
    solver = snapshotting(tmp_path)
    caplog.set_level("INFO")
    solver.solve(resume=tmp_path / "run_iter_2.solverstate")
    assert solver.iter == 10
    assert caplog.messages[2:4] == [
        f"Restoring previous solver status from {tmp_path}/run_iter_2.solverstate",
        "SGDSolver: restoring history",
    ]


def test_weights_that_moved_with_their_state_are_found(tmp_path, caplog, monkeypatch):
    solver = snapshotting(tmp_path)
    solver.step(2)
    solver.snapshot()
    shutil.copytree(tmp_path, tmp_path / "moved")
    (tmp_path / "run_iter_2.caffemodel").unlink()
    caplog.set_level("INFO")
    restored = snapshotting(tmp_path)
    restored.restore(tmp_path / "moved" / "run_iter_2.solverstate")
    assert torch.equal(weight(restored), weight(solver))
    assert f"{tmp_path}/run_iter_2.caffemodel is not there; taking {tmp_path}/moved/run_iter_2.caffemodel, beside" in caplog.text


def golden_state(tmp_path, name: str) -> str:
    return str(GOLDEN / "solver" / f"{name}_iter_10.solverstate")


def truncated(tmp_path, name: str) -> str:
    (tmp_path / "cut.solverstate").write_bytes((GOLDEN / "solver" / f"{name}_iter_10.solverstate").read_bytes()[:-40])
    return str(tmp_path / "cut.solverstate")


def without_weights(tmp_path, name: str) -> str:
    solver = snapshotting(tmp_path)
    state = solver.snapshot()
    (tmp_path / "run_iter_0.caffemodel").unlink()
    return state


@pytest.mark.parametrize(
    ("make", "name", "sentence"),
    [
        (golden_state, "sgd_fixed", "Incorrect length of history blobs: the file has 5, this solver needs 1"),
        (golden_state, "nowhere", "File not found"),
        (truncated, "sgd_fixed", "cut.solverstate: byte "),
        (without_weights, "", "run_iter_0.caffemodel"),
        (lambda tmp_path, name: str(GOLDEN / "solver" / "sgd_fixed_iter_10.caffemodel"), "", "caffemodel"),
        (lambda tmp_path, name: str(GOLDEN / "data" / "a.h5"), "", "not a Caffe weights file: it has no dataset 'iter'"),
    ],
)
def test_what_cannot_be_restored_says_why_and_changes_nothing(tmp_path, make, name, sentence):
    solver = snapshotting(tmp_path)
    state = make(tmp_path, name)
    solver.step(1)
    before = weight(solver).detach().clone()
    with pytest.raises(CaffeError) as error:
        solver.restore(state)
    assert sentence in str(error.value)
    assert solver.iter == 1 and torch.equal(weight(solver), before)


def test_a_history_of_another_shape_is_refused(tmp_path):
    state = snapshotting(tmp_path, size=3).snapshot()
    with pytest.raises(CaffeError, match=r"history blob 0 has shape 3 1 \(3\), but this net needs 4 1 \(4\)"):
        snapshotting(tmp_path, size=4).restore(state)


# -- a full disk ---------------------------------------------------------------------------


@contextmanager
def small_files_only(size: int):
    """The system refuses to make files larger than `size` bytes: a write in the middle of one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@FORMATS
@pytest.mark.parametrize("room", [5_000, 50_000], ids=["for-half-the-weights", "for-half-the-state"])
def test_a_write_that_fails_halfway_leaves_the_last_snapshot_as_it_was(tmp_path, form, room):
    solver = counting_solver(f'snapshot_prefix: "{tmp_path}/run" type: "Adam" snapshot: 1 snapshot_format: {form}', 10_000)
    solver.step(1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    with small_files_only(room), pytest.raises(CaffeError) as error:
        solver.step(1)
    suffix = ".h5" if form == "HDF5" else ""
    assert str(error.value).startswith(f"the snapshot of iteration 2 cannot be written to '{tmp_path}/run_iter_2.caffemodel{suffix}'")
    assert str(error.value).endswith("earlier snapshots are as they were")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_is_called_so_and_a_pair_of_that_name_survives_it(tmp_path, monkeypatch):
    solver = snapshotting(tmp_path)
    solver.snapshot()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path, state):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    weight(solver).data.fill_(5)
    monkeypatch.setattr(snapshot_module, "write_solverstate", full)
    with pytest.raises(CaffeError, match=r"the snapshot of iteration 0 cannot be written .*: No space left on device; earlier"):
        solver.snapshot()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_solver_without_prefix_names_its_files_as_the_reference_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Solver(counter_param()).snapshot()
    assert read_solverstate("_iter_0.solverstate").learned_net == "_iter_0.caffemodel"
    assert Net(counter_param().net_param, weights="_iter_0.caffemodel").params["w"][0].shape == (4, 1)
