"""`caffe.SGDSolver` and its kin as pycaffe scripts use them, over `segaware_caffe.Solver`.

Their nets are pycaffe's: a script may write into `solver.net.blobs['data'].data` between steps, and
read every blob's data and diff after one; a learned blob's diff is then the step that was
subtracted. They run on the CPU.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.errors import CaffeError
from segaware_caffe.net import Net as CoreNet
from segaware_caffe.pycaffe.lazy import Watch
from segaware_caffe.pycaffe.mode import paths_allowed, python_layers_allowed
from segaware_caffe.pycaffe.net import TEST, TRAIN, Net
from segaware_caffe.schema import NetParameter, SolverParameter, read_solver
from segaware_caffe.solver import Solver
from segaware_caffe.solver.runner import Options, Runner

SolverFile = str | bytes | os.PathLike[str] | SolverParameter


class BlobRunner(Runner):
    """A pycaffe net and its passes; the learned blobs' gradients are its diffs.

    Training goes through the ordinary engine where its numbers are the reference's (see `lazy`),
    and else, as testing does, layer by layer through the blobs.
    """

    def __init__(self, proto: NetParameter, phase: str, options: Options):
        super().__init__(proto, phase, options)
        self._watch: Watch | None = None
        if phase == "TRAIN":
            self._watch = Watch(self._view)
            for learned in self.net.learned:
                learned.tensor.grad = self._view._wiring.gradient(learned.tensor)

    def make_net(self, proto: NetParameter, phase: str, options: Options) -> CoreNet:
        self._view = Net(
            proto, phase=TRAIN if phase == "TRAIN" else TEST, allow_python_layers=options.allow_python_layers, context=options.context
        )
        self._view._net.pass_names = () if options.literal else None
        return self._view._net

    @property
    def view(self) -> Net:
        return self._view

    def share_with(self, other: Runner) -> None:
        self._view.share_with(other.view)

    def settle(self) -> None:
        """Bring all blobs up to date."""
        if self._watch:
            self._watch.settle()

    def updated(self) -> None:
        """The weights were updated by the diffs."""
        if self._watch:
            self._watch.updated()

    def forward(self, inputs: Mapping[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        view, watch = self._view, self._watch
        for name, value in inputs.items():
            view.blobs[name].data[...] = value
        kept = watch.begin() if watch else None
        if watch is None or kept is None:
            self._by_engine = False
            loss = torch.tensor(view._forward(0, len(view.layers) - 1))
            self._batch = {view._blob_names[i]: torch.from_numpy(view._blobs[i].data) for i in self._source_ids}
            return loss, {name: torch.from_numpy(view.blobs[name].data) for name in view.outputs}
        self._by_engine, self._batch = True, watch.batch
        with self._precision():
            loss, values = self._forward_loss(keep=kept, **self._batch)
        watch.fill(values)
        return loss, {name: values[name] for name in view.outputs}

    def forward_backward(self, inputs: Mapping[str, Any]) -> tuple[float, dict[str, torch.Tensor]]:
        loss, outputs = super().forward_backward(inputs)
        if not self._by_engine:
            self._view._backward(len(self._view.layers) - 1, 0)
        elif self._watch:
            self._watch.went_backward()
        return loss, outputs

    def clear_gradients(self) -> None:
        """The arrays that scripts hold stay the gradients."""
        if self.gradients:
            torch._foreach_zero_(self.gradients)

    @property
    def _source_ids(self) -> list[int]:
        return [
            number for step, tops in zip(self._view._steps, self._view._wiring.tops, strict=True) if not step.bottoms for number in tops
        ]


class LiteralSolver(Solver):
    """What pycaffe's solvers share: `net`, `test_nets`, `iter`, `step`, `solve`, `snapshot`, `restore`.

    A solver made by its class has that class's update rule, whatever the file's `type`.
    """

    runner_class = BlobRunner
    _train: BlobRunner
    type: ClassVar[str]

    def __init__(self, solver_file: SolverFile, **options: Any):
        param = _read(solver_file, options)
        param.type = self.type
        options["allow_python_layers"] = options.get("allow_python_layers") or python_layers_allowed()
        options["allow_paths"] = AllowedPaths().plus(paths_allowed(options.get("allow_paths", ())), _path(solver_file)).places
        self._callbacks: list[tuple[Callable[[], Any], Callable[[], Any]]] = []
        super().__init__(param, device="cpu", **options)

    @property
    def lr(self) -> float:
        """The learning rate of the present iteration."""
        return self._schedule.rate(self.iter)

    def add_callback(self, on_start: Any, on_gradients_ready: Callable[[], Any] | None = None) -> None:
        """Call the first at the start of every iteration, and the second between its backward pass and its update.

        One argument is an object with methods of these names, such as `caffe.NCCL`.
        """
        if on_gradients_ready is None:
            on_start, on_gradients_ready = on_start.on_start, on_start.on_gradients_ready
        self._callbacks.append((on_start, on_gradients_ready))

    def share_weights(self, net: Net) -> None:
        """Let `net` use this solver's weights, by layer name."""
        net.share_with(self.net)

    def apply_update(self) -> None:
        """Update the weights from their diffs, as `step` does between its passes; `iter` stays."""
        self._train.settle()
        super()._update(False)

    def restore(self, path: str | bytes | os.PathLike[str]) -> None:
        self._train.settle()
        super().restore(os.fsdecode(path))

    def _forward_backward(self, inputs: Mapping[str, Any], display: bool) -> dict[str, torch.Tensor]:
        for on_start, _ in self._callbacks:
            on_start()
        return super()._forward_backward(inputs, display)

    def _update(self, display: bool) -> None:
        for _, on_gradients_ready in self._callbacks:
            on_gradients_ready()
        super()._update(display)
        self._train.updated()


class SGDSolver(LiteralSolver):
    type = "SGD"


class NesterovSolver(SGDSolver):
    type = "Nesterov"


class AdaGradSolver(SGDSolver):
    type = "AdaGrad"


class RMSPropSolver(SGDSolver):
    type = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    type = "AdaDelta"


class AdamSolver(SGDSolver):
    type = "Adam"


_KINDS: list[type[LiteralSolver]] = [SGDSolver, *SGDSolver.__subclasses__()]
_SOLVERS = {cls.type: cls for cls in _KINDS}


def get_solver(solver_file: SolverFile, **options: Any) -> LiteralSolver:
    """The solver of the kind that the file's `type` names."""
    kind = _read(solver_file, options).type
    if kind not in _SOLVERS:
        raise CaffeError(f"Unknown solver type: {kind}; there are: {', '.join(_SOLVERS)}")
    return _SOLVERS[kind](solver_file, **options)


def _read(solver_file: SolverFile, options: Mapping[str, Any]) -> SolverParameter:
    return read_solver(_path(solver_file), options.get("variables"))


def _path(solver_file: SolverFile) -> str | os.PathLike[str] | SolverParameter:
    return os.fsdecode(solver_file) if isinstance(solver_file, bytes) else solver_file
