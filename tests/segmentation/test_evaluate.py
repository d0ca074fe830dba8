"""Judging and comparing folders of label images, on the command line."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from voc.support import GOLDEN_VOC, labels_of, run

from segaware_caffe.errors import CaffeError
from segaware_caffe.segmentation import colormap, evaluate, read_labels, write_label_png
from segaware_caffe.segmentation.agreement import compare
from segaware_caffe.voc.dataset import read_ids

EXPECTED = json.loads((GOLDEN_VOC / "expected.json").read_text())
ARGS = ["--labels", GOLDEN_VOC / "labels", "--list", GOLDEN_VOC / "val.txt"]
NAMES = read_ids(GOLDEN_VOC / "val.txt")


@pytest.fixture
def predictions(tmp_path):
    """A copy to spoil."""
    return shutil.copytree(GOLDEN_VOC / "predictions", tmp_path / "predictions")


def test_the_release_s_own_numbers(tmp_path, capsys):
    assert run("voc", "evaluate", "--predictions", GOLDEN_VOC / "predictions", *ARGS, "--json", tmp_path / "out.json") == 0
    printed = capsys.readouterr().out
    assert f"Average accuracy: {EXPECTED['mean_iou_percent']:6.3f}%" in printed
    assert f"       tvmonitor: {EXPECTED['iou_percent'][20]:6.3f}%" in printed
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["confusion_rows_true_columns_predicted"] == EXPECTED["confusion_rows_true_columns_predicted"]
    for key in ("iou_percent", "mean_iou_percent", "pixel_accuracy_percent", "mean_class_accuracy_percent"):
        assert result[key] == pytest.approx(EXPECTED[key], abs=1e-9)
    assert list(result["trimap"]) == [str(width) for width in range(1, 41)]
    for width, band in EXPECTED["trimap"].items():
        assert result["trimap"][width] == pytest.approx(band, abs=1e-9)
    assert (result["images"], result["missing"], result["classes"][20]) == (6, [], "tvmonitor")


def test_json_on_standard_output_takes_the_place_of_the_table(tmp_path, capsys):
    assert run("voc", "evaluate", "--predictions", GOLDEN_VOC / "predictions", *ARGS, "--json", "-") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["mean_iou_percent"] == pytest.approx(EXPECTED["mean_iou_percent"], abs=1e-9)


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    assert run("voc", "evaluate", "--predictions", GOLDEN_VOC / "predictions", *ARGS, "--pictures", tmp_path / "pictures") == 0
    for name in ("confusion.png", "trimap.png"):
        with Image.open(tmp_path / "pictures" / name) as image:
            assert min(image.size) > 300 and len(np.unique(np.asarray(image.convert("L")))) > 20


def test_without_matplotlib_it_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert run("voc", "evaluate", "--predictions", GOLDEN_VOC / "predictions", *ARGS, "--pictures", tmp_path) == 2
    assert "pip install 'segaware-caffe[plot]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-30])], ids=["missing", "truncated"]
)
def test_missing_results_are_left_out_with_a_warning(predictions, capsys, spoil):
    spoil(predictions / "syn_002.png")
    assert run("voc", "evaluate", "--predictions", predictions, *ARGS) == 0
    assert capsys.readouterr().out.startswith("WARNING: There are 1 missing results! (syn_002)\n")
    rest = evaluate([name for name in NAMES if name != "syn_002"], [predictions], GOLDEN_VOC / "labels")
    result = evaluate(NAMES, [predictions], GOLDEN_VOC / "labels")
    assert result.missing == ["syn_002"] and result.as_json() == rest.as_json() | {"missing": ["syn_002"]}


def test_what_several_machines_predicted_is_one_result(predictions, tmp_path):
    (tmp_path / "other").mkdir()
    for name in NAMES[::2]:
        shutil.move(predictions / f"{name}.png", tmp_path / "other")
    merged = evaluate(NAMES, [predictions, tmp_path / "other"], GOLDEN_VOC / "labels", threads=3)
    assert merged.as_json() == evaluate(NAMES, [GOLDEN_VOC / "predictions"], GOLDEN_VOC / "labels", threads=1).as_json()


@pytest.mark.parametrize("how", ["colours", "16 bits"])
def test_predictions_stored_in_another_way_are_the_same_labels(predictions, how):
    for name in NAMES:
        labels = read_labels(predictions / f"{name}.png")
        Image.fromarray(colormap()[labels] if how == "colours" else labels.astype(np.uint16)).save(predictions / f"{name}.png")
    assert evaluate(NAMES, [predictions], GOLDEN_VOC / "labels").scores.mean_iou == pytest.approx(EXPECTED["mean_iou_percent"], abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros((3, 4), np.uint8), "Results image 'syn_001' is the wrong size, was 3 x 4, should be"),
        (np.full((3, 4), 21, np.uint8), "Results image 'syn_001' has out of range value 21"),
    ],
)
def test_a_result_that_cannot_be_judged_is_an_error(predictions, capsys, labels, sentence):
    write_label_png(predictions / "syn_001.png", labels)
    assert run("voc", "evaluate", "--predictions", predictions, *ARGS) == 2
    assert sentence in capsys.readouterr().err


def test_a_missing_label_and_nothing_to_judge_are_errors(tmp_path):
    with pytest.raises(CaffeError, match=r"labels/nobody\.png: No such file"):
        evaluate(["nobody"], [GOLDEN_VOC / "predictions"], GOLDEN_VOC / "labels")
    with pytest.raises(CaffeError, match="none of the 6 predictions is there"):
        evaluate(NAMES, [tmp_path], GOLDEN_VOC / "labels")


def test_other_numbers_of_classes(tmp_path):
    labels = labels_of(1, 30, 30)
    write_label_png(tmp_path / "x.png", np.where(labels == 255, 255, labels % 4))
    (tmp_path / "p").mkdir()
    write_label_png(tmp_path / "p" / "x.png", labels % 4)
    result = evaluate(["x"], [tmp_path / "p"], tmp_path, classes=4)
    assert len(result.scores.iou) == 4 and result.scores.pixel_accuracy == 100
    assert "class 3" in str(result)


def test_compare_two_folders(predictions, capsys):
    labels = read_labels(predictions / "syn_000.png").copy()
    labels[0, :10] = (labels[0, :10] + 1) % 21
    write_label_png(predictions / "syn_000.png", labels)
    (predictions / "syn_005.png").unlink()
    comparison = compare(GOLDEN_VOC / "predictions", predictions)
    assert comparison.only_first == ["syn_005"] and comparison.only_second == []
    assert comparison.agreement["syn_000"] == pytest.approx(100 - 1000 / labels.size)
    assert comparison.agreement["syn_001"] == 100
    assert run("voc", "compare", GOLDEN_VOC / "predictions", predictions, "--labels", GOLDEN_VOC / "labels") == 0
    printed = capsys.readouterr().out
    assert "5 images in both" in printed and "images that differ: 1\n  syn_000:" in printed and "only in the first: 1 (syn_005)" in printed
    assert "mean" in printed.split("IoU of class")[1]


def test_compare_of_unlike_folders(predictions, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CaffeError, match="no prediction in common"):
        compare(predictions, tmp_path / "empty")
    write_label_png(tmp_path / "empty" / "syn_000.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(CaffeError, match="'syn_000' is the wrong size"):
        compare(predictions, tmp_path / "empty")
