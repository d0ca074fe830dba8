"""The trained networks that come with the package, and the scripts that make, show and judge them."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import demo
import drawing
import fit_embeddings
import make_results
import make_trunk
import numpy as np
import pytest
import torch
import train_models
from PIL import Image

from segaware_caffe import Net, models, read_net, segmentation
from segaware_caffe.ops import native
from segaware_caffe.solver import read_log
from segaware_caffe.voc import VocFolder

ROOT = Path(__file__).resolve().parents[1]
DEPLOYS = {models.CAMVID_PLAIN: "camvid/plain_deploy", models.CAMVID_SEGAWARE: "camvid/segaware_deploy"}
MODELS = pytest.mark.parametrize("model", DEPLOYS, ids=lambda model: model.name)


@MODELS
def test_every_blob_of_the_network_comes_from_the_file(model):
    net = Net(model.prototxt, weights=model.weights)
    report = net.load_report
    assert not report.missing and not report.unused
    assert all(blob.isfinite().all() for blobs in net.params.values() for blob in blobs)


@MODELS
def test_the_prototxt_is_the_config(model):
    """But for its name, and the size of a frame of CamVid."""
    text = (ROOT / "configs" / f"{DEPLOYS[model]}.prototxt").read_text()
    height, width = train_models.FRAME
    text = text.replace("${HEIGHT}", str(height)).replace("${WIDTH}", str(width))
    assert read_net(model.prototxt).layer == read_net(text).layer


def test_they_are_small():
    assert sum(model.weights.stat().st_size for model in DEPLOYS) <= 20e6


def test_the_twins_have_one_trunk_and_decoders_of_their_own():
    plain, aware = (Net(model.prototxt, weights=model.weights).params for model in (models.CAMVID_PLAIN, models.CAMVID_SEGAWARE))
    assert all(blob.shape == aware[name][index].shape for name, blobs in plain.items() for index, blob in enumerate(blobs))
    same = {name for name, blobs in plain.items() if all((blob == aware[name][index]).all() for index, blob in enumerate(blobs))}
    assert {name for name in plain if name.startswith(("block", "stem"))} <= same
    assert not any(name.startswith(("lateral", "decoder")) for name in same)


def test_the_segmentation_aware_one_has_besides_an_embedding_and_its_factor():
    plain, aware = (Net(model.prototxt, weights=model.weights).params for model in (models.CAMVID_PLAIN, models.CAMVID_SEGAWARE))
    besides = set(aware) - set(plain)
    assert besides == {"embedding", "filter_weighted"} and float(aware["filter_weighted"][0]) > 1


def test_the_demo_makes_its_picture_of_a_photograph(tmp_path):
    photograph = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)).save(photograph)
    command = [sys.executable, ROOT / "scripts" / "demo.py", photograph, "--output", tmp_path / "out", "--side", "200"]
    assert "300 x 200 pixels in" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with Image.open(tmp_path / "out" / "demo.png") as picture, Image.open(tmp_path / "out" / "demo_labels.png") as labels:
        assert picture.height > 2 * 480 and picture.width > 3 * demo.SHOWN
        assert labels.size == (300, 200) and np.asarray(labels).max() < len(models.CAMVID_CLASSES)


def test_the_demo_shows_what_the_last_filter_does():
    net = Net(demo.MODEL.prototxt, weights=demo.MODEL.weights)
    last = demo.LastFilter(net)
    rgb = np.random.default_rng(0).integers(0, 255, (13, 17, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)[:97, :130]
    blobs = last.blobs(rgb)
    whole = net(data=demo.padded(rgb))["scores"][0, :, :97, :130].numpy()
    np.testing.assert_allclose(blobs["scores"], whole, rtol=1e-4, atol=1e-4)
    assert blobs["before"].shape == whole.shape and np.abs(blobs["before"] - whole).max() > 1e-3
    assert blobs["mask"].shape[1:] == blobs["embedding"].shape[1:] == (49, 66)
    assert blobs["mask"].min() >= 0 and blobs["mask"].max() <= 1


def test_telling_pixels_have_divided_masks_at_outlines():
    labels = np.zeros((60, 100), np.uint8)
    labels[30:] = 1
    masks = np.random.default_rng(0).random((9, 60, 100))
    pixels = drawing.telling_pixels(masks, 6, labels=labels)
    assert len(pixels) == 5 and all(abs(row - 29.5) <= 3 for row, _ in pixels)
    assert all(right - left > 6 for (_, left), (_, right) in itertools.pairwise(pixels))


def test_without_the_street_photograph_there_is_another_and_a_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo.subprocess, "run", lambda command: subprocess.CompletedProcess(command, 1))
    assert segmentation.read_photograph(demo.street(tmp_path)).shape == (400, 600, 3)
    assert "cannot be downloaded: here is a coffee cup" in capsys.readouterr().err


def test_the_filter_demo_needs_no_weights(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "demo_filter.py", "--output", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "filter.png, and the labels in filter_labels.png" in done.stdout
    with Image.open(tmp_path / "filter_labels.png") as labels:
        assert len(np.unique(labels)) > 3


# -- training ------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path) -> Path:
    """Photographs of squares of 11 classes with a colour each, in VOC's layout, the labels with a palette."""
    folder, random = tmp_path / "dataset", np.random.default_rng(0)
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    for subset in ("train", "val", "test"):
        (folder / "ImageSets" / "Segmentation" / f"{subset}.txt").write_text(f"{subset}0\n{subset}1\n")
        for name in (f"{subset}0", f"{subset}1"):
            truth = random.integers(0, 11, (6, 8), dtype=np.uint8).repeat(20, 0).repeat(20, 1)
            truth[:, :3] = 255
            Image.fromarray(np.stack([truth * 20, 255 - truth * 15, truth * 7], 2)).save(folder / "JPEGImages" / f"{name}.jpg")
            labels = Image.fromarray(truth, mode="P")
            labels.putpalette([200, 100, 50] * 256)
            labels.save(folder / "SegmentationClass" / f"{name}.png")
    return folder


@pytest.fixture
def trunk(monkeypatch):
    """A trunk with random weights in place of the package's."""
    monkeypatch.setattr(make_trunk, "installed_weights", lambda: None)
    monkeypatch.setattr(make_trunk, "make", lambda state: Net(make_trunk.prototxt()))


def test_labels_are_prepared_without_palette_and_listed(dataset, tmp_path, trunk):
    work = tmp_path / "work"
    for _ in range(2):  # what is there stays
        train_models.prepare(work, VocFolder(dataset))
    listed = (work / "segaware/list/camvid_train.txt").read_text()
    assert listed == "/JPEGImages/train0.jpg /labels/train0.png\n/JPEGImages/train1.jpg /labels/train1.png\n"
    with Image.open(work / "segaware/data/camvid/labels/train0.png") as labels:
        assert labels.mode == "L" and set(np.unique(labels)) <= {*range(11), 255}
    assert (work / "segaware/data/camvid/JPEGImages/test1.jpg").exists()


def stage(folder: Path, iterations: int) -> train_models.Stage:
    """A stage that learns one number from data that is made up."""
    text = """
    layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 4 dim: 1 } data_filler { value: 1 } } }
    layer { name: "y" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "x" top: "loss" }
    """
    return train_models.Stage(folder, "one", text, (), iterations, 0.1, seed=3)


def test_a_stage_goes_on_from_its_last_snapshot_and_is_not_done_again(tmp_path, capsys):
    done = stage(tmp_path, 30)
    done.train({})
    assert done.caffemodel.exists() and done.seconds > 0 and "one.log: begins" in capsys.readouterr().out
    straight = Net(done.text, "TRAIN", weights=done.caffemodel).params["y"][0].item()
    done.train({})
    assert not capsys.readouterr().out
    for left in (*tmp_path.glob("one_iter_2[0-9].*"), *tmp_path.glob("one_iter_30.*")):
        left.unlink()
    done.train({})
    assert "on from one_iter_18.solverstate" in capsys.readouterr().out
    assert Net(done.text, "TRAIN", weights=done.caffemodel).params["y"][0].item() == straight
    losses = [iteration for iteration, _ in read_log(done.log)["loss"]]
    assert losses.count(28) == 2 and losses.count(10) == 1


@pytest.mark.slow
def test_all_of_the_results_are_made_by_one_command(dataset, tmp_path):
    """Whatever was there stays as it was, a stage that is missing is done again, and the page says what was judged."""
    work = tmp_path / "work"
    command = [ROOT / "scripts" / "results.sh", dataset, work, "--fast"]
    environment = os.environ | {"PYTHON": sys.executable, "SEEDS": "0", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    page = (work / "results.md").read_text()
    assert all(f"| {name} |" in page for name in make_results.WAYS) and "One seed so far" in page
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.caffemodel")}
    gone = work / "seed0" / "meanfield_iter_2.caffemodel"
    for left in work.glob("seed0/meanfield_iter_*"):
        left.unlink()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = {path: path.stat().st_mtime_ns for path in work.rglob("*.caffemodel")}
    assert gone in after and all(after[path] == time for path, time in before.items() if not path.name.startswith("meanfield_iter"))


# -- the embeddings' start -------------------------------------------------------------------


def test_pairs_are_neighbours_in_both_directions_and_both_labelled():
    labels = np.array([[0, 0, 1], [255, 2, 1]], np.uint8)
    found = {
        (int(a), int(b)): bool(c)
        for offset, near, far, differ in fit_embeddings.pairs(labels)
        if offset == 1
        for a, b, c in zip(near, far, differ, strict=True)
    }
    assert found == {(0, 1): False, (1, 2): True, (4, 5): True, (1, 4): True, (2, 5): False}


def test_the_regression_finds_the_channel_that_tells():
    random = torch.Generator().manual_seed(0)
    steps = torch.rand(5000, 3, generator=random)
    weights, threshold = fit_embeddings.regression(steps, (steps[:, 1] > 0.5).float(), torch.arange(5000) % 4, 0)
    assert weights[1] > 20 * max(weights[0], weights[2]) and weights.min() >= 0
    assert threshold / weights[1] == pytest.approx(0.5, rel=0.3)


@pytest.mark.parametrize(("positive", "area"), [([0, 0, 1, 1], 100), ([0, 1, 0, 1], 75), ([1, 1, 0, 0], 0)])
def test_the_area_is_the_share_of_pairs_in_order(positive, area):
    assert fit_embeddings.area(np.array([1.0, 2, 3, 4]), np.array(positive, bool)) == area


# -- judging -------------------------------------------------------------------------------


def test_outlines_are_the_pixels_beside_another_class():
    truth = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 1, 1]], np.uint8)
    assert np.array_equal(make_results.outlined(truth), [[1, 255, 255, 2], [1, 255, 255, 255], [1, 1, 255, 255]])


def test_figures_of_a_prediction_that_is_half_right():
    truth = np.zeros((4, 40), np.uint8)
    truth[:, 20:] = 1
    prediction = truth.copy()
    prediction[:2, 20:] = 0
    judge = make_results.Judge()
    judge.add(truth, prediction)
    figures = judge.figures()
    assert figures["pixel_accuracy"] == 75
    assert figures["iou"][:3] == [100 * 80 / 120, 50, 0]
    assert figures["mean_iou"] == pytest.approx((80 / 120 + 0.5) * 100 / 11)


def test_the_trivial_predictor_knows_the_training_labels(dataset):
    for subset in ("train0", "train1", "test0", "test1"):
        labels = np.zeros((120, 160), np.uint8)
        labels[70:] = 3
        Image.fromarray(labels).save(dataset / "SegmentationClass" / f"{subset}.png")
    assert make_results.trivial(VocFolder(dataset))["pixel_accuracy"] == 100


@pytest.mark.slow
def test_without_the_kernels_it_takes_less_than_twice_the_time_of_its_literal_form(monkeypatch):
    monkeypatch.setattr(native, "load", lambda: "a machine without a compiler")
    model, image = models.CAMVID_SEGAWARE, np.zeros((1, 3, 161, 161), np.float32)
    nets = [Net(model.prototxt, "TEST", model.weights), Net(model.prototxt, "TEST", model.weights, passes=[])]
    best = [float("inf")] * 2
    for _ in range(5):
        for index, net in enumerate(nets):
            start = time.perf_counter()
            net(data=image)
            best[index] = min(best[index], time.perf_counter() - start)
    assert best[0] < 2 * best[1]
