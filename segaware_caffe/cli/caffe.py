"""`caffe-segaware`: a stand-in for the `caffe` binary, with its commands, its flags and its way to write them (spec/pipeline.md 5.1)."""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from segaware_caffe.cli import COMMANDS as COMMANDS_OF_BOTH
from segaware_caffe.cli import TOOLS
from segaware_caffe.cli.ending import ending
from segaware_caffe.cli.gflags import LOGGING, FlagError, describe, fatal, parse, set_logging, version_line
from segaware_caffe.cli.glog import log_like_caffe
from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import extend_schema

logger = logging.getLogger(__name__)

USAGE = """\
usage: caffe-segaware <command> <flags>

commands:
  train           train or finetune a model
  test            score a model
  device_query    show GPU diagnostic information
  time            benchmark model execution time

flags, each as -f value, --f value, -f=value or --f=value; of those without a value, --nof means the opposite:
"""
#: name -> (default, what it is for); the type of the default is the flag's, None stands for an int that may be left out
FLAGS: dict[str, tuple[Any, str]] = {
    "solver": ("", "train: the solver's definition"),
    "model": ("", "test, time: the net's definition"),
    "snapshot": ("", "train: the solver state to resume from"),
    "weights": ("", "test: the weights; train: weights to start from, separated by commas"),
    "iterations": (50, "test, time: how many iterations to run"),
    "gpu": ("", "GPUs to use, separated by commas, or all; none: the CPU, or for train what the solver says"),
    "phase": ("TRAIN", "time: TRAIN or TEST"),
    "level": (None, "level for include and exclude rules"),
    "stage": ("", "stages for include and exclude rules, separated by commas"),
    "sigint_effect": ("stop", "train: what SIGINT does: stop, snapshot or none"),
    "sighup_effect": ("snapshot", "train: what SIGHUP does: snapshot, stop or none"),
    "set": ([], "NAME=VALUE of a ${NAME} placeholder; may be given again"),
    "variables": ("", "file of NAME=VALUE lines for ${NAME} placeholders"),
    "schema": ([], "piece of .proto with messages and fields of your own; may be given again"),
    "allow_python_layers": (False, "let Python layers run the code that they name"),
    "allow_path": ([], "folder that prototxts may name files in too; may be given again"),
    "allow_unknown_fields": (False, "warn about unknown fields instead of refusing them"),
    "autocast": ("", "train: mixed precision, bfloat16 or float16"),
    "compile": (False, "train: run the net through torch.compile"),
    "recompute": (False, "train: less memory, more time"),
    "json": ("", "test, time: file for the figures as JSON, or -"),
    "tensorboard": ("", "train: folder for TensorBoard's files"),
    "view": ("", "train: .html that shows the curves while training goes on"),
    **LOGGING,
}
#: command, which is also the module that runs it -> the flags that it cannot do without
COMMANDS: dict[str, dict[str, str]] = {
    "device_query": {},
    "test": {"model": "Need a model definition to score.", "weights": "Need model weights to score."},
    "time": {"model": "Need a model definition to time."},
    "train": {"solver": "Need a solver definition to train."},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; the exit status: 0 well, 1 flags that cannot be read, 2 another mistake, 130 interrupted."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in TOOLS:
        return import_module(f"segaware_caffe.cli.{argv[0]}").main(argv[1:])
    try:
        words, flags = parse(argv, FLAGS)
    except FlagError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    if flags["version"]:
        print(version_line("caffe"))
        return 0
    if flags["help"] or len(words) != 1:
        print(usage())
        return 0
    set_logging(flags)
    return ending("caffe-segaware", lambda: run(words[0], flags), fatal)


def usage() -> str:
    """The help text."""
    tools = "\n".join(f"  {name:27} {COMMANDS_OF_BOTH[name]}" for name in TOOLS)
    return f"{USAGE}{describe(FLAGS)}\n\nand Caffe's tools, each with words and flags of its own (see --help after its name):\n{tools}"


def run(command: str, flags: Mapping[str, Any]) -> None:
    """Run a command; CaffeError in the reference's words if it is unknown or lacks a flag."""
    if command not in COMMANDS:
        with log_like_caffe():
            logger.error("Available caffe actions:")
            for name in COMMANDS:
                logger.error("\t%s", name)
        raise CaffeError(f"Unknown action: {command}")
    for name, why in COMMANDS[command].items():
        if not flags[name]:
            raise CaffeError(f"Check failed: FLAGS_{name}.size() > 0 (0 vs. 0) {why}")
    flags = dict(flags)
    if command != "train":
        flags["level"] = flags["level"] or 0
    import torch  # only now: --help does not wait for it

    if flags["gpu"] and command != "device_query" and not torch.cuda.device_count():
        with log_like_caffe():
            logger.warning("--gpu %s: PyTorch sees no CUDA device here; the CPU is used", flags["gpu"])
        flags["gpu"] = ""
    for piece in flags["schema"]:
        extend_schema(piece)
    import_module(f"segaware_caffe.cli.{command}").run(argparse.Namespace(**flags))


if __name__ == "__main__":
    sys.exit(main())
