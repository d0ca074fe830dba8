"""An evaluation as a page: in a browser its numbers are the evaluation's, it sorts, filters, and shows what differs."""

import json
import re

import numpy as np
import pytest
from voc.support import run, write_voc

from segaware_caffe.segmentation import colormap, evaluate, read_labels, write_label_png
from segaware_caffe.segmentation.metrics import class_names
from segaware_caffe.segmentation.palette import safe_colours
from segaware_caffe.voc import VocFolder
from segaware_caffe.voc.cases import Case, Folders, cases, pictures, worth_seeing

NAMES = [f"a_{number}" for number in range(1, 6)]
ARGUMENTS = ("--predictions", "predictions", "--labels", "voc/SegmentationClass", "--list", "voc/ImageSets/Segmentation/trainval.txt")
#: waits for all pictures; reads the first three
PAINTED = """const done = arguments[0];
const look = () => document.querySelectorAll("[data-painted]").length === 5 ? done() : setTimeout(look, 20);
look()"""
READ = """return [...document.querySelectorAll(".card canvas")].slice(0, 3).map(canvas =>
  [canvas.width, ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data])"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A VOC folder, and predictions that are its labels moved by as many pixels as their number says; the present folder."""
    monkeypatch.chdir(tmp_path)
    voc = write_voc(tmp_path / "voc")
    (tmp_path / "predictions").mkdir()
    for shift, name in enumerate(NAMES):
        labels = read_labels(voc.labels / f"{name}.png")
        moved = np.roll(np.where(labels == 255, 0, labels), shift, 1)
        write_label_png(tmp_path / "predictions" / f"{name}.png", moved.astype(np.uint8))
    return tmp_path


def report(*more: object) -> int:
    return run("voc", "evaluate", *ARGUMENTS, "--report", "report.html", *more)


def content(path):
    """The data in a page."""
    return json.loads(re.search(r'<script id="page" type="application/json">(.*?)</script>', path.read_text(), re.DOTALL)[1])


def judged():
    return evaluate(NAMES, ["predictions"], "voc/SegmentationClass")


def test_a_pictures_figures_are_those_of_its_own_evaluation(work):
    for case in cases(judged()):
        alone = evaluate([case.name], ["predictions"], "voc/SegmentationClass")
        counts = alone.confusion.counts
        either = (counts.sum(0) + counts.sum(1)) > 0
        assert case.mean_iou == pytest.approx(np.array(alone.scores.iou)[either].mean())
        assert case.accuracy == pytest.approx(alone.scores.pixel_accuracy)
        assert case.iou == pytest.approx({int(label): alone.scores.iou[label] for label in np.flatnonzero(counts.sum(1))})


def test_the_worst_and_the_best_of_each_class_come_first():
    ordered = [
        Case(name, mean, 0, iou) for name, mean, iou in (("a", 1, {0: 9}), ("b", 2, {0: 1, 1: 5}), ("c", 3, {0: 4}), ("d", 4, {0: 5}))
    ]
    assert worth_seeing(ordered, 2, shown=1) == ["a", "d", "b"]
    assert worth_seeing(ordered, 2, shown=2) == ["a", "d", "b", "c"]


def test_pictures_take_no_more_than_their_room(work):
    folders = Folders([work / "predictions"], work / "voc/SegmentationClass", work / "voc/JPEGImages")
    every = pictures(NAMES, folders)
    sizes = [sum(len(value) for value in picture.values() if value) for picture in every.values()]
    assert list(every) == NAMES and list(pictures(NAMES, folders, sum(sizes[:3]))) == NAMES[:3]


def test_figures_take_no_more_than_their_room(work, monkeypatch):
    ordered = cases(judged())
    monkeypatch.setattr("segaware_caffe.voc.report.LISTED", sum(len(case.iou) + 2 for case in ordered[:2]))
    assert report() == 0
    page = content(work / "report.html")
    assert [entry["name"] for entry in page["cases"]] == [case.name for case in ordered[:2]] and page["images"] == 5


def test_the_command_writes_it_and_says_so(work, capsys):
    assert report("--json", "figures.json") == 0
    assert capsys.readouterr().out.endswith("\nreport: report.html\n")
    page, figures = content(work / "report.html"), json.loads((work / "figures.json").read_text())
    assert page["iou"] == figures["iou_percent"] and page["confusion"] == figures["confusion_rows_true_columns_predicted"]
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", (work / "report.html").read_text())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--report", "report.html", "--photographs", "nowhere"], "nowhere: there is no such folder of photographs"),
        (["--report", "nowhere/report.html"], "nowhere/report.html: cannot be written: No such file or directory"),
        (["--photographs", "voc"], "--photographs are for the page that --report FILE.html writes; give both"),
        (["--report", "report.html", "--photographs", "damaged"], "damaged/a_3.jpg: not an image of a known format"),
    ],
)
def test_what_is_wrong_is_one_sentence(work, capsys, more, message):
    (work / "damaged").mkdir()
    (work / "damaged/a_3.jpg").write_bytes(b"no image")
    assert run("voc", "evaluate", *ARGUMENTS, *more) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (work / "report.html").exists()


def test_photographs_that_are_not_there_are_named(work):
    (work / "voc/JPEGImages/a_3.jpg").unlink()
    assert report() == 0
    entries = {entry["name"]: entry for entry in content(work / "report.html")["cases"]}
    assert entries["a_3"]["photo"] is None and entries["a_3"]["missing"].endswith("voc/JPEGImages/a_3.jpg")
    assert entries["a_2"]["photo"].startswith("data:image/jpeg;base64,")


def every(browser, selector):
    return browser.find_elements("css selector", selector)


def texts(browser, selector):
    return [element.text for element in every(browser, selector)]


def choose(browser, name, value):
    """Choose in a list, as a reader does."""
    browser.find_element("css selector", f'#{name} option[value="{value}"]').click()


@pytest.fixture
def opened(work, browser):
    """The page in a browser; in the end nothing may have been complained of."""
    assert report() == 0
    browser.get(f"file://{work}/report.html")
    yield browser
    assert browser.get_log("browser") == []


@pytest.mark.slow
def test_tables_have_the_evaluations_numbers_and_sort(opened):
    evaluation, names = judged(), class_names(21)
    figures = evaluation.as_json()
    assert texts(opened, '[data-figure="mean_iou_percent"]') == [f"{figures['mean_iou_percent']:.3f} %"]
    assert texts(opened, "#classes tbody th") == list(names)
    assert texts(opened, '#classes [data-key="iou"]') == [f"{value:.3f} %" for value in figures["iou_percent"]]
    opened.find_element("css selector", '[data-sort="iou"]').send_keys("\n")
    ranked = sorted(figures["iou_percent"], reverse=True)
    assert texts(opened, '#classes [data-key="iou"]') == [f"{value:.3f} %" for value in ranked]
    assert opened.switch_to.active_element.get_attribute("data-sort") == "iou"
    opened.switch_to.active_element.send_keys("\n")
    assert texts(opened, '#classes [data-key="iou"]') == [f"{value:.3f} %" for value in ranked[::-1]]
    counts = evaluation.confusion.counts
    cell = '#confusion [data-cell="0,0"]'
    assert texts(opened, cell) == [f"{100 * counts[0, 0] / counts[0].sum():.1f}"]
    choose(opened, "unit", "count")
    assert texts(opened, cell) == [f"{counts[0, 0]:,}"]
    there = np.flatnonzero(counts.sum(0) + counts.sum(1))
    assert len(every(opened, "#confusion td[data-cell]")) == len(there) ** 2
    opened.find_element("css selector", "#trimap + details summary").click()
    band = evaluation.trimap.within(5).compute()
    shown = (band.mean_iou, band.pixel_accuracy, band.mean_accuracy_present)
    assert texts(opened, "#widths tr:nth-child(6) td") == ["5", *(f"{value:.3f} %" for value in shown)]


@pytest.mark.slow
def test_the_filter_shows_the_pictures_that_hold_a_class_by_its_iou(opened):
    ordered = cases(judged())
    shown = lambda: [card.get_attribute("data-name") for card in every(opened, ".card")]  # noqa: E731
    assert shown() == [case.name for case in ordered]
    label = next(label for label in range(1, 21) if 0 < sum(label in case.iou for case in ordered) < len(ordered))
    held = sorted((case.iou[label], case.name) for case in ordered if label in case.iou)
    choose(opened, "filter", label)
    assert shown() == [name for _, name in held]
    assert f"{len(held)} pictures hold {class_names(21)[label]}" in opened.find_element("css selector", "#held").text
    assert f"{class_names(21)[label]} {held[0][0]:.3f} %" in opened.find_element("css selector", ".card > figcaption").text
    choose(opened, "order", "best")
    assert shown() == [name for _, name in held[::-1]]
    opened.find_element("css selector", '#classes tr[data-class="0"] button').click()
    assert len(shown()) == len(NAMES) and opened.find_element("css selector", "#filter").get_attribute("value") == "0"


@pytest.mark.slow
def test_label_prediction_and_difference_are_drawn(opened, work):
    opened.set_script_timeout(10)
    opened.execute_async_script(PAINTED)
    name = every(opened, ".card")[0].get_attribute("data-name")
    label, prediction, difference = (np.array(flat[1:], np.uint8).reshape(-1, flat[0], 4)[..., :3] for flat in opened.execute_script(READ))
    truth, guess = (read_labels(folder / f"{name}.png") for folder in (VocFolder("voc").labels, work / "predictions"))
    known = truth != 255
    np.testing.assert_array_equal(label[known], safe_colours()[truth[known]])
    np.testing.assert_array_equal(prediction, safe_colours()[guess])
    wrong = (difference == [213, 94, 0]).all(-1)
    np.testing.assert_array_equal(wrong, known & (truth != guess))
    choose(opened, "palette", "VOC")
    opened.execute_async_script(PAINTED)
    width, *flat = opened.execute_script(READ)[1]
    np.testing.assert_array_equal(np.array(flat, np.uint8).reshape(-1, width, 4)[..., :3], colormap()[guess])


@pytest.mark.slow
def test_at_400_per_cent_nothing_is_wider_than_the_window(opened):
    size = {"width": 1500 // 4, "height": 950 // 4, "deviceScaleFactor": 4, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert opened.execute_script("return [document.documentElement.scrollWidth <= innerWidth, innerWidth]") == [True, 375]
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
