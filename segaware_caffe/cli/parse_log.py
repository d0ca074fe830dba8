"""`parse_log`: the numbers in a training log, Caffe's or ours, as two tables."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.errors import CaffeError
from segaware_caffe.files import replacing

DESCRIPTION = """\
usage: parse_log [--verbose] [--delimiter ,] logfile_path output_dir

Write what the train net and the test nets put out to <log's name>.train and <log's name>.test: tables with the columns NumIters,
Seconds, LearningRate and one for each output.

  segaware-caffe parse_log train.log ."""
FLAGS = {"verbose": (False, "print the rows too"), "delimiter": (",", "what stands between two columns")}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "parse_log", DESCRIPTION, FLAGS, range(2, 3), parse)


def parse(words: list[str], flags: dict[str, Any]) -> None:
    """Read the log, write the tables."""
    from segaware_caffe.solver.log_tables import read_tables

    log, folder = words
    if len(flags["delimiter"]) != 1:
        raise CaffeError(f"--delimiter '{flags['delimiter']}': it is one character")
    for kind, rows in read_tables(log).items():
        path = Path(folder, f"{Path(log).name}.{kind}")
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, columns, delimiter=flags["delimiter"], lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        print(f"Wrote {path}")
        if flags["verbose"]:
            for row in rows:
                print("  ", row)
