"""What the README says of others, where it can be tried."""

import re

import cv2
import numpy as np
import pytest
from pages import ROOT

README = (ROOT / "README.md").read_text()
NET = """
    input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
    layer { name: "distances" type: "Im2dist" bottom: "data" top: "y" convolution_param { kernel_size: 3 pad: 1 }
            im2dist_param { norm: L1 } }
"""


def cell(row: str, column: str) -> str:
    """A cell of the table that compares."""
    titles, *rows = [line.strip("|").split("|") for line in README[README.index("## How it compares") :].split("\n\n")[1].splitlines()]
    (found,) = [cells for cells in rows if cells[0].strip().startswith(row)]
    return found[[title.strip() for title in titles].index(column)].strip()


def test_opencv_4_refuses_segmentation_aware_layers(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    assert cv2.__version__.startswith("4.") and cell("segmentation-aware layers", "OpenCV 4") == "no: refused"
    net = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"))
    net.setInput(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(cv2.error, match='of type "Im2dist"'):
        net.forward()


def test_the_times_beside_opencv_are_those_that_were_measured():
    row = re.search(r"^\| ResNet-50 \| .*?\*\*(.*?)\*\*", (ROOT / "docs" / "performance.md").read_text(), re.MULTILINE)
    assert (cell("ResNet-50", "this"), cell("ResNet-50", "OpenCV 4")) == (row[1], "1x")
