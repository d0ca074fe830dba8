"""convert_imageset, compute_image_mean and extract_features: to the bytes and numbers of the reference's, by both commands."""

import io
import json
import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from segaware_caffe import Net, cli
from segaware_caffe.cli import caffe
from segaware_caffe.data import images
from segaware_caffe.data.databases import BACKENDS, read_datums
from segaware_caffe.schema import Datum
from segaware_caffe.schema.blobproto import read_blobproto

GOLDEN = Path(__file__).parents[1] / "golden" / "tools"
RUNS = json.loads((GOLDEN / "runs.json").read_text())
SETS = [name for name, run in RUNS.items() if "args" in run and run["rc"] == 0]
MEANS = [name for name in RUNS if name.startswith("mean_")]


def records(folder: Path) -> dict[str, bytes]:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return {key.decode(): value for key, value in transaction.cursor()}


def golden(name: str) -> dict[str, bytes]:
    stored = np.load(GOLDEN / f"db_{name}.npz")
    return {key: bytes(stored[f"value_{index}"]) for index, key in enumerate(stored["keys"].tolist())}


def convert(target: Path, name: str, main=cli.main, *more: str) -> int:
    *flags, listed = RUNS[name]["args"]
    return main(["convert_imageset", *flags, *more, f"{GOLDEN}/images/", str(GOLDEN / listed), str(target)])


@pytest.mark.parametrize("main", [cli.main, caffe.main])
@pytest.mark.parametrize("name", SETS)
def test_the_reference_database(tmp_path, name, main):
    assert convert(tmp_path / "db", name, main) == 0
    ours, expected = records(tmp_path / "db"), golden(name)
    assert list(ours) == list(expected)
    for key, value in expected.items():
        found, wanted = Datum.FromString(ours[key]), Datum.FromString(value)
        assert (found.encoded, found.label, found.HasField("channels")) == (wanted.encoded, wanted.label, wanted.HasField("channels"))
        if wanted.encoded:
            pixels = [np.asarray(Image.open(io.BytesIO(datum.data))) for datum in (found, wanted)]
            np.testing.assert_array_equal(*pixels)
        else:
            assert ours[key] == value


def test_sizes_that_differ_are_told_in_the_reference_words(tmp_path, capsys):
    assert convert(tmp_path / "db", "wrong_size") == 2
    assert RUNS["wrong_size"]["said"][0] in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [], "nothing half written"


@pytest.mark.parametrize("name", MEANS)
def test_the_reference_mean(tmp_path, name, capsys):
    source = name.removeprefix("mean_")
    convert(tmp_path / "db", source)
    assert cli.main(["compute_image_mean", str(tmp_path / "db"), str(tmp_path / "mean.binaryproto")]) == 0
    assert (tmp_path / "mean.binaryproto").read_bytes() == (GOLDEN / f"{name}.binaryproto").read_bytes()
    mean = read_blobproto(tmp_path / "mean.binaryproto")[0]
    pictures = [images.read_image(GOLDEN / "images" / key[9:], source != "grey") for key in golden(source)]
    pictures = pictures if source == "plain" else [images.resize(picture, 8, 6) for picture in pictures]
    np.testing.assert_allclose(mean, np.mean([picture.transpose(2, 0, 1) for picture in pictures], 0), rtol=1e-6)
    said = capsys.readouterr().err
    for channel, value in enumerate(mean.reshape(len(mean), -1).mean(1)):
        assert f"mean_value channel [{channel}]: {value:g}" in said


def test_the_reference_features(tmp_path):
    convert(tmp_path / "db", "resized")
    prototxt = (GOLDEN / "features.prototxt").read_text().replace("DATABASE", str(tmp_path / "db"))
    (tmp_path / "net.prototxt").write_text(prototxt)
    targets = f"{tmp_path}/pool,{tmp_path}/ip"
    arguments = [str(GOLDEN / "features.caffemodel"), str(tmp_path / "net.prototxt"), "pool,ip", targets, "3", "lmdb", "CPU"]
    assert cli.main(["extract_features", *arguments]) == 0
    for name in ("pool", "ip"):
        stored = np.load(GOLDEN / f"features_{name}.npz")
        ours = records(tmp_path / name)
        assert list(ours) == stored["keys"].tolist()
        for index, value in enumerate(ours.values()):
            found, wanted = Datum.FromString(value), Datum.FromString(bytes(stored[f"value_{index}"]))
            assert (found.channels, found.height, found.width) == (wanted.channels, wanted.height, wanted.width)
            np.testing.assert_allclose(found.float_data, wanted.float_data, rtol=1e-5, atol=1e-6)


def test_what_is_written_is_read_by_a_data_layer(tmp_path):
    convert(tmp_path / "db", "resized")
    net = Net(
        f'layer {{ name: "d" type: "Data" top: "x" top: "y" data_param {{ source: "{tmp_path}/db" batch_size: 6 backend: LMDB }} }}', "TEST"
    )
    blobs = net()
    assert blobs["y"].tolist() == [0, 3, 6, 9, 12, 15]
    first = images.resize(images.read_image(GOLDEN / "images/p0.png"), 8, 6)
    np.testing.assert_array_equal(blobs["x"][0], first.transpose(2, 0, 1))


def test_shuffling(tmp_path):
    """The items in another order, the same for the same seed; keys count the new order."""
    (tmp_path / "list.txt").write_text("".join(f"p0.png {label}\n" for label in range(20)))

    def order(target: str, *flags: str) -> list[int]:
        arguments = ["--shuffle", *flags, f"{GOLDEN}/images/", str(tmp_path / "list.txt"), str(tmp_path / target)]
        assert cli.main(["convert_imageset", *arguments]) == 0
        return [Datum.FromString(value).label for value in records(tmp_path / target).values()]

    orders = [order("a", "--random_seed=3"), order("b", "--random_seed", "3"), order("c"), order("d")]
    assert orders[0] == orders[1] and len({tuple(labels) for labels in orders}) == 3
    assert all(sorted(labels) == list(range(20)) for labels in orders)


def test_leveldb(tmp_path):
    assert convert(tmp_path / "db", "plain", cli.main, "--backend=leveldb") == 0
    assert [datum.label for _, datum in read_datums(str(tmp_path / "db"), BACKENDS["LEVELDB"].number)] == [0, 3, 12]
    assert cli.main(["compute_image_mean", "-backend", "leveldb", str(tmp_path / "db")]) == 0


def test_jpeg_is_written_as_opencv_writes_it():
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (23, 17, 3), np.uint8)
    for extension in ("jpg", "png", "bmp"):
        expected = cv2.imdecode(cv2.imencode(f".{extension}", image)[1], cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(images.encode_image(image, extension), np.uint8), -1), expected)
        grey = images.encode_image(image[..., :1], extension)
        np.testing.assert_array_equal(
            cv2.imdecode(np.frombuffer(grey, np.uint8), -1), cv2.imdecode(cv2.imencode(f".{extension}", image[..., 0])[1], -1)
        )


def test_images_that_cannot_be_read_are_left_out_and_told(tmp_path, capsys):
    shutil.copytree(GOLDEN / "images", tmp_path / "images")
    (tmp_path / "images" / "p1.png").write_text("no picture")
    (tmp_path / "list.txt").write_text("p0.png 0\np1.png 1\nmissing.png 2\np4.png 3\n")
    assert cli.main(["convert_imageset", f"{tmp_path}/images/", str(tmp_path / "list.txt"), str(tmp_path / "db")]) == 0
    assert list(records(tmp_path / "db")) == ["00000000_p0.png", "00000003_p4.png"]
    said = capsys.readouterr().err
    assert "p1.png" in said and "missing.png" in said and "2 of the 4 images could not be read" in said


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["convert_imageset", "a", "b"], 1, "usage: convert_imageset [FLAGS] ROOTFOLDER/ LISTFILE DB_NAME"),
        (["convert_imageset", "--colour", "a", "b", "c"], 1, "ERROR: unknown command line flag 'colour'"),
        (["convert_imageset", "--resize_width=x", "a", "b", "c"], 1, "illegal value 'x' specified for int32 flag 'resize_width'"),
        (["convert_imageset", "a/", "no.txt", "c"], 2, "Could not open 'no.txt'"),
        (["convert_imageset", "--backend=hdf5", "{images}", "{list}", "c"], 2, "Unknown database backend 'hdf5'"),
        (["convert_imageset", "--encoded", "--encode_type=xyz", "{images}", "{list}", "c"], 2, "Could not encode an image as 'xyz'"),
        (["convert_imageset", "{images}", "{list}", "."], 2, "exists already"),
        (["compute_image_mean"], 1, "usage: compute_image_mean"),
        (["compute_image_mean", "no_db"], 2, "no such database"),
        (["extract_features", "a"], 1, "usage: extract_features"),
        (["extract_features", "a", "b", "x,y", "d", "1", "lmdb"], 2, "the number of blob names and dataset names must be equal"),
        (["extract_features", "a", "b", "x", "d", "1", "lmdb", "TPU"], 2, "'TPU' is neither CPU nor GPU"),
        (["extract_features", "a", "b", "x", "d", "many", "lmdb"], 2, "'many' is no number of batches"),
    ],
)
def test_mistakes(words, status, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [word.format(images=f"{GOLDEN}/images/", list=GOLDEN / "list.txt") for word in words]
    assert cli.main(words) == status
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
