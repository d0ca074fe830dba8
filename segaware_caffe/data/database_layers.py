"""The Data layer: batches from LMDB and LevelDB databases."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from segaware_caffe.data.databases import datum_image, read_datums
from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.seeds import draw_seeds
from segaware_caffe.data.transform import Rules, Transformer
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.layers import Shape, register

logger = logging.getLogger(__name__)


@register("Data", source="spec/pipeline.md 6.5")
class Data(DataLayer):
    """Images or arrays, with a class each, from a database in key order.

    tops (N, C, h, w) and, if wanted, (N), transformed as `transform_param` says. The database decides
    the channels, so it must be there when the net is built. `rand_skip`, `force_encoded_color` and the
    deprecated transformation fields of `data_param` have no effect, as in the reference.
    """

    tops = (1, 2)
    param_field = "data_param"

    def setup(self) -> None:
        transform = self.proto.transform_param
        self.check(self.options.batch_size > 0, "Positive batch size required")
        self.check(not (transform.force_color and transform.force_gray), "cannot set both force_color and force_gray")
        with located(self):
            self.rules = Rules.plain(transform, self.training)
        self.seeds = draw_seeds(self.context, self.rules.draws, order=False)

    def reshape(self) -> list[Shape]:
        return self.first_shapes()

    def batches(self) -> Iterator[Batch]:
        self.context.paths.check_database(self.options.source, "source")
        records = self.context.share.of(_records(self.options))
        samples = _samples(records, self.proto.transform_param, self.rules, self.seeds.transform, self.num_tops)
        return batched(samples, self.options.batch_size)


def _records(param: Any) -> Iterator[tuple[str, Any]]:
    """All records, again and again."""
    while True:
        where = None
        for where, datum in read_datums(param.source, param.backend):
            yield where, datum
        if where is None:
            raise FileError(f"source '{param.source}' has no records")


def _samples(records: Iterator[tuple[str, Any]], transform: Any, rules: Rules, seed: int | None, tops: int) -> Iterator[tuple[str, Batch]]:
    color = True if transform.force_color else False if transform.force_gray else None
    transformer = Transformer(rules, seed)
    for where, datum in records:
        if not datum.encoded and color is not None:
            logger.error("%s: force_color and force_gray only for encoded datum", where)
            color = None
        try:
            image = transformer.image(datum_image(datum, color))
        except CaffeError as error:
            raise type(error)(f"{where}: {error}") from error
        yield where, [image, np.asarray(datum.label, np.float32)][:tops]
