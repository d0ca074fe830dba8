"""Databases of images from a list, and their mean: what Caffe's convert_imageset and compute_image_mean make."""

import logging
import os
from collections.abc import Iterable, Iterator

import numpy as np

from segaware_caffe.data.database_writer import COMMIT, database_writer
from segaware_caffe.data.databases import BACKENDS, datum_image, read_datums
from segaware_caffe.data.images import encode_image, read_image, resize
from segaware_caffe.data.lists import Entry
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import read_bytes, replacing
from segaware_caffe.schema.messages import BlobProto, Datum

logger = logging.getLogger(__name__)

#: how often reading says how far it is
REPORT = 10000


def convert_imageset(
    root: str,
    entries: Iterable[Entry],
    target: str | os.PathLike[str],
    backend: str = "LMDB",
    *,
    color: bool = True,
    size: tuple[int, int] = (0, 0),
    encoded: bool = False,
    encode_type: str = "",
    check_size: bool = False,
) -> int:
    """Write a database of Datums, keys `<number of the line>_<name>`, of the images `root + name`; returns their count.

    Args:
        backend: LMDB or LEVELDB.
        color: whether images are read in colour or in grey.
        size: (height, width) to resize to; (0, 0) leaves them as they are.
        encoded, encode_type: store them as files of that type (png, jpg, ...), by default their own;
            a file of that type which is not resized is stored as it is.
        check_size: CaffeError unless all have as many bytes as the first.

    Images that cannot be read are left out, and logged.
    """
    expected = None
    with database_writer(target, backend) as writer:
        for number, entry in enumerate(entries):
            kind = encode_type or (_extension(entry.name) if encoded else "")
            try:
                datum = image_datum(root + entry.name, color, size, kind)
            except FileError as error:
                logger.error("%s", error)
                continue
            datum.label = entry.label
            if check_size:
                expected = len(datum.data) if expected is None else expected
                if len(datum.data) != expected:
                    sizes = f"{len(datum.data)} vs. {expected}"
                    raise CaffeError(
                        f"Check failed: data.size() == data_size ({sizes}) Incorrect data field size {len(datum.data)} ({entry.name})"
                    )
            writer.put(f"{number:08d}_{entry.name}".encode(errors="surrogateescape"), datum.SerializeToString())
            if writer.count % COMMIT == 0:
                logger.info("Processed %d files.", writer.count)
        if writer.count % COMMIT:
            logger.info("Processed %d files.", writer.count)
    return writer.count


def image_datum(path: str, color: bool = True, size: tuple[int, int] = (0, 0), encode_type: str = "") -> Datum:
    """An image file as a Datum: pixels (channels, height, width) in BGR, or with an `encode_type` a file of that type."""
    height, width = size
    image = read_image(path, color)
    if encode_type and not (height and width) and _same_type(_extension(path), encode_type):
        return Datum(data=read_bytes(path), encoded=True)
    if height and width:
        image = resize(image, height, width)
    if encode_type:
        return Datum(data=encode_image(image, encode_type), encoded=True)
    height, width, channels = image.shape
    pixels = np.ascontiguousarray(image.transpose(2, 0, 1)).tobytes()
    return Datum(channels=channels, height=height, width=width, data=pixels, encoded=False)


def _extension(name: str) -> str:
    """What follows the last dot, in small letters."""
    return name.rpartition(".")[2].lower()


def _same_type(extension: str, encode_type: str) -> bool:
    return extension == encode_type.lower() or (extension, encode_type.lower()) == ("jpeg", "jpg")


def image_mean(source: str, backend: str = "LMDB") -> np.ndarray:
    """The mean (channels, height, width) of a database's images, summed as float32, as the reference sums.

    CaffeError if there are none or one has another size than the first.
    """
    total: np.ndarray | None = None
    count = 0
    for where, datum in read_datums(source, BACKENDS[backend].number):
        try:
            values = datum_image(datum).transpose(2, 0, 1)
        except CaffeError as error:
            raise FileError(f"{where}: {error}") from error
        if total is None:
            if datum.encoded:
                logger.info("Decoding Datum")
            logger.info("Starting iteration")
            total = np.zeros(values.shape, np.float32)
        if values.size != total.size:
            sizes = f"{values.size} vs. {total.size}"
            raise CaffeError(f"Check failed: size_in_datum == data_size ({sizes}) Incorrect data field size {values.size} ({where})")
        total += values.reshape(total.shape)
        count += 1
        if count % REPORT == 0:
            logger.info("Processed %d files.", count)
    if total is None:
        raise FileError(f"'{source}' has no records, and so no mean")
    if count % REPORT:
        logger.info("Processed %d files.", count)
    return total / np.float32(count)


def write_mean(path: str | os.PathLike[str], mean: np.ndarray) -> None:
    """Write a (channels, height, width) mean as the BlobProto that `mean_file` and pycaffe's scripts read."""
    channels, height, width = mean.shape
    blob = BlobProto(num=1, channels=channels, height=height, width=width, data=mean.ravel())
    with replacing(path) as temporary:
        temporary.write_bytes(blob.SerializeToString())


def feature_datums(values: np.ndarray) -> Iterator[bytes]:
    """The items of a blob (N, channels, height, width), or of fewer axes, as float Datums."""
    channels, height, width = (*values.shape[1:], 1, 1, 1)[:3]
    for item in values:
        yield Datum(channels=channels, height=height, width=width, float_data=item.ravel()).SerializeToString()
