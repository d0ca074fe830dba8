"""Write docs/dialects.md, the table of every word that forks of Caffe have and BVLC's has not, from the package's own tables.

python scripts/make_dialect_docs.py [--output FILE]
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from segaware_caffe.schema.dialects import FORKS, Kind, Word, foreign_type, words
from segaware_caffe.schema.treatments import UNBUILT_TYPES

TARGET = Path(__file__).resolve().parent.parent / "docs" / "dialects.md"
HEADER = """\
# Dialects

Written by `scripts/make_dialect_docs.py` from the package's own tables (`segaware_caffe/schema/forks.tsv` and `treatments.py`);
change those, not this file. CI checks that it is current.

Every fork of Caffe added words to its prototxt. All of those below can be read; what becomes of each is one of four things:

| kind | words | what happens |
|---|---|---|
| {same} | {n_same} | read into the field of today; refused if both are given and differ |
| {own} | {n_own} | read and obeyed: the layers are those of docs/layers.md |
| {harmless} | {n_harmless} | read, ignored, and named once at INFO: it changes no number |
| {refused} | {n_refused} | one error with all such words of a file, which nothing skips: their lines, and what would be needed |

A refused word that says its default (`torch_pooling: false`) means nothing, and is ignored like a harmless one. So is one in a layer
that the phase leaves out. The parameters of layer types that are not built are read whole; a net that has such a layer is refused when
it is built, and the error names the fork. Weight files are read by the names of their layers alone, so that those of every fork load,
and `convert` from .caffemodel to .caffemodel keeps every byte of what it does not know.

A word that no fork here has is an error that names it. Say it with a piece of .proto, `segaware_caffe.extend_schema` (on the command
line `--schema FILE`), or skip it with a warning, `allow_unknown_fields` (`--allow-unknown-fields`).

"""


def document() -> str:
    """The whole page."""
    # V1's copies of a layer's words say nothing new
    rows = [word for key, word in sorted(words().items()) if key[1] == word.message]
    counts = Counter(word.kind.name.lower() for word in rows)
    header = HEADER.format(**{kind.name.lower(): kind.value for kind in Kind}, **{f"n_{kind}": count for kind, count in counts.items()})
    return (
        "\n".join([header + "## Forks", "", *_forks(rows), "", "## Layer types that are not built", "", *_types(), "", *_words(rows)])
        + "\n"
    )


def _forks(rows: Iterable[Word]) -> list[str]:
    counts = Counter(fork for word in rows for fork in word.forks)
    table = ["| fork | repository | words |", "|---|---|---|"]
    return table + [f"| {name} | {repository} | {counts[key]} |" for key, (name, repository) in FORKS.items()]


def _types() -> list[str]:
    table = ["| type | forks | what it does |", "|---|---|---|"]
    return table + [f"| {name} | {foreign_type(name).owners} | {foreign_type(name).note} |" for name in sorted(UNBUILT_TYPES)]


def _words(rows: list[Word]) -> list[str]:
    """A section for each message or enum, its words with equal fate in one row."""
    lines = ["## Words", ""]
    for message in sorted({word.message for word in rows}):
        groups: dict[tuple[str, str, str], list[str]] = {}
        for word in rows:
            if word.message == message:
                groups.setdefault((word.kind.value, word.owners, word.note), []).append(f"`{word.name}`")
        lines += [f"### {message}", "", "| word | kind | forks | |", "|---|---|---|---|"]
        lines += [f"| {', '.join(names)} | {kind} | {owners} | {note} |" for (kind, owners, note), names in groups.items()]
        lines.append("")
    return lines[:-1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=TARGET)
    parser.parse_args().output.write_text(document())
