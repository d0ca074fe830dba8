"""Pictures for the demos: a photograph with marked pixels, their attention masks, panels side by side."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from segaware_caffe.segmentation import write_label_png

GAP, TITLE, FONT = 16, 32, 20


def telling_pixels(masks: np.ndarray, margin: int, count: int = 5) -> list[tuple[int, int]]:
    """Where masks (taps, H, W) say most: in each of `count` upright strips the pixel (row, column) whose mask is the most divided."""
    divided = masks.std(0)
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


def beside(panels: Mapping[str, Image.Image]) -> Image.Image:
    """The panels from left to right, each under its title."""
    width = sum(image.width + GAP for image in panels.values()) + GAP
    sheet = Image.new("RGB", (width, max(image.height for image in panels.values()) + TITLE + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    left = GAP
    for title, image in panels.items():
        draw.text((left, 4), title, fill="black", font_size=FONT)
        sheet.paste(image, (left, TITLE))
        left += image.width + GAP
    return sheet


def legend(names: Mapping[str, tuple[int, ...]]) -> Image.Image:
    """A square of its colour before each name."""
    sheet = Image.new("RGB", (8 * FONT, (FONT + GAP) * len(names)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, colour) in enumerate(names.items()):
        top = index * (FONT + GAP)
        draw.rectangle((0, top, FONT, top + FONT), fill=colour)
        draw.text((FONT + GAP // 2, top), name, fill="black", font_size=FONT)
    return sheet


def show(
    name: str,
    folder: Path,
    rgb: np.ndarray,
    run: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    picture: Callable[[np.ndarray, Mapping[str, np.ndarray]], Image.Image],
) -> None:
    """Run a network on the photograph, write `name`.png with its picture and `name`_labels.png, and say how long it took."""
    start = time.perf_counter()
    blobs = run(rgb)
    seconds = time.perf_counter() - start
    labels, drawn = folder / f"{name}_labels.png", folder / f"{name}.png"
    write_label_png(labels, blobs["scores"].argmax(0))
    picture(rgb, blobs).save(drawn)
    print(f"{rgb.shape[1]} x {rgb.shape[0]} pixels in {seconds:.1f} s: {drawn}, and the labels in {labels.name}")
