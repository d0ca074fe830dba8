"""Two processes that pycaffe ties together, as its train.py does it, make the step of one with both halves of the data."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

import segaware_caffe.pycaffe as caffe
from segaware_caffe.errors import CaffeError

NET = """
layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 weight_filler { type: "gaussian" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
DATA = np.arange(12, dtype=np.float32).reshape(4, 3) / 10


def solver(folder: Path, items: np.ndarray) -> caffe.SGDSolver:
    (folder / "net.prototxt").write_text(NET)
    made = caffe.SGDSolver(f'net: "{folder}/net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 3')
    made.net.blobs["x"].reshape(*items.shape)
    made.net.blobs["t"].reshape(len(items), 1)
    made.net.reshape()
    made.net.blobs["x"].data[...] = items
    made.net.blobs["t"].data[...] = 1
    return made


def work(folder: Path, uid: bytes, rank: int) -> None:
    """One of the processes."""
    caffe.set_solver_count(2)
    caffe.set_solver_rank(rank)
    caffe.set_multiprocess(True)
    mine = solver(folder, DATA[2 * rank :][:2])
    nccl = caffe.NCCL(mine, uid)
    if rank == 0:
        mine.net.params["ip"][0].data[...] = [[0.1, 0.2, 0.3]]
    nccl.bcast()
    mine.add_callback(nccl)
    mine.net.after_backward(nccl)
    mine.step(3)
    np.save(folder / f"{rank}.npy", mine.net.params["ip"][0].data)


@pytest.mark.slow
def test_two_processes(tmp_path):
    uid = caffe.NCCL.new_uid()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(tmp_path, uid, rank)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    alone = solver(tmp_path, DATA)
    alone.net.params["ip"][0].data[...] = [[0.1, 0.2, 0.3]]
    alone.step(3)
    for rank in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"{rank}.npy"), alone.net.params["ip"][0].data, rtol=1e-5)


def test_a_rank_that_is_not_there(tmp_path):
    caffe.set_solver_rank(3)
    try:
        with pytest.raises(CaffeError, match="solver_rank 3 is not below solver_count 1"):
            caffe.NCCL(solver(tmp_path, DATA), caffe.NCCL.new_uid())
    finally:
        caffe.set_solver_rank(0)
