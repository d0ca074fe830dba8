"""Is a VOC folder complete and sound: every file that an experiment will read, read once before it starts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segaware_caffe.data.images import open_image, read_image
from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.metrics import VOID
from segaware_caffe.segmentation.palette import CLASSES
from segaware_caffe.segmentation.workers import Track, ahead, untracked
from segaware_caffe.voc.dataset import SUBSETS, VocFolder

#: files written out for each kind of problem before "and 7 more"
SHOWN = 10


@dataclass
class Report:
    """What a check found.

    Attributes:
        counts: for each set the number of its images.
        missing, unreadable, mismatched, wrong: a sentence for each file that is not there, cannot be
            decoded, has another size than its photograph, or holds something else than labels.
    """

    counts: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """Number of files in trouble."""
        return sum(map(len, self._kinds().values()))

    @property
    def miscounted(self) -> list[str]:
        """The sets that have another number of images than published."""
        return [name for name, count in self.counts.items() if count != SUBSETS.get(name, count)]

    def as_json(self) -> dict[str, Any]:
        """Everything that was found, ready for `json.dump`."""
        published = {name: SUBSETS[name] for name in self.counts if name in SUBSETS}
        files = {name: getattr(self, name) for name in ("missing", "unreadable", "mismatched", "wrong")}
        return {"sound": not (self.problems or self.miscounted), "images": self.counts, "published": published, **files}

    def _kinds(self) -> dict[str, list[str]]:
        return {
            "missing": self.missing,
            "unreadable": self.unreadable,
            "of another size than their photograph": self.mismatched,
            "not labels": self.wrong,
        }

    def __str__(self) -> str:
        lines = []
        for name, count in self.counts.items():
            published = SUBSETS.get(name, count)
            lines.append(f"{name:<14}{count:6} images" + ("" if count == published else f", published: {published}"))
        for kind, sentences in self._kinds().items():
            if sentences:
                lines.append(f"{kind}: {len(sentences)}")
                lines += [f"  {sentence}" for sentence in sentences[:SHOWN]]
                if len(sentences) > SHOWN:
                    lines.append(f"  and {len(sentences) - SHOWN} more")
        return "\n".join([*lines, f"{self.problems} problems" if self.problems else "all files are sound"])


def check(folder: VocFolder, subsets: Iterable[str] = SUBSETS, track: Track = untracked) -> Report:
    """Decode every photograph of the sets and every label that belongs to one.

    val is judged by SegmentationClass; the sets that one trains on, and val where SegmentationClassAug is there,
    need that too. `track` sees the images go by.
    """
    report = Report()
    wanted: dict[str, set[Path]] = {}
    for subset in subsets:
        try:
            ids = folder.ids(subset)
        except CaffeError as error:
            report.missing.append(str(error))
            continue
        report.counts[subset] = len(ids)
        for name in ids:
            wanted.setdefault(name, set()).update(_label_folders(folder, subset))

    def look(name: str) -> Report:
        return _look_at(folder.image(name), [labels / f"{name}.png" for labels in sorted(wanted[name])], folder)

    for found in track(ahead(look, sorted(wanted)), len(wanted)):
        for kind, sentences in found._kinds().items():
            report._kinds()[kind].extend(sentences)
    return report


def _label_folders(folder: VocFolder, subset: str) -> list[Path]:
    """Where each image of the set should have a label."""
    if subset == "test":
        return []
    if subset.endswith("_aug"):
        return [folder.training_labels]
    return [folder.labels, folder.training_labels] if folder.training_labels.is_dir() else [folder.labels]


def _look_at(image: Path, labels: Iterable[Path], folder: VocFolder) -> Report:
    """What is wrong with a photograph and its labels."""
    report = Report()
    size = None
    if not image.exists():
        report.missing.append(str(image))
    else:
        try:
            size = read_image(image).shape[:2]
        except CaffeError as error:
            report.unreadable.append(str(error))
    for path in labels:
        if path.exists():
            _look_at_label(path, size, folder, report)
        else:
            report.missing.append(str(path))
    return report


def _look_at_label(path: Path, size: tuple[int, int] | None, folder: VocFolder, report: Report) -> None:
    try:
        label = read_labels(path)
        with open_image(path) as image:
            mode = image.mode
    except CaffeError as error:
        report.unreadable.append(str(error))
        return
    if size is not None and label.shape != size:
        report.mismatched.append(f"{path}: {label.shape[0]} x {label.shape[1]}, its photograph is {size[0]} x {size[1]} (height x width)")
    stray = label[(label >= len(CLASSES)) & (label != VOID)]
    if len(stray):
        report.wrong.append(f"{path}: holds {stray[0]}, which is neither a class nor void")
    if path.parent == folder.training_labels and mode != "L":
        report.wrong.append(f"{path}: an image of mode {mode}; data layers read labels as grey, so these must be raw grey images")
