"""The page itself: everything about a net in one HTML file that needs no other."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from segaware_caffe.net import Net
from segaware_caffe.net.timing import Timing
from segaware_caffe.pages import write_document
from segaware_caffe.view.described import layers, net_text, totals
from segaware_caffe.view.drawing import drawings
from segaware_caffe.view.pictures import photographed


def write_page(
    net: Net,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    photograph: np.ndarray | None = None,
    classes: Sequence[str] = (),
    comparison: dict[str, Any] | None = None,
    measured: Timing | None = None,
) -> None:
    """Write what there is to see of a net to the HTML file `path`, completely or not at all.

    Args:
        title: stands above; the net's name if there is none.
        photograph: (H, W, 3) uint8 RGB: shows every blob of it, and the masks.
        classes: names of the scores' channels.
        comparison: what `compare_nets` or `compare_weights` found.
        measured: what `net.timing.timing` found: how long each step took.

    >>> write_page(Net('layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 } } }'), "net.html")
    """
    text, spans = net_text(net)
    page = {
        "layers": [layer | {"lines": span} for layer, span in zip(layers(net, net.load_report is not None, measured), spans, strict=True)],
        "drawings": drawings(net),
        "totals": totals(net),
        "text": text,
        "photograph": None if photograph is None else photographed(net, photograph, classes),
        "comparison": comparison,
    }
    write_document(path, "view/page.html", page, title=title or net.name or "net", phase=net.phase)
