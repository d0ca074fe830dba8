"""Training: Caffe's solver loop, from the first test pass to the last snapshot (spec/pipeline.md 4)."""

import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.errors import CaffeError, FieldError
from segaware_caffe.layers import Context, set_random_seed
from segaware_caffe.net import Net
from segaware_caffe.schema import SolverParameter, read_solver, write_text
from segaware_caffe.solver.average import Average
from segaware_caffe.solver.debug import debug_lines
from segaware_caffe.solver.distributed import Processes
from segaware_caffe.solver.nets import NetSource, test_sources, train_source
from segaware_caffe.solver.policies import Schedule
from segaware_caffe.solver.runner import Options, Runner, default_device
from segaware_caffe.solver.signals import Action
from segaware_caffe.solver.snapshot import check_storable, check_writable, read_snapshot, snapshot_files, write_snapshot
from segaware_caffe.solver.updates import Updater

logger = logging.getLogger(__name__)


class Solver:
    """Trains the net that a solver prototxt names.

    Args:
        prototxt: path or text of a solver, or a SolverParameter. The paths in it count from the
            working directory, as in the reference.
        variables: values of the `${NAME}` placeholders in the solver and in its nets.
        allow_unknown_fields: warn about unknown fields there instead of refusing them.
        allow_paths: folders that the solver and its nets may name files in, beside the current one, the solver's own,
            and the values of variables.
        weights: files to start from, in turn, in place of the solver's own `weights`.
        level, stages: added to the train net's state, which its include and exclude rules look at.
        poll: asked after every update, and before every test batch, what to do; see `signals.Signals`.
        device: where to train; None for what `solver_mode` and `device_id` say: the first GPU unless
            solver_mode is CPU or there is none (which is logged).
        autocast, compile, recompute, allow_python_layers: see `runner.Options`.

    Under torchrun every process takes a share of the data; see `distributed`. The reference restores
    neither random numbers nor the place in the data when it resumes, and neither does this.

    Attributes: `param` (the SolverParameter), `net`, `test_nets` (whose weights are the train net's),
    `iter` (updates done), `loss` (averaged over `average_loss` iterations), `rate` (the last update's),
    `stopped` (whether `poll` said stop), `watchers` (called with the solver after every update).

    >>> from segaware_caffe.schema import read_solver
    >>> proto = read_solver('base_lr: 0.1 lr_policy: "fixed" max_iter: 30 snapshot_after_train: false solver_mode: CPU')
    >>> from segaware_caffe.schema import read_net
    >>> proto.net_param.CopyFrom(read_net('''
    ...     layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 4 dim: 1 } data_filler { value: 1 } } }
    ...     layer { name: "y" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
    ...     layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" top: "loss" }
    ... '''))
    >>> solver = Solver(proto)
    >>> solver.step(30)
    >>> solver.iter, solver.net.params["y"][0].item() > 0.4
    (30, True)
    """

    runner_class: ClassVar[type[Runner]] = Runner

    def __init__(
        self,
        prototxt: str | os.PathLike[str] | SolverParameter,
        variables: Mapping[str, Any] | None = None,
        *,
        weights: Iterable[str | os.PathLike[str]] | None = None,
        level: int | None = None,
        stages: Iterable[str] = (),
        poll: Callable[[], Action] = lambda: Action.NONE,
        device: torch.device | str | None = None,
        autocast: str | None = None,
        compile: bool = False,
        recompute: bool = False,
        allow_python_layers: bool = False,
        allow_unknown_fields: bool = False,
        allow_paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    ):
        self.param = param = read_solver(prototxt, variables=variables, allow_unknown_fields=allow_unknown_fields)
        self.allowed_paths = AllowedPaths().plus(allow_paths, prototxt, (variables or {}).values())
        self.poll = poll
        self.processes = Processes()
        self.iter, self.loss, self.rate, self.stopped = 0, math.nan, math.nan, False
        self.watchers: list[Callable[[Solver], None]] = []
        self._reading: dict[str, Any] = {"variables": variables, "allow_unknown_fields": allow_unknown_fields}
        device = default_device(param, self.processes.this.local_rank) if device is None else torch.device(device)
        if device.type == "cuda":
            torch.cuda.set_device(device)  # where this process's collective operations run
        self._options = Options(device, autocast, compile, recompute, param.debug_info, allow_python_layers)
        logger.info("Initializing solver from parameters: \n%s", write_text(param).rstrip("\n"))
        self._check()
        self._seed()
        mine, whole = Context(self.processes.this, paths=self.allowed_paths), Context(paths=self.allowed_paths)
        self._train = self._make("Creating training net %s", train_source(param, level, stages), "TRAIN", mine)
        check_storable(param, self._train.net)
        self.processes.same(learned.tensor for learned in self._train.net.learned)
        sources = test_sources(param) if self.processes.this.is_first else []
        self._tests = [self._make(f"Creating test net (#{index}) %s", source, "TEST", whole) for index, source in enumerate(sources)]
        for test in self._tests:
            test.share_with(self._train)
        self._updater = Updater(param, self._train.net.learned)
        self._schedule = Schedule(param)
        self._average = Average(param.average_loss)
        logger.info("Solver scaffolding done.")
        for path in self._own_weights() if weights is None else weights:
            self._finetune(path)

    # -- the loop --------------------------------------------------------------------------

    def solve(self, resume: str | os.PathLike[str] | None = None) -> None:
        """Train from here, or from the solver state `resume`, to `max_iter`; test and write snapshots as the solver says."""
        param = self.param
        if param.snapshot_after_train:
            self._check_prefix()
        logger.info("Solving %s", self._train.net.name)
        logger.info("Learning Rate Policy: %s", param.lr_policy)
        if resume is not None:
            logger.info("Restoring previous solver status from %s", resume)
            self.restore(resume)
        self.step(param.max_iter - self.iter)
        if param.snapshot_after_train and not self._due(param.snapshot):
            self.snapshot()
        if self.stopped:
            logger.info("Optimization stopped early.")
            return
        if self._due(param.display):
            with torch.no_grad():
                loss = self._train.forward({})[0]
            self.processes.average([loss])
            self.loss = self._average.add(float(loss))
            logger.info("Iteration %d, loss = %g", self.iter, self.loss)
        if self._due(param.test_interval):
            self.test_all()
        logger.info("Optimization Done.")

    def step(self, count: int = 1, **inputs: Any) -> None:
        """Train `count` iterations, or until `poll` says stop.

        `inputs` are arrays for the blobs of Input layers, as for `net(data=x)`, the same for all passes.
        """
        self._average, self.stopped = Average(self.param.average_loss), False
        last = self.iter + count
        shown = self.iter, time.perf_counter()
        while self.iter < last:
            if self._due(self.param.test_interval) and (self.iter > 0 or self.param.test_initialization):
                self.test_all()
                if self.stopped:
                    break
            display = self._due(self.param.display)
            outputs = self._forward_backward(inputs, display)
            if display:
                seconds = time.perf_counter() - shown[1]
                speed = (self.iter - shown[0]) / (seconds or 1)
                shown = self.iter, time.perf_counter()
                logger.info("Iteration %d (%g iter/s, %gs/%d iters), loss = %g", self.iter, speed, seconds, self.param.display, self.loss)
                self._log_outputs("Train", self._train.net, outputs)
            self._update(display)
            self.iter += 1
            for watch in self.watchers:
                watch(self)
            action = Action(self.processes.largest(self.poll()))
            if self._due(self.param.snapshot) or action is Action.SNAPSHOT:
                self.snapshot()
            if action is Action.STOP:
                self.stopped = True
                break

    def _forward_backward(self, inputs: Mapping[str, Any], display: bool) -> dict[str, torch.Tensor]:
        """Sum up the gradients of `iter_size` passes, on all processes; the outputs of the last pass."""
        train, culprit, total = self._train, None, 0.0
        train.clear_gradients()
        for _ in range(self.param.iter_size):
            with debug_lines(train.net, display and self.param.debug_info):
                loss, outputs = train.forward_backward(inputs)
            if not math.isfinite(loss) and culprit is None:
                culprit = train.first_not_finite()
            total += loss
        mean = total / self.param.iter_size
        if self.processes.size > 1:
            shared = torch.tensor(mean, device=self._options.device)
            self.processes.average([*train.gradients, shared])
            mean = float(shared)
        if not math.isfinite(mean):
            raise CaffeError(
                f"Iteration {self.iter}: the loss is {mean:g}; {culprit or 'another process says why'}. Training stops without a snapshot"
            )
        self.loss = self._average.add(mean)
        return outputs

    def _update(self, display: bool) -> None:
        self.rate = self._schedule.rate(self.iter, self.loss)
        if display:
            logger.info("Iteration %d, lr = %g", self.iter, self.rate)
        scale = self._train.loss_scale
        if scale and not scale.undo(self._train.gradients):
            logger.info("Iteration %d: gradients overflow float16; no update, and the loss is scaled by %g now", self.iter, scale.factor)
            return
        self._updater.apply(self.rate, self.iter, display and self.param.debug_info)

    # -- testing ---------------------------------------------------------------------------

    def test_all(self) -> None:
        """Run every test net for its `test_iter` batches and log the means of its outputs."""
        for index in range(len(self._tests)):
            if not self.stopped:
                self._test(index)
        self.stopped = bool(self.processes.largest(self.stopped))

    @torch.no_grad()
    def _test(self, index: int) -> None:
        logger.info("Iteration %d, Testing net (#%d)", self.iter, index)
        runner, batches = self._tests[index], self.param.test_iter[index]
        total, sums = 0.0, dict[str, torch.Tensor]()
        for _ in range(batches):
            self._serve_actions()
            if self.stopped:
                logger.info("Test interrupted.")
                return
            with debug_lines(runner.net, self.param.debug_info):
                loss, outputs = runner.forward({})
            total += float(loss)
            sums = {name: value.double() + sums.get(name, 0) for name, value in outputs.items()}
        if self.param.test_compute_loss:
            logger.info("Test loss: %g", total / batches)
        self._log_outputs("Test", runner.net, {name: value / batches for name, value in sums.items()})

    def _serve_actions(self) -> None:
        while (action := self.poll()) is not Action.NONE:
            if action is Action.SNAPSHOT:
                self.snapshot()
            else:
                self.stopped = True

    def _log_outputs(self, kind: str, net: Net, outputs: Mapping[str, torch.Tensor]) -> None:
        weights, index = net.loss_weights, 0
        for name, values in outputs.items():
            weight = weights.get(name, 0.0)
            for value in values.flatten().tolist():
                suffix = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
                logger.info("    %s net output #%d: %s = %g%s", kind, index, name, value, suffix)
                index += 1

    # -- files -----------------------------------------------------------------------------

    def snapshot(self) -> str:
        """Write weights and solver state, `<snapshot_prefix>_iter_<iter>...`; the name of the solver state."""
        self._check_prefix()
        if self.processes.this.is_first:
            write_snapshot(self.param, self._train.net, self.iter, self._schedule, self._updater.history)
        return snapshot_files(self.param, self.iter)[1]

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a solver state, .solverstate or .solverstate.h5, and the weights that it names."""
        state = read_snapshot(path, [memory.shape for memory in self._updater.history], self.allowed_paths)
        self._train.net.load_weights(state.learned_net)
        logger.info("SGDSolver: restoring history")
        for blob, memory in zip(state.history, self._updater.history, strict=True):
            blob.read_into(memory)
        self.iter, schedule = state.iter, self._schedule
        schedule.current_step, schedule.last_event, schedule.minimum_loss = state.current_step, state.last_event, state.minimum_loss

    def _finetune(self, path: str | os.PathLike[str]) -> None:
        logger.info("Finetuning from %s", path)
        for runner in (self._train, *self._tests):
            runner.net.load_weights(path)

    # -- setting up ------------------------------------------------------------------------

    @property
    def net(self) -> Any:
        """The net that is trained."""
        return self._train.view

    @property
    def test_nets(self) -> list[Any]:
        """The nets that are tested, in the solver's order."""
        return [test.view for test in self._tests]

    @property
    def images_per_iteration(self) -> int:
        """How many items of data an update takes, as far as the last batch tells."""
        return self._train.batch_size * self.param.iter_size * self.processes.size

    def _make(self, words: str, source: NetSource, phase: str, context: Context) -> Runner:
        logger.info(words, source.words)
        return self.runner_class(source.read(self.allowed_paths, **self._reading), phase, replace(self._options, context=context))

    def _check(self) -> None:
        param = self.param
        for field in ("average_loss", "iter_size"):
            if getattr(param, field) < 1:
                raise FieldError(f"{field} should be at least 1, not {getattr(param, field)}")
        if min(param.test_iter, default=1) < 1:
            raise FieldError(f"test_iter should be at least 1, not {min(param.test_iter)}")
        if param.snapshot > 0:
            if not param.snapshot_prefix:
                raise FieldError("In solver params, snapshot is specified but snapshot_prefix is not")
            self._check_prefix()
            if self.processes.this.is_first:
                check_writable(param)
        if param.HasField("layer_wise_reduce"):
            logger.info("layer_wise_reduce has no effect here: processes exchange gradients once an iteration")

    def _check_prefix(self) -> None:
        for file in snapshot_files(self.param, self.iter):
            self.allowed_paths.check(file, "snapshot_prefix")

    def _own_weights(self) -> list[str]:
        return [self.allowed_paths.check(path, "weights") for path in split_list(self.param.weights)]

    def _seed(self) -> None:
        """Seed fillers, dropout and data; processes that share the data must shuffle it alike."""
        seed = self.param.random_seed
        if seed < 0 and self.processes.size > 1:
            seed = self.processes.same_number(int.from_bytes(os.urandom(4), "little"))
        if seed >= 0:
            set_random_seed(seed)
            torch.manual_seed(seed + self.processes.this.rank)

    def _due(self, interval: int) -> bool:
        """Whether something that happens every `interval` iterations (0: never) happens now."""
        return interval > 0 and self.iter % interval == 0


def split_list(texts: Iterable[str]) -> list[str]:
    """The names in comma-separated lists."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]
