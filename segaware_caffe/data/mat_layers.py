"""MatRead and MatWrite: blobs from and to MATLAB files, one for every forward and blob."""

import glob
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.lists import cycle, read_names
from segaware_caffe.data.mat import read_mat, write_mat
from segaware_caffe.errors import FileError
from segaware_caffe.layers import Layer, Shape, register

logger = logging.getLogger(__name__)


def mat_file(prefix: str, name: str, blob: int | str) -> str:
    """The file of a blob, by its place among the layer's bottoms or tops."""
    return f"{prefix}{name}_blob_{blob}.mat"


@register("MatRead", source="spec/pipeline.md 6.11")
class MatRead(DataLayer):
    """Blobs from .mat files, named by a list.

    top (batch_size, C, H, W): from each file a blob (1, C, H, W), all of the first one's shape.
    """

    param_field = "mat_read_param"

    def setup(self) -> None:
        param = self.options
        self.check(param.source != "", "mat_read_param needs source")
        self.check(param.batch_size > 0, "Positive batch size required")
        self.check(param.strip >= 0, f"strip must not be negative: {param.strip}")

    def reshape(self) -> Shape:
        return self.first_shapes()[0]

    def batches(self) -> Iterator[Batch]:
        param = self.options
        names = self.context.share.of(cycle(read_names(param.source, param.strip), seed=None))
        return batched(_read(names, param.prefix, self.context.paths), param.batch_size)


def _read(names: Iterator[str], prefix: str, paths: AllowedPaths) -> Iterator[tuple[str, Batch]]:
    first = None
    for name in names:
        path = paths.check(mat_file(prefix, name, 0), "file")
        blob = read_mat(path).astype(np.float32, copy=False)
        first = first or blob.shape
        if len(blob) != 1 or blob.shape != first:
            raise FileError(f"{path} holds a blob of shape {blob.shape}, not {(1, *first[1:])}")
        yield path, [blob[0]]


@register("MatWrite", source="spec/pipeline.md 6.12")
class MatWrite(Layer):
    """Writes its bottoms to .mat files, prefix + name + `_blob_<i>.mat` for bottom i.

    Any number of bottoms -> 0. The names are the list's, one for each forward (not for each image:
    a whole batch goes to one file), or `iter_<t>` without `source`; only every `period`-th forward writes.
    Files that exist are kept, as a warning says once with their number; with `overwrite` they are replaced.
    Differs: missing folders are made, files are whole or absent, and no source is needed.
    """

    differentiable = False
    bottoms = (1, None)
    tops = 0
    effects = True
    param_field = "mat_write_param"
    #: whether to replace files that exist; set it before the first forward
    overwrite: bool = False

    def setup(self, *bottoms: Shape) -> None:
        param = self.options
        self.check(param.period > 0, f"period must be positive, not {param.period}")
        self.check(param.strip >= 0, f"strip must not be negative: {param.strip}")
        self._names: list[str] | None = None
        self._iteration = 0

    def reshape(self, *bottoms: Shape) -> list[Shape]:
        self.check(max(map(len, bottoms)) <= 4, "the bottoms may have at most 4 axes")
        return []

    def reset(self) -> None:
        """Start over with the first name."""
        self._iteration = 0

    def forward(self, *bottoms: torch.Tensor) -> None:
        with located(self):
            if self._iteration == 0:
                self._start()
            self._write(self._iteration, bottoms)
        self._iteration += 1

    def _start(self) -> None:
        """Read the names, and say how many files are there already."""
        prefix, source, paths = self.options.prefix, self.options.source, self.context.paths
        paths.check(mat_file(prefix, "", 0), "prefix")
        if source:
            paths.check(source, "source")
            self._names = read_names(source, self.options.strip)
            wanted = [mat_file(prefix, name, i) for name in self._names[:: self.options.period] for i in range(len(self.proto.bottom))]
            files = [file for file in wanted if Path(paths.check(file, "file")).exists()]
        else:
            files = glob.glob(mat_file(glob.escape(f"{prefix}iter_"), "*", "*"))
        if files and not self.overwrite:
            logger.warning("layer '%s': files that exist are kept, now %d, such as %s", self.name, len(files), min(files))

    def _write(self, iteration: int, bottoms: Sequence[torch.Tensor]) -> None:
        if self._names and iteration >= len(self._names):
            raise FileError(
                f"Test has run for more iterations than it was supposed to: source '{self.options.source}' has {len(self._names)} names"
            )
        if iteration % self.options.period:
            return
        name = self._names[iteration] if self._names else f"iter_{iteration}"
        logger.info("Creating mat %d/%s (%s)", iteration + 1, len(self._names) if self._names else "?", name)
        for index, bottom in enumerate(bottoms):
            path = self.context.paths.check(mat_file(self.options.prefix, name, index), "file")
            if self.overwrite or not Path(path).exists():
                value = bottom.detach().cpu()
                write_mat(path, (value if value.dtype == torch.float64 else value.float()).numpy())
