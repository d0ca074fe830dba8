"""The figures of docs/paper.md are those that scripts/make_figures.py draws."""

import subprocess
import sys

import numpy as np
import pytest
from pages import ROOT
from PIL import Image


@pytest.mark.slow
def test_the_figures_are_the_script_s(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts" / "make_figures.py", "--output", tmp_path], check=True)
    committed = ROOT / "docs" / "figures"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in committed.iterdir())
    for path in committed.iterdir():
        ours, theirs = (np.asarray(Image.open(each).convert("RGB"), np.float32) for each in (tmp_path / path.name, path))
        assert ours.shape == theirs.shape and abs(ours - theirs).mean() < 2, path.name  # of 255: another FreeType draws other letters
