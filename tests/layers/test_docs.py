"""docs/layers.md is what the registry says now."""

import subprocess
import sys
from pathlib import Path

from segaware_caffe.layers import registered

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_layers_is_current(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts" / "make_layer_docs.py", "--output", tmp_path / "layers.md"], check=True)
    assert (tmp_path / "layers.md").read_text() == (ROOT / "docs" / "layers.md").read_text(), "run scripts/make_layer_docs.py"


def test_every_layer_has_a_documented_source():
    lines = (ROOT / "docs" / "layers.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| [")]
    assert len(rows) == len(registered())
    assert not [row for row in rows if row.endswith("|  |")]
