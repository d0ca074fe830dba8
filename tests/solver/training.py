"""Run as a program by the tests: trains a solver, and kills itself or writes down what the test compares.

training.py SOLVER [--snapshot STATE] [--kill-at ITERATION] [--gradients FILE]
"""

import argparse
import os
import signal

import numpy as np
import torch

from segaware_caffe import Solver

parser = argparse.ArgumentParser()
parser.add_argument("solver")
parser.add_argument("--snapshot")
parser.add_argument("--kill-at", type=int)
parser.add_argument("--gradients")
args = parser.parse_args()

torch.set_num_threads(1)
solver = Solver(args.solver)
if args.snapshot:
    solver.restore(args.snapshot)
if args.kill_at is not None:
    solver.watchers.append(lambda solver: solver.iter == args.kill_at and os.kill(os.getpid(), signal.SIGKILL))
if args.gradients:  # plain SGD with rate 1: the steps are the gradients
    solver.step(1)
    steps = {f"{blob.layer}/{blob.index}": blob.tensor.grad.numpy() for blob in solver.net.learned}
    np.savez(f"{args.gradients}{solver.processes.this.rank}.npz", loss=solver.loss, **steps)
else:
    solver.solve()
