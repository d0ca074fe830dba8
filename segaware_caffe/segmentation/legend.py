"""Names in a picture of labels: on the regions that have room for them, and in a legend in a corner.

Where a name goes is looked for in a small copy of the labels: the box that its letters need must lie in one region of its
class, as deep inside as may be. The legend takes the corner where the least of what is worth seeing is covered.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

#: longer side of the small copy of the labels, and how many regions of one class get names
SMALL, REGIONS = 240, 3
#: height of letters as a share of the square root of the picture's area, and the least in pixels that can be read
LETTERS, LEGIBLE = 0.024, 10
#: classes with a smaller share of the pixels are not in the legend
LEAST = 0.0005
#: rows that are counted at once
ROWS = 256
#: of the box of a name the share that lies in its region, at least
INSIDE = 0.85


class Box(NamedTuple):
    """Part of a picture, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: "Box") -> bool:
        """Whether two have pixels in common."""
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


def shares(labels: np.ndarray) -> dict[int, float]:
    """The labels in (H, W) uint8 by their share of the pixels, the largest first.

    >>> shares(np.array([[7, 7, 7, 2]], np.uint8))
    {7: 0.75, 2: 0.25}
    """
    counts = np.zeros(256, np.int64)
    for row in range(0, len(labels), ROWS):
        counts += np.bincount(labels[row : row + ROWS].reshape(-1), minlength=256)
    return {int(label): float(counts[label] / labels.size) for label in np.argsort(-counts, kind="stable") if counts[label]}


def with_names(picture: np.ndarray, labels: np.ndarray, names: Sequence[str], colours: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 of labels (H, W) with the classes' names written on it; one too small for letters stays as it is.

    `names` and `colours` (n, 3) are by label.

    >>> labels = np.zeros((120, 200), np.uint8)
    >>> picture = np.full((120, 200, 3), 128, np.uint8)
    >>> named = with_names(picture, labels, ["sky"], np.array([[127, 190, 235]], np.uint8))
    >>> bool((named != picture).any())
    True
    """
    height, width = labels.shape
    size = round(LETTERS * (height * width) ** 0.5)
    if not labels.size or max(size, LEGIBLE) * 6 > min(height, width):
        return picture
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(max(size, LEGIBLE))
    small = labels[:: (step := -(-max(height, width) // SMALL)), ::step]
    legend = _draw_legend(draw, small, step, shares(labels), names, colours, font, (height, width))
    taken = [legend] if legend else []
    for label, box in _places(small, step, [_extent(font, name) for name in names], taken):
        _draw_name(draw, box, names[label], colours[label], font)
    return np.asarray(image)


def _extent(font: ImageFont.ImageFont | ImageFont.FreeTypeFont, name: str) -> tuple[int, int]:
    """Width and height of the box of a name."""
    _, _, _, descent = font.getbbox("Ag")
    return int(font.getlength(name) + 0.8 * descent), int(1.35 * descent)


def _places(small: np.ndarray, step: int, extents: Sequence[tuple[int, int]], taken: list[Box]) -> Iterator[tuple[int, Box]]:
    """Where names go: a label and a box of its extent, in the large picture; none meets another or what is `taken`."""
    for label in np.unique(small):
        width, height = extents[label]
        regions, _ = ndimage.label(small == label)
        areas = np.bincount(regions.reshape(-1))[1:]
        for region in np.argsort(-areas, kind="stable")[:REGIONS] + 1:
            box = _deepest(regions == region, step, width, height, taken)
            if box:
                taken.append(box)
                yield int(label), box


def _deepest(region: np.ndarray, step: int, width: int, height: int, taken: Sequence[Box]) -> Box | None:
    """The box of this extent that lies deepest in a region, if one does."""
    rows, columns = -(-height // step), -(-width // step)
    if rows > region.shape[0] or columns > region.shape[1] or region.sum() < rows * columns * INSIDE:
        return None
    sums = np.pad(region, ((1, 0), (1, 0))).cumsum(0, np.int32).cumsum(1, np.int32)
    covered = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    middle = depth[rows // 2 :, columns // 2 :][: covered.shape[0], : covered.shape[1]]
    value = np.where(covered >= INSIDE * rows * columns, middle + depth.max() * covered / (rows * columns), -1)
    for other in taken:
        top, left = max(0, other.top // step - rows), max(0, other.left // step - columns)
        value[top : other.bottom // step + 1, left : other.right // step + 1] = -1
    row, column = np.unravel_index(value.argmax(), value.shape)
    if value[row, column] < 0:
        return None
    left, top = int(column) * step, int(row) * step
    return Box(left, top, left + width, top + height)


def _draw_name(
    draw: ImageDraw.ImageDraw, box: Box, name: str, colour: np.ndarray, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> None:
    """The name on a plate of its class' colour, in black or white, whichever is easier to read."""
    draw.rounded_rectangle(box, (box.bottom - box.top) // 4, fill=(*colour.tolist(), 215))
    bright = colour @ (0.299, 0.587, 0.114) > 140
    draw.text(_middle(box), name, fill="black" if bright else "white", font=font, anchor="mm")


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _draw_legend(
    draw: ImageDraw.ImageDraw,
    small: np.ndarray,
    step: int,
    shares: dict[int, float],
    names: Sequence[str],
    colours: np.ndarray,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    picture: tuple[int, int],
) -> Box | None:
    """Draw the legend, colour, name and share of the classes that are there, and return its box; nothing if there is no room for it."""
    shown = [label for label, share in shares.items() if share >= LEAST]
    line = _extent(font, "")[1]
    width = line + max(_extent(font, f"{names[label]}  100 %")[0] for label in shown)
    box = _corner(small, step, width + line // 2, line * len(shown) + line // 2, line // 2, picture)
    if box is None:
        return None
    draw.rounded_rectangle(box, line // 4, fill=(20, 20, 24, 190))
    for index, label in enumerate(shown):
        left, top = box.left + line // 4, box.top + line // 4 + index * line
        draw.rectangle(
            (left + line // 6, top + line // 6, left + line - line // 6, top + line - line // 6), fill=(*colours[label].tolist(), 255)
        )
        draw.text((left + 1.3 * line, top + line / 2), names[label], fill="white", font=font, anchor="lm")
        share = f"{100 * shares[label]:.0f} %" if shares[label] >= 0.01 else "< 1 %"
        draw.text((box.right - line // 3, top + line / 2), share, fill="white", font=font, anchor="rm")
    return box


def _corner(small: np.ndarray, step: int, width: int, height: int, margin: int, picture: tuple[int, int]) -> Box | None:
    """The corner of a picture (height, width) for a box of this size where the fewest outlines run; None if it is too large."""
    if 2 * width > picture[1] or 4 * height > 3 * picture[0]:
        return None
    outlines = np.zeros(small.shape, bool)
    outlines[1:] |= small[1:] != small[:-1]
    outlines[:, 1:] |= small[:, 1:] != small[:, :-1]
    lefts, tops = (margin, picture[1] - margin - width), (margin, picture[0] - margin - height)
    boxes = [Box(left, top, left + width, top + height) for top in tops for left in lefts]
    return min(boxes, key=lambda box: int(outlines[box.top // step : box.bottom // step, box.left // step : box.right // step].sum()))
