"""The command `segaware-caffe`: arguments and printing, one module a subcommand."""

import argparse
import sys
from collections.abc import Sequence

from segaware_caffe import __version__
from segaware_caffe.cli import convert, convert_db, inspect, plot, render, segment, test, time, train, voc
from segaware_caffe.errors import CaffeError

COMMANDS = (segment, train, test, time, plot, inspect, convert, convert_db, render, voc)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; the exit status: 0 well, 2 a mistake of the user's (one sentence on stderr), 130 interrupted."""
    parser = argparse.ArgumentParser(prog="segaware-caffe", description="Caffe nets on PyTorch: train, run, inspect and convert them.")
    parser.add_argument("--version", action="version", version=f"segaware-caffe {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        args.run(args)
    except (CaffeError, OSError) as error:
        print(f"segaware-caffe: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("segaware-caffe: interrupted", file=sys.stderr)
        return 130
    return 0
