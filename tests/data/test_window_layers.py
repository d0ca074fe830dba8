"""WindowData, against a plain restatement of R-CNN's cutting and warping."""

import itertools
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from data.support import MEAN, MEAN_VALUES, SEED, data_layer, next_batch, noise, words, write_image

from segaware_caffe import CaffeError
from segaware_caffe.schema import BlobProto

#: image -> size and windows: label, overlap, x1, y1, x2, y2
WINDOWS = {
    "a.png": ((50, 64), [(3, 0.9, 4, 5, 30, 40), (1, 0.5, 0, 0, 63, 49), (2, 0.49, 10, 10, 20, 45), (0, 0.1, 50, 30, 63, 49)]),
    "b.png": ((33, 47), [(5, 1.0, 20, 3, 46, 32), (4, 0.3, 0, 20, 5, 32), (7, 0.7, 12, 12, 12, 12)]),
}
FOREGROUND = [(file, *window) for file, (_, windows) in WINDOWS.items() for window in windows if window[1] >= 0.5]
BACKGROUND = [(file, 0, *window[1:]) for file, (_, windows) in WINDOWS.items() for window in windows if window[1] < 0.5]


def write_windows(folder: Path) -> dict[str, np.ndarray]:
    images, lines = {}, []
    for index, (name, (size, windows)) in enumerate(WINDOWS.items()):
        images[name] = noise(index, *size, 3)
        write_image(folder / name, images[name])
        lines += [f"# {index}", f"/{name}", "3", str(size[0]), str(size[1]), str(len(windows))]
        lines += [" ".join(map(str, window)) for window in windows]
    (folder / "windows.txt").write_text("\n".join(lines) + "\n")
    return images


def text(folder: Path, window: str = "", transform: str = "crop_size: 24") -> str:
    return (
        f'window_data_param {{ source: "{folder}/windows.txt" root_folder: "{folder}" batch_size: 6 fg_fraction: 0.5 {window} }} '
        f"transform_param {{ {transform} }}"
    )


def rounded(value: float) -> int:
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def restated_window(image, box, mirror: bool, crop: int, pad: int, square: bool, mean, scale: float) -> np.ndarray:
    """spec/pipeline.md 6.7 as it is written, one window; `mean(c, y, x)` is what to subtract at a place of the crop."""
    x1, y1, x2, y2 = box
    size, at_y, at_x = [crop, crop], 0, 0
    if pad or square:
        grow = np.float32(crop) / np.float32(crop - 2 * pad)
        half_h, half_w = np.float32(y2 - y1 + 1) / np.float32(2), np.float32(x2 - x1 + 1) / np.float32(2)
        centre_x, centre_y = np.float32(x1) + half_w, np.float32(y1) + half_h
        if square:
            half_h = half_w = max(half_h, half_w)
        x1, x2 = rounded(centre_x - half_w * grow), rounded(centre_x + half_w * grow)
        y1, y2 = rounded(centre_y - half_h * grow), rounded(centre_y + half_h * grow)
        scale_x, scale_y = np.float32(crop) / np.float32(x2 - x1 + 1), np.float32(crop) / np.float32(y2 - y1 + 1)
        left, top = max(0, -x1), max(0, -y1)
        right, below = max(0, x2 - image.shape[1] + 1), max(0, y2 - image.shape[0] + 1)
        x1, y1, x2, y2 = x1 + left, y1 + top, x2 - right, y2 - below
        size = [rounded(np.float32(y2 - y1 + 1) * scale_y), rounded(np.float32(x2 - x1 + 1) * scale_x)]
        at_y = rounded(np.float32(top) * scale_y)
        at_x = rounded(np.float32(right if mirror else left) * scale_x)
        size = [min(size[0], crop - at_y), min(size[1], crop - at_x)]
    part = cv2.resize(image[y1 : y2 + 1, x1 : x2 + 1], size[::-1])
    part = part[:, ::-1] if mirror else part
    result = np.zeros((3, crop, crop), np.float32)
    for y, x, c in np.ndindex(*part.shape):
        result[c, at_y + y, at_x + x] = (np.float32(part[y, x, c]) - mean(c, at_y + y, at_x + x)) * np.float32(scale)
    return result


@pytest.mark.parametrize("mirror", [False, True], ids=["straight", "mirrored"])
@pytest.mark.parametrize(
    ("pad", "square", "with_mean_file"), [(0, False, False), (4, False, False), (0, True, False), (5, True, False), (5, True, True)]
)
def test_batches_equal_a_restatement(tmp_path: Path, pad: int, square: bool, mirror: bool, with_mean_file: bool) -> None:
    images = write_windows(tmp_path)
    mean_image = np.random.default_rng(0).random((3, 31, 31), np.float32) * 255
    (tmp_path / "mean").write_bytes(BlobProto(num=1, channels=3, height=31, width=31, data=mean_image.ravel()).SerializeToString())
    mean_text = f'mean_file: "{tmp_path}/mean"' if with_mean_file else MEAN_VALUES
    transform = f"crop_size: 24 {mean_text} {'mirror: true' if mirror else ''}"
    window = f"scale: 0.5 context_pad: {pad} crop_mode: '{'square' if square else 'warp'}'"
    layer = data_layer("WindowData", text(tmp_path, window, transform), train=True)

    def mean(c: int, y: int, x: int) -> np.float32:
        return mean_image[c, 3 + y, 3 + x] if with_mean_file else np.float32(MEAN[c])

    assert layer.top_shapes() == [(6, 3, 24, 24), (6,)]
    _, seed = itertools.islice(words(SEED), 2)
    stream = words(seed)
    for _ in range(3):
        data, label = next_batch(layer)
        for n in range(6):
            windows = BACKGROUND if n < 3 else FOREGROUND
            name, expected_label, _, *box = windows[next(stream) % len(windows)]
            turned = mirror and next(stream) % 2 == 1
            np.testing.assert_array_equal(data[n], restated_window(images[name], box, turned, 24, pad, square, mean, 0.5))
            assert label[n] == expected_label


def test_thresholds_decide_what_is_foreground(tmp_path: Path) -> None:
    write_windows(tmp_path)
    layer = data_layer("WindowData", text(tmp_path, "fg_threshold: 0.95 bg_threshold: 0.2 batch_size: 6".replace(" batch_size: 6", "")))
    label = next_batch(layer)[1]
    assert label.tolist() == [0, 0, 0, 5, 5, 5]


GOOD = ["# 0", "/a.png", "3", "50", "64", "1", "3 0.9 4 5 30 40"]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["* 0"], "windows.txt:1: expected # and an index, found '* 0'"),
        (GOOD[:3], "windows.txt' ends where height should stand"),
        ([*GOOD[:6], "3 0.9 4 5 30"], "windows.txt:7: expected label overlap x1 y1 x2 y2, found '3 0.9 4 5 30'"),
        ([*GOOD[:6], "3 much 4 5 30 40"], "windows.txt:7: expected label overlap x1 y1 x2 y2"),
        ([*GOOD[:6], "0 0.9 4 5 30 40"], "windows.txt:7: a foreground window needs a label > 0, not 0"),
        ([*GOOD[:6], "1 0.9 4 5 3 40"], "windows.txt:7: window (4, 5, 3, 40) (x1 y1 x2 y2) ends before it begins"),
        (GOOD, "windows.txt' has no background windows, but fg_fraction 0.5 of a batch of 6 asks for some"),
        ([*GOOD[:5], "2", GOOD[6], "0 0 4 5 64 40"], "window (4, 5, 64, 40) (x1 y1 x2 y2) does not lie in {0}/a.png, which is 64 x 50"),
        (["# 0", "/gone.png", *GOOD[2:5], "2", GOOD[6], "0 0 4 5 6 7"], "Could not load {0}/gone.png"),
    ],
)
def test_bad_window_files_are_named(tmp_path: Path, lines: list[str], sentence: str) -> None:
    write_windows(tmp_path)
    (tmp_path / "windows.txt").write_text("\n".join(lines))
    with pytest.raises(CaffeError) as error:
        data_layer("WindowData", text(tmp_path))()
    assert str(error.value).startswith("layer 'it' (WindowData): ") and sentence.format(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("window", "transform", "sentence"),
    [
        ("", "", "transform_param needs crop_size"),
        ("crop_mode: 'round'", "crop_size: 24", "crop_mode must be warp or square, not 'round'"),
        ("context_pad: 12", "crop_size: 24", "context_pad 12 leaves nothing of a crop_size of 24"),
        ("", "crop_size: 24 mean_value: 1 mean_value: 2", "Specify either 1 mean_value or as many as channels: 3, not 2"),
    ],
)
def test_bad_fields(tmp_path: Path, window: str, transform: str, sentence: str) -> None:
    with pytest.raises(CaffeError) as error:
        data_layer("WindowData", text(tmp_path, window, transform))
    assert sentence in str(error.value)
