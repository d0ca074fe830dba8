"""What the subcommands that run a net share: its device, the net itself, and progress by its layers."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from segaware_caffe.cli.common import allowed_places, progress, stages, variables
from segaware_caffe.errors import CaffeError
from segaware_caffe.net import Net
from segaware_caffe.net.plan import Step
from segaware_caffe.net.run import Observer, Tensors


def device(args: argparse.Namespace) -> torch.device:
    """The device that --gpu names."""
    return torch.device("cuda", check_gpus(args.gpu)[0]) if args.gpu else torch.device("cpu")


def check_gpus(gpus: str) -> list[int]:
    """The GPUs that --gpu names, by number or as "all". CaffeError if they are not there."""
    there = torch.cuda.device_count()
    if not there:
        raise CaffeError(f"--gpu {gpus}: PyTorch sees no CUDA device here; without --gpu the CPU is used")
    if gpus == "all":
        return list(range(there))
    ids = [int(number) if number.strip().isdigit() else there for number in gpus.split(",")]
    if max(ids) >= there:
        raise CaffeError(f"--gpu {gpus}: give numbers from 0 to {there - 1} separated by commas, or all")
    return ids


def make_net(args: argparse.Namespace, phase: str, prototxt: Any = None, passes: Iterable[str] | None = None) -> Net:
    """The net that the arguments describe, on its device."""
    net = Net(
        args.model if prototxt is None else prototxt,
        phase,
        weights=args.weights or None,
        variables=variables(args, args.model),
        passes=passes,
        level=args.level,
        stages=stages(args),
        allow_unknown_fields=args.allow_unknown_fields,
        allow_python_layers=args.allow_python_layers,
        allow_paths=allowed_places(args, args.model),
    )
    return net.to(device(args))


@contextmanager
def layer_progress(net: Net, runs: int, label: str) -> Iterator[Any]:
    """A progress bar that moves with every layer while the block runs `net` `runs` times."""
    with progress(runs * len(net.layers), label, "layer") as bar, net.observed_by(Progress(bar)):
        yield bar


class Progress(Observer):
    """Moves a progress bar on by the layers of every step."""

    def __init__(self, bar: Any):
        self._bar = bar

    def after(self, step: Step, bottoms: Tensors, tops: Tensors) -> None:
        self._bar.update(max(1, len(step.layers)))
