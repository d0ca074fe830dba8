"""The page itself: everything about a net in one HTML file that needs no other."""

import json
import math
import os
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from segaware_caffe.files import replacing
from segaware_caffe.net import Net
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
) -> None:
    """Write what there is to see of a net to the HTML file `path`, completely or not at all.

    Args:
        title: stands above; the net's name if there is none.
        photograph: (H, W, 3) uint8 RGB: shows every blob of it, and the masks.
        classes: names of the scores' channels.
        comparison: what `compare_nets` or `compare_weights` found.

    >>> write_page(Net('layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 } } }'), "net.html")
    """
    text, spans = net_text(net)
    page = {
        "layers": [layer | {"lines": span} for layer, span in zip(layers(net, net.load_report is not None), spans, strict=True)],
        "drawings": drawings(net),
        "totals": totals(net),
        "text": text,
        "photograph": None if photograph is None else photographed(net, photograph, classes),
        "comparison": comparison,
    }
    room = files("segaware_caffe.view")
    template = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined).from_string(
        room.joinpath("page.html").read_text()
    )
    html = template.render(
        title=title or net.name or "net",
        phase=net.phase,
        style=room.joinpath("page.css").read_text(),
        script=room.joinpath("page.js").read_text() + room.joinpath("masks.js").read_text(),
        page=_embedded(page),
    )
    with replacing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _embedded(content: Any) -> str:
    """JSON that may stand inside a script element: no end tag, no NaN."""
    return json.dumps(_plain(content), separators=(",", ":"), allow_nan=False).replace("</", "<\\/").replace("<!--", "<\\!--")


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
