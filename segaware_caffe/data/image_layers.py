"""Data layers that read images by a list: ImageData, ImageSegData, TwoImageData, DenseImageData, ImageLabelmapData."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.data.images import read_image, read_label_image, resize, resize_nearest
from segaware_caffe.data.layer import Batch, DataLayer, batched, located
from segaware_caffe.data.lists import Entry, cycle, read_labelled, read_pairs
from segaware_caffe.data.seeds import draw_seeds
from segaware_caffe.data.transform import Rules, Size, Transformer
from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Shape, register
from segaware_caffe.schema.messages import enum

logger = logging.getLogger(__name__)

_LABEL_TYPES = enum("ImageDataParameter.LabelType").values_by_name
NONE, PIXEL = (_LABEL_TYPES[name].number for name in ("NONE", "PIXEL"))

#: From an item of the list to an array per top.
Sample = Callable[[Entry, Transformer], Batch]


class ImageLayer(DataLayer):
    """What the three have in common: `image_data_param`, `transform_param`, the draws at set-up."""

    param_field = "image_data_param"
    #: how this type reads transform_param
    rules_of: Callable[[Any, bool], Rules] = Rules.joint

    def setup(self) -> None:
        param = self.options
        self.check(param.batch_size > 0, "Positive batch size required")
        self.check(
            (param.new_height > 0) == (param.new_width > 0),
            "Current implementation requires new_height and new_width to be set at the same time: "
            f"they are {param.new_height} and {param.new_width}",
        )
        with located(self):
            self.rules = self.read_rules()
            for color in self.colors():
                self.rules.means(channels(color))
        self.seeds = draw_seeds(self.context, self.rules.draws, param.shuffle, param.rand_skip)

    def read_rules(self) -> Rules:
        """How images are cropped, mirrored, and freed of their mean."""
        return self.rules_of(self.proto.transform_param, self.training)

    def colors(self) -> list[bool]:
        """Whether each of the images that get the mean subtracted has colours."""
        return [self.options.is_color]

    def known_size(self) -> Size | None:
        """The (height, width) of the tops as far as the fields alone decide it."""
        resized = (self.options.new_height, self.options.new_width)
        return self.rules.crop or (resized if resized[0] and not self.rules.scale_factors else None)

    def batches_of(self, entries: list[Entry], sample: Sample) -> Iterator[Batch]:
        """Endless batches of what `sample` makes of the entries."""
        chosen = self.context.share.of(cycle(entries, self.seeds.order, self.seeds.skip))
        return batched(_samples(chosen, sample, Transformer(self.rules, self.seeds.transform)), self.options.batch_size)


def _samples(entries: Iterator[Entry], sample: Sample, transformer: Transformer) -> Iterator[tuple[str, Batch]]:
    for entry in entries:
        try:
            yield entry.name, sample(entry, transformer)
        except CaffeError as error:
            raise type(error)(f"{error} ({entry.where}: {entry.name})") from error


def channels(color: bool) -> int:
    """Of an image read in colour or in grey."""
    return 3 if color else 1


Resize = Callable[[np.ndarray, int, int], np.ndarray]


def load(param: Any, name: str, color: bool, paths: AllowedPaths) -> np.ndarray:
    """Image `name` under root_folder, brought to new_height x new_width if these are given."""
    return _resized(param, read_image(paths.check(param.root_folder + name, "image"), color), resize)


def load_labels(param: Any, name: str, how: Resize, paths: AllowedPaths) -> np.ndarray:
    """Label image `name` under root_folder in grey, brought to new_height x new_width by `how` if these are given.

    Grey is what Caffe reads, of a palette too: warns once a source that such labels are not what they seem.
    """
    labels, example = read_label_image(paths.check(param.root_folder + name, "label image"))
    if example:
        _warn_of_palette(param.source, name, example)
    return _resized(param, labels, how)


def _resized(param: Any, image: np.ndarray, how: Resize) -> np.ndarray:
    return how(image, param.new_height, param.new_width) if param.new_height else image


#: lists of which a label image with a palette was warned of
_WARNED: set[str] = set()


def _warn_of_palette(source: str, name: str, example: str) -> None:
    if source not in _WARNED:
        _WARNED.add(source)
        logger.warning(
            "source '%s': label image '%s' has a palette and is read in grey, as Caffe reads it: label %s. If that is not meant, list raw"
            " labels, which `segaware-caffe voc labels` makes of such images",
            source,
            name,
            example,
        )


@register("ImageData", source="spec/pipeline.md 6.4")
class ImageData(ImageLayer):
    """Images with a class each, from a list of lines `file label`.

    tops (N, C, h, w) and (N), transformed as `transform_param` says. Without a crop or new sizes
    every batch has the size of its first image.
    Differs: an image smaller than the crop is padded as ImageSegData pads it (vgg/test_voc_test
    needs that; the reference stops), which takes a mean; lists follow upstream's rule, a line that does not is an error.
    """

    tops = 2
    rules_of = Rules.plain

    def reshape(self) -> list[Shape]:
        size, count = self.known_size(), self.options.batch_size
        return [(count, channels(self.options.is_color), *size), (count,)] if size else self.first_shapes()

    def batches(self) -> Iterator[Batch]:
        param, paths = self.options, self.context.paths

        def sample(entry: Entry, transformer: Transformer) -> Batch:
            return [transformer.image(load(param, entry.name, param.is_color, paths), pad=True), np.asarray(entry.label, np.float32)]

        return self.batches_of(read_labelled(param.source), sample)


@register("ImageSegData", source="spec/pipeline.md 6.2, 6.3")
class ImageSegData(ImageLayer):
    """Images with a label for every pixel, from a list of lines `image [label]`.

    tops data (N, C, h, w), label (N, 1, h, w) and data_dim (N, 1, 1, 2), the height and width that
    the image takes of the top, before scale_factors. label_type PIXEL reads a grey label image, IMAGE
    fills the plane with the line's class, NONE with ignore_label. Padding is 0 in data, ignore_label in label.
    Differs: without a crop every batch has its first image's size, and images that do not fit are
    an error; blank lines are no items.
    """

    tops = 3
    auto_tops = True

    def reshape(self) -> list[Shape]:
        size, count = self.known_size(), self.options.batch_size
        if size is None:
            return self.first_shapes()
        return [(count, channels(self.options.is_color), *size), (count, 1, *size), (count, 1, 1, 2)]

    def batches(self) -> Iterator[Batch]:
        param, paths = self.options, self.context.paths

        def sample(entry: Entry, transformer: Transformer) -> Batch:
            image = load(param, entry.name, param.is_color, paths)
            data, label = transformer.together(image, _label_plane(param, entry, image.shape, paths), param.ignore_label)
            used = [min(top, own) for top, own in zip(data.shape[1:], image.shape, strict=False)]
            return [data, label, np.asarray(used, np.float32).reshape(1, 1, 2)]

        second = {NONE: None, PIXEL: "the name of its label image"}.get(param.label_type, "an integer")
        return self.batches_of(read_pairs(param.source, second), sample)


def _label_plane(param: Any, entry: Entry, shape: tuple[int, ...], paths: AllowedPaths) -> np.ndarray:
    """The labels (H, W, 1) uint8 of an image of `shape`; a label image is resized as photographs are."""
    if param.label_type == PIXEL:
        return load_labels(param, entry.second, resize, paths)
    value = param.ignore_label if param.label_type == NONE else entry.label
    return np.full((*shape[:2], 1), np.clip(value, 0, 255), np.uint8)


@register("TwoImageData", source="spec/pipeline.md 6.13")
class TwoImageData(ImageLayer):
    """Two images of one size, from a list of lines `first second`.

    tops (N, C, h, w) each, with C = 3 where `two_image_data_param` says so and else 1. A second
    image without colour is a label image: nearest-neighbour resize, no mean, no scale, padded with
    `image_data_param.ignore_label`. With colour it is treated as the first; crop, mirror and scale
    factor are the same for both. The release's networks use this type, but its code lacks it.
    """

    tops = 2

    def colors(self) -> list[bool]:
        param = self.proto.two_image_data_param
        return [param.first_is_color] + [True] * param.second_is_color

    def reshape(self) -> list[Shape]:
        size, param = self.known_size(), self.proto.two_image_data_param
        if size is None:
            return self.first_shapes()
        return [(self.options.batch_size, channels(color), *size) for color in (param.first_is_color, param.second_is_color)]

    def batches(self) -> Iterator[Batch]:
        param, color, paths = self.options, self.proto.two_image_data_param, self.context.paths

        def sample(entry: Entry, transformer: Transformer) -> Batch:
            first = load(param, entry.name, color.first_is_color, paths)
            second = (
                load(param, entry.second, True, paths) if color.second_is_color else load_labels(param, entry.second, resize_nearest, paths)
            )
            return list(transformer.together(first, second, None if color.second_is_color else param.ignore_label))

        return self.batches_of(read_pairs(param.source, "the name of a second one"), sample)


class LabelMapLayer(ImageLayer):
    """What DenseImageData and ImageLabelmapData share: an image and a map of one channel, cropped and mirrored alike."""

    tops = 2
    rules_of = Rules.paired
    #: how a map is brought to new_height x new_width
    how: Resize

    def reshape(self) -> list[Shape]:
        size, count = self.known_size(), self.options.batch_size
        return [(count, channels(self.options.is_color), *size), (count, 1, *size)] if size else self.first_shapes()

    def batches(self) -> Iterator[Batch]:
        param, how, values, paths = self.options, type(self).how, self.values, self.context.paths

        def sample(entry: Entry, transformer: Transformer) -> Batch:
            image, labels = load(param, entry.name, param.is_color, paths), load_labels(param, entry.second, how, paths)
            return list(transformer.together(image, values(labels), ignore_label=0, pad=False))

        return self.batches_of(read_pairs(param.source, "the name of its map"), sample)

    @staticmethod
    def values(labels: np.ndarray) -> np.ndarray:
        """What stands in the top for the grey values (H, W, 1) of a map."""
        return labels


@register("DenseImageData", source="SegNet, ENet")
class DenseImageData(LabelMapLayer):
    """Images with a label image each, from a list of lines `image labels`.

    tops (N, C, h, w) and (N, 1, h, w). Label images are read in grey and resized by nearest neighbour; mean and
    scale of transform_param are for the image alone. dense_image_data_param's `mirror`, `crop_height` and
    `crop_width`, and transform_param's `mirror` and `crop_size`, are for both alike: crops are drawn in TRAIN, in
    the middle in TEST. Its `mean_file` is not read, as in the fork.

    differs: the fork draws its crops in TEST too, and refuses transform_param's `mirror` and `crop_size`, which it
    would draw twice.
    """

    param_field = "dense_image_data_param"
    how = staticmethod(resize_nearest)

    def setup(self) -> None:
        param = self.options
        crop = (param.crop_height, param.crop_width)
        self.check(
            all(crop) or not any(crop),
            f"Current implementation requires crop_height and crop_width to be set at the same time: they are {crop[0]} and {crop[1]}",
        )
        self.own_crop = crop if all(crop) else None
        if param.HasField("mean_file"):
            logger.warning("layer '%s' (DenseImageData): dense_image_data_param's mean_file is not read; transform_param's is", self.name)
        super().setup()

    def read_rules(self) -> Rules:
        rules = super().read_rules()
        self.check(not (rules.crop and self.own_crop), "the crop is transform_param's crop_size OR crop_height and crop_width, not both")
        return replace(rules, mirror=rules.mirror or self.options.mirror, crop=rules.crop or self.own_crop)


@register("ImageLabelmapData", source="HED")
class ImageLabelmapData(LabelMapLayer):
    """Images with a map of edges each, from a list of lines `image map`.

    tops (N, C, h, w) and (N, 1, h, w). A map is read in grey, resized as images are, divided by 255 and
    rounded to 0 or 1; mean and scale of transform_param are for the image alone, mirroring and crops for both
    alike.

    differs: crops are in the middle in TEST, where the fork has no generator to draw them from.
    """

    how = staticmethod(resize)

    @staticmethod
    def values(labels: np.ndarray) -> np.ndarray:
        return (labels > 127).astype(np.uint8)
