"""`upgrade_net_proto_text`: an old net's prototxt in the present form."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.files import replacing
from segaware_caffe.schema import modern_text, parse_text, write_text

logger = logging.getLogger(__name__)

DESCRIPTION = """\
usage: upgrade_net_proto_text v0_net_proto_file_in net_proto_file_out

Bring a net of an old version of Caffe, with V0 or V1 layers, input fields or other words of then, into the present form.

  segaware-caffe upgrade_net_proto_text old.prototxt new.prototxt"""


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "upgrade_net_proto_text", DESCRIPTION, {}, range(2, 3), upgrade)


def upgrade(words: list[str], flags: dict[str, Any]) -> None:
    """Read, upgrade, write; what has no word in the present form is named, and stays."""

    def change(net: Any) -> None:
        modern = modern_text(net)
        net.CopyFrom(modern.net)
        for word in modern.dropped:
            logger.info("Left out, for it changes nothing: %s", word)
        for word in modern.kept:
            logger.warning("Kept, for the present form has no word for it: %s", word)

    upgrade_text(words, "NetParameter", change)


def upgrade_text(words: list[str], name: str, change: Callable[[Any], None]) -> None:
    """Upgrade a text file that holds the message `name`."""
    from segaware_caffe.schema.read import file_text

    source, target = words
    message = parse_text(file_text(source), name, source)
    before = message.SerializePartialToString()
    change(message)
    if message.SerializePartialToString() == before:
        logger.error("File already in latest proto format: %s", source)
    with replacing(target) as temporary:
        Path(temporary).write_text(write_text(message), encoding="utf-8")
    logger.info("Wrote upgraded %s text proto to %s", name, target)
