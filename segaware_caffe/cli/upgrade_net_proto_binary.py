"""`upgrade_net_proto_binary`: an old net's caffemodel in the present form."""

import logging
from collections.abc import Sequence
from typing import Any

from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes, replacing
from segaware_caffe.schema import read_binary, upgrade_net, write_binary

logger = logging.getLogger(__name__)

DESCRIPTION = """\
usage: upgrade_net_proto_binary v0_net_proto_file_in net_proto_file_out

Bring a binary net of an old version of Caffe, weights and all, into the present form.

  segaware-caffe upgrade_net_proto_binary old.caffemodel new.caffemodel"""


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "upgrade_net_proto_binary", DESCRIPTION, {}, range(2, 3), upgrade)


def upgrade(words: list[str], flags: dict[str, Any]) -> None:
    """Read, upgrade, write."""
    source, target = words
    try:
        net = read_binary(read_bytes(source), "NetParameter")
    except OSError as error:
        raise FileError(f"{source}: cannot be read: {error.strerror}") from error
    before = net.SerializePartialToString()
    upgrade_net(net)
    if net.SerializePartialToString() == before:
        logger.error("File already in latest proto format: %s", source)
    with replacing(target) as temporary:
        temporary.write_bytes(write_binary(net))
    logger.info("Wrote upgraded NetParameter binary proto to %s", target)
