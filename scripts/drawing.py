"""Pictures for the demos: a photograph with marked pixels, their attention masks, panels side by side."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from segaware_caffe.segmentation import write_label_png

GAP, TITLE, FONT = 16, 32, 20


def telling_pixels(masks: np.ndarray, margin: int, count: int = 5, labels: np.ndarray | None = None) -> list[tuple[int, int]]:
    """Where masks (taps, H, W) say most: in each of `count` upright strips the pixel (row, column) whose mask is the most divided.

    With `labels` (H, W), pixels that have another class within the margin come first.
    """
    divided = masks.std(0)
    if labels is not None:
        window = 2 * margin // 3 + 1
        divided = divided + (ndimage.maximum_filter(labels, window) != ndimage.minimum_filter(labels, window))
    divided[:margin], divided[-margin:] = -1, -1
    edges = np.linspace(margin, divided.shape[1] - margin, count + 1).astype(int)
    found = []
    for left, right in pairwise(edges):
        left, right = left + margin // 2, right - margin // 2  # so that no two windows lie over each other
        row, column = np.unravel_index(divided[:, left:right].argmax(), (len(divided), right - left))
        found.append((int(row), int(left + column)))
    return found


def marked(rgb: np.ndarray, pixels: Sequence[tuple[int, int]], reach: int) -> Image.Image:
    """The photograph (H, W, 3) with the window of each pixel (row, column) drawn and numbered."""
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    for number, (row, column) in enumerate(pixels, 1):
        draw.rectangle((column - reach, row - reach, column + reach, row + reach), outline="yellow", width=2)
        draw.text((column + reach + 3, row - reach), str(number), fill="yellow", font_size=FONT, stroke_width=2, stroke_fill="black")
    return image


def mask_sheet(masks: np.ndarray, pixels: Sequence[tuple[int, int]], height: int) -> Image.Image:
    """The masks (taps, H, W) at the pixels, one below the other, numbered; white is 1, black is 0."""
    side = round(len(masks) ** 0.5)
    step = height // len(pixels)
    size = step - GAP // 2
    sheet = Image.new("RGB", (FONT + size, height), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (row, column) in enumerate(pixels):
        mask = masks[:, row, column].reshape(side, side)
        draw.text((2, index * step), str(index + 1), fill="black", font_size=FONT)
        sheet.paste(Image.fromarray((255 * mask).astype(np.uint8)).resize((size, size), Image.Resampling.NEAREST), (FONT, index * step))
    return sheet


def mask_pairs(
    rgb: np.ndarray, masks: np.ndarray, small: Sequence[tuple[int, int]], pixels: Sequence[tuple[int, int]], reach: int
) -> Image.Image:
    """For each pixel what lies in its window and, beside it, its mask, numbered; white is 1, black is 0.

    They are as large as the photograph's size allows. `small` are the pixels (row, column) in the masks (taps, h, w), `pixels` those
    of the photograph (H, W, 3), from which a window reaches so far.
    """
    height, width = rgb.shape[:2]
    side = round(len(masks) ** 0.5)
    sizes = [min(height // -(-len(pixels) // columns) - GAP, (width // columns - FONT) // 2 - GAP) for columns in range(1, len(pixels) + 1)]
    size = max(sizes)
    columns = sizes.index(size) + 1
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    photograph = Image.fromarray(rgb)
    for index, ((row, column), (y, x)) in enumerate(zip(small, pixels, strict=True)):
        left, top = index % columns * (width // columns), index // columns * (size + GAP)
        window = photograph.crop((x - reach, y - reach, x + reach + 1, y + reach + 1)).resize((size, size), Image.Resampling.BICUBIC)
        mask = Image.fromarray((255 * masks[:, row, column].clip(0, 1)).astype(np.uint8).reshape(side, side))
        draw.text((left + 2, top), str(index + 1), fill="black", font_size=FONT)
        sheet.paste(window, (left + FONT, top))
        sheet.paste(mask.resize((size, size), Image.Resampling.NEAREST), (left + FONT + size + GAP // 2, top))
    return sheet


def changes(rgb: np.ndarray, before: np.ndarray, after: np.ndarray, colours: np.ndarray) -> Image.Image:
    """The photograph (H, W, 3) in pale grey, with the new class' colour where labels (H, W) changed."""
    grey = 128 + np.asarray(Image.fromarray(rgb).convert("L"))[..., None] // 2
    return Image.fromarray(np.where((before != after)[..., None], colours[after], grey).astype(np.uint8))


def page(panels: Mapping[str, Image.Image], columns: int) -> Image.Image:
    """The panels in rows of so many, each under its title, in columns as wide as their widest."""
    titles, images = list(panels), list(panels.values())
    widths = [max(image.width for image in images[column::columns]) for column in range(columns)]
    heights = [max(image.height for image in images[first : first + columns]) + TITLE for first in range(0, len(images), columns)]
    sheet = Image.new("RGB", (sum(widths) + GAP * (columns + 1), sum(heights) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (title, image) in enumerate(zip(titles, images, strict=True)):
        row, column = divmod(index, columns)
        left, top = sum(widths[:column]) + GAP * (column + 1), sum(heights[:row])
        draw.text((left, top + 4), title, fill="black", font_size=FONT)
        sheet.paste(image, (left, top + TITLE))
    return sheet


def beside(panels: Mapping[str, Image.Image]) -> Image.Image:
    """The panels from left to right, each under its title."""
    return page(panels, len(panels))


def for_a_page(picture: Image.Image, width: int = 1480) -> Image.Image:
    """A picture as a page takes it: of this width, in 256 colours."""
    small = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    return small.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)


def show(
    name: str,
    folder: Path,
    rgb: np.ndarray,
    run: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    picture: Callable[[np.ndarray, Mapping[str, np.ndarray]], Image.Image],
    colours: np.ndarray | None = None,
) -> None:
    """Run a network on the photograph, write `name`.png with its picture and `name`_labels.png, and say how long it took."""
    start = time.perf_counter()
    blobs = run(rgb)
    seconds = time.perf_counter() - start
    labels, drawn = folder / f"{name}_labels.png", folder / f"{name}.png"
    write_label_png(labels, blobs["scores"].argmax(0), colours)
    picture(rgb, blobs).save(drawn)
    print(f"{rgb.shape[1]} x {rgb.shape[0]} pixels in {seconds:.1f} s: {drawn}, and the labels in {labels.name}")
