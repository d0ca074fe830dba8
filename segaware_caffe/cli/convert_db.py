"""`segaware-caffe convert-db`: a LevelDB to an LMDB."""

import argparse

from segaware_caffe.cli.common import progress
from segaware_caffe.data.convert_db import convert_database

DESCRIPTION = """\
Copy a database, record for record, to one of another kind: a LevelDB, which needs a package that not every machine has, to
an LMDB, or back. The source's kind is known by what it holds.

  segaware-caffe convert-db examples/train_leveldb examples/train_lmdb
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", help="folder of a LevelDB or an LMDB")
    parser.add_argument("target", help="folder to write, which must not exist")
    parser.add_argument("--backend", choices=("LMDB", "LEVELDB"), default="LMDB", type=str.upper, help="kind to write (default LMDB)")


def run(args: argparse.Namespace) -> None:
    """Copy, and say how much there was."""
    count = 0
    with progress(None, args.source, "records") as bar:
        for now in convert_database(args.source, args.target, args.backend):
            bar.update(now - count)
            count = now
    print(f"{args.source} -> {args.target} ({args.backend}): {count} records")
