"""Arrays in BlobProto messages and in files that hold one: mean images, infogain matrices (.binaryproto)."""

import math
import os
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from segaware_caffe.errors import FileError
from segaware_caffe.files import read_bytes
from segaware_caffe.schema.messages import BlobProto
from segaware_caffe.schema.shapes import dims

_LEGACY_DIMS = ("num", "channels", "height", "width")


def read_blobproto(path: str | os.PathLike[str]) -> np.ndarray:
    """The values of the blob in a file, e.g. a mean image (1, 3, H, W) in BGR. FileError if there is none in it."""
    try:
        blob = BlobProto.FromString(read_bytes(path))
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise FileError(f"{os.fspath(path)}: not a BlobProto") from error
    try:
        return blob_values(blob)
    except FileError as error:
        raise FileError(f"{os.fspath(path)}: {error}") from error


def blob_values(blob: Any, diff: bool = False) -> np.ndarray:
    """The values of a BlobProto, or its gradient, in its shape: float64 where they are stored so, else float32.

    Four dimensions where the shape is of the legacy form: num, channels, height and width.
    """
    stored, precise = (blob.diff, blob.double_diff) if diff else (blob.data, blob.double_data)
    legacy = any(blob.HasField(name) for name in _LEGACY_DIMS)
    shape = tuple(getattr(blob, name) for name in _LEGACY_DIMS) if legacy else tuple(blob.shape.dim)
    values = np.array(precise, np.float64) if precise else np.array(stored, np.float32)
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise FileError(f"the blob's shape is {dims(shape)}, but it holds {values.size} values")
    return values.reshape(shape)
