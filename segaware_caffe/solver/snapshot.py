"""Snapshots: the weights and the solver's state as a pair of files (spec/pipeline.md 4.6).

Both files are written in full under other names before either takes its own, so that whatever ends
the program leaves the last complete pair as it was.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.errors import CaffeError, FileError, WeightsError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.net import Net
from segaware_caffe.schema import SolverParameter
from segaware_caffe.solver.policies import Schedule
from segaware_caffe.weights import SolverState, check_hdf5_names, read_solverstate, write_solverstate
from segaware_caffe.weights.blobs import BlobRef, dims, same_shape

logger = logging.getLogger(__name__)


def snapshot_files(param: Any, iteration: int) -> tuple[str, str]:
    """The files of the snapshot after `iteration` updates: weights, solver state."""
    suffix = ".h5" if param.snapshot_format == SolverParameter.HDF5 else ""
    stem = f"{param.snapshot_prefix}_iter_{iteration}"
    return f"{stem}.caffemodel{suffix}", f"{stem}.solverstate{suffix}"


def write_snapshot(param: Any, net: Net, iteration: int, schedule: Schedule, history: Sequence[torch.Tensor]) -> None:
    """Write both files, and log that they are there.

    Raises CaffeError, with the files of earlier snapshots as they were, if they cannot be written
    (a full disk, say).
    """
    weights, state = snapshot_files(param, iteration)
    try:
        with replacing(state) as new_state, replacing(weights) as new_weights:  # the last one named takes its place first
            net.save(new_weights, gradients=param.snapshot_diff)
            state_now = SolverState(iteration, weights, schedule.current_step, history, schedule.last_event, schedule.minimum_loss)
            write_solverstate(new_state, state_now)
            for file in (new_weights, new_state):
                _flush(file)
    except (CaffeError, OSError, RuntimeError) as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or error
        raise FileError(
            f"the snapshot of iteration {iteration} cannot be written to '{weights}' and '{state}': {reason};"
            " earlier snapshots are as they were"
        ) from error
    kind = "HDF5 file" if weights.endswith(".h5") else "binary proto file"
    logger.info("Snapshotting to %s %s", kind, weights)
    logger.info("Snapshotting solver state to %s %s", kind, state)


def read_snapshot(path: str | os.PathLike[str], shapes: Sequence[torch.Size], paths: AllowedPaths) -> SolverState[BlobRef]:
    """A solver state whose history has these shapes, and whose `learned_net` is there.

    The name of the weights counts from the working directory, as in the reference; if there is no
    such file, one of that name beside the solver state is taken, and logged.
    """
    state = read_solverstate(path)
    if len(state.history) != len(shapes):
        raise WeightsError(
            f"{path}: Incorrect length of history blobs: the file has {len(state.history)}, this solver needs {len(shapes)}"
            " (another type of solver, or another net?)"
        )
    for index, (blob, shape) in enumerate(zip(state.history, shapes, strict=True)):
        if not same_shape(blob.shape, blob.legacy, tuple(shape)):
            raise WeightsError(f"{path}: history blob {index} has shape {dims(blob.shape)}, but this net needs {dims(shape)}")
    beside = Path(path).parent / Path(state.learned_net).name
    if os.path.exists(state.learned_net):
        paths.plus(file=path).check(state.learned_net, f"{path}: learned_net")
    elif beside.exists():
        logger.info("%s is not there; taking %s, beside the solver state", state.learned_net, beside)
        state.learned_net = str(beside)
    return state


def check_writable(param: Any) -> None:
    """Find out before training whether snapshots can be written."""
    if param.snapshot_format == SolverParameter.HDF5:
        optional_import("h5py", "hdf5", f"{param.snapshot_prefix}_iter_{param.snapshot}.caffemodel.h5")
    probe = f"{param.snapshot_prefix}_iter_{param.max_iter}.tempfile"
    try:
        with open(probe, "wb"):
            pass
        os.unlink(probe)
    except OSError as error:
        raise FileError(
            f"Cannot write to snapshot prefix '{param.snapshot_prefix}'.  Make sure that the directory exists and is"
            f" writeable. ({error.strerror})"
        ) from error


def check_storable(param: Any, net: Net) -> None:
    """Find out before training whether the snapshots' format can hold the net's layers: HDF5 has no names with "/"."""
    if param.snapshot_format == SolverParameter.HDF5 and (param.snapshot > 0 or param.snapshot_after_train):
        try:
            check_hdf5_names(snapshot_files(param, param.snapshot or param.max_iter)[0], [layer.name for layer in net.layers])
        except WeightsError as error:
            raise WeightsError(f"{error}, with snapshot_format: BINARYPROTO in the solver") from None


def _flush(path: Path) -> None:
    """Let the file reach the disk before its name does, so that a power cut leaves no empty file."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
