"""One .caffemodel from another, with all that it holds beside the weights: every field of the net and its layers, known or not."""

import os
from collections.abc import Iterator

from segaware_caffe.files import replacing
from segaware_caffe.weights.blobs import BlobRef, Weights
from segaware_caffe.weights.caffemodel import NET_LAYER, NET_LAYERS, RAW_DATA, V1, V2, Layout, read_blob, read_caffemodel
from segaware_caffe.weights.mapped import MappedFile
from segaware_caffe.weights.wire import BYTES, Field, Scanner
from segaware_caffe.weights.write import blob_field, length_of, message_head, write_parts

Part = bytes | memoryview | BlobRef
_LAYOUTS: dict[int, Layout] = {NET_LAYER: V2, NET_LAYERS: V1}


def copy_caffemodel(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Weights:
    """Copy a .caffemodel field by field; the weights of the source.

    Nothing is left out or changed, but for blobs in NVIDIA's raw form, which become plain floats that
    every Caffe reads. Layers of V1 and V0 stay so (`upgrade_net_proto_binary` brings them up to date).
    """
    weights = read_caffemodel(source)  # all of it is in order
    file = MappedFile(source)
    scanner = Scanner(file.data, file.path)
    with replacing(target) as temporary, open(temporary, "wb") as out:
        for field in scanner.fields(0, file.size):
            write_parts(out, _field(scanner, file, field))
    return weights


def _field(scanner: Scanner, file: MappedFile, field: Field) -> list[Part]:
    """A field of the net as it is, or a layer whose raw blobs became plain ones."""
    layout = _LAYOUTS.get(field.number) if field.wire == BYTES else None
    raw = [
        blob for blob in _blobs(scanner, field, layout) if any(inner.number == RAW_DATA for inner in scanner.fields(blob.start, blob.end))
    ]
    if not raw:
        return [_slice(file, field.tag, field.end)]
    parts: list[Part] = []
    done = field.start
    for blob in raw:
        values = read_blob(scanner, file, blob.start, blob.end, "blob")
        parts += [_slice(file, done, blob.tag), *blob_field(blob.number, values, "blob")]
        done = blob.end
    parts.append(_slice(file, done, field.end))
    return [message_head(field.number, sum(map(length_of, parts))), *parts]


def _blobs(scanner: Scanner, layer: Field, layout: Layout | None) -> Iterator[Field]:
    if layout is not None:
        yield from (field for field in scanner.fields(layer.start, layer.end) if (field.number, field.wire) == (layout.blobs, BYTES))


def _slice(file: MappedFile, start: int, end: int) -> memoryview:
    return memoryview(file.data)[start:end]
