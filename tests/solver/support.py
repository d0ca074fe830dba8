"""Solvers for the tests: from the golden files, and small ones whose weights are known in advance."""

from pathlib import Path

import numpy as np
import torch

from segaware_caffe import Solver
from segaware_caffe.schema import SolverParameter, read_net, read_solver

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TRAJECTORIES = sorted(GOLDEN.glob("solver/*.npz")) + sorted(GOLDEN.glob("upstream/solver/*.npz"))

#: dloss/dw is 1 for every weight, so that plain SGD with rate 1 makes every weight -n in n iterations, exactly
COUNTER = """
name: "counter"
layer { name: "one" type: "DummyData" top: "one" dummy_data_param { shape { dim: 1 dim: 1 } data_filler { value: 1 } } }
layer { name: "w" type: "InnerProduct" bottom: "one" top: "w" param { lr_mult: 1 } inner_product_param { num_output: %d bias_term: false } }
layer { name: "loss" type: "Reduction" bottom: "w" top: "loss" loss_weight: 1 }
"""


def golden_solver(golden: np.lib.npyio.NpzFile, make=Solver, **options):
    """The solver of a golden file with its first weights."""
    param = read_solver(str(golden["solver"]) + "\n")
    param.net_param.CopyFrom(read_net(str(golden["net"])))
    solver = make(param, **options)
    params = parameters(solver)
    for key, value in group(golden, "init").items():
        params[key][...] = value
    return solver


def parameters(solver) -> dict[str, np.ndarray]:
    """The learned blobs of a solver's net by "layer/index", as arrays that share their memory."""
    return {
        f"{layer}/{index}": blob.detach().numpy() if isinstance(blob, torch.Tensor) else blob.data
        for layer, blobs in solver.net.params.items()
        for index, blob in enumerate(blobs)
    }


def group(golden: np.lib.npyio.NpzFile, prefix: str) -> dict[str, np.ndarray]:
    """The arrays stored under `prefix/`."""
    return {key[len(prefix) + 1 :]: golden[key] for key in golden.files if key.startswith(prefix + "/")}


def batch(golden: np.lib.npyio.NpzFile, iteration: int) -> dict[str, np.ndarray]:
    """What the reference was fed in an iteration."""
    count = len(golden["data"])
    return {name: golden[name][iteration % count] for name in ("data", "label")}


def counting_solver(fields: str = "", size: int = 4, make=Solver, **options):
    """A solver of COUNTER with rate 1."""
    return make(counter_param(fields, size), **options)


def counter_param(fields: str = "", size: int = 4) -> SolverParameter:
    """A SolverParameter of COUNTER with rate 1."""
    param = read_solver(f'base_lr: 1 lr_policy: "fixed" max_iter: 10 solver_mode: CPU random_seed: 1 {fields}\n')
    param.net_param.CopyFrom(read_net(COUNTER % size))
    return param
