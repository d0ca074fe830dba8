"""The Data layer on LMDB and LevelDB: raw, float and encoded records, several readers, and every error."""

import importlib
import sys
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from data.restated import restated_image
from data.support import MEAN, MEAN_VALUES, SEED, data_layer, next_batch, noise, words

from segaware_caffe import CaffeError
from segaware_caffe.schema import Datum, message_class

HAS_PLYVEL = pytest.mark.skipif(sys.version_info >= (3, 13), reason="plyvel has wheels up to Python 3.12")
BACKENDS = ["LMDB", pytest.param("LEVELDB", marks=HAS_PLYVEL)]
IMAGES = [noise(k, 12, 15, 3) for k in range(5)]


def write_database(path: Path, backend: str, records: dict[bytes, bytes]) -> None:
    if backend == "LMDB":
        with lmdb.open(str(path), map_size=2**20) as environment, environment.begin(write=True) as transaction:
            for key, value in records.items():
                transaction.put(key, value)
    else:
        database = importlib.import_module("plyvel").DB(str(path), create_if_missing=True)
        for key, value in records.items():
            database.put(key, value)
        database.close()


def raw(image: np.ndarray, label: int) -> bytes:
    planes = image.transpose(2, 0, 1)
    channels, height, width = planes.shape
    return Datum(channels=channels, height=height, width=width, data=planes.tobytes(), label=label).SerializeToString()


def encoded(image: np.ndarray, label: int) -> bytes:
    return Datum(encoded=True, data=cv2.imencode(".png", image)[1].tobytes(), label=label).SerializeToString()


def records(encode) -> dict[bytes, bytes]:
    """Written from the last key to the first: reading goes by key."""
    return {f"{k:08d}".encode(): encode(image, 10 + k) for k, image in reversed(list(enumerate(IMAGES)))}


def text(path: Path, backend: str, batch_size: int = 2, transform: str = "") -> str:
    return f'data_param {{ source: "{path}" backend: {backend} batch_size: {batch_size} }} transform_param {{ {transform} }}'


@pytest.mark.parametrize("encode", [raw, encoded])
@pytest.mark.parametrize("backend", BACKENDS)
def test_records_come_in_the_order_of_their_keys_and_again(tmp_path: Path, backend: str, encode) -> None:
    write_database(tmp_path / "db", backend, records(encode))
    layer = data_layer("Data", text(tmp_path / "db", backend))
    assert layer.top_shapes() == [(2, 3, 12, 15), (2,)]
    for start in range(0, 10, 2):
        data, label = next_batch(layer)
        order = [start % 5, (start + 1) % 5]
        assert label.tolist() == [10 + k for k in order]
        np.testing.assert_array_equal(data, [IMAGES[k].transpose(2, 0, 1) for k in order])


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_batches_equal_a_restatement(tmp_path: Path, backend: str) -> None:
    write_database(tmp_path / "db", backend, records(raw))
    layer = data_layer("Data", text(tmp_path / "db", backend, 5, f"crop_size: 7 mirror: true scale: 0.5 {MEAN_VALUES}"), train=True)
    stream = words(SEED)
    next(stream)
    draws = words(next(stream))
    param = message_class("TransformationParameter")(crop_size=7, mirror=True, scale=0.5, mean_value=MEAN)
    for _ in range(2):
        np.testing.assert_array_equal(next_batch(layer)[0], [restated_image(image, param, True, draws) for image in IMAGES])


def test_floats_and_one_top(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    write_database(tmp_path / "db", "LMDB", {b"k": Datum(channels=4, height=2, width=3, float_data=values.ravel()).SerializeToString()})
    (data,) = next_batch(data_layer("Data", text(tmp_path / "db", "LMDB", 1), tops=1))
    np.testing.assert_array_equal(data[0], values)


@pytest.mark.parametrize(
    ("force", "flag"), [("force_color: true", cv2.IMREAD_COLOR), ("force_gray: true", cv2.IMREAD_GRAYSCALE), ("", cv2.IMREAD_UNCHANGED)]
)
@pytest.mark.parametrize("image", [IMAGES[0], IMAGES[0][..., 0]], ids=["colour", "grey"])
def test_encoded_records_are_decoded_as_stored_or_as_forced(tmp_path: Path, image: np.ndarray, force: str, flag: int) -> None:
    write_database(tmp_path / "db", "LMDB", {b"k": encoded(image, 0)})
    data, _ = next_batch(data_layer("Data", text(tmp_path / "db", "LMDB", 1, force)))
    expected = cv2.imdecode(cv2.imencode(".png", image)[1], flag).reshape(12, 15, -1)
    np.testing.assert_array_equal(data[0], expected.transpose(2, 0, 1))


def test_forcing_colour_on_raw_records_is_logged_and_has_no_effect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_database(tmp_path / "db", "LMDB", records(raw))
    data, _ = next_batch(data_layer("Data", text(tmp_path / "db", "LMDB", 1, "force_gray: true")))
    assert data.shape == (1, 3, 12, 15)
    assert "force_color and force_gray only for encoded datum" in caplog.text


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_layers_read_one_database(tmp_path: Path, backend: str) -> None:
    """Its library lets a process open it only once."""
    write_database(tmp_path / "db", backend, records(raw))
    one, two = (data_layer("Data", text(tmp_path / "db", backend, 3)) for _ in range(2))
    for _ in range(4):
        np.testing.assert_array_equal(next_batch(one)[0], next_batch(two)[0])


RECORD = "record 'k' of '{0}'"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("value", "transform", "sentence"),
    [
        (b"\xff" * 9, "", RECORD + " is not a Datum"),
        (
            Datum(channels=1, height=2, width=2, data=b"123").SerializeToString(),
            "",
            RECORD + ": 3 values are stored, but the shape is (1, 2, 2)",
        ),
        (Datum(encoded=True, data=b"123").SerializeToString(), "", RECORD + ": Could not decode the image: not an image"),
        (raw(IMAGES[0], 0), "crop_size: 13", RECORD + ": an image of 12 x 15 (height x width) is smaller than crop_size 13"),
        (None, "", "source '{0}' has no records"),
        (raw(IMAGES[0], 0), "force_color: true force_gray: true", "cannot set both force_color and force_gray"),
    ],
)
def test_bad_records_are_named(tmp_path: Path, backend: str, value: bytes | None, transform: str, sentence: str) -> None:
    path = tmp_path / "db"
    write_database(path, backend, {} if value is None else {b"k": value})
    with pytest.raises(CaffeError) as error:
        data_layer("Data", text(path, backend, 1, transform))
    assert str(error.value).startswith("layer 'it' (Data): ") and sentence.format(path) in str(error.value)


def test_records_of_one_batch_must_agree(tmp_path: Path) -> None:
    write_database(tmp_path / "db", "LMDB", {b"a": raw(IMAGES[0], 0), b"b": raw(IMAGES[0][1:], 0)})
    with pytest.raises(CaffeError, match=r"record 'b' .* has shape \(3, 11, 15\), but record 'a' .* has \(3, 12, 15\)"):
        data_layer("Data", text(tmp_path / "db", "LMDB"))


@pytest.mark.parametrize(
    ("have", "said", "sentence"),
    [
        (None, "LMDB", "source '{0}': no such database"),
        (None, "LEVELDB", "source '{0}': no such database"),
        ("LMDB", "LEVELDB", "source '{0}' is an LMDB, but backend is LEVELDB (the default); set backend: LMDB"),
        ("folder", "LMDB", "source '{0}' is no LMDB (it holds no data.mdb), but backend is LMDB"),
        pytest.param("folder", "LEVELDB", "cannot open LevelDB", marks=HAS_PLYVEL),
        ("junk", "LMDB", "cannot open LMDB"),
    ],
)
def test_what_is_no_database_is_named(tmp_path: Path, have: str | None, said: str, sentence: str) -> None:
    path = tmp_path / "db"
    if have == "LMDB":
        write_database(path, have, records(raw))
    elif have:
        path.mkdir()
        (path / ("data.mdb" if have == "junk" else "readme")).write_bytes(b"junk" * 5000)
    with pytest.raises(CaffeError) as error:
        data_layer("Data", text(path, said))
    assert sentence.format(path) in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize(
    ("backend", "package", "help_text"),
    [
        ("LMDB", "lmdb", "pip install 'segaware-caffe[lmdb]'"),
        ("LEVELDB", "plyvel", "pip install 'segaware-caffe[leveldb]', or convert it once"),
    ],
)
def test_a_missing_package_is_told_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, package: str, help_text: str
) -> None:
    (tmp_path / "db").mkdir()
    if backend == "LMDB":
        (tmp_path / "db" / "data.mdb").touch()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CaffeError) as error:
        data_layer("Data", text(tmp_path / "db", backend))
    assert f"needs {package}; install it with: {help_text}" in str(error.value)
