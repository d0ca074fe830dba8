"""FloData: optical flow from lists of .flo files (spec/pipeline.md 6.10)."""

from collections.abc import Iterator

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.data.flo import read_flo
from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.lists import Entry, cycle, read_files
from segaware_caffe.data.seeds import draw_seeds
from segaware_caffe.data.transform import Rules
from segaware_caffe.layers import Shape, register


@register("FloData", source="spec/pipeline.md 6.10")
class FloData(DataLayer):
    """Optical flow from .flo files, every word of the list one file.

    top (N, 2, H, W): u and v. All files of a batch must have one size. `transform_param` and new sizes
    have no effect, as in the reference.
    """

    param_field = "image_data_param"

    def setup(self) -> None:
        self.check(self.options.batch_size > 0, "Positive batch size required")
        with located(self):
            draws = Rules.plain(self.proto.transform_param, self.training).draws
        self._seeds = draw_seeds(self.context, draws, self.options.shuffle, self.options.rand_skip)

    def reshape(self) -> list[Shape]:
        return self.first_shapes()

    def batches(self) -> Iterator[Batch]:
        param = self.options
        entries = self.context.share.of(cycle(read_files(param.source), self._seeds.order, self._seeds.skip))
        return batched(_samples(entries, param.root_folder, self.context.paths), param.batch_size)


def _samples(entries: Iterator[Entry], root: str, paths: AllowedPaths) -> Iterator[tuple[str, Batch]]:
    for entry in entries:
        yield entry.name, [read_flo(paths.check(root + entry.name, "flow"))]
