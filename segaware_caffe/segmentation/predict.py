"""Label images of whole lists of photographs, as the reference's test_res.sh and gen_preds.sh make them (spec/pipeline.md 7.1, 7.3).

Score maps come from a network, in one go without files between, or from .mat files that MatWrite
wrote. Each is cropped to its photograph's size (what data_dim says: the photograph sits at the top
left), and the best class of each pixel goes into an indexed PNG. A file that is there is not made again; since files
appear complete or not at all, whatever stops a run costs no more than the images in work.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from segaware_caffe.data.image_layers import ImageLayer, load
from segaware_caffe.data.lists import Entry, read_pairs
from segaware_caffe.data.mat import read_mat
from segaware_caffe.data.transform import Rules, Transformer
from segaware_caffe.errors import CaffeError, FieldError, FileError, ShapeError
from segaware_caffe.files import left_behind, make_folder
from segaware_caffe.net import Net
from segaware_caffe.schema import NetParameter
from segaware_caffe.schema.messages import LayerParameter
from segaware_caffe.segmentation.label_images import image_size, read_labels
from segaware_caffe.segmentation.palette import write_label_png
from segaware_caffe.segmentation.segment import MEAN, Segmenter, best_classes, scores_of, without_sinks
from segaware_caffe.segmentation.workers import THREADS, ahead, batches

T = TypeVar("T", Entry, str)


class Loaded(NamedTuple):
    """A photograph as the network takes it: its list's entry, blob (1, C, h, w), and (height, width) inside it."""

    entry: Entry
    blob: np.ndarray
    size: tuple[int, int]


class Scored(NamedTuple):
    """Scores (K, h, w) of an image of `size` (height, width) at their top left; `source` is what messages call them."""

    name: str
    scores: torch.Tensor
    size: tuple[int, int]
    source: str


class Predictor:
    """A network that scores photographs, which it reads as its own data layer says.

    Args:
        proto: the net, in TEST with one data layer or input of 3 channels; a MatWrite layer names the scores.
        options: further arguments of `Net`, e.g. weights.
        root: folder that the list's names are under, instead of the data layer's root_folder.
        scores: blob to take instead of what the MatWrite layer reads.
    """

    def __init__(self, proto: NetParameter, root: str | None = None, scores: str | None = None, **options: Any):
        written = [layer.bottom[0] for layer in proto.layer if layer.type == "MatWrite"]
        self.net = Net(without_sinks(proto), "TEST", **options)
        self.paths = self.net.allowed_paths.plus(root or ())
        segmenter = Segmenter(self.net, scores=scores or (written[0] if len(written) == 1 else None))
        self.image, self.scores_blob = segmenter.image, segmenter.scores
        self.param, self.rules = self._reading(segmenter)
        if root is not None:
            self.param.root_folder = root

    def _reading(self, segmenter: Segmenter) -> tuple[Any, Rules]:
        """How photographs are read: the data layer's image_data_param, and the rules of its transform_param."""
        graph = self.net.graph
        layer = next(node.module for node in graph.sources() if self.image in [graph.names[v] for v in node.tops])
        if not isinstance(layer, ImageLayer):
            return LayerParameter().image_data_param, Rules(False, 1.0, False, (segmenter.size[0], segmenter.size[1]), MEAN, "", ())
        if layer.rules.draws:
            raise FieldError(
                f"layer '{layer.name}' ({layer.type}): with mirror, scale_factors or distort_param no two predictions are the same"
            )
        return layer.options, layer.rules

    @property
    def source(self) -> str:
        """The list that the data layer names; empty if it is an Input layer."""
        return self.param.source

    def load(self, entry: Entry) -> Loaded:
        """Read and transform a photograph. CaffeError if it cannot be read, or is larger than the network's input."""
        image = load(self.param, entry.name, color=True, paths=self.paths)
        height, width = image.shape[:2]
        if self.rules.crop and (height > self.rules.crop[0] or width > self.rules.crop[1]):
            raise ShapeError(
                f"{self.param.root_folder}{entry.name}: {height} x {width} is larger than the network's input of "
                f"{self.rules.crop[0]} x {self.rules.crop[1]} (height x width)"
            )
        return Loaded(entry, Transformer(self.rules, None).image(image, pad=True)[None], (height, width))

    def score(self, loaded: Loaded) -> Scored:
        """Run the network."""
        return self.score_together([loaded])[0]

    def score_together(self, loaded: Sequence[Loaded]) -> list[Scored]:
        """Run the network on photographs whose blobs have one shape."""
        blob = np.concatenate([one.blob for one in loaded]) if len(loaded) > 1 else loaded[0].blob
        return [
            Scored(name_of(one.entry), scores, one.size, f"blob '{self.scores_blob}' for {one.entry.name}")
            for one, scores in zip(loaded, scores_of(self.net, self.image, blob, self.scores_blob), strict=True)
        ]


def read_entries(source: str) -> list[Entry]:
    """The photographs of a list; a line with an id alone stands for VOC's `/JPEGImages/<id>.jpg`."""
    entries = [
        entry if Path(entry.name).suffix or "/" in entry.name else entry._replace(name=f"/JPEGImages/{entry.name}.jpg")
        for entry in read_pairs(source, None)
    ]
    places: dict[str, str] = {}
    for entry in entries:
        first = places.setdefault(name_of(entry), entry.where)
        if first != entry.where:
            raise FileError(f"{entry.where}: '{name_of(entry)}' was there before ({first}); both would be one prediction")
    return entries


def best_labels(scored: Scored) -> np.ndarray:
    """The class (H, W) uint8 with the best score for each pixel of the image, the first of equal ones; NaN is never best."""
    height, width = scored.size
    if scored.scores.shape[1] < height or scored.scores.shape[2] < width:
        raise ShapeError(
            f"{scored.source}: the score map is {scored.scores.shape[1]} x {scored.scores.shape[2]}, smaller than the image "
            f"of {height} x {width} (height x width)"
        )
    return best_classes(scored.scores[:, :height, :width])


def unfinished(items: Iterable[T], folder: str | os.PathLike[str]) -> list[T]:
    """The items (entries or names) without a sound label image in the folder.

    Clears away what a killed run left half written of theirs; of other items nothing is touched, as
    another process may be at work on them.
    """
    stale = left_behind(Path(folder))
    result = []
    for item in items:
        name = name_of(item)
        for path in stale.get(f"{name}.png", []):
            path.unlink(missing_ok=True)
        if not is_label_png(Path(folder) / f"{name}.png"):
            result.append(item)
    return result


def name_of(item: Entry | str) -> str:
    """The name of an item's files, without suffix."""
    return item if isinstance(item, str) else Path(item.name).stem


def is_label_png(path: Path) -> bool:
    """Whether there is a label image that can be read to its end."""
    try:
        read_labels(path)
    except CaffeError:
        return False
    return True


def write_predictions(scored: Iterable[Scored], folder: str | os.PathLike[str], threads: int = THREADS) -> Iterator[str]:
    """Write the label image of each score map under `folder`, on threads; yields its name once it is there.

    `scored` is drawn from in the caller's thread. On an error in it, what was drawn before is still written.
    """
    target = make_folder(Path(folder))

    def write(item: Scored) -> str:
        write_label_png(target / f"{item.name}.png", best_labels(item))
        return item.name

    return ahead(write, scored, threads)


def predict(
    predictor: Predictor,
    entries: Iterable[Entry],
    folder: str | os.PathLike[str],
    readers: int = THREADS,
    writers: int = THREADS,
    batch: int = 1,
) -> Iterator[str]:
    """Predict the entries, such as those that are `unfinished`; yields each name once its label image is under `folder`.

    Photographs go through the network `batch` at a time, as long as they are of one size for it.

    >>> from PIL import Image
    >>> from segaware_caffe.models import CAMVID_SEGAWARE as model
    >>> from segaware_caffe.schema import read_net
    >>> Image.new("RGB", (60, 50)).save("street.png")
    >>> with open("list.txt", "w") as file:
    ...     print("street.png 0", file=file)
    >>> net = read_net(model.prototxt, {"HEIGHT": 65, "WIDTH": 65})
    >>> list(predict(Predictor(net, root="", weights=model.weights), read_entries("list.txt"), "labels"))
    ['street']
    """
    groups = batches(ahead(predictor.load, entries, readers), batch, key=lambda loaded: loaded.blob.shape)
    return write_predictions(chain.from_iterable(map(predictor.score_together, groups)), folder, writers)


def mat_files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """The .mat files of a folder by their images' names, `_blob_0` and `_blob_1` taken off; of two the first in order."""
    files: dict[str, Path] = {}
    for path in sorted(Path(folder).glob("[!.]*.mat")):
        files.setdefault(path.name.removesuffix(".mat").replace("_blob_0", "").replace("_blob_1", ""), path)
    if not files:
        raise FileError(f"{os.fspath(folder)}: there are no .mat files")
    return files


def predict_from_mats(
    files: dict[str, Path], photograph: Callable[[str], Path], folder: str | os.PathLike[str], threads: int = THREADS
) -> Iterator[str]:
    """As `predict`, from the score maps of `mat_files`; the file that `photograph` names is opened for its size."""

    def read(name: str) -> Scored:
        blob = read_mat(files[name])
        if len(blob) != 1:
            raise FileError(f"{files[name]}: holds {len(blob)} score maps; one for each file is wanted, so batch_size 1")
        return Scored(name, torch.from_numpy(blob[0]), image_size(photograph(name)), str(files[name]))

    return write_predictions(ahead(read, files, threads), folder, threads)
