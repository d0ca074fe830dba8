"""`caffe.SGDSolver` and its kin as pycaffe scripts use them, over `segaware_caffe.Solver`.

Their nets are pycaffe's: a script may write into `solver.net.blobs['data'].data` between steps, and
read every blob's data and diff after one; a learned blob's diff is then the step that was
subtracted. They run on the CPU; `segaware_caffe.Solver` is faster.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.pycaffe.mode import python_layers_allowed
from segaware_caffe.pycaffe.net import TEST, TRAIN, Net
from segaware_caffe.schema import NetParameter, SolverParameter, read_solver
from segaware_caffe.solver import Solver
from segaware_caffe.solver.runner import Options, Runner

SolverFile = str | bytes | os.PathLike[str] | SolverParameter


class LiteralRunner(Runner):
    """A pycaffe net and its passes; the learned blobs' gradients are its diffs."""

    loss_scale = None

    def __init__(self, proto: NetParameter, phase: str, options: Options):
        self._view = Net(
            proto,
            phase=TRAIN if phase == "TRAIN" else TEST,
            allow_python_layers=options.allow_python_layers,
            context=options.context,
        )
        self.net = self._view._net
        self._options = options
        self._batch = {}
        if phase == "TRAIN":
            for learned in self.net.learned:
                learned.tensor.grad = self._view._wiring.gradient(learned.tensor)

    @property
    def view(self) -> Net:
        return self._view

    def share_with(self, other: "LiteralRunner") -> None:
        self._view.share_with(other._view)

    def forward(self, inputs: Mapping[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        blobs = self._view.blobs
        for name, value in inputs.items():
            blobs[name].data[...] = value
        loss = self._view._forward(0, len(self._view.layers) - 1)
        sources = [self.net.graph.names[value] for node in self.net.graph.sources() for value in node.tops]
        self._batch = {name: torch.from_numpy(blobs[name].data) for name in sources if name in blobs}
        return torch.tensor(loss), {name: torch.from_numpy(blobs[name].data) for name in self._view.outputs}

    def forward_backward(self, inputs: Mapping[str, Any]) -> tuple[float, dict[str, torch.Tensor]]:
        loss, outputs = self.forward(inputs)
        self._view._backward(len(self._view.layers) - 1, 0)
        return float(loss), outputs


class LiteralSolver(Solver):
    """What pycaffe's solvers share: `net`, `test_nets`, `iter`, `step`, `solve`, `snapshot`, `restore`.

    A solver made by its class has that class's update rule, whatever the file's `type`.
    """

    runner_class = LiteralRunner
    type: ClassVar[str]

    def __init__(self, solver_file: SolverFile, **options: Any):
        param = _read(solver_file, options)
        param.type = self.type
        options["allow_python_layers"] = options.get("allow_python_layers") or python_layers_allowed()
        self._callbacks: list[tuple[Callable[[], Any], Callable[[], Any]]] = []
        super().__init__(param, device="cpu", **options)

    @property
    def lr(self) -> float:
        """The learning rate of the present iteration."""
        return self._schedule.rate(self.iter)

    def add_callback(self, on_start: Callable[[], Any], on_gradients_ready: Callable[[], Any]) -> None:
        """Call the first at the start of every iteration, and the second between its backward pass and its update."""
        self._callbacks.append((on_start, on_gradients_ready))

    def share_weights(self, net: Net) -> None:
        """Let `net` use this solver's weights, by layer name."""
        net.share_with(self.net)

    def apply_update(self) -> None:
        """Update the weights from their diffs, as `step` does between its passes; `iter` stays."""
        super()._update(False)

    def _forward_backward(self, inputs: Mapping[str, Any], display: bool) -> dict[str, torch.Tensor]:
        for on_start, _ in self._callbacks:
            on_start()
        return super()._forward_backward(inputs, display)

    def _update(self, display: bool) -> None:
        for _, on_gradients_ready in self._callbacks:
            on_gradients_ready()
        super()._update(display)


class SGDSolver(LiteralSolver):
    type = "SGD"


class NesterovSolver(LiteralSolver):
    type = "Nesterov"


class AdaGradSolver(LiteralSolver):
    type = "AdaGrad"


class RMSPropSolver(LiteralSolver):
    type = "RMSProp"


class AdaDeltaSolver(LiteralSolver):
    type = "AdaDelta"


class AdamSolver(LiteralSolver):
    type = "Adam"


_SOLVERS = {cls.type: cls for cls in LiteralSolver.__subclasses__()}


def get_solver(solver_file: SolverFile, **options: Any) -> LiteralSolver:
    """The solver of the kind that the file's `type` names."""
    kind = _read(solver_file, options).type
    if kind not in _SOLVERS:
        raise CaffeError(f"Unknown solver type: {kind}; there are: {', '.join(_SOLVERS)}")
    return _SOLVERS[kind](solver_file, **options)


def _read(solver_file: SolverFile, options: Mapping[str, Any]) -> SolverParameter:
    return read_solver(os.fsdecode(solver_file) if isinstance(solver_file, bytes) else solver_file, options.get("variables"))
