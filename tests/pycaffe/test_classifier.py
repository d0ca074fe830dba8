"""Classifier and Detector, and the commands classify and detect that stand on them, against steps written out."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import segaware_caffe.pycaffe as caffe
from segaware_caffe import cli
from segaware_caffe.data.imageset import write_mean

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 3 dim: 6 dim: 6 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
MEAN = np.array([104.0, 117.0, 123.0])


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)
    made = caffe.Net("net.prototxt", caffe.TEST)
    draw = np.random.default_rng(0)
    for blobs in made.params.values():
        for blob in blobs:
            blob.data[...] = draw.uniform(-0.02, 0.02, blob.data.shape)
    made.save("net.caffemodel")
    Path("photos").mkdir()
    for index, size in enumerate([(12, 11), (9, 14)]):
        Image.fromarray(draw.integers(0, 256, (*size, 3), np.uint8)).save(f"photos/{index}.png")
    np.save("mean.npy", MEAN)
    return made


def scores(net: caffe.Net, crops: list[np.ndarray]) -> np.ndarray:
    """Of (H, W, RGB) crops in [0, 1]."""
    return net.forward_all(data=np.stack([255 * crop[..., ::-1].transpose(2, 0, 1) - MEAN[:, None, None] for crop in crops]))["prob"]


def pictures(size=(8, 8)) -> list[np.ndarray]:
    return [caffe.io.resize_image(caffe.io.load_image(f"photos/{index}.png"), size) for index in range(2)]


ARGUMENTS = ["--model_def=net.prototxt", "--pretrained_model", "net.caffemodel", "--mean_file=mean.npy"]


@pytest.mark.parametrize("centre", [True, False])
def test_classify(net, centre):
    flags = ["--center_only"] if centre else []
    assert cli.main(["classify", *flags, *ARGUMENTS, "--images_dim=8,8", "--ext=png", "photos", "scores.npy"]) == 0
    if centre:
        expected = scores(net, [picture[1:7, 1:7] for picture in pictures()])
    else:
        expected = scores(net, list(caffe.io.oversample(pictures(), (6, 6)))).reshape(2, 10, 3).mean(1)
    np.testing.assert_allclose(np.load("scores.npy"), expected, rtol=1e-4)
    np.save("pictures.npy", np.stack(pictures()))
    write_mean("mean.binaryproto", np.broadcast_to(MEAN[:, None, None], (3, 7, 7)))
    again = [*ARGUMENTS[:3], "--mean_file=mean.binaryproto"]
    assert cli.main(["classify", *flags, *again, "--images_dim=8,8", "pictures.npy", "again.npy"]) == 0
    np.testing.assert_allclose(np.load("again.npy"), expected, rtol=1e-4)


WINDOWS = {"photos/0.png": [(0, 0, 6, 6), (2, 3, 10, 9)], "photos/1.png": [(1, 2, 8, 12)]}


@pytest.mark.parametrize("kind", ["csv", "h5"])
def test_detect(net, kind):
    """Without context a window is cut out and resized; the table has a line for each."""
    with open("windows.csv", "w") as file:
        file.write("filename,ymin,xmin,ymax,xmax\n")
        file.writelines(f"{name},{','.join(map(str, window))}\n" for name, windows in WINDOWS.items() for window in windows)
    assert cli.main(["detect", "--crop_mode=list", "--context_pad=0", *ARGUMENTS, "windows.csv", f"out.{kind}"]) == 0
    crops = [caffe.io.load_image(name)[y:yy, x:xx] for name, windows in WINDOWS.items() for y, x, yy, xx in windows]
    expected = scores(net, [caffe.io.resize_image(crop, (6, 6)) for crop in crops])
    if kind == "csv":
        with open("out.csv") as file:
            rows = list(csv.DictReader(file))
        assert [row["filename"] for row in rows] == ["photos/0.png", "photos/0.png", "photos/1.png"]
        assert [int(row["ymax"]) for row in rows] == [6, 10, 8]
        found = [[float(row[f"class{index}"]) for index in range(3)] for row in rows]
    else:
        with h5py.File("out.h5") as file:
            found = file["prediction"][:]
            assert file["window"][:].tolist() == [list(window) for windows in WINDOWS.values() for window in windows]
            assert file["filename"].shape == (3,)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_context_of_a_window(net):
    """The window takes the middle of the input, its surroundings the rest, and what is outside the picture the mean."""
    detector = caffe.Detector("net.prototxt", "net.caffemodel", mean=MEAN, raw_scale=255, channel_swap=(2, 1, 0), context_pad=1)
    picture = np.zeros((30, 30, 3), np.float32)
    picture[10:18, 10:18] = 1
    crop = detector.crop(picture, np.array([10, 10, 17, 17]))
    assert crop.shape == (6, 6, 3) and crop[2:4, 2:4].min() > 0.9 and crop[0].max() < 0.3
    corner = detector.crop(picture + 1, np.array([0, 0, 7, 7]))
    np.testing.assert_allclose(corner[0, 0], MEAN[::-1] / 255, rtol=1e-6)
    assert (detector.transformer.preprocess("data", corner)[:, 0] < 1e-3).all(), "which the net sees as nothing"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["classify", "photos", "out.npy"], "--model_def is needed"),
        (["classify", *ARGUMENTS, "photos", "out.npy"], "holds no *.jpg; --ext names another suffix"),
        (["classify", *ARGUMENTS, "missing.png", "out.npy"], "missing.png"),
        (["classify", *ARGUMENTS, "--images_dim=a,b", "photos", "out.npy"], "--images_dim: 'a' is no whole number"),
        (["classify", *ARGUMENTS, "net.npy", "out.npy"], "net.npy: No such file or directory"),
        (["detect", *ARGUMENTS, "w.csv", "out.txt"], "its name ends in .csv or .h5"),
        (["detect", *ARGUMENTS, "--crop_mode=all", "w.csv", "out.csv"], "--crop_mode all: it is list or selective_search"),
        (["detect", *ARGUMENTS, "--crop_mode=list", "w.csv", "out.csv"], "w.csv:2: ymin, xmin, ymax, xmax must be numbers"),
        (["detect", *ARGUMENTS, "--crop_mode=list", "mean.npy", "out.csv"], "mean.npy"),
        (["detect", *ARGUMENTS, "w.csv", "out.csv"], "selective search needs the package selective_search_ijcv_with_python"),
    ],
)
def test_mistakes(net, words, said, capsys):
    Path("w.csv").write_text("filename,ymin,xmin,ymax,xmax\nphotos/0.png,1,2,x,4\n")
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err
    assert not Path(words[-1]).exists()
