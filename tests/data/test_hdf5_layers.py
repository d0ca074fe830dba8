"""HDF5Data and HDF5Output."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from data.restated import restated_order
from data.support import SEED, data_layer, next_batch, words

from segaware_caffe import CaffeError, Net


def write_files(folder: Path, *row_counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Files f<k>.h5 with datasets data and label, their list, and all rows together."""
    data = np.random.default_rng(0).normal(size=(sum(row_counts), 2, 3))
    label = np.arange(sum(row_counts))
    start = 0
    for k, count in enumerate(row_counts):
        with h5py.File(folder / f"f{k}.h5", "w") as file:
            file["data"], file["label"] = data[start : start + count], label[start : start + count]
        start += count
    (folder / "list.txt").write_text("".join(f"{folder}/f{k}.h5\n" for k in range(len(row_counts))))
    return data.astype(np.float32), label.astype(np.float32)


def text(folder: Path, fields: str = "batch_size: 3") -> str:
    return f'hdf5_data_param {{ source: "{folder}/list.txt" {fields} }}'


@pytest.mark.parametrize("row_counts", [(5,), (4, 2, 5)])
def test_batches_run_on_over_the_ends_of_files(tmp_path: Path, row_counts: tuple[int, ...]) -> None:
    data, label = write_files(tmp_path, *row_counts)
    layer = data_layer("HDF5Data", text(tmp_path))
    assert layer.top_shapes() == [(3, 2, 3), (3,)]
    for forward in range(8):
        rows = np.arange(3 * forward, 3 * forward + 3) % len(data)
        for actual, expected in zip(next_batch(layer), (data[rows], label[rows]), strict=True):
            assert actual.dtype == np.float32
            np.testing.assert_array_equal(actual, expected)


def test_shuffling_permutes_files_and_rows(tmp_path: Path) -> None:
    data, label = write_files(tmp_path, 4, 3, 5)
    layer = data_layer("HDF5Data", text(tmp_path, "batch_size: 12 shuffle: true"))
    stream = words(next(words(SEED)))
    files = [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9, 10, 11]]
    for _ in range(3):
        files = [files[k] for k in restated_order(3, stream)]
        rows = [rows[k] for rows in files for k in restated_order(len(rows), stream)]
        actual = next_batch(layer)
        np.testing.assert_array_equal(actual[0], data[rows])
        np.testing.assert_array_equal(actual[1], label[rows])


def test_what_a_program_does_to_a_batch_stays_there(tmp_path: Path) -> None:
    data, _ = write_files(tmp_path, 1)
    layer = data_layer("HDF5Data", text(tmp_path, "batch_size: 1"))
    layer()[0].zero_()
    np.testing.assert_array_equal(next_batch(layer)[0], data)


def rewrite(path: Path, **datasets) -> None:
    with h5py.File(path, "w") as file:
        for name, value in datasets.items():
            file[name] = value


@pytest.mark.parametrize(
    ("make", "fields", "sentence"),
    [
        (lambda path: path.unlink(), "batch_size: 1", "Failed opening HDF5 file: {0}"),
        (lambda path: path.write_bytes(b"no HDF5"), "batch_size: 1", "Failed opening HDF5 file: {0}"),
        (lambda path: rewrite(path, data=[1]), "batch_size: 1", "{0}: Failed to find HDF5 dataset label; the file has data"),
        (lambda path: rewrite(path, data=[1, 2], label=[1]), "batch_size: 1", "equally many rows, at least one: {{'data': 2, 'label': 1}}"),
        (lambda path: rewrite(path, data=[b"a"], label=[1]), "batch_size: 1", "{0}: dataset data must hold rows of numbers, not object"),
        (lambda path: rewrite(path, data=1.0, label=[1]), "batch_size: 1", "{0}: dataset data must hold rows of numbers"),
        (lambda path: None, "batch_size: 0", "Positive batch size required"),
        (lambda path: (path.parent / "list.txt").unlink(), "batch_size: 1", "source: Could not open"),
        (lambda path: None, "batch_size: 1 }} transform_param {{ scale: 2", "HDF5Data does not transform data."),
    ],
)
def test_bad_files_are_named(tmp_path: Path, make, fields: str, sentence: str) -> None:
    write_files(tmp_path, 4)
    make(tmp_path / "f0.h5")
    with pytest.raises(CaffeError) as error:
        data_layer("HDF5Data", text(tmp_path, fields.format()))
    assert str(error.value).startswith("layer 'it' (HDF5Data): ") and sentence.format(tmp_path / "f0.h5") in str(error.value)


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, 2, 2)
    rewrite(tmp_path / "f1.h5", data=np.zeros((2, 5)), label=[0, 0])
    with pytest.raises(CaffeError, match=r"f1\.h5 has shape \(5,\), but .*f0\.h5 in the same batch has \(2, 3\)"):
        data_layer("HDF5Data", text(tmp_path))


OUTPUT = """layer {{ name: "in" type: "Input" top: "x" top: "y" input_param {{ shape {{ dim: 2 dim: 3 }} shape {{ dim: 2 }} }} }}
layer {{ name: "out" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param {{ file_name: "{}" }} }}"""


def test_a_source_that_is_an_hdf5_file_itself(tmp_path):
    write_files(tmp_path, 2)
    with pytest.raises(CaffeError, match=r"layer 'it' \(HDF5Data\): source: '.*f0\.h5' is a HDF5 file itself; source must be a text file"):
        data_layer("HDF5Data", f'hdf5_data_param {{ source: "{tmp_path}/f0.h5" batch_size: 1 }}')


def test_output_is_written_once_with_four_axes(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([7, 8])
    net = Net(OUTPUT.format(path))
    net(x=x, y=y)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data"], x.reshape(2, 3, 1, 1))
        np.testing.assert_array_equal(file["label"], y.reshape(2, 1, 1, 1))
    with pytest.raises(CaffeError, match=r"layer 'out' \(HDF5Output\): .*out\.h5' holds a batch already"):
        net(x=x, y=y)
    assert [file.name for file in tmp_path.iterdir()] == ["out.h5"]


@pytest.mark.parametrize(
    ("file", "shapes", "sentence"),
    [
        ("", ((2, 3), (2,)), "needs file_name"),
        ("x.h5", ((2, 3), (3,)), r"the same num: \(2,\) and \(3,\)"),
        ("x.h5", ((2, 3, 1, 1, 1), (2,)), "at most 4 axes"),
        ("no_such_folder/x.h5", ((2, 3), (2,)), "no_such_folder/x.h5: cannot be written: "),
    ],
)
def test_bad_output(file: str, shapes: tuple, sentence: str) -> None:
    with pytest.raises(CaffeError, match=rf"layer 'out' \(HDF5Output\): .*{sentence}"):
        net = Net(OUTPUT.format(file))
        net.reshape(x=shapes[0], y=shapes[1])
        net(x=np.zeros(shapes[0], np.float32), y=np.zeros(shapes[1], np.float32))


def test_a_missing_package_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, 2)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CaffeError) as error:
        data_layer("HDF5Data", text(tmp_path))
    assert "needs h5py; install it with: pip install 'segaware-caffe[hdf5]'" in str(error.value)
