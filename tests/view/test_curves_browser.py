"""The page of curves in headless Chromium: by mouse, keyboard and slider, in the dark, and while its file is written again."""

import math

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

from segaware_caffe.view import curves, write_curves

pytestmark = pytest.mark.slow
STEPS = range(0, 1001, 50)
LOSS = [(step, 2 * math.exp(-step / 300) + (0.4 if step % 100 else 0.2)) for step in STEPS]
RATE = [(step, 0.1 * (1 - step / 1000)) for step in STEPS]
RUNS = {
    "a": {"loss": LOSS, "lr": RATE, "test0/loss": LOSS[::4], "test0/accuracy": [(step, step / 1100) for step in STEPS[::4]]},
    "b": {"loss": [(step, math.nan if step > 800 else 2 * value) for step, value in LOSS], "lr": RATE},
}


@pytest.fixture
def opened(browser, tmp_path):
    """Writes a page, opens it and gives the browser; in the end nothing may have been complained of."""

    def write_and_open(runs=RUNS, **how):
        write_curves(runs, tmp_path / "curves.html", **how)
        browser.get(f"file://{tmp_path}/curves.html")
        return browser

    yield write_and_open
    assert browser.get_log("browser") == []


def one(browser, selector):
    return browser.find_element("css selector", selector)


def every(browser, selector):
    return browser.find_elements("css selector", selector)


def line(browser, run, name):
    """Where the curve of a run is drawn, as text; None if it is not."""
    found = every(browser, f"path.line[data-run='{run}'][data-curve='{name}']")
    return found[0].get_attribute("d") if found else None


def move(browser, slider, value):
    browser.execute_script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", one(browser, slider), value)


def points(d):
    """Of a drawn line."""
    return [tuple(map(float, point.removesuffix("h0").split(","))) for point in d.replace("M", "L").split("L") if point]


def test_every_curve_is_drawn_to_scale_and_in_the_table(opened):
    browser = opened()
    assert [title.text for title in every(browser, ".panel h2")] == ["loss", "accuracy", "learning rate"]
    drawn = points(line(browser, "a", "lr"))
    assert len(drawn) == len(RATE)
    ends = drawn[0], drawn[-1]
    for (x, y), (step, rate) in zip(drawn, RATE, strict=True):
        assert (x - ends[0][0]) / (ends[1][0] - ends[0][0]) == pytest.approx(step / 1000, abs=1e-3)
        assert (y - ends[1][1]) / (ends[0][1] - ends[1][1]) == pytest.approx(rate / 0.1, abs=1e-3)
    assert len(points(line(browser, "b", "loss"))) == 17, "the values that are not finite are left out"
    row = one(browser, "[aria-label=loss] tbody tr:nth-child(3)").text
    assert row.startswith("b: loss\n4 not finite, the first at 850") and "not finite at 1000" in row and "4.4 at 0" in row


def test_smoothing_moves_the_losses_of_training_only(opened):
    browser = opened()
    before = {name: line(browser, "a", name) for name in ("loss", "test0/loss", "lr", "test0/accuracy")}
    one(browser, "#smoothing").send_keys("\ue014" * 30)  # the right arrow key
    assert one(browser, "#smoothing-value").text == "0.3"
    assert line(browser, "a", "lr") == before["lr"] and line(browser, "a", "test0/accuracy") == before["test0/accuracy"]
    move(browser, "#smoothing", 0.9)
    assert line(browser, "a", "loss") != before["loss"] and len(every(browser, ".faint")) == 2
    expected, total = 0.0, 0.0
    for _, value in LOSS[:5]:
        expected, total = 0.9 * expected + value, 0.9 * total + 1
    browser.execute_script("read(200)")
    assert f"smoothed {expected / total:.4f}" in one(browser, "[aria-label=loss] tbody tr").text


def test_curves_and_runs_are_switched_by_mouse_and_keyboard(opened):
    browser = opened()
    one(browser, "[aria-label=loss] tbody button").click()
    assert line(browser, "a", "loss") is None and line(browser, "a", "test0/loss") is not None
    assert one(browser, "[aria-label=loss] tbody button").get_attribute("aria-pressed") == "false"
    browser.switch_to.active_element.send_keys(" ")
    assert line(browser, "a", "loss") is not None, "the focus stayed on the button"
    one(browser, "#runs button:nth-child(2)").click()
    assert line(browser, "b", "loss") is None and line(browser, "b", "lr") is None and line(browser, "a", "lr") is not None


def test_values_are_read_by_mouse_and_keyboard_in_all_panels(opened):
    browser = opened()
    drawing = one(browser, "[aria-label=loss] svg")
    drawing.send_keys("\ue011" + "\ue014" * 3)  # home, right
    assert {head.text for head in every(browser, "thead th:nth-child(2)")} == {"at 150"}
    cells = [cell.text for cell in every(browser, "[aria-label=loss] tbody td:nth-child(2)")]
    assert cells == [f"{LOSS[3][1]:.5g}", f"{LOSS[0][1]:.5g} (at 0)", f"{2 * LOSS[3][1]:.5g}"]
    ActionChains(browser).move_to_element(drawing).perform()
    assert one(browser, "thead th:nth-child(2)").text != "at 150"


def test_a_part_is_seen_by_dragging_and_all_by_escape(opened):
    browser = opened()
    drawing = one(browser, "[aria-label=loss] svg")
    ActionChains(browser).move_to_element(drawing).click_and_hold().move_by_offset(100, 0).release().perform()
    low, high = (int(one(browser, selector).get_property("value")) for selector in ("#from", "#to"))
    assert 400 < low < high < 1000
    assert len(points(line(browser, "a", "lr"))) == (high - low) // 50 + 1
    one(browser, "[aria-label=loss] svg").send_keys("\ue00c")  # escape
    assert len(points(line(browser, "a", "lr"))) == len(RATE)


def test_logarithmic_axes_leave_out_zeros_and_say_so(opened):
    browser = opened()
    one(browser, "#log-values").click()
    assert len(points(line(browser, "a", "lr"))) == len(RATE) - 1
    assert "2 of the values are at zero or below" in one(browser, "[aria-label='learning rate']").text
    one(browser, "#log-iterations").click()
    drawn = points(line(browser, "a", "lr"))
    assert drawn[1][0] - drawn[0][0] == pytest.approx(drawn[3][0] - drawn[1][0], abs=0.2), "from 50 to 100 is as far as from there to 200"


def test_it_is_dark_where_the_reader_is_and_narrow_where_the_window_is(opened, dark_and_narrow):
    browser = opened()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375, "at 400 %"


def test_a_live_page_keeps_up_with_its_file_and_keeps_what_was_chosen(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "REFRESH", 0.2)
    browser = opened({}, live=True)
    assert "No values yet" in one(browser, "#panels").text and "training; written" in one(browser, "#status").text
    wait = WebDriverWait(browser, 30, 0.1)
    path = tmp_path / "curves.html"
    write_curves({"a": {"loss": LOSS[:3], "lr": RATE[:3]}}, path, live=True)
    wait.until(lambda _: line(browser, "a", "loss"))
    one(browser, "[aria-label='learning rate'] tbody button").click()
    move(browser, "#smoothing", 0.5)
    write_curves({"a": {"loss": [*LOSS[:3], *LOSS[2:6]], "lr": RATE[:6]}}, path, live=True)
    wait.until(lambda _: len(points(line(browser, "a", "loss"))) == 6)
    assert line(browser, "a", "lr") is None and one(browser, "#smoothing-value").text == "0.5"
    write_curves({"a": {"loss": [*LOSS[:6], *LOSS[3:8]]}}, path, live=False)
    wait.until(lambda _: len(points(line(browser, "a", "loss"))) == 8)
    assert "resumed at iteration 150" in one(browser, "#runs").text
    wait.until(lambda _: one(browser, "#status").text.startswith("written"))


def test_names_cannot_end_the_script(opened):
    browser = opened({"</script><b>": {"loss": LOSS}}, title="<i>")
    assert one(browser, "h1").text == "<i>" and line(browser, "</script><b>", "loss")
