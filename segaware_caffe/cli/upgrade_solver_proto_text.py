"""`upgrade_solver_proto_text`: an old solver's prototxt in the present form."""

from collections.abc import Sequence
from typing import Any

from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.cli.upgrade_net_proto_text import upgrade_text
from segaware_caffe.schema import upgrade_solver

DESCRIPTION = """\
usage: upgrade_solver_proto_text old_solver_proto_file_in solver_proto_file_out

Turn a solver's old `solver_type` into the present `type`.

  segaware-caffe upgrade_solver_proto_text old_solver.prototxt solver.prototxt"""


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "upgrade_solver_proto_text", DESCRIPTION, {}, range(2, 3), upgrade)


def upgrade(words: list[str], flags: dict[str, Any]) -> None:
    """Read, upgrade, write."""
    upgrade_text(words, "SolverParameter", upgrade_solver)
