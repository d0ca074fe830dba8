"""What came of a reproduction, as report.html and report.json."""

import base64
import io
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from segaware_caffe.data.images import read_image
from segaware_caffe.files import replacing, write_json
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.metrics import devkit_text
from segaware_caffe.segmentation.palette import overlay
from segaware_caffe.segmentation.plots import write_pictures
from segaware_caffe.voc.reproduce import Outcome

#: photographs shown with their masks
EXAMPLES = 6


def write_report(outcome: Outcome) -> None:
    """Write report.json and report.html, which needs no other file, into the task's folder."""
    content = as_json(outcome)
    write_json(outcome.task.output / "report.json", content)
    template = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined).from_string(
        files("segaware_caffe.voc").joinpath("report.html").read_text()
    )
    evaluation = content["evaluation"]
    rows = zip(evaluation["classes"], evaluation["iou_percent"], evaluation["accuracy_percent"], strict=True) if evaluation else ()
    page = template.render(
        content, title=f"{outcome.task.net} on VOC2012 {outcome.task.subset}", measured=outcome.measured, published=outcome.published,
        classes=list(rows), pictures=_plots(outcome) + _examples(outcome),
    )  # fmt: skip
    with replacing(outcome.task.output / "report.html") as temporary:
        temporary.write_text(page)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything that is known, ready for `json.dump`."""
    return {
        "net": outcome.task.net,
        "subset": outcome.task.subset,
        "mean_iou_percent": {"measured": outcome.measured, "published": outcome.published},
        "images": outcome.images,
        "predicted": outcome.predicted,
        "seconds": outcome.seconds,
        "warnings": outcome.warnings,
        "archive": str(outcome.archive) if outcome.archive else None,
        "facts": outcome.facts,
        "evaluation": outcome.evaluation.as_json() if outcome.evaluation else None,
    }


def summary(outcome: Outcome) -> str:
    """The result in a few lines."""
    lines = [f"warning: {warning}" for warning in outcome.warnings]
    if outcome.evaluation:
        lines.append(devkit_text(outcome.evaluation.scores))
    measured = (
        f"{outcome.measured:.3f}%" if outcome.measured is not None else f"upload {outcome.archive} at http://host.robots.ox.ac.uk:8080"
    )
    published = f"{outcome.published:.3f}%" if outcome.published is not None else "not published for this network and set"
    lines += [f"mean IoU measured:  {measured}", f"mean IoU published: {published}", f"report: {outcome.task.output / 'report.html'}"]
    return "\n".join(lines)


def _plots(outcome: Outcome) -> list[tuple[str, str]]:
    """The evaluation's pictures, if there is one and matplotlib to draw them."""
    if outcome.evaluation is None or find_spec("matplotlib") is None:
        return []
    return [(path.stem, _embedded(path.read_bytes(), "png")) for path in write_pictures(outcome.evaluation, outcome.task.output)]


def _examples(outcome: Outcome) -> list[tuple[str, str]]:
    """Photographs from all over the set, each beside itself with its mask."""
    task = outcome.task
    names = task.voc.ids(task.subset)
    pictures = []
    for name in names[:: max(1, len(names) // EXAMPLES)][:EXAMPLES]:
        rgb = read_image(task.voc.image(name))[..., ::-1]
        pictures.append((name, _jpeg(np.hstack([rgb, overlay(rgb, read_labels(task.predictions / f"{name}.png"))]))))
    return pictures


def _jpeg(rgb: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, format="JPEG", quality=85)
    return _embedded(stream.getvalue(), "jpeg")


def _embedded(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
