"""Files that hold one blob: mean images and infogain matrices."""

from pathlib import Path

import numpy as np
import pytest

from segaware_caffe.errors import FileError
from segaware_caffe.schema import BlobProto
from segaware_caffe.schema.blobproto import blob_values, read_blobproto

GOLDEN = Path(__file__).parents[1] / "golden" / "weights"
LEGACY = {"num": 1, "channels": 3, "height": 2, "width": 2}
SHAPED = {"shape": {"dim": [1, 3, 2, 2]}}


@pytest.mark.parametrize("form", [LEGACY, SHAPED], ids=["legacy", "shape"])
@pytest.mark.parametrize(("field", "dtype"), [("data", np.float32), ("double_data", np.float64)])
def test_values_have_their_shape_and_precision(form: dict, field: str, dtype: type, tmp_path: Path) -> None:
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(BlobProto(**form, **{field: [0.1 * i for i in range(12)]}).SerializeToString())
    mean = read_blobproto(path)
    assert mean.dtype == dtype and mean.flags.writeable
    np.testing.assert_array_equal(mean, (0.1 * np.arange(12)).astype(dtype).reshape(1, 3, 2, 2))


def test_the_gradient() -> None:
    blob = BlobProto(shape={"dim": [2]}, data=[1, 2], diff=[3, 4])
    assert blob_values(blob, diff=True).tolist() == [3, 4]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff" * 20, "not a BlobProto"),
        (b"", "the blob's shape is (1), but it holds 0 values"),
        (BlobProto(**LEGACY, data=[1] * 11).SerializeToString(), "the blob's shape is 1 3 2 2 (12), but it holds 11 values"),
        (BlobProto(shape={"dim": [-1, -2]}, data=[1] * 2).SerializeToString(), "the blob's shape is -1 -2 (2), but it holds 2 values"),
        ((GOLDEN / "tiny_iter_6.caffemodel").read_bytes(), "the blob's shape is (1), but it holds 0 values"),
    ],
)
def test_what_is_no_blob(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "mean.binaryproto"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError) as error:
        read_blobproto(path)
    assert str(error.value) == f"{path}: {sentence}"
