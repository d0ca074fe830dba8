"""Signals and what they ask for; what a solver does with it, between iterations and in a test."""

import os
import signal
import subprocess
import sys
import time

import pytest
from solver.support import COUNTER, counting_solver

from segaware_caffe import CaffeError
from segaware_caffe.solver import Action, Signals


def test_signals_ask_once_and_sighup_comes_first():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)
    with Signals() as signals:
        assert signals.poll() is Action.NONE
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert [signals.poll() for _ in range(3)] == [Action.SNAPSHOT, Action.STOP, Action.NONE]
    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP))


@pytest.mark.parametrize(("effect", "action"), [("stop", Action.STOP), ("snapshot", Action.SNAPSHOT), ("none", Action.NONE)])
def test_either_may_have_any_effect(effect, action):
    with Signals(sigint=effect, sighup=effect) as signals:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.raise_signal(number)
            assert signals.poll() is action


def test_other_effects_are_refused():
    with pytest.raises(CaffeError, match='Invalid signal effect "halt" was specified; there are: stop, snapshot, none'):
        Signals(sigint="halt")


class Script:
    """Answers of `poll`: actions by the number of the call."""

    def __init__(self, **actions: Action):
        self._actions, self._calls = {int(call.removeprefix("call")): action for call, action in actions.items()}, 0

    def __call__(self) -> Action:
        self._calls += 1
        return self._actions.get(self._calls, Action.NONE)


def states(folder) -> list[int]:
    return sorted(int(path.stem.rsplit("_", 1)[1]) for path in folder.glob("run*.solverstate"))


def solver_in(folder, fields: str = "", **actions: Action):
    return counting_solver(f'snapshot_prefix: "{folder}/run" {fields}', poll=Script(**actions))


def test_a_snapshot_between_iterations_changes_nothing_else(tmp_path):
    solver = solver_in(tmp_path, call3=Action.SNAPSHOT)
    solver.solve()
    assert states(tmp_path) == [3, 10] and not solver.stopped


@pytest.mark.parametrize(("fields", "expected"), [("", [4]), ("snapshot: 4", [4]), ("snapshot_after_train: false", [])])
def test_stop_ends_training_with_a_snapshot_unless_there_is_one(tmp_path, caplog, fields, expected):
    caplog.set_level("INFO")
    solver = solver_in(tmp_path, fields, call4=Action.STOP)
    solver.solve()
    assert solver.iter == 4 and solver.stopped and states(tmp_path) == expected
    assert caplog.messages[-1] == "Optimization stopped early."
    solver.solve()
    assert solver.iter == 10 and caplog.messages[-1] == "Optimization Done."


def test_a_test_pass_serves_actions_before_each_batch(tmp_path, caplog):
    caplog.set_level("INFO", "segaware_caffe.solver")
    solver = solver_in(tmp_path, "test_iter: 4 test_interval: 3", call2=Action.SNAPSHOT, call4=Action.STOP)
    solver.solve()  # call 1 and 2: the first batch, twice, for an action was served; 3: the second; 4: the third
    assert solver.iter == 0 and solver.stopped
    assert states(tmp_path) == [0]
    assert [line for line in caplog.messages if "Test" in line] == ["Iteration 0, Testing net (#0)", "Test interrupted."]


def test_ctrl_c_on_the_command_line_snapshots_and_ends_well(tmp_path):
    (tmp_path / "net.prototxt").write_text(COUNTER % 3)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1 lr_policy: "fixed" max_iter: 100000000 snapshot_prefix: "run" solver_mode: CPU'
    )
    command = [sys.executable, "-m", "segaware_caffe", "train", "--solver", "solver.prototxt"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "Solving" in line:
                break
        os.kill(process.pid, signal.SIGHUP)
        while process.poll() is None and not states(tmp_path):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(states(tmp_path)) == 2
    assert "Optimization stopped early." in log and "Traceback" not in log
