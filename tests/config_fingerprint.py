"""What a prototxt says, whatever its layout: a digest of the parsed message, the same with every protobuf release.

Placeholders take fixed values, all different, before the text is parsed. Made once from the original configs:

    python tests/config_fingerprint.py FOLDER > tests/golden/config_fingerprints.json
"""

import hashlib
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from google.protobuf import text_format
from google.protobuf.message import Message

from segaware_caffe.schema.messages import NetParameter, SolverParameter

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def value_of(name: str) -> str:
    """What the placeholder `name` stands for here; different for each of them, and a number unless it must be a word."""
    return "CPU" if name == "SOLVER_MODE" else str(crc32(name.encode()) % 1_000_000)


def placeholders(path: Path) -> list[str]:
    """The names of the placeholders outside comments, sorted."""
    return sorted(set(PLACEHOLDER.findall(re.sub("#.*", "", path.read_text()))))


@cache
def parsed(path: Path) -> Message:
    """The message in `path` as protobuf's own parser reads it, a solver or a net by the file's name."""
    text = PLACEHOLDER.sub(lambda found: value_of(found[1]), path.read_text())
    return text_format.Parse(text, SolverParameter() if path.name.startswith("solver") else NetParameter())


def facts(message: Message) -> dict[str, Any]:
    """The fields that are set, by name; floats with the nine digits that tell any two float32 apart."""

    def fact(value: Any) -> Any:
        if isinstance(value, Message):
            return facts(value)
        return f"{value:.9g}" if isinstance(value, float) else value

    return {
        field.name: fact(value) if isinstance(value, (Message, str, int, float)) else [fact(item) for item in value]
        for field, value in message.ListFields()
    }


def fingerprint(path: Path) -> dict[str, Any]:
    """The digest of what `path` says, and the placeholders it says it with."""
    canonical = json.dumps(facts(parsed(path)), sort_keys=True, separators=(",", ":"))
    return {"sha256": hashlib.sha256(canonical.encode()).hexdigest(), "placeholders": placeholders(path)}


def main(folder: Path) -> None:
    files = sorted(path.relative_to(folder) for path in folder.glob("*/*.prototxt"))
    json.dump({path.with_suffix("").as_posix(): fingerprint(folder / path) for path in files}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
