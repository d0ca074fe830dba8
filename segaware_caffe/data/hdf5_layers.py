"""HDF5Data and HDF5Output: arrays from and to HDF5 files. h5py is an optional extra."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import ModuleType

import numpy as np
import torch

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.lists import read_files
from segaware_caffe.errors import FileError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import open_file, replacing
from segaware_caffe.layers import Layer, Shape, register
from segaware_caffe.layers.random import MersenneTwister
from segaware_caffe.weights.hdf5 import Hdf5File

logger = logging.getLogger(__name__)

#: what a HDF5 file begins with
SIGNATURE = b"\x89HDF\r\n\x1a\n"


@register("HDF5Data", source="spec/pipeline.md 6.6")
class HDF5Data(DataLayer):
    """Rows of the datasets that the tops are named after, from a list of HDF5 files.

    Any number of tops, (batch_size, ...) with a row's shape. Batches run on over the ends of files.
    With shuffle the files, and the rows within each, are permuted in every pass; the reference does
    so with C's generator, so that its order cannot be repeated.
    """

    tops = (1, None)
    param_field = "hdf5_data_param"

    def setup(self) -> None:
        self.check(not self.proto.HasField("transform_param"), "HDF5Data does not transform data.")
        self.check(self.options.batch_size > 0, "Positive batch size required")
        self.allowed_path(self.options.source, "source")
        self._seed = self.context.random.next32() if self.options.shuffle else None
        logger.info("Loading list of HDF5 filenames from: %s", self.options.source)
        with located(self):
            logger.info("Number of HDF5 files: %d", len(listed(self.options.source)))

    def reshape(self) -> list[Shape]:
        return self.first_shapes()

    def batches(self) -> Iterator[Batch]:
        files = listed(self.options.source)
        return batched(self.context.share.of(_rows(files, list(self.proto.top), self._seed, self.context.paths)), self.options.batch_size)


def listed(source: str) -> list[str]:
    """The files that the list `source` names; FileError where it is such a file itself."""
    with suppress(OSError), open_file(source) as file:
        if file.read(len(SIGNATURE)) == SIGNATURE:
            raise FileError(f"source: '{source}' is a HDF5 file itself; source must be a text file that lists such files, one on each line")
    return [entry.name for entry in read_files(source)]


def _rows(files: list[str], names: list[str], seed: int | None, paths: AllowedPaths) -> Iterator[tuple[str, Batch]]:
    """The rows of all files, again and again; a single file is read once."""
    generator = None if seed is None else MersenneTwister(seed)
    arrays: list[np.ndarray] | None = None
    while True:
        if generator:
            generator.shuffle(files)
        for path in files:
            if arrays is None or len(files) > 1:
                arrays = read_datasets(paths.check(path, "file"), names)
            order = list(range(len(arrays[0])))
            if generator:
                generator.shuffle(order)
            for row in order:
                yield path, [array[row].copy() for array in arrays]


def read_datasets(path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Datasets of an HDF5 file as float32, all with equally many rows, at least one."""
    try:
        file = Hdf5File(path, names, FileError)
    except FileError as error:
        raise FileError(f"Failed opening HDF5 file: {path}: {str(error).removeprefix(f'{path}: ')}") from error
    arrays = [_dataset(file, name, path) for name in names]
    rows = {name: len(array) for name, array in zip(names, arrays, strict=True)}
    if len(set(rows.values())) > 1 or not all(rows.values()):
        raise FileError(f"{path}: the datasets must have equally many rows, at least one: {rows}")
    return arrays


def _dataset(file: Hdf5File, name: str, path: str) -> np.ndarray:
    dataset = file.found[name]
    if dataset is None or "members" in dataset:
        raise FileError(f"{path}: Failed to find HDF5 dataset {name}; the file has {', '.join(file.names) or 'none'}")
    if dataset.get("elsewhere"):
        raise FileError(f"{path}: dataset {name} lies in another file; a data set that a net reads must be in the file that its list names")
    if dataset["kind"] not in "fiu" or not dataset["shape"]:
        raise FileError(f"{path}: dataset {name} must hold rows of numbers, not {dataset['type']} of shape {dataset['shape']}")
    logger.info("Datatype class: H5T_%s", "FLOAT" if dataset["kind"] == "f" else "INTEGER", extra={"once": True})
    blob = file.blob(dataset, f"{path}: dataset {name}")
    values = np.empty(blob.shape, np.float32)
    blob.read_into(values)
    return values


@register("HDF5Output", source="spec/pipeline.md 6.6")
class HDF5Output(Layer):
    """Writes its two bottoms as datasets `data` and `label` of a file, four axes each.

    2 -> 0. The file is made, or replaced, by the first forward; a second one is an error, since
    the datasets then exist.
    """

    differentiable = False
    bottoms = 2
    tops = 0
    effects = True
    param_field = "hdf5_output_param"
    _written = False

    def setup(self, data: Shape, label: Shape) -> None:
        self.check(self.options.file_name != "", "hdf5_output_param needs file_name")

    def reshape(self, data: Shape, label: Shape) -> list[Shape]:
        self.check(max(len(data), len(label)) <= 4, "the bottoms may have at most 4 axes")
        self.check(data[:1] == label[:1], f"both bottoms must have the same num: {data[:1]} and {label[:1]}")
        return []

    def forward(self, data: torch.Tensor, label: torch.Tensor) -> None:
        path = self.allowed_path(self.options.file_name, "file_name")
        self.check(not self._written, f"'{path}' holds a batch already: HDF5Output writes one; a larger batch_size writes more")
        with located(self):
            self._write(optional_import("h5py", "hdf5", path), path, data, label)
        self._written = True

    def _write(self, h5py: ModuleType, path: str, data: torch.Tensor, label: torch.Tensor) -> None:
        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            for name, value in (("data", data), ("label", label)):
                file[name] = value.detach().reshape(*value.shape, *[1] * (4 - value.ndim)).float().cpu().numpy()
