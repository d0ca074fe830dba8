"""The command `segaware-caffe`: arguments and printing, one module a subcommand.

A subcommand is a line of `COMMANDS` and the module of its name (dashes become underscores), which is
imported only when that subcommand is asked for, and has three things:

    DESCRIPTION: what `--help` says of it, an example included
    add_arguments(parser): declares its arguments
    run(args): does it; a mistake of the user's is a CaffeError

or, where the words are not argparse's to read, `main(argv)`, which does all and returns the exit status.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from segaware_caffe import __version__
from segaware_caffe.cli.ending import ending

#: subcommand -> one line on it, in the order of `--help`
COMMANDS = {
    "segment": "photographs to label images",
    "train": "train a net, as `caffe train`",
    "test": "score a net on its data layers, as `caffe test`",
    "time": "time a net layer by layer, as `caffe time`",
    "plot": "the curves in training logs, as a picture",
    "inspect": "layers, shapes, parameters and memory of a net",
    "view": "a net, and a photograph in it, as one HTML file to look at",
    "convert": "weights from one file format to another",
    "export": "a net and its weights to ONNX, PyTorch source or torch.export",
    "convert-db": "a LevelDB to an LMDB",
    "run": "a script written for Caffe's Python module, as it is",
    "render": "fill in the ${NAME} placeholders of a template",
    "voc": "PASCAL VOC: dataset, predictions, evaluation, submission",
    "convert_imageset": "a list of images to an LMDB or LevelDB",
    "compute_image_mean": "the mean of a database of images",
    "extract_features": "blobs of a net, for a database of images, to databases",
    "upgrade_net_proto_text": "an old net's prototxt in the present form",
    "upgrade_net_proto_binary": "an old net's caffemodel in the present form",
    "upgrade_solver_proto_text": "an old solver's prototxt in the present form",
    "draw_net": "a net as a picture of its graph",
    "classify": "class scores of images",
    "detect": "class scores of windows in images",
    "parse_log": "the numbers in a training log as two tables",
}
#: those of them that are Caffe's own tools; `caffe-segaware` has them too
TOOLS = (
    "convert_imageset",
    "compute_image_mean",
    "extract_features",
    "upgrade_net_proto_text",
    "upgrade_net_proto_binary",
    "upgrade_solver_proto_text",
    "draw_net",
    "classify",
    "detect",
    "parse_log",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; the exit status: 0 well, 2 a mistake of the user's (one sentence on stderr), 130 interrupted."""
    words = sys.argv[1:] if argv is None else list(argv)
    return ending("segaware-caffe", lambda: _run(words))


def _run(words: list[str]) -> int | None:
    command = words[0] if words else ""
    if command in COMMANDS and hasattr(_module(command), "main"):
        return _module(command).main(words[1:])
    args = make_parser(command).parse_args(words)
    return args.run(args)


def make_parser(command: str = "") -> argparse.ArgumentParser:
    """A parser that knows the arguments of `command`, and of the other subcommands no more than their names."""
    parser = argparse.ArgumentParser(prog="segaware-caffe", description="Caffe nets on PyTorch: train, run, inspect and convert them.")
    parser.add_argument("--version", action="version", version=f"segaware-caffe {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name == command:
            module = _module(name)
            subparser.description = module.DESCRIPTION
            subparser.set_defaults(run=module.run)
            module.add_arguments(subparser)
    return parser


def _module(command: str) -> ModuleType:
    return import_module(f"{__name__}.{command.replace('-', '_')}")
