"""MatRead, MatWrite and the files between them."""

import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from data.support import data_layer, next_batch, noise

from segaware_caffe import CaffeError, Net
from segaware_caffe.data import read_mat, write_mat


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 3, 4, 5), (7, 3), (4,), ()])
def test_files_hold_the_blob_with_its_axes_reversed(tmp_path: Path, shape: tuple, dtype: type) -> None:
    blob = np.random.default_rng(0).normal(size=shape).astype(dtype)
    four = blob.reshape(*shape, *[1] * (4 - len(shape)))
    path = tmp_path / "new" / "folders" / "blob.mat"
    write_mat(path, blob)
    stored = scipy.io.loadmat(path)["data"]
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, four.transpose(3, 2, 1, 0))
    again = read_mat(path)
    assert again.dtype == dtype and again.flags.c_contiguous and again.flags.writeable
    np.testing.assert_array_equal(again, four)
    assert [file.name for file in path.parent.iterdir()] == ["blob.mat"]


@pytest.mark.parametrize(("shape", "blob"), [((5, 4, 3), (1, 3, 4, 5)), ((5, 4), (1, 1, 4, 5)), ((1, 1), (1, 1, 1, 1))])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_what_scipy_writes_is_read_and_missing_dimensions_are_ones(tmp_path: Path, compressed: bool, shape: tuple, blob: tuple) -> None:
    values = np.random.default_rng(0).random(shape).astype(np.float32)
    scipy.io.savemat(tmp_path / "x.mat", {"a": [1, 2, 3], "data": values, "diff": values}, do_compression=compressed)
    np.testing.assert_array_equal(read_mat(tmp_path / "x.mat"), values.reshape(blob[::-1]).transpose(3, 2, 1, 0))
    assert read_mat(tmp_path / "x.mat").shape == blob


def test_values_may_be_stored_shorter_and_big_endian(tmp_path: Path) -> None:
    """MATLAB stores a double array of small integers as bytes; old machines wrote the other byte order."""
    matrix = struct.pack(">4I", 6, 8, 6, 0) + struct.pack(">2I2i", 5, 8, 2, 3) + struct.pack(">HH4s", 4, 1, b"data")
    matrix += struct.pack(">2I6B2x", 2, 6, 1, 2, 3, 4, 5, 255)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    (tmp_path / "x.mat").write_bytes(header + struct.pack(">2I", 14, len(matrix)) + matrix)
    blob = read_mat(tmp_path / "x.mat")
    assert blob.dtype == np.float64 and blob.tolist() == [[[[1, 2], [3, 4], [5, 255]]]]
    np.testing.assert_array_equal(scipy.io.loadmat(tmp_path / "x.mat")["data"], blob[0, 0].T)


def saved(path: Path, **variables) -> None:
    scipy.io.savemat(path, variables)


def cut(path: Path) -> None:
    write_mat(path, np.zeros((1, 3, 40, 50), np.float32))
    path.write_bytes(path.read_bytes()[:9000])


READING = "Error reading MAT file {0}: "
NO_FLOATS = READING + "its variable 'data' is neither single nor double"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "Error opening MAT file {0}: No such file or directory"),
        (lambda path: path.write_bytes(b"no MATLAB at all"), READING + "not a MATLAB 5 file"),
        (lambda path: path.write_bytes(b""), READING + "not a MATLAB 5 file"),
        (lambda path: saved(path, other=np.zeros(3)), READING + "it has no variable 'data'"),
        (lambda path: saved(path, data=np.zeros(3, np.int32)), NO_FLOATS),
        (lambda path: saved(path, data="text"), NO_FLOATS),
        (lambda path: saved(path, data=np.zeros(3, np.complex64)), NO_FLOATS),
        (lambda path: saved(path, data={"a": 1}), NO_FLOATS),
        (lambda path: saved(path, data=np.zeros((1, 2, 1, 1, 2))), READING + "its variable 'data' has 5 dimensions, more than 4"),
        (cut, READING + "it is truncated"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, make, sentence: str) -> None:
    path = tmp_path / "x.mat"
    make(path)
    with pytest.raises(CaffeError) as error:
        read_mat(path)
    assert str(error.value).startswith(sentence.format(path))


@pytest.mark.parametrize("blob", [np.zeros((1, 1, 1, 1, 1), np.float32), np.zeros(3, np.int32)], ids=["axes", "type"])
def test_what_cannot_be_written_is_refused(tmp_path: Path, blob: np.ndarray) -> None:
    with pytest.raises(CaffeError, match="only blobs of floats or doubles with at most 4 axes can be written"):
        write_mat(tmp_path / "x.mat", blob)
    assert not list(tmp_path.iterdir())


def test_damaged_files_raise_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    write_mat(path, np.ones((1, 3, 4, 5), np.float32))
    whole = path.read_bytes()
    random = np.random.default_rng(6)
    for _ in range(300):
        broken = bytearray(whole)
        for place in random.integers(0, 220, 3):
            broken[place] = random.integers(256)
        path.write_bytes(broken)
        try:
            assert read_mat(path).ndim == 4
        except CaffeError as error:
            assert str(path) in str(error)


# -- MatWrite ----------------------------------------------------------------------------------

NET = """layer {{ name: "in" type: "Input" top: "x" top: "y" input_param {{ shape {{ dim: 1 dim: 2 dim: 3 dim: 4 }} shape {{ dim: 2 }} }} }}
layer {{ name: "out" type: "MatWrite" bottom: "x" bottom: "y" mat_write_param {{ prefix: "{0}/features/" {1} }} }}"""


def blobs(t: int) -> dict[str, np.ndarray]:
    return {"x": noise(t, 1, 2, 3, 4).astype(np.float32), "y": noise(t, 2).astype(np.float32)}


def write_names(folder: Path, count: int = 3) -> str:
    (folder / "id.txt").write_text("".join(f"p{k}.jpg 0\n" for k in range(count)))
    return f'source: "{folder}/id.txt" strip: 4'


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "features").iterdir())


@pytest.mark.parametrize(
    ("fields", "names"),
    [("names", ["p0", "p1", "p2"]), ("", ["iter_0", "iter_1", "iter_2"]), ("names period: 2", ["p0", "p2"]), ("period: 3", ["iter_0"])],
)
def test_each_forward_writes_a_file_per_bottom(tmp_path: Path, fields: str, names: list[str]) -> None:
    net = Net(NET.format(tmp_path, fields.replace("names", write_names(tmp_path))))
    for t in range(3):
        net(**blobs(t))
    assert files(tmp_path) == sorted(f"{name}_blob_{i}.mat" for name in names for i in (0, 1))
    for name in names:
        expected = blobs(int(name[-1]))
        np.testing.assert_array_equal(read_mat(tmp_path / "features" / f"{name}_blob_0.mat"), expected["x"])
        np.testing.assert_array_equal(read_mat(tmp_path / "features" / f"{name}_blob_1.mat").ravel(), expected["y"])


def test_files_that_exist_are_kept_and_that_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = tmp_path / "features" / "p1_blob_0.mat"
    for path in (kept, kept.with_name("p2_blob_1.mat")):
        write_mat(path, np.float32([[[[5]]]]))
    before = kept.read_bytes()
    net = Net(NET.format(tmp_path, write_names(tmp_path)))
    with caplog.at_level(logging.WARNING):
        for t in range(3):
            net(**blobs(t))
    assert kept.read_bytes() == before and len(files(tmp_path)) == 6
    assert [record.getMessage() for record in caplog.records] == [f"layer 'out': files that exist are kept, now 2, such as {kept}"]


def test_files_that_exist_are_replaced_if_wished(tmp_path: Path) -> None:
    write_mat(tmp_path / "features" / "p0_blob_0.mat", np.float32([[[[5]]]]))
    net = Net(NET.format(tmp_path, write_names(tmp_path)))
    net.layers[-1].overwrite = True
    net(**blobs(0))
    np.testing.assert_array_equal(read_mat(tmp_path / "features" / "p0_blob_0.mat"), blobs(0)["x"])


def test_more_forwards_than_names_are_an_error(tmp_path: Path) -> None:
    net = Net(NET.format(tmp_path, write_names(tmp_path, 1)))
    net(**blobs(0))
    with pytest.raises(CaffeError, match=r"^layer 'out' \(MatWrite\): Test has run for more iterations than it was supposed"):
        net(**blobs(1))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ("period: 0", "period must be positive, not 0"),
        ("strip: -1", "strip must not be negative: -1"),
        ("source: 'no/list'", "source: Could not open 'no/list'"),
    ],
)
def test_bad_fields(tmp_path: Path, fields: str, sentence: str) -> None:
    with pytest.raises(CaffeError) as error:
        Net(NET.format(tmp_path, fields))(**blobs(0))
    assert str(error.value).startswith(f"layer 'out' (MatWrite): {sentence}")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file where the folder should be")
    with pytest.raises(CaffeError, match=r"^layer 'out' \(MatWrite\): .*/features/iter_0_blob_0\.mat: cannot be written: "):
        Net(NET.format(tmp_path, ""))(**blobs(0))


# -- MatRead -----------------------------------------------------------------------------------


def read_fields(folder: Path, fields: str = "") -> str:
    return f'mat_read_param {{ prefix: "{folder}/features/" {fields} }}'


def write_blobs(folder: Path, shapes: list[tuple]) -> list[np.ndarray]:
    values = [np.random.default_rng(k).normal(size=shape).astype(np.float32) for k, shape in enumerate(shapes)]
    for k, value in enumerate(values):
        write_mat(folder / "features" / f"p{k}_blob_0.mat", value)
    return values


def test_what_was_written_is_read_in_turn_and_again(tmp_path: Path) -> None:
    values = write_blobs(tmp_path, [(1, 2, 3, 4)] * 3)
    layer = data_layer("MatRead", read_fields(tmp_path, write_names(tmp_path) + " batch_size: 2"), tops=1)
    assert layer.top_shapes() == [(2, 2, 3, 4)]
    for first, second in ((0, 1), (2, 0), (1, 2)):
        np.testing.assert_array_equal(next_batch(layer)[0], np.concatenate([values[first], values[second]]))


@pytest.mark.parametrize(
    ("shapes", "fields", "sentence"),
    [
        ([(2, 2, 3, 4)], "", "features/p0_blob_0.mat holds a blob of shape (2, 2, 3, 4), not (1, 2, 3, 4)"),
        ([(1, 2, 3, 4), (1, 2, 4, 3)], "", "features/p1_blob_0.mat holds a blob of shape (1, 2, 4, 3), not (1, 2, 3, 4)"),
        ([(1, 2, 3, 4)], "", "Error opening MAT file {0}/features/p1_blob_0.mat"),
        ([], "batch_size: 0", "Positive batch size required"),
        ([], "strip: -2", "strip must not be negative: -2"),
    ],
)
def test_bad_blobs_are_named(tmp_path: Path, shapes: list[tuple], fields: str, sentence: str) -> None:
    write_blobs(tmp_path, shapes)
    names = write_names(tmp_path).replace("strip: 4", "" if "strip" in fields else "strip: 4")
    with pytest.raises(CaffeError) as error:
        layer = data_layer("MatRead", read_fields(tmp_path, f"{names} {fields}"), tops=1)
        layer(), layer()
    assert str(error.value).startswith("layer 'it' (MatRead): ") and sentence.format(tmp_path) in str(error.value)


def test_reading_needs_a_source(tmp_path: Path) -> None:
    with pytest.raises(CaffeError, match="mat_read_param needs source"):
        data_layer("MatRead", read_fields(tmp_path), tops=1)
