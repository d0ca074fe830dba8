"""The VOC folder: its sets and lists, its check, and the labels to train on."""

import json

import numpy as np
import pytest
import scipy.io
from PIL import Image
from voc.support import run, write_voc

from segaware_caffe.data.lists import read_labelled, read_pairs
from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation import read_labels, write_label_png
from segaware_caffe.voc import SUBSETS
from segaware_caffe.voc.augment import augment, read_sbd
from segaware_caffe.voc.check import check
from segaware_caffe.voc.dataset import VocFolder, read_ids, write_lists


def test_the_published_counts():
    assert SUBSETS == {"train_aug": 10582, "val": 1449, "trainval_aug": 12031, "test": 1456}
    assert SUBSETS["train_aug"] + SUBSETS["val"] == SUBSETS["trainval_aug"]


def test_lists_are_as_published(tmp_path):
    voc = write_voc(tmp_path / "voc", names=("2008_02", "2007_01", "2009_03", "2010_05", "2010_04"))
    assert write_lists(voc, tmp_path / "list") == {"train_aug": 3, "val": 2, "trainval_aug": 5, "test": 2}
    lists = {path.name: path.read_bytes().decode() for path in (tmp_path / "list").iterdir()}
    pair = "/JPEGImages/{0}.jpg /SegmentationClassAug/{0}.png\n"
    assert lists == {
        "voc_train_aug.txt": "".join(map(pair.format, ("2007_01", "2008_02", "2009_03"))),
        "voc_train_aug_id.txt": "2007_01\n2008_02\n2009_03\n",
        "voc_val.txt": "".join(map(pair.format, ("2010_04", "2010_05"))),
        "voc_val_id.txt": "2010_04\n2010_05\n",
        "voc_trainval_aug.txt": "".join(map(pair.format, ("2007_01", "2008_02", "2009_03", "2010_04", "2010_05"))),
        "voc_test.txt": "/JPEGImages/t_1.jpg 0\n/JPEGImages/t_2.jpg 0\n",
        "voc_test_id.txt": "t_1\nt_2\n",
    }
    assert read_pairs(str(tmp_path / "list/voc_val.txt"), "its label")[0].second.endswith("2010_04.png")
    assert [entry.label for entry in read_labelled(str(tmp_path / "list/voc_test.txt"))] == [0, 0]


def test_lists_that_cannot_be_made_say_why(tmp_path, capsys):
    voc = write_voc(tmp_path / "voc", augmented=False)
    assert run("voc", "lists", voc.root, "--output", tmp_path / "list") == 0
    assert "voc_val: 2 images" in capsys.readouterr().out
    assert run("voc", "lists", voc.root, "--output", tmp_path / "list", "--subset", "train_aug") == 2
    assert "voc augment" in capsys.readouterr().out
    assert not (tmp_path / "list" / "voc_train_aug.txt").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("\n\n", "the list is empty"), ("a\nb\na\n", "'a' is there twice"), ("/x/a.jpg 0\na\n", "'a' is there twice"), (None, "No such file")],
)
def test_an_id_list_that_cannot_be_used(tmp_path, text, sentence):
    if text is not None:
        (tmp_path / "list.txt").write_text(text)
    with pytest.raises(CaffeError, match=r"list\.txt") as error:
        read_ids(tmp_path / "list.txt")
    assert sentence in str(error.value)


def test_a_sound_folder(tmp_path, monkeypatch, capsys):
    voc = write_voc(tmp_path / "voc")
    report = check(voc)
    assert report.counts == {"train_aug": 3, "val": 2, "trainval_aug": 5, "test": 2}
    assert report.problems == 0
    assert report.miscounted == list(SUBSETS)
    assert run("voc", "check", voc.root) == 2  # it is sound, but it is not all of VOC
    assert "published: 10582" in capsys.readouterr().out
    monkeypatch.setattr("segaware_caffe.voc.check.SUBSETS", {"train_aug": 3, "val": 2, "trainval_aug": 5, "test": 2})
    assert run("voc", "check", voc.root) == 0
    assert "all files are sound" in capsys.readouterr().out


def test_what_was_found_as_json(tmp_path, capsys):
    voc = write_voc(tmp_path / "voc")
    assert run("voc", "check", voc.root, "--subset", "val", "--json", "-") == 2
    expected = {"sound": False, "images": {"val": 2}, "published": {"val": 1449}}
    expected |= {kind: [] for kind in ("missing", "unreadable", "mismatched", "wrong")}
    assert json.loads(capsys.readouterr().out) == expected
    truncate(voc.image("a_4"))
    assert run("voc", "check", voc.root, "--subset", "val", "--json", tmp_path / "found.json") == 2
    assert "unreadable: 1" in capsys.readouterr().out
    (sentence,) = json.loads((tmp_path / "found.json").read_text())["unreadable"]
    assert "a_4.jpg" in sentence


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def smaller(path):
    write_label_png(path, read_labels(path)[1:])


def no_class(path):
    labels = read_labels(path).copy()
    labels[3, 4] = 21
    write_label_png(path, labels)


@pytest.mark.parametrize(
    ("file", "damage", "kind", "sentence"),
    [
        ("JPEGImages/a_1.jpg", lambda path: path.unlink(), "missing", "a_1.jpg"),
        ("JPEGImages/t_1.jpg", truncate, "unreadable", "t_1.jpg: image file is truncated"),
        ("JPEGImages/t_1.jpg", lambda path: path.write_text("x"), "unreadable", "not an image"),
        ("SegmentationClass/a_4.png", truncate, "unreadable", "a_4.png"),
        ("SegmentationClass/a_5.png", lambda path: path.unlink(), "missing", "SegmentationClass/a_5.png"),
        ("SegmentationClassAug/a_4.png", lambda path: path.unlink(), "missing", "SegmentationClassAug/a_4.png"),
        ("SegmentationClass/a_4.png", smaller, "mismatched", "a_4.png: 51 x 56, its photograph is 52 x 56"),
        ("SegmentationClassAug/a_2.png", lambda path: Image.fromarray(read_labels(path)[:, 2:]).save(path), "mismatched", "44 x 60"),
        ("SegmentationClass/a_4.png", no_class, "wrong", "holds 21, which is neither a class nor void"),
        ("SegmentationClassAug/a_2.png", lambda path: write_label_png(path, read_labels(path)), "wrong", "must be raw grey images"),
        ("ImageSets/Segmentation/test.txt", lambda path: path.unlink(), "missing", "test.txt"),
    ],
)
def test_every_file_in_trouble_is_named(tmp_path, file, damage, kind, sentence):
    voc = write_voc(tmp_path / "voc")
    damage(voc.root / file)
    report = check(voc)
    sentences = getattr(report, kind)
    assert report.problems == 1 and len(sentences) == 1
    assert sentence in sentences[0] and str(voc.root) in sentences[0]
    assert sentences[0] in str(report)


def test_many_problems_are_counted_and_some_shown(tmp_path):
    voc = write_voc(tmp_path / "voc", test=[f"t_{k:02}" for k in range(14)])
    for path in voc.images.glob("t_*.jpg"):
        path.unlink()
    text = str(check(voc, ["test"]))
    assert "missing: 14" in text and "and 4 more" in text and text.count("/t_") == 10


def test_training_labels_are_vocs_and_sbds_as_raw_grey_images(tmp_path, capsys):
    voc = write_voc(tmp_path / "voc", augmented=False)
    cls = tmp_path / "sbd" / "cls"
    cls.mkdir(parents=True)
    for name, value in (("a_1", 9), ("s_1", 7)):  # the first is VOC's too
        labels = np.full((4, 5), value, np.uint8)
        scipy.io.savemat(cls / f"{name}.mat", {"GTcls": {"Boundaries": np.zeros(3), "Segmentation": labels, "CategoriesPresent": value}})
    assert run("voc", "augment", voc.root, "--sbd", tmp_path / "sbd") == 0
    assert "labels of 6 images" in capsys.readouterr().out
    for path in voc.training_labels.iterdir():
        with Image.open(path) as image:
            assert image.mode == "L"
            expected = np.full((4, 5), 7) if path.stem == "s_1" else read_labels(voc.labels / path.name)
            assert np.array_equal(np.asarray(image), expected)
    assert voc.ids("train_aug") == ["a_1", "a_2", "a_3", "s_1"]
    (voc.training_labels / "a_2.png").write_bytes(b"kept")
    augment(voc, None)
    assert (voc.training_labels / "a_2.png").read_bytes() == b"kept"


def test_sbd_files_that_cannot_be_read(tmp_path):
    (tmp_path / "x.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(CaffeError, match=r"x\.mat"):
        read_sbd(tmp_path / "x.mat")
    scipy.io.savemat(tmp_path / "y.mat", {"GTcls": {"Segmentation": np.zeros((2, 2))}})
    with pytest.raises(CaffeError, match=r"GTcls\.Segmentation is no matrix \(H, W\) of uint8"):
        read_sbd(tmp_path / "y.mat")
    with pytest.raises(CaffeError, match=r"cls: there are no \.mat files"):
        augment(VocFolder(tmp_path), tmp_path)
