"""The paper's experiment as one function: render, check, predict, evaluate or pack (spec/pipeline.md 7.1 to 7.4)."""

import hashlib
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import segaware_caffe
from segaware_caffe.configs import FOLDER
from segaware_caffe.data.processes import Process
from segaware_caffe.errors import FileError, WeightsError
from segaware_caffe.files import make_folder, replacing, write_json
from segaware_caffe.schema import file_text, read_net, read_variables, render
from segaware_caffe.schema.templates import Value
from segaware_caffe.segmentation.evaluate import Evaluation, evaluate, listed
from segaware_caffe.segmentation.predict import Predictor, predict, read_entries, unfinished
from segaware_caffe.segmentation.workers import Track, untracked, wait_for_all
from segaware_caffe.voc.check import check
from segaware_caffe.voc.dataset import SUBSETS, VocFolder, write_lists
from segaware_caffe.voc.fetch import SBD, TEST, TRAINVAL, WEIGHTS, Download, wanted
from segaware_caffe.voc.submit import check_predictions, pack

#: mean IoU in percent that the authors published, by network and set
PUBLISHED = {("res", "test"): 79.839}

#: file among the predictions that says what they are of
MADE_BY = ".made_by"

#: the networks, by their folders under configs/
NETS = ("res", "vgg")


@dataclass(frozen=True)
class Task:
    """What to reproduce: a network on a set, with which weights, and the folder for all that comes of it."""

    voc: VocFolder
    weights: Path
    output: Path
    net: str = "res"
    subset: str = "val"
    configs: Path = FOLDER
    device: str = "cpu"

    @property
    def predictions(self) -> Path:
        """The folder of the label images."""
        return self.output / "results" / "VOC2012" / "Segmentation" / f"comp6_{self.subset}_cls"

    @property
    def template(self) -> Path:
        """The network before its placeholders are filled in."""
        return self.configs / self.net / "test.prototxt"

    @property
    def config(self) -> Path:
        """The network that is run."""
        return self.output / "config" / f"test_voc_{self.subset}.prototxt"

    @property
    def list(self) -> Path:
        """The photographs that it is run on."""
        return self.output / "list" / f"voc_{self.subset}.txt"


@dataclass
class Outcome:
    """What came of it; `seconds` and `facts` are for the report."""

    task: Task
    images: int = 0
    predicted: int = 0
    evaluation: Evaluation | None = None
    archive: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def measured(self) -> float | None:
        """Mean IoU in percent; None for the test set, whose labels only the server has."""
        return self.evaluation.scores.mean_iou if self.evaluation else None

    @property
    def published(self) -> float | None:
        """The authors' figure for this network and set, if they gave one."""
        return PUBLISHED.get((self.task.net, self.task.subset))


def require(voc: Path | None, weights: Path | None, net: str, subset: str) -> None:
    """Raise CaffeError, which says what to fetch from where, if the dataset or the weights are not there."""
    missing: list[str] = []
    downloads: list[Download | str] = []
    if voc is None or not VocFolder(voc).images.is_dir() or not (VocFolder(voc).sets / f"{subset}.txt").exists():
        missing.append(f"the dataset ({'no --voc given' if voc is None else f'no {subset} set in {voc}'})")
        downloads += [TRAINVAL, TEST, SBD] if subset == "test" else [TRAINVAL, SBD]
    if weights is None or not weights.exists():
        missing.append(f"the weights ({'no --weights given' if weights is None else f'no file {weights}'})")
        downloads.append(WEIGHTS[net])
    if missing:
        raise FileError(f"missing: {', '.join(missing)}; to fetch:\n{wanted(downloads)}")


def reproduce(task: Task, tracker: Callable[[str, str], Track] = lambda label, unit: untracked) -> Outcome | None:
    """Do all of it, or the rest of it if it was stopped. Under torchrun the predictions are shared out; None but on the first process.

    Raises CaffeError. What can be refused without the dataset's images (the template, the weights, an output folder of other
    predictions) is refused before they are read.
    """
    require(task.voc.root, task.weights, task.net, task.subset)
    process = Process.this()
    outcome = Outcome(task)
    config = rendered(task)
    if process.rank == 0:
        _refuse_output(task)
    predictor = _load(outcome, config)
    if process.rank == 0:
        with _timed(outcome, "check"):
            _check(outcome, tracker("checking", " images"))
        prepare(outcome, config)
    wait_for_all(process)
    _predict(outcome, predictor, process, untracked if process.rank else tracker("predicting", " images"))
    wait_for_all(process)
    if process.rank:
        return None
    with _timed(outcome, "evaluation"):
        _judge(outcome, tracker)
    _describe(outcome, process)
    return outcome


def rendered(task: Task) -> str:
    """The network's text: the template with the published values, and with the dataset and the folders of this task."""
    values: dict[str, Value] = {
        **read_variables(FOLDER / task.net / f"voc_{task.subset}.vars"), "NET_ID": task.net, "DATA_ROOT": str(task.voc.root),
        "EXP": str(task.output), "TEST_SET": f"voc_{task.subset}", "FEATURE_DIR": str(task.output / "features"), "BATCH_SIZE": 1,
    }  # fmt: skip
    return render(file_text(task.template), values, str(task.template))


def _refuse_output(task: Task) -> None:
    """CaffeError if the folder cannot be written, or holds the predictions of other weights or of another network."""
    there = next(folder for folder in (task.output, *task.output.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise FileError(f"{task.output}: nothing can be written there; take another --output")
    note = task.predictions / MADE_BY
    if note.exists() and note.read_text() != _made_by(task):
        raise FileError(f"{task.predictions}: holds predictions of other weights or another network; take another --output, or remove it")


def _load(outcome: Outcome, config: str) -> Predictor:
    """The network with its weights. CaffeError if the weights are not a network's of this template."""
    task = outcome.task
    with _timed(outcome, "loading"):
        predictor = Predictor(read_net(config), weights=task.weights, allow_paths=[task.voc.root])
        predictor.net.to(task.device)
    report = predictor.net.load_report
    assert report is not None
    types = {layer.name: layer.type for layer in reversed(predictor.net.layers)}
    untrained = [name for name in report.missing if types[name] in ("Convolution", "InnerProduct")]
    if untrained:
        raise WeightsError(f"{task.weights}: not the weights of {task.template}: they have nothing for {listed(untrained)}")
    if report.missing:
        outcome.warnings.append(f"the weights leave these layers as the config fills them: {listed(report.missing)}")
    return predictor


def _check(outcome: Outcome, track: Track) -> None:
    task = outcome.task
    report = check(task.voc, [task.subset], track)
    if report.problems:
        raise FileError(f"{task.voc.root}: the dataset is not sound\n{report}")
    outcome.warnings += [
        f"{name} has {report.counts[name]} images, published: {SUBSETS[name]}; its result cannot be compared" for name in report.miscounted
    ]


def prepare(outcome: Outcome, config: str) -> None:
    """Write the lists and the config, and note what they and the weights are: a folder is for one network only."""
    task = outcome.task
    write_lists(task.voc, task.list.parent, [task.subset])
    make_folder(task.config.parent)
    with replacing(task.config) as temporary:
        temporary.write_text(config)
    outcome.facts["sha256"] = {str(path): sha256(path) for path in (task.weights, task.template, task.list)}
    with replacing(make_folder(task.predictions) / MADE_BY) as temporary:
        temporary.write_text(_made_by(task))


def _made_by(task: Task) -> str:
    """What tells predictions of one network and its weights from those of others."""
    return f"{sha256(task.weights)} {sha256(task.template)}\n"


def _predict(outcome: Outcome, predictor: Predictor, process: Process, track: Track) -> None:
    task = outcome.task
    entries = read_entries(str(task.list))
    outcome.images = len(entries)
    todo = unfinished(process.of(entries), task.predictions)
    with _timed(outcome, "prediction"):
        for _ in track(predict(predictor, todo, task.predictions), len(todo)):
            outcome.predicted += 1


def _judge(outcome: Outcome, tracker: Callable[[str, str], Track]) -> None:
    task = outcome.task
    names = task.voc.ids(task.subset)
    if task.subset == "test":
        check_predictions(task.predictions, names, task.voc, tracker("checking", " predictions"))
        outcome.archive = task.output / "results.tgz"
        pack(task.predictions, names, outcome.archive)
    else:
        outcome.evaluation = evaluate(names, [task.predictions], task.voc.labels, track=tracker("evaluating", " images"))
        write_json(task.output / "evaluation.json", outcome.evaluation.as_json())


def _describe(outcome: Outcome, process: Process) -> None:
    """What one wants to know of the machine, years later."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    outcome.facts |= {
        "versions": {"segaware_caffe": segaware_caffe.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {process.size} processes",
        "device": torch.cuda.get_device_name(task_device) if (task_device := torch.device(outcome.task.device)).type == "cuda" else "CPU",
        "peak_memory_bytes": peak,
    }
    if task_device.type == "cuda":
        outcome.facts["peak_gpu_memory_bytes"] = torch.cuda.max_memory_allocated(task_device)


@contextmanager
def _timed(outcome: Outcome, what: str) -> Iterator[None]:
    """Notes the seconds that the block takes."""
    start = time.perf_counter()
    yield
    outcome.seconds[what] = time.perf_counter() - start


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
