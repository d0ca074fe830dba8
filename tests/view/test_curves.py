import json
import math
import random

import pytest

from segaware_caffe import CaffeError
from segaware_caffe.view import read_curves, write_curves
from segaware_caffe.view.curves import quantity, standing, thinned

NAN = math.nan


def content(path):
    """The data in a page."""
    return json.loads(path.read_text().split('<script id="page" type="application/json">')[1].split("</script>")[0])


@pytest.mark.parametrize(
    ("name", "panel"),
    [
        ("loss", "loss"),
        ("train/loss", "loss"),
        ("test0/loss", "loss"),
        ("test12 loss", "loss"),
        ("test1/a/b", "a/b"),
        ("lr", "learning rate"),
        ("test0/test_loss", "test_loss"),
    ],
)
def test_what_is_trained_and_tested_shares_a_panel(name, panel):
    assert quantity(name) == panel


def test_panels_hold_all_runs_and_the_learning_rate_comes_last(tmp_path):
    runs = {"a": {"lr": [(0, 0.1)], "loss": [(0, 2.0), (10, 1.0)]}, "b": {"loss": [(0, 3.0)], "test0/loss": [(0, 4.0)]}}
    write_curves(runs, tmp_path / "c.html")
    page = content(tmp_path / "c.html")
    assert [(panel["title"], [(curve["run"], curve["name"]) for curve in panel["curves"]]) for panel in page["panels"]] == [
        ("loss", [("a", "loss"), ("b", "loss"), ("b", "test0/loss")]),
        ("learning rate", [("a", "lr")]),
    ]
    assert page["refresh"] is None
    assert read_curves(tmp_path / "c.html") == runs


def test_what_is_not_finite_is_counted_and_left_out_of_the_extremes(tmp_path):
    write_curves({"a": {"loss": [(0, 2.0), (5, NAN), (10, 1.0), (15, math.inf)]}}, tmp_path / "c.html")
    curve = content(tmp_path / "c.html")["panels"][0]["curves"][0]
    assert curve["values"] == [2, None, 1, None] and curve["not_finite"] == {"count": 2, "first": 5}
    assert (curve["least"], curve["greatest"], curve["last"]) == ([10, 1], [0, 2], [15, None])
    assert math.isnan(read_curves(tmp_path / "c.html")["a"]["loss"][1][1])


def test_a_resumed_run_is_one_curve_and_says_where_it_went_on(tmp_path):
    points = [(0, 9.0), (10, 8.0), (20, 7.0), (30, 6.0), (20, 7.5), (30, 6.5), (40, 5.0)]
    assert standing(points) == [(0, 9.0), (10, 8.0), (20, 7.5), (30, 6.5), (40, 5.0)]
    write_curves({"a": {"loss": points}}, tmp_path / "c.html")
    page = content(tmp_path / "c.html")
    assert page["runs"] == [{"name": "a", "resumed": [20]}] and page["panels"][0]["curves"][0]["count"] == 5


def test_a_long_curve_is_thinned_without_losing_its_peaks():
    source = random.Random(1)
    points = [(index, source.random()) for index in range(10_000)]
    points[1234], points[5678], points[7777] = (1234, 50.0), (5678, -50.0), (7777, NAN)
    few = thinned(points, 400)
    assert len(few) <= 402 + 1 and {points[0], points[1234], points[5678], points[-1]} <= set(few)
    assert any(math.isnan(value) for _, value in few) and [iteration for iteration, _ in few] == sorted(iteration for iteration, _ in few)
    assert thinned(points[:400], 400) == points[:400]


def test_a_page_of_long_runs_stays_small(tmp_path):
    points = [(10 * index, math.sin(index) / 3) for index in range(20_000)]
    write_curves({f"run {run}": dict.fromkeys(("loss", "lr", "train/loss"), points) for run in range(6)}, tmp_path / "c.html")
    assert (tmp_path / "c.html").stat().st_size < 2e6


@pytest.mark.parametrize("runs", [{}, {"a": {}}])
def test_without_values_there_is_a_page_still(tmp_path, runs):
    write_curves(runs, tmp_path / "c.html", live=True)
    assert content(tmp_path / "c.html")["panels"] == [] and read_curves(tmp_path / "c.html") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        '<script id="page" type="application/json">{"layers": []}</script>',
        '<script id="page" type="application/json">{</script>',
        "\xff",
    ],
)
def test_what_is_no_page_of_curves_is_refused(tmp_path, text):
    (tmp_path / "x.html").write_bytes(text.encode("latin-1"))
    with pytest.raises(CaffeError, match=r"x\.html: it is no page of curves"):
        read_curves(tmp_path / "x.html")
