"""The trained networks that come with the package, and the scripts that make, show and judge them."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

import demo
import drawing
import make_results
import numpy as np
import pytest
import train_models
from PIL import Image

from segaware_caffe import Net, models, read_net, segmentation
from segaware_caffe.ops import native
from segaware_caffe.voc import VocFolder

ROOT = Path(__file__).resolve().parents[1]
DEPLOYS = {models.EMBEDDING: "bsds500/deploy", models.CAMVID_PLAIN: "camvid/plain_deploy", models.CAMVID_SEGAWARE: "camvid/segaware_deploy"}
MODELS = pytest.mark.parametrize("model", DEPLOYS, ids=lambda model: model.name)


@MODELS
def test_every_blob_of_the_network_comes_from_the_file(model):
    net = Net(model.prototxt, weights=model.weights)
    report = net.load_report
    assert not report.missing and not report.unused
    assert all(blob.isfinite().all() for blobs in net.params.values() for blob in blobs)


@MODELS
def test_the_prototxt_is_the_config(model):
    text = (ROOT / "configs" / f"{DEPLOYS[model]}.prototxt").read_text()
    assert model.prototxt.read_text() == text.replace("${HEIGHT}", "481").replace("${WIDTH}", "481")


def test_they_are_small():
    assert sum(model.weights.stat().st_size for model in DEPLOYS) <= 12e6


def test_the_twins_share_no_weights_but_all_shapes():
    plain, aware = (Net(model.prototxt, weights=model.weights).params for model in (models.CAMVID_PLAIN, models.CAMVID_SEGAWARE))
    assert all(blob.shape == aware[name][index].shape for name, blobs in plain.items() for index, blob in enumerate(blobs))
    assert not any((blobs[0] == aware[name][0]).all() for name, blobs in plain.items() if name.startswith("trunk") and blobs[0].dim() == 4)


def test_the_segmentation_aware_twin_has_the_shipped_embedding():
    embedding, aware = (Net(model.prototxt, weights=model.weights).params for model in (models.EMBEDDING, models.CAMVID_SEGAWARE))
    assert all((blob == aware[name][index]).all() for name, blobs in embedding.items() for index, blob in enumerate(blobs))


def test_neighbours_across_an_edge_are_farther_apart_than_those_of_one_region():
    image = np.full((1, 3, 65, 65), 20, np.float32)
    image[..., 33:] = (90 * np.array([-1, 0.2, 1], np.float32)).reshape(3, 1, 1)
    embedding = Net(models.EMBEDDING.prototxt, weights=models.EMBEDDING.weights)(data=image)["weighted_avg"][0]
    steps = (embedding[:, :, 1:] - embedding[:, :, :-1]).abs().sum(0)[16:48]
    assert steps[:, 32].min() > 3 * max(steps[:, 16:24].max(), steps[:, 42:50].max())


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
    """Two images of three regions, one of them void, in VOC's layout."""
    folder = tmp_path / "dataset"
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    labels = Image.fromarray(np.repeat([[0, 3, 255]], 4, axis=0).astype(np.uint8), mode="P")
    labels.putpalette([200, 100, 50] * 256)
    for name in ("a", "b"):
        Image.new("RGB", (3, 4)).save(folder / "JPEGImages" / f"{name}.jpg")
        labels.save(folder / "SegmentationClass" / f"{name}.png")
    for subset in ("train", "val", "test"):
        (folder / "ImageSets" / "Segmentation" / f"{subset}.txt").write_text("a\nb\n")
    return folder


def test_labels_are_prepared_without_palette_and_listed(dataset, tmp_path):
    work = tmp_path / "work"
    for _ in range(2):  # what is there stays
        train_models.prepare(work, "camvid", dataset)
    assert (work / "segaware/list/camvid_train.txt").read_text() == "/JPEGImages/a.jpg /labels/a.png\n/JPEGImages/b.jpg /labels/b.png\n"
    with Image.open(work / "segaware/data/camvid/labels/a.png") as labels:
        assert labels.mode == "L" and np.array_equal(np.asarray(labels)[0], [0, 3, 255])
    assert (work / "segaware/data/camvid/JPEGImages/b.jpg").exists()


def test_a_run_starts_goes_on_and_is_not_done_again(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(train_models.subprocess, "run", lambda command, **options: commands.append(command))
    run = train_models.Run(tmp_path, "camvid_segaware", 2, tmp_path / "embedding.caffemodel")
    run.train(1)
    assert f"--weights={run.weights}" in commands[-1] and "SEED=2" in commands[-1]
    for iteration in (400, 800):
        run.snapshot(iteration, "solverstate").touch()
    run.train(1)
    assert commands[-1][-1] == f"--snapshot={run.prefix}_iter_800.solverstate" and len(commands) == 2
    assert run.trained.name == "seed2_iter_1200.caffemodel"
    run.trained.touch()
    run.train(1)
    assert len(commands) == 2


def test_the_tuned_embedding_goes_on_from_the_first(tmp_path):
    embedding, tuned = train_models.embeddings_of(tmp_path)
    assert tuned.weights == embedding.caffemodel == embedding.trained == embedding.snapshot(600, "caffemodel")
    assert tuned.caffemodel == tuned.snapshot(1200, "caffemodel") and tuned.prefix.parent.name == "embs_camvid"
    assert {run.weights for run in train_models.runs_of(tmp_path, [1, 2])} == {embedding.caffemodel, None}


def test_settling_takes_the_statistics_anew_and_nothing_else(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(train_models, "SETTLING", 2)
    monkeypatch.chdir(tmp_path)
    train_models.prepare(tmp_path, "camvid", dataset)
    train_models.configure(tmp_path, "camvid_plain", ROOT / "configs" / "camvid" / "plain_train.prototxt")
    run = train_models.Run(tmp_path, "camvid_plain")
    run.trained.parent.mkdir(parents=True)
    run.trained.write_bytes(models.CAMVID_PLAIN.weights.read_bytes())
    run.settle()
    before, after = (Net(models.CAMVID_PLAIN.prototxt, weights=path).params for path in (run.trained, run.caffemodel))
    for name, blobs in after.items():
        if name.endswith("_norm"):
            assert float(blobs[2]) == pytest.approx(1.999) and (blobs[0] != before[name][0]).any()
        else:
            assert all((blob == old).all() for blob, old in zip(blobs, before[name], strict=True))


def test_a_trained_run_is_shipped_as_a_deploy_network(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    deploy = ROOT / "configs" / "bsds500" / "deploy.prototxt"
    run = train_models.Run(tmp_path, train_models.EMBEDDING)
    run.caffemodel.parent.mkdir(parents=True)
    run.caffemodel.write_bytes(models.EMBEDDING.weights.read_bytes() if models.EMBEDDING.weights.exists() else b"")
    net = Net(deploy.read_text().replace("${HEIGHT}", "33").replace("${WIDTH}", "33"))
    net.save(run.caffemodel)
    train_models.ship(run, models.EMBEDDING, deploy)
    shipped = Net(models.EMBEDDING.prototxt, weights=models.EMBEDDING.weights)
    assert (shipped.params["conv1_1"][0] == net.params["conv1_1"][0]).all() and shipped.shapes["data"] == (1, 3, 481, 481)


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


def test_the_oracles_masks_are_the_labels(dataset, tmp_path, monkeypatch):
    """Two frames of one photograph whose labels differ: the answers differ near the outline alone."""
    photograph = Image.fromarray(np.random.default_rng(0).integers(0, 255, (45, 60, 3), dtype=np.uint8)).resize((480, 360))
    for name, labels in (("a", np.zeros((360, 480), np.uint8)), ("b", np.repeat([[0, 1]], 240, axis=1).repeat(360, 0).astype(np.uint8))):
        photograph.save(dataset / "JPEGImages" / f"{name}.jpg")
        Image.fromarray(labels).save(dataset / "SegmentationClass" / f"{name}.png")
    run = train_models.Run(tmp_path, "camvid_plain")
    run.caffemodel.parent.mkdir(parents=True)
    run.caffemodel.write_bytes(models.CAMVID_PLAIN.weights.read_bytes())
    seen = []
    monkeypatch.setattr(make_results.Judge, "add", lambda judge, truth, prediction: seen.append(prediction))
    make_results.oracle(run, VocFolder(dataset))
    columns = np.nonzero((seen[0] != seen[1]).any(0))[0]
    # two rounds of a window that reaches 8 pixels at half the size, and what enlarging mixes
    assert len(columns) and columns.min() >= 240 - 36 and columns.max() < 240 + 36


def test_masks_are_set_by_the_beginning_of_their_names():
    proto = read_net(ROOT / "configs" / "camvid" / "segaware_deploy.prototxt", variables=make_results.FRAME)
    make_results.set_masks(proto, "mask", 0)
    make_results.set_masks(proto, make_results.MASKED, 0.5)
    factors = {layer.name: layer.scale_param.filler.value for layer in proto.layer if layer.name.endswith("_weighted")}
    assert factors.pop("filter_weighted") == 0.5 and set(factors.values()) == {0} and len(factors) == 6


@pytest.mark.parametrize(("positive", "area"), [([0, 0, 1, 1], 100), ([0, 1, 0, 1], 75), ([1, 1, 0, 0], 0)])
def test_the_area_is_the_share_of_pairs_in_order(positive, area):
    assert make_results._area(np.array([1.0, 2, 3, 4]), np.array(positive, bool)) == area


def test_the_trivial_predictor_knows_the_training_labels(dataset):
    for name in ("a", "b"):
        labels = np.zeros((360, 480), np.uint8)
        labels[200:] = 3
        Image.fromarray(labels).save(dataset / "SegmentationClass" / f"{name}.png")
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
