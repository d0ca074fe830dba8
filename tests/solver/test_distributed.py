"""Two processes by torchrun: the gradients, the loss and the run of one process with the whole batch."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from log_lines import messages
from solver.support import counter_param

from segaware_caffe import Solver
from segaware_caffe.data.processes import Process
from segaware_caffe.weights import read_weights

TRAINING = Path(__file__).with_name("training.py")

NET = """
layer { name: "data" type: "HDF5Data" top: "x" top: "y" include { phase: TRAIN }
        hdf5_data_param { source: "rows.txt" batch_size: %d shuffle: %s } }
layer { name: "data" type: "HDF5Data" top: "x" top: "y" include { phase: TEST } hdf5_data_param { source: "rows.txt" batch_size: 12 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 5 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "unread" type: "InnerProduct" bottom: "conv" top: "unread" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 1 lr_policy: "fixed" max_iter: 4 display: 1 iter_size: 2 snapshot_prefix: "run"
test_iter: 1 test_interval: 2 solver_mode: CPU random_seed: 3
"""


def prepared(folder: Path, batch_size: int, shuffle: bool = False) -> Path:
    folder.mkdir()
    numbers = np.random.RandomState(0)
    with h5py.File(folder / "rows.h5", "w") as file:
        file["x"] = numbers.standard_normal((12, 2, 5, 5)).astype(np.float32)
        file["y"] = numbers.randint(0, 3, 12).astype(np.float32)
    (folder / "rows.txt").write_text("rows.h5\n")
    (folder / "net.prototxt").write_text(NET % (batch_size, str(shuffle).lower()))
    (folder / "solver.prototxt").write_text(SOLVER)
    return folder


def torchrun(folder: Path, *command: object) -> str:
    """Run two processes; what they wrote to stderr."""
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


@pytest.mark.slow
def test_gradients_and_loss_are_those_of_the_whole_shuffled_batch(tmp_path):
    one, two = prepared(tmp_path / "one", 4, shuffle=True), prepared(tmp_path / "two", 2, shuffle=True)
    subprocess.run([sys.executable, TRAINING, "solver.prototxt", "--gradients", "of"], cwd=one, check=True)
    torchrun(two, TRAINING, "solver.prototxt", "--gradients", "of")
    whole = np.load(one / "of0.npz")
    for rank in range(2):
        shared = np.load(two / f"of{rank}.npz")
        assert shared.files == whole.files
        for name in whole.files:
            np.testing.assert_allclose(shared[name], whole[name], atol=1e-6, err_msg=name)
    assert np.abs(whole["conv/0"]).max() > 1e-2


def test_the_command_line_trains_logs_and_writes_once(tmp_path):
    one, two = prepared(tmp_path / "one", 4), prepared(tmp_path / "two", 2)
    command = ["-m", "segaware_caffe", "train", "--solver", "solver.prototxt"]
    alone = subprocess.run([sys.executable, *command], cwd=one, check=True, capture_output=True, text=True).stderr
    together = torchrun(two, *command)

    def lines(log: str) -> list[str]:
        """Lines whose numbers do not hang on which process's outputs are printed."""
        return [line[:30] for line in messages(log) if "Iteration" in line or "Test net" in line or "Snap" in line]

    assert lines(alone) == lines(together)
    files = [{layer.name: layer.blobs for layer in read_weights(folder / "run_iter_4.caffemodel")} for folder in (one, two)]
    for index in range(2):
        np.testing.assert_allclose(files[0]["conv"][index].numpy(), files[1]["conv"][index].numpy(), atol=1e-5)


def test_nan_in_one_process_stops_all(tmp_path):
    folder = prepared(tmp_path / "nan", 2)
    with h5py.File(folder / "rows.h5", "a") as file:
        file["x"][1] = np.nan  # the second process's first row
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            "-m",
            "segaware_caffe",
            "train",
            "--solver",
            "solver.prototxt",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode != 0
    assert "Iteration 0: the loss is nan; the data has NaN or infinity already, in blob 'x'" in run.stderr
    assert "Iteration 0: the loss is nan; another process says why" in run.stderr


def test_a_single_process_needs_no_group(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    solver = Solver(counter_param())
    assert solver.processes.this == Process()
