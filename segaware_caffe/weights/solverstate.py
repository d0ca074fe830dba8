"""Solver states, .solverstate and .solverstate.h5: what a training run needs besides the weights (spec/pipeline.md 3, 4.6)."""

import math
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from segaware_caffe.errors import WeightsError
from segaware_caffe.files import replacing
from segaware_caffe.weights.blobs import B, BlobRef, as_blob
from segaware_caffe.weights.caffemodel import read_blob
from segaware_caffe.weights.hdf5 import Hdf5File, member, new_hdf5
from segaware_caffe.weights.mapped import MappedFile
from segaware_caffe.weights.wire import BYTES, FIXED32, VARINT, Scanner
from segaware_caffe.weights.write import blob_field, bytes_field, varint, write_parts

#: SolverState
ITER, LEARNED_NET, HISTORY, CURRENT_STEP, MINIMUM_LOSS, LAST_EVENT = 1, 2, 3, 4, 5, 6
#: `minimum_loss` before there was a loss
NO_LOSS = float(np.float32(1e38))
#: the datasets of the policy `plateau`, and what they would hold where they are missing
PLATEAU = {"iter_last_event": 0, "minimum_loss": NO_LOSS}
MAX_ITERATION = 2**31 - 1


@dataclass
class SolverState(Generic[B]):
    """A solver between two iterations.

    `iter` updates are done, the weights are in the file `learned_net`, the learning rate has come
    `current_step` steps down; `history` holds the update rule's memory, a blob for each learned
    one, twice for the rules with two memories. `last_event` and `minimum_loss` are what the policy `plateau`
    remembers; they are stored where it was used.
    """

    iter: int
    learned_net: str
    current_step: int
    history: Sequence[B]
    last_event: int = 0
    minimum_loss: float = NO_LOSS


def read_solverstate(path: str | os.PathLike[str]) -> SolverState[BlobRef]:
    """A solver state; a name that ends in .h5 is HDF5, as in the reference. CaffeError if it is damaged or something else.

    >>> import numpy as np
    >>> write_solverstate("net_iter_10.solverstate", SolverState(10, "net_iter_10.caffemodel", 0, [np.zeros(3, np.float32)]))
    >>> state = read_solverstate("net_iter_10.solverstate")
    >>> state.learned_net, len(state.history)
    ('net_iter_10.caffemodel', 1)
    """
    return _read_hdf5(path) if os.fspath(path).endswith(".h5") else _read_binary(path)


def write_solverstate(path: str | os.PathLike[str], state: SolverState[Any]) -> None:
    """Write a solver state in the format that the name says; the file appears when it is complete.

    >>> import numpy as np
    >>> write_solverstate("net_iter_10.solverstate", SolverState(10, "net_iter_10.caffemodel", 0, [np.zeros(3, np.float32)]))
    >>> read_solverstate("net_iter_10.solverstate").iter
    10
    """
    history = [as_blob(values, "history", index) for index, values in enumerate(state.history)]
    write = _write_hdf5 if os.fspath(path).endswith(".h5") else _write_binary
    write(path, state, history)


def _read_binary(path: str | os.PathLike[str]) -> SolverState[BlobRef]:
    file = MappedFile(path)
    scanner = Scanner(file.data, file.path)
    numbers: dict[int, int] = {}
    learned_net, minimum = "", NO_LOSS
    history: list[BlobRef] = []
    for field in scanner.fields(0, file.size):
        if field.number in (ITER, CURRENT_STEP, LAST_EVENT) and field.wire == VARINT:
            numbers[field.number] = field.value
        elif field.number == MINIMUM_LOSS and field.wire == FIXED32:
            (minimum,) = struct.unpack_from("<f", file.data, field.start)
        elif field.number == LEARNED_NET and field.wire == BYTES:
            learned_net = os.fsdecode(file.data[field.start : field.end])
        elif field.number == HISTORY and field.wire == BYTES:
            history.append(read_blob(scanner, file, field.start, field.end, f"history blob {len(history)}"))
    plateau = numbers.get(LAST_EVENT, 0), minimum
    return _checked_state(path, numbers.get(ITER), learned_net, numbers.get(CURRENT_STEP, 0), history, *plateau)


def _write_binary(path: str | os.PathLike[str], state: SolverState[Any], history: Sequence[BlobRef]) -> None:
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(_number_field(ITER, state.iter) + bytes_field(LEARNED_NET, os.fsencode(state.learned_net)))
        for index, blob in enumerate(history):
            write_parts(file, blob_field(HISTORY, blob, f"history blob {index}"))
        file.write(_number_field(CURRENT_STEP, state.current_step))
        if state.minimum_loss != NO_LOSS:
            file.write(varint(MINIMUM_LOSS << 3 | FIXED32) + struct.pack("<f", state.minimum_loss))
            file.write(_number_field(LAST_EVENT, state.last_event))


def _number_field(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value)


def _read_hdf5(path: str | os.PathLike[str]) -> SolverState[BlobRef]:
    file = Hdf5File(path, ["iter", "current_step", "learned_net", "history", *PLATEAU])
    iteration, step, name = (_value(file, key) for key in ("iter", "current_step", "learned_net"))
    stored = member(file.found, "history", "group", path, "/")["members"]
    history = []
    for index in range(len(stored)):
        history.append(file.blob(member(stored, str(index), "dataset", path, "/history"), f"{path}: history blob {index}"))
    event, loss = (_value(file, key) if file.found[key] else missing for key, missing in PLATEAU.items())
    if not isinstance(name, str) or not all(
        isinstance(number, (int, float)) and math.isfinite(number) for number in (iteration, step, event)
    ):
        raise WeightsError(f"{path}: a damaged solver state: iteration {iteration}, step {step}, last event {event}, weights in {name}")
    return _checked_state(path, int(iteration), name.split("\0")[0], int(step), history, int(event), float(loss))


def _value(file: Hdf5File, name: str) -> Any:
    """The one element of a dataset."""
    dataset = member(file.found, name, "dataset", file.path, "/")
    if dataset.get("value") is None:
        raise WeightsError(f"{file.path}: '/{name}' must hold one value, not {math.prod(dataset['shape'] or ())} of {dataset['type']}")
    return dataset["value"]


def _write_hdf5(path: str | os.PathLike[str], state: SolverState[Any], history: Sequence[BlobRef]) -> None:
    name = os.fsencode(state.learned_net)
    with new_hdf5(path) as file:
        file.create_dataset("iter", data=[state.iter], dtype="i4")
        file.create_dataset("learned_net", data=np.array(name, f"S{len(name) + 1}"))  # the reference reads C strings, ended by a zero
        file.create_dataset("current_step", data=[state.current_step], dtype="i4")
        if state.minimum_loss != NO_LOSS:
            file.create_dataset("iter_last_event", data=[state.last_event], dtype="i4")
            file.create_dataset("minimum_loss", data=[state.minimum_loss], dtype="f4")
        group = file.create_group("history")
        for index, blob in enumerate(history):
            group.create_dataset(str(index), data=blob.numpy())


def _checked_state(
    path: str | os.PathLike[str], iteration: int | None, learned_net: str, step: int, history: list[BlobRef], event: int, loss: float
) -> SolverState[BlobRef]:
    if iteration is None or not learned_net:
        raise WeightsError(f"{path}: not a solver state: it names no iteration, or no file of weights")
    if not all(0 <= number <= MAX_ITERATION for number in (iteration, step, event)):
        raise WeightsError(f"{path}: a damaged solver state: iteration {iteration}, step {step}, last event {event}")
    return SolverState(iteration, learned_net, step, history, event, loss)
