"""Solver states: both formats there and back, the reference's own, and files that are damaged or something else."""

import h5py
import numpy as np
import pytest
from golden_oracle import GOLDEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaware_caffe import CaffeError
from segaware_caffe.schema import SolverState as Message
from segaware_caffe.weights import NO_LOSS, SolverState, read_solverstate, write_solverstate

REFERENCE = GOLDEN / "solver" / "adam_iter_10.solverstate"
HISTORY = [np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([7]), np.full((1, 2, 1, 2), 0.5, np.float32)]

suffixes = pytest.mark.parametrize("suffix", ["", ".h5"])


@suffixes
def test_there_and_back(tmp_path, suffix):
    path = tmp_path / f"x.solverstate{suffix}"
    write_solverstate(path, SolverState(2**31 - 1, "möglich/x.caffemodel", 3, HISTORY))
    state = read_solverstate(path)
    assert (state.iter, state.learned_net, state.current_step) == (2**31 - 1, "möglich/x.caffemodel", 3)
    for blob, values in zip(state.history, HISTORY, strict=True):
        np.testing.assert_array_equal(blob.numpy(), values)


@suffixes
def test_what_the_plateau_policy_remembers(tmp_path, suffix):
    """SSD's fields, which a fork reads too; absent where there is nothing to remember."""
    path = tmp_path / f"x.solverstate{suffix}"
    write_solverstate(path, SolverState(9, "w", 3, HISTORY, last_event=7, minimum_loss=0.25))
    state = read_solverstate(path)
    assert (state.last_event, state.minimum_loss) == (7, 0.25)
    if not suffix:
        message = Message.FromString(path.read_bytes())
        assert (message.iter_last_event, message.minimum_loss) == (7, 0.25)
    write_solverstate(path, SolverState(9, "w", 3, HISTORY))
    assert (read_solverstate(path).last_event, read_solverstate(path).minimum_loss) == (0, NO_LOSS)


def test_more_blobs_than_a_layer_may_have(tmp_path):
    for suffix in ("", ".h5"):
        write_solverstate(tmp_path / f"x{suffix}", SolverState(0, "w", 0, [np.float32([i]) for i in range(300)]))
        assert [blob.numpy().item() for blob in read_solverstate(tmp_path / f"x{suffix}").history] == list(range(300))


def test_the_references_file_is_read_and_written_to_the_byte(tmp_path):
    state = read_solverstate(REFERENCE)
    message = Message.FromString(REFERENCE.read_bytes())
    for blob, stored in zip(state.history, message.history, strict=True):
        np.testing.assert_array_equal(blob.numpy(), np.reshape(stored.data, stored.shape.dim))
    write_solverstate(tmp_path / "again", state)
    assert (tmp_path / "again").read_bytes() == REFERENCE.read_bytes()


def test_a_state_without_steps_is_at_the_first(tmp_path):
    (tmp_path / "x").write_bytes(Message(iter=4, learned_net="w").SerializeToString())
    assert read_solverstate(tmp_path / "x").current_step == 0


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (Message(learned_net="w"), "not a solver state: it names no iteration, or no file of weights"),
        (Message(iter=1), "not a solver state"),
        (Message(iter=-1, learned_net="w"), "a damaged solver state"),
        (Message(iter=1, learned_net="w", iter_last_event=-1), "a damaged solver state"),
        (Message(iter=1, learned_net="w", history=[{"shape": {"dim": [2]}, "data": [1]}]), "history blob 0: its shape is 2 (2), 2 values"),
    ],
)
def test_messages_that_are_no_state(tmp_path, message, sentence):
    (tmp_path / "x").write_bytes(message.SerializeToString())
    with pytest.raises(CaffeError) as error:
        read_solverstate(tmp_path / "x")
    assert str(error.value).startswith(str(tmp_path / "x")) and sentence in str(error.value)


def wrong_iter(file):
    del file["iter"]
    file["iter"] = [1, 2]


def no_history(file):
    del file["history"]


def a_gap(file):
    del file["history/1"]


def text_history(file):
    del file["history/0"]
    file["history/0"] = ["a"]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (wrong_iter, "'/iter' must hold one value, not 2"),
        (no_history, "it has no group 'history'"),
        (a_gap, "it has no dataset '1' in '/history'"),
        (text_history, "history blob 0: holds object, not numbers"),
    ],
)
def test_hdf5_files_that_are_no_state(tmp_path, damage, sentence):
    path = tmp_path / "x.h5"
    write_solverstate(path, SolverState(1, "w", 0, HISTORY))
    with h5py.File(path, "a") as file:
        damage(file)
    with pytest.raises(CaffeError) as error:
        read_solverstate(path)
    assert sentence in str(error.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_bytes_are_an_error_or_another_state(tmp_path, data):
    content = bytearray(REFERENCE.read_bytes()[: data.draw(st.integers(1, 400))])
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "x").write_bytes(content)
    try:
        for blob in read_solverstate(tmp_path / "x").history:
            blob.numpy()
    except CaffeError:
        pass
