"""Names in pictures: on the regions that have room, legible, apart from each other."""

import numpy as np
import pytest

from segaware_caffe.segmentation import legend
from segaware_caffe.segmentation.legend import Box, shares, with_names

NAMES = ["sky", "building", "road", "car"]
COLOURS = np.array([[127, 190, 235], [155, 107, 91], [107, 101, 119], [35, 71, 197]], np.uint8)


def street(height: int, width: int) -> np.ndarray:
    """Sky over buildings over a road, and a car too small for its name."""
    labels = np.zeros((height, width), np.uint8)
    labels[height // 3 :] = 1
    labels[2 * height // 3 :] = 2
    labels[-height // 6 : -height // 6 + height // 40, width // 2 : width // 2 + width // 40] = 3
    return labels


@pytest.fixture
def drawn(monkeypatch) -> dict[str, list]:
    """The boxes that names and the legend are drawn in, as they are drawn."""
    found: dict[str, list] = {"names": [], "legend": []}
    name, corner = legend._draw_name, legend._corner
    monkeypatch.setattr(legend, "_draw_name", lambda draw, box, *rest: (found["names"].append((rest[0], box)), name(draw, box, *rest)))
    monkeypatch.setattr(legend, "_corner", lambda *args: found["legend"].append(corner(*args)) or found["legend"][-1])
    return found


@pytest.mark.parametrize("size", [(360, 480), (200, 300), (900, 400)], ids=str)
def test_each_name_is_on_its_region_and_none_on_another_or_the_legend(drawn, size):
    labels = street(*size)
    picture = np.zeros((*size, 3), np.uint8)
    named = with_names(picture, labels, NAMES, COLOURS)
    assert named.shape == picture.shape and not picture.any()
    assert [name for name, _ in drawn["names"]] == ["sky", "building", "road"]
    (corner,) = drawn["legend"]
    boxes = [*(box for _, box in drawn["names"]), corner]
    assert not any(box.meets(other) for index, box in enumerate(boxes) for other in boxes[:index])
    for name, box in drawn["names"]:
        inside = labels[box.top : box.bottom, box.left : box.right] == NAMES.index(name)
        assert inside.mean() > 0.8 and inside.shape == (box.bottom - box.top, box.right - box.left)
        assert named[box.top : box.bottom, box.left : box.right].any()
    assert 0 <= corner.left < corner.right <= size[1] and 0 <= corner.top < corner.bottom <= size[0]
    legend_colours = {tuple(pixel) for pixel in named[corner.top : corner.bottom, corner.left : corner.right].reshape(-1, 3)}
    assert {tuple(colour) for colour in COLOURS} <= legend_colours, "every class that is there is in the legend"


def test_the_legend_lies_where_the_fewest_outlines_are(drawn):
    labels = np.zeros((400, 600), np.uint8)
    labels[:, :300] = np.indices((400, 300)).sum(0) % 2
    labels[:200] = np.indices((200, 600)).sum(0) // 9 % 2
    with_names(np.zeros((400, 600, 3), np.uint8), labels, NAMES, COLOURS)
    (corner,) = drawn["legend"]
    assert corner.left > 300 and corner.top > 200


@pytest.mark.parametrize("size", [(1, 1), (0, 5), (3, 1000), (40, 40)], ids=str)
def test_a_picture_too_small_for_letters_stays_as_it_is(size):
    picture = np.full((*size, 3), 7, np.uint8)
    assert np.array_equal(with_names(picture, np.zeros(size, np.uint8), NAMES, COLOURS), picture)


def test_boxes_meet_where_they_share_pixels():
    box = Box(10, 10, 20, 20)
    assert box.meets(Box(19, 19, 30, 30)) and not box.meets(Box(20, 10, 30, 20)) and not box.meets(Box(10, 0, 20, 10))


def test_shares_are_of_the_pixels():
    assert shares(street(360, 480))[0] == pytest.approx(1 / 3)
    assert list(shares(np.array([[2, 2, 1, 1, 1]], np.uint8))) == [1, 2]
