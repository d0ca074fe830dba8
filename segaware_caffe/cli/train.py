"""`segaware-caffe train`: what `caffe train` does, with its flags and its lines."""

import argparse
import importlib
import logging
import os
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import torch

from segaware_caffe.cli.common import add_reading_arguments, add_variable_arguments, allowed_places, stages, variables, whole
from segaware_caffe.cli.glog import Screen, log_like_caffe
from segaware_caffe.cli.live_page import LivePage
from segaware_caffe.cli.running import check_gpus
from segaware_caffe.data.processes import Process
from segaware_caffe.errors import CaffeError
from segaware_caffe.extras import optional_import
from segaware_caffe.schema import read_solver
from segaware_caffe.solver import LogReader, Signals, Solver, default_device, keep_freed_memory, split_list

logger = logging.getLogger(__name__)

DESCRIPTION = """\
Train the net that a solver names, with the flags of `caffe train`, and log as it does. On a terminal a live line below the log
shows loss, learning rate, images a second and the time left.

  segaware-caffe train --solver solver.prototxt
  segaware-caffe train --solver solver.prototxt --snapshot model_iter_1000.solverstate
  segaware-caffe train --solver solver.prototxt --weights vgg.caffemodel,embs.caffemodel

On several GPUs or machines torchrun starts a process for each; the batch is then as many times the net's, as with Caffe:

  torchrun --nproc-per-node 4 -m segaware_caffe train --solver solver.prototxt
"""
#: seconds between two looks of the live line
REFRESH = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--solver", required=True, metavar="PROTOTXT", help="the solver's definition")
    parser.add_argument("--snapshot", default="", metavar="FILE", help="solver state to resume from, .solverstate or .solverstate.h5")
    parser.add_argument("--weights", default="", metavar="FILE,...", help="weights to start from, in place of the solver's own")
    parser.add_argument("--gpu", default="", metavar="ID,...", help="GPU, one for each process of torchrun (default: what the solver says)")
    parser.add_argument("--level", type=whole, help="level for include and exclude rules")
    parser.add_argument("--stage", default="", help="comma-separated stages for include and exclude rules")
    parser.add_argument("--sigint_effect", default="stop", metavar="EFFECT", help="what Ctrl-C does: stop (default), snapshot or none")
    parser.add_argument(
        "--sighup_effect", default="snapshot", metavar="EFFECT", help="what a hang-up does: snapshot (default), stop or none"
    )
    parser.add_argument("--allow-python-layers", action="store_true", help="let Python layers run the code that they name")
    add_reading_arguments(parser)
    parser.add_argument("--autocast", choices=("bfloat16", "float16"), help="mixed precision; weights and updates stay float32")
    parser.add_argument("--compile", action="store_true", help="run the net through torch.compile")
    parser.add_argument("--recompute", action="store_true", help="less memory, more time: compute inner blobs again for the backward pass")
    parser.add_argument("--tensorboard", metavar="DIR", help="write the curves for TensorBoard too")
    parser.add_argument("--view", metavar="FILE.html", help="write the curves into a page that keeps up while training goes on")
    add_variable_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Train; the log goes to stderr, as Caffe's does, that of the first process alone."""
    if args.snapshot and args.weights:
        raise CaffeError("Give a snapshot to resume training or weights to finetune but not both.")
    is_first = Process.this().is_first
    level = logging.INFO if is_first else logging.ERROR
    boards = [TensorBoardHandler(args.tensorboard)] if args.tensorboard and is_first else []
    pages = [LivePage(args.view, title=args.solver, resumed=bool(args.snapshot))] if args.view and is_first else []
    with log_like_caffe(level, *boards, *pages) as screen, Signals(args.sigint_effect, args.sighup_effect) as signals:
        train(args, signals, screen, pages)


def train(args: argparse.Namespace, signals: Signals, screen: Screen, watchers: Iterable[Callable[[Solver], None]] = ()) -> None:
    """The steps of `caffe train` (spec/pipeline.md 5.1)."""
    param = read_solver(args.solver, variables=variables(args), allow_unknown_fields=args.allow_unknown_fields)
    values = variables(args, args.solver, *filter(os.path.isfile, (param.net, param.train_net, *param.test_net)))
    device = _device(args.gpu, param)
    logger.info("Use CPU." if device.type == "cpu" else f"Using GPUs {device.index}")
    if device.type == "cpu":
        keep_freed_memory()
    solver = Solver(
        param,
        values,
        weights=[] if args.snapshot else split_list([args.weights]) or None,
        level=args.level,
        stages=stages(args),
        poll=signals.poll,
        device=device,
        autocast=args.autocast or None,
        compile=args.compile,
        recompute=args.recompute,
        allow_python_layers=args.allow_python_layers,
        allow_unknown_fields=args.allow_unknown_fields,
        allow_paths=allowed_places(args, args.solver),
    )
    solver.watchers.extend(watchers)
    if screen.is_live:
        solver.watchers.append(LiveLine(screen))
    if args.snapshot:
        logger.info("Resuming from %s", args.snapshot)
        solver.restore(args.snapshot)
    logger.info("Starting Optimization")
    solver.solve()
    logger.info("Optimization Done.")


def _device(gpus: str, param: Any) -> torch.device:
    """The GPU that --gpu names for this process, or else where the solver says."""
    process = Process.this()
    if not gpus:
        return default_device(param, process.local_rank)
    ids = check_gpus(gpus)
    if len(ids) != process.local_size:
        raise CaffeError(
            f"--gpu {gpus} names {len(ids)} GPUs, but {process.local_size} process(es) run here, and each takes one: start them by"
            f" torchrun --nproc-per-node {len(ids)} -m segaware_caffe train ..."
        )
    return torch.device("cuda", ids[process.local_rank])


class LiveLine:
    """Shows on the screen how far a solver is."""

    def __init__(self, screen: Screen):
        self._screen = screen
        self._start: tuple[float, int] | None = None
        self._shown = 0.0

    def __call__(self, solver: Solver) -> None:
        now = time.monotonic()
        if self._start is None:
            self._start = now, solver.iter
        if now - self._shown < REFRESH or solver.iter == self._start[1]:
            return
        self._shown = now
        each = (now - self._start[0]) / (solver.iter - self._start[1])
        left = timedelta(seconds=round(each * (solver.param.max_iter - solver.iter)))
        self._screen.show(
            f"iteration {solver.iter}/{solver.param.max_iter}  loss {solver.loss:.4g}  lr {solver.rate:.3g}"
            f"  {solver.images_per_iteration / each:.3g} images/s  {left} left"
        )


class TensorBoardHandler(logging.Handler):
    """Writes the values in log lines as TensorBoard's scalars (extra `tensorboard`)."""

    def __init__(self, folder: str):
        super().__init__()
        optional_import("tensorboard", "tensorboard", folder)
        self._writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter(folder)
        self._reader = LogReader()

    def emit(self, record: logging.LogRecord) -> None:
        point = self._reader.read(f"] {record.getMessage()}")
        if point:
            self._writer.add_scalar(point.curve, point.value, point.iteration)

    def close(self) -> None:
        self._writer.close()
        super().close()
