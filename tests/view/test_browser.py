"""The pages in headless Chromium: what is clicked is shown, what is shown is what the net computes, nothing goes wrong unsaid."""

import re
import time

import numpy as np
import pytest
import torch
from full_nets import ROOT, variables
from view_nets import LENET, MASKS

from benchmarks.networks import resnet50
from segaware_caffe import Net
from segaware_caffe.models import CAMVID_CLASSES, CAMVID_SEGAWARE
from segaware_caffe.net.timing import timing
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.normconv import softmax_mask
from segaware_caffe.view import compare_nets, write_page
from segaware_caffe.view.pictures import pixels_at

pytestmark = pytest.mark.slow
#: net -> prototxt and variables, and the layer that is looked for and its number of parameters
PAGES = {
    "vgg/deploy": (ROOT / "configs" / "vgg" / "deploy.prototxt", variables(321), "conv3_2", "590,080"),
    "res/test": (ROOT / "configs" / "res" / "test.prototxt", variables(513), "res4b7_branch2b", "589,824"),
    "ResNet-50": (resnet50(), {}, "res3b_2b", "147,456"),
    "LeNet": (LENET, {}, "ip1", "400,500"),
}


@pytest.fixture
def opened(browser, tmp_path):
    """Writes a page, opens it and gives the browser; in the end nothing may have been complained of."""

    def write_and_open(net, **content):
        write_page(net, tmp_path / "net.html", **content)
        assert (tmp_path / "net.html").stat().st_size < (8e6 if content.get("photograph") is not None else 2e6)
        start = time.perf_counter()
        browser.get(f"file://{tmp_path}/net.html")
        assert one(browser, "#drawing g").is_displayed()
        browser.seconds = time.perf_counter() - start
        return browser

    yield write_and_open
    assert browser.get_log("browser") == []


def one(browser, selector):
    return browser.find_element("css selector", selector)


def every(browser, selector):
    return browser.find_elements("css selector", selector)


def photograph():
    from skimage import data

    return data.coffee()


@pytest.mark.parametrize(("prototxt", "values", "layer", "parameters"), PAGES.values(), ids=PAGES)
def test_a_layer_is_found_and_leads_to_its_box_and_text(opened, prototxt, values, layer, parameters):
    net = Net(prototxt, variables=values)
    browser = opened(net)
    assert browser.seconds < 3
    one(browser, "#search").send_keys(layer)
    assert one(browser, "#found button").text.startswith(f"{layer} · ")
    one(browser, "#search").send_keys("\n")
    assert one(browser, "#details h2").text == layer
    assert parameters in one(browser, "#details dl").text
    assert f'name: "{layer}"' in one(browser, "#text .chosen").text
    assert one(browser, "#drawing .chosen title").get_attribute("textContent").startswith(f"{layer}\n")


def test_text_and_boxes_lead_to_details_by_mouse_and_keyboard(opened):
    net = Net(LENET)
    browser = opened(net, measured=timing(net, 1))
    one(browser, '#text [data-layer="3"]').click()
    assert re.search(r"takes\n\d+\.\d{3} ms", one(browser, "#details").text)
    assert one(browser, "#details h2").text == "conv2"
    one(browser, '#drawing g[data-index="2"]').send_keys("\n")
    assert one(browser, "#details h2").text == "pool1"
    reads = [button for button in every(browser, "#details button") if button.text == "conv1"]
    reads[0].click()
    assert one(browser, "#details h2").text == "conv1"
    before = one(browser, "#drawing").get_dom_attribute("viewBox")
    one(browser, "#drawing").send_keys("+")
    assert float(one(browser, "#drawing").get_dom_attribute("viewBox").split()[2]) < float(before.split()[2])


def test_it_is_dark_where_the_reader_is_and_narrow_where_the_window_is(opened, dark_and_narrow):
    browser = opened(Net(LENET))
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375, "at 400 %"
    one(browser, "#search").send_keys("ip1\n")
    assert one(browser, "#details h2").text == "ip1"


def test_differences_are_listed_and_marked(opened):
    net, other = Net(LENET), Net(LENET.replace("num_output: 50 ", "num_output: 40 "))
    browser = opened(net, comparison=compare_nets(net, other, "other"))
    one(browser, "#tab-compare").click()
    assert "- num_output: 50; + num_output: 40" in one(browser, "#view-compare").text
    one(browser, "#view-compare button").click()
    assert one(browser, "#details h2").text == "conv2"
    assert [box.get_attribute("data-index") for box in every(browser, "#drawing .differs")] == ["3", "4"]


def weights(browser):
    """The position (row, column) and the weights (taps) of the mask that the page shows."""
    table = one(browser, "#weights table")
    cells = browser.execute_script("return [...document.querySelectorAll('#weights td')].map(cell => Number(cell.dataset.weight))")
    return int(table.get_attribute("data-row")), int(table.get_attribute("data-column")), np.array(cells)


def choose_mask(browser, index):
    browser.execute_script("at('window').value = arguments[0]; at('window').dispatchEvent(new Event('change'))", index)


def test_masks_of_the_shipped_net_are_those_that_it_uses(opened):
    net = Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)
    browser = opened(net, photograph=photograph(), classes=CAMVID_CLASSES)
    height, width, names = browser.execute_script("return [photo.height, photo.width, photo.windows.map(window => window.name)]")
    _, blob = pixels_at(photograph(), height, width, 3)
    blobs = net(data=blob, keep=[*names, "embedding"])
    one(browser, "#tab-masks").click()
    for pixel in ((height // 2, width // 3), (0, 0), (height - 1, width - 4), (37, 201)):
        browser.execute_script("choosePixel(arguments[1], arguments[0])", *pixel)
        for index, name in enumerate(names):
            choose_mask(browser, index)
            row, column, shown = weights(browser)
            np.testing.assert_allclose(shown, blobs[name][0, :, row, column].numpy(), atol=1e-3)
    one(browser, "#canvas").click()  # the middle of what is there
    *_, own = weights(browser)
    browser.execute_script("at('factor').value = -1; at('factor').dispatchEvent(new Event('input'))")
    *_, wider = weights(browser)
    np.testing.assert_allclose(wider, own**0.1, atol=1e-3, err_msg="exp(-w d) of a tenth of the net's factor")
    assert wider.sum() > own.sum()
    one(browser, "#learned").click()
    np.testing.assert_array_equal(weights(browser)[2], own)
    chances = torch.softmax(blobs["scores"][0], 0)
    y, x = browser.execute_script("return [chosen.y, chosen.x]")
    near = chances[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].amax((1, 2))
    name, shown = one(browser, "#classes tr").text.rsplit(" ", 2)[:2]
    assert float(shown) / 100 <= near[CAMVID_CLASSES.index(name.strip())] + 0.005


def test_masks_of_every_kind(opened):
    net = Net(MASKS)
    browser = opened(net, photograph=photograph())
    height, width = browser.execute_script("return [photo.height, photo.width]")
    _, blob = pixels_at(photograph(), height, width, 3)
    blobs = net(data=blob, keep=["mask", "emb"])
    crf = next(layer for layer in net.layers if layer.name == "crf")
    norm = softmax_mask(blobs["emb"], Geometry((3, 3), (1, 1), (2, 2), (2, 2)), 0.7, l1=True, remove_center=True)
    masks = [blobs["mask"], norm, *(fields.mask(blobs["emb"]) for fields in crf.fields)]
    one(browser, "#tab-masks").click()
    for pixel in ((0, 0), (height // 2, width // 2), (height - 1, width - 1)):
        browser.execute_script("choosePixel(arguments[1], arguments[0])", *pixel)
        for index, mask in enumerate(masks):
            choose_mask(browser, index)
            row, column, shown = weights(browser)
            np.testing.assert_allclose(shown, mask[0, :, row, column].detach().numpy(), atol=1e-3)
