"""Training as Caffe does it: solvers, learning-rate policies, snapshots, signals, several processes."""

from segaware_caffe.solver.heap import keep_freed_memory
from segaware_caffe.solver.log import LogReader, Point, points, read_log
from segaware_caffe.solver.runner import default_device
from segaware_caffe.solver.signals import Action, Signals
from segaware_caffe.solver.solver import Solver, split_list

__all__ = ["Action", "LogReader", "Point", "Signals", "Solver", "default_device", "keep_freed_memory", "points", "read_log", "split_list"]
