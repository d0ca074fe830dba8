"""kill -9: the run goes on from the last snapshot to the same bytes, and at no moment is there no whole snapshot."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from solver.support import COUNTER, counting_solver

from segaware_caffe.weights import read_solverstate

TRAINING = Path(__file__).with_name("training.py")

#: 20 rows, so that 10 iterations of 4 rows are two passes: the data goes on from its start, as after a resume
NET = """
layer { name: "data" type: "HDF5Data" top: "x" top: "y" hdf5_data_param { source: "rows.txt" batch_size: 4 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 5 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.01 lr_policy: "multistep" gamma: 0.5 stepvalue: 5 stepvalue: 13 momentum: 0.9 weight_decay: 0.01
type: "%s" max_iter: 20 snapshot: 10 snapshot_prefix: "run" snapshot_format: %s solver_mode: CPU random_seed: 3
"""


def start(folder: Path, *arguments: object) -> subprocess.Popen:
    """The training program, at work in `folder`."""
    command = [sys.executable, TRAINING, "solver.prototxt", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen) -> int:
    _, errors = process.communicate(timeout=300)
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode


def prepared(folder: Path, type_name: str, snapshot_format: str) -> Path:
    folder.mkdir()
    numbers = np.random.RandomState(0)
    with h5py.File(folder / "rows.h5", "w") as file:
        file["x"] = numbers.standard_normal((20, 2, 5, 5)).astype(np.float32)
        file["y"] = numbers.randint(0, 3, 20).astype(np.float32)
    (folder / "rows.txt").write_text("rows.h5\n")
    (folder / "net.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(SOLVER % (type_name, snapshot_format))
    return folder


@pytest.mark.parametrize(
    ("type_name", "form", "suffix"), [("SGD", "BINARYPROTO", ""), pytest.param("Adam", "HDF5", ".h5", marks=pytest.mark.slow)]
)
def test_ten_iterations_a_kill_and_ten_more_are_twenty_to_the_bit(tmp_path, type_name, form, suffix):
    straight, broken = (prepared(tmp_path / name, type_name, form) for name in ("straight", "broken"))
    runs = start(straight), start(broken, "--kill-at", 13)
    assert [end(run) for run in runs] == [0, -signal.SIGKILL]
    assert not (broken / f"run_iter_20.solverstate{suffix}").exists()
    assert end(start(broken, "--snapshot", f"run_iter_10.solverstate{suffix}")) == 0
    for name in (f"run_iter_20.caffemodel{suffix}", f"run_iter_20.solverstate{suffix}"):
        assert (broken / name).read_bytes() == (straight / name).read_bytes(), name


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_whenever_it_is_killed_the_last_snapshot_is_whole(tmp_path, kills):
    size = 500_000  # files of 2 MB, so that most kills hit a write
    (tmp_path / "net.prototxt").write_text(COUNTER % size)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1 lr_policy: "fixed" max_iter: 100000 snapshot: 1 snapshot_prefix: "run" solver_mode: CPU'
    )
    moments, last, done = random.Random(0), None, 0
    for _ in range(kills):
        process = start(tmp_path, *(["--snapshot", last] if last else []))
        while process.poll() is None and len(list(tmp_path.glob("run*.solverstate"))) < 4:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.02))
        process.kill()
        assert end(process) == -signal.SIGKILL
        last = max(tmp_path.glob("run*.solverstate"), key=lambda path: read_solverstate(path).iter)
        solver = counting_solver(size=size)
        solver.restore(last)
        assert solver.iter > done and (solver.net.params["w"][0] == -solver.iter).all()
        assert all(torch.equal(memory, torch.ones_like(memory)) for memory in solver._updater.history)
        done = solver.iter
        for path in [path for path in tmp_path.glob("run*") if path.stem != last.stem]:
            path.unlink()
