"""Single pictures of an evaluation: what each is worth, which are worth looking at, and these as small pictures for a page."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segaware_caffe.data.images import read_image
from segaware_caffe.errors import FileError
from segaware_caffe.segmentation.evaluate import Evaluation, find_prediction
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.metrics import VOID
from segaware_caffe.segmentation.workers import ahead

#: worst and best pictures of the whole set, and of each class, that are shown if there is room
SHOWN = 6
#: longer side of a picture in a page, in pixels, and bytes that all of them may take there
SIDE, ROOM = 240, 6_000_000
#: how photographs' names end
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Case:
    """A picture's figures, in percent.

    Attributes:
        mean_iou: over the classes that its labels or its prediction have.
        accuracy: share of the judged pixels that are right.
        iou: of each class that its labels have.
    """

    name: str
    mean_iou: float
    accuracy: float
    iou: dict[int, float]


@dataclass(frozen=True)
class Folders:
    """Where pictures are: predictions, and if they are there labels and photographs."""

    predictions: Sequence[Path]
    labels: Path | None
    photographs: Path | None


def cases(evaluation: Evaluation) -> list[Case]:
    """Every picture that was judged, the worst first."""
    found = []
    for name, (true, predicted, right) in evaluation.by_image.items():
        either = true + predicted - right
        iou = 100 * right / np.maximum(either, 1)
        mean = float(iou[either > 0].mean()) if either.any() else 0.0
        held = {int(label): float(iou[label]) for label in np.flatnonzero(true)}
        found.append(Case(name, mean, float(100 * right.sum() / max(true.sum(), 1)), held))
    return sorted(found, key=lambda case: (case.mean_iou, case.name))


def worth_seeing(ordered: Sequence[Case], classes: int, shown: int = SHOWN) -> list[str]:
    """Names of the worst and the best of all, and of those that hold each class by its IoU: first the first of each, then the second."""
    orders = [list(ordered)]
    for label in range(classes):
        orders.append(sorted((case for case in ordered if label in case.iou), key=lambda case: (case.iou[label], case.name)))
    picks = (case for rank in range(shown) for order in orders for case in (*order[rank : rank + 1], *order[::-1][rank : rank + 1]))
    return list(dict.fromkeys(case.name for case in picks))


def pictures(names: Sequence[str], folders: Folders, room: int = ROOM) -> dict[str, dict[str, Any]]:
    """As many of the pictures, in their order, as there is room for: `photo` (JPEG), and `labels`, a PNG whose red is the label and
    whose green is the prediction; `missing` says which photograph there should have been. CaffeError for one that cannot be read.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, picture in zip(names, _small(names, folders), strict=True):
        room -= sum(len(value) for value in picture.values() if value)
        if room < 0:
            break
        found[name] = picture
    return found


def _small(names: Sequence[str], folders: Folders) -> Iterator[dict[str, Any]]:
    return ahead(lambda name: _picture(name, folders), names)


def _picture(name: str, folders: Folders) -> dict[str, Any]:
    prediction = read_labels(find_prediction(name, folders.predictions))
    truth = read_labels(folders.labels / f"{name}.png") if folders.labels else np.full_like(prediction, VOID)
    scale = min(1.0, SIDE / max(prediction.shape))
    size = (max(1, round(prediction.shape[1] * scale)), max(1, round(prediction.shape[0] * scale)))
    both = Image.fromarray(np.stack([truth, prediction, np.zeros_like(truth)], -1)).resize(size, Image.Resampling.NEAREST)
    picture: dict[str, Any] = {"labels": _uri(both, "PNG"), "photo": None, "missing": None}
    if folders.photographs is not None:
        paths = [folders.photographs / f"{name}{suffix}" for suffix in SUFFIXES]
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            picture["missing"] = str(paths[0])
        else:
            photo = Image.fromarray(np.ascontiguousarray(read_image(path)[..., ::-1]))
            picture["photo"] = _uri(photo.resize(size, Image.Resampling.LANCZOS), "JPEG", quality=75)
    return picture


def find_photographs_of(labels: Path, given: Path | None) -> Path | None:
    """The folder of the photographs: the one given, or JPEGImages beside the labels' folder as in VOC, if it is there."""
    if given is not None and not given.is_dir():
        raise FileError(f"{given}: there is no such folder of photographs")
    usual = labels.absolute().parent / "JPEGImages"
    return given or (usual if usual.is_dir() else None)


def _uri(image: Image.Image, form: str, **options: Any) -> str:
    """The picture as an address that holds it."""
    stream = io.BytesIO()
    image.save(stream, format=form, optimize=True, **options)
    return f"data:image/{form.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
