"""An evaluation, or what came of a reproduction, as a page to look at (report.html); the latter as report.json too."""

import os
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

from segaware_caffe.files import write_json
from segaware_caffe.pages import write_document
from segaware_caffe.segmentation.boundaries import BANDS
from segaware_caffe.segmentation.evaluate import Evaluation
from segaware_caffe.segmentation.metrics import class_names, devkit_text
from segaware_caffe.segmentation.palette import colormap, safe_colours
from segaware_caffe.segmentation.plots import write_pictures
from segaware_caffe.voc.cases import Folders, cases, pictures, worth_seeing
from segaware_caffe.voc.reproduce import Outcome

#: photographs shown with their predictions where there are no labels
EXAMPLES = 12
#: figures of single pictures that a page lists
LISTED = 100_000


def write_evaluation(path: str | os.PathLike[str], evaluation: Evaluation, folders: Folders, title: str) -> None:
    """Write an evaluation to the HTML file `path`, at most about 8 MB, completely or not at all.

    It shows classes, confusion matrix, trimaps, and the worst and the best pictures, of all and of each class. CaffeError for
    a picture that cannot be read.
    """
    _write(path, title, evaluation, _judged(evaluation, folders), outcome=None)


def write_report(outcome: Outcome) -> None:
    """Write report.json and report.html, which needs no other file, into the task's folder; with matplotlib its plots too."""
    task, evaluation = outcome.task, outcome.evaluation
    write_json(task.output / "report.json", as_json(outcome))
    folders = Folders([task.predictions], task.voc.labels if evaluation else None, task.voc.images)
    if evaluation is None:
        names = task.voc.ids(task.subset)
        shown = pictures(names[:: max(1, len(names) // EXAMPLES)][:EXAMPLES], folders)
        pages = {"cases": [{"name": name, "iou": {}, **picture} for name, picture in shown.items()]}
    else:
        pages = _judged(evaluation, folders)
        if find_spec("matplotlib"):
            write_pictures(evaluation, task.output)
    _write(task.output / "report.html", f"{task.net} on VOC2012 {task.subset}", evaluation, pages, outcome)


def _write(path: str | os.PathLike[str], title: str, evaluation: Evaluation | None, data: dict[str, Any], outcome: Outcome | None) -> None:
    classes = len(evaluation.confusion.counts) if evaluation else len(class_names(21))
    data |= {
        "classes": list(class_names(classes)),
        "palettes": {name: colours.tolist() for name, colours in (("colour-blind safe", safe_colours()), ("VOC", colormap()))},
    }
    figures = evaluation.as_json() if evaluation else None
    write_document(path, "voc/report.html", data, title=title, evaluation=figures, outcome=outcome)


def _judged(evaluation: Evaluation, folders: Folders) -> dict[str, Any]:
    """What the page's script shows of an evaluation."""
    ordered = cases(evaluation)
    shown = pictures(worth_seeing(ordered, evaluation.classes), folders)
    listed = sorted(ordered, key=lambda case: case.name not in shown)
    figures_so_far = accumulate(len(case.iou) + 2 for case in listed)
    figures = evaluation.as_json()
    return {
        "iou": figures["iou_percent"],
        "accuracy": figures["accuracy_percent"],
        "boundary": figures["boundary_f_by_class_percent"],
        "mean_iou": figures["mean_iou_percent"],
        "pictures": [sum(label in case.iou for case in ordered) for label in range(evaluation.classes)],
        "confusion": figures["confusion_rows_true_columns_predicted"],
        "trimap": [{"width": width, **figures["trimap"][str(width)]} for width in range(1, BANDS + 1)],
        "images": len(ordered),
        "cases": [
            {
                "name": case.name,
                "mean_iou": round(case.mean_iou, 3),
                "accuracy": round(case.accuracy, 3),
                "iou": {label: round(value, 3) for label, value in case.iou.items()},
                **shown.get(case.name, {}),
            }
            for case, so_far in zip(listed, figures_so_far, strict=True)
            if so_far <= LISTED
        ],
    }


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
