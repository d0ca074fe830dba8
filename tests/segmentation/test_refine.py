"""The densecrf tools and the search for their settings."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image
from voc.support import COLOURS, labels_of, run

from segaware_caffe.data.mat import read_mat, write_mat
from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.densecrf import Kernel, dense_crf
from segaware_caffe.segmentation import read_labels, write_label_png
from segaware_caffe.segmentation.bin_matrices import read_bin, write_bin
from segaware_caffe.segmentation.refine import find_features
from segaware_caffe.voc.grid import GRID, Point, sample

SIZES = {"x_1": (30, 40), "x_2": (41, 25)}


@pytest.fixture
def folder(tmp_path):
    """Photographs, noisy score maps (21, 48, 48) that are larger, and labels."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for index, (name, size) in enumerate(SIZES.items()):
        labels = labels_of(index, *size)
        random = np.random.default_rng(index)
        rgb = (COLOURS[labels % 21] + random.integers(-9, 10, (*size, 3))).clip(0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(tmp_path / "images" / f"{name}.ppm")
        write_label_png(tmp_path / "labels" / f"{name}.png", labels)
        scores = random.normal(0, 1.5, (1, 21, 48, 48)).astype(np.float32)
        scores[0, :, : size[0], : size[1]] += 2 * (np.arange(21)[:, None, None] == labels % 21)
        write_mat(tmp_path / "mat" / f"{name}_blob_0.mat", scores)
    return tmp_path


def scores_of(folder, name: str) -> torch.Tensor:
    """The top left part of the stored scores."""
    height, width = SIZES[name]
    return torch.from_numpy(read_mat(folder / "mat" / f"{name}_blob_0.mat"))[0, :, :height, :width]


def pixels_of(folder, name: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(Image.open(folder / "images" / f"{name}.ppm")).copy()).permute(2, 0, 1)


def densecrf(folder, features: str, *more: object) -> int:
    return run("voc", "densecrf", "-id", folder / "images", "-fd", folder / features, "-sd", folder / "out", *more)


def test_bin_matrices_lie_column_by_column(tmp_path):
    matrix = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_bin(tmp_path / "m.bin", matrix)
    content = (tmp_path / "m.bin").read_bytes()
    assert struct.unpack("<3i", content[:12]) == (2, 3, 4)
    assert struct.unpack("<4h", content[12:20]) == (matrix[0, 0, 0], matrix[1, 0, 0], matrix[0, 1, 0], matrix[1, 1, 0])
    assert np.array_equal(read_bin(tmp_path / "m.bin", np.int16), matrix)
    write_bin(tmp_path / "flat.bin", matrix[..., 0])
    assert read_bin(tmp_path / "flat.bin", np.int16).shape == (2, 3, 1)


@pytest.mark.parametrize("content", [b"", b"short", struct.pack("<3i", 2, 2, 2), struct.pack("<3i", -1, 2, 2) + bytes(16)])
def test_damaged_bin_matrices(tmp_path, content):
    (tmp_path / "m.bin").write_bytes(content)
    with pytest.raises(CaffeError, match=r"m\.bin"):
        read_bin(tmp_path / "m.bin", np.float32)


def test_scores_are_refined_as_refine_pascal_v4_does(folder, capsys):
    assert densecrf(folder, "mat") == 0
    assert "iterations 10, pos_x_std 3, pos_y_std 3, pos_w 3, bi_x_std 70, bi_y_std 70, bi_w 5, bi_r_std 5" in capsys.readouterr().out
    kernels = [Kernel(3, 3, 3), Kernel(5, 70, 70, (5, 5, 5))]
    for name in SIZES:
        expected = dense_crf(scores_of(folder, name), pixels_of(folder, name), kernels, 10).argmax(0).numpy()
        assert np.array_equal(read_bin(folder / "out" / f"{name}.bin", np.int16)[..., 0], expected)
        truth = read_labels(folder / "labels" / f"{name}.png")
        before = (scores_of(folder, name).argmax(0).numpy() == truth)[truth != 255].mean()
        assert (expected == truth)[truth != 255].mean() > before + 0.1  # it does its work


def test_probabilities_are_refined_as_refine_pascal_does(folder, capsys):
    (folder / "bin").mkdir()
    for name in SIZES:
        write_bin(folder / "bin" / f"{name}.bin", scores_of(folder, name).softmax(0).permute(1, 2, 0).numpy())
    assert densecrf(folder, "bin", "-i", "3", "-px", "2", "-br", "13") == 0
    assert "iterations 3, pos_x_std 2, pos_y_std 3, pos_w 3, bi_x_std 60, bi_y_std 60, bi_w 10, bi_r_std 13" in capsys.readouterr().out
    kernels = [Kernel(3, 2, 3), Kernel(10, 60, 60, (13, 20, 20))]
    for name in SIZES:
        probabilities = scores_of(folder, name).softmax(0)
        expected = dense_crf(probabilities.log(), pixels_of(folder, name), kernels, 3).argmax(0).numpy()
        assert np.array_equal(read_bin(folder / "out" / f"{name}.bin", np.int16)[..., 0], expected)


def test_arrays_png_and_gen_preds_give_the_same_labels(folder):
    (folder / "npy").mkdir()
    for name in SIZES:
        np.save(folder / "npy" / f"{name}.npy", scores_of(folder, name).numpy())
        Image.open(folder / "images" / f"{name}.ppm").save(folder / "images" / f"{name}.png")
        (folder / "images" / f"{name}.ppm").unlink()
    assert densecrf(folder, "npy", "--png", "-i", "2") == 0
    assert densecrf(folder, "npy", "-i", "2") == 0
    assert run("voc", "gen-preds", folder / "out", "--output", folder / "gen") == 0
    for name in SIZES:
        assert (folder / "gen" / f"{name}.png").read_bytes() == (folder / "out" / f"{name}.png").read_bytes()
        assert read_labels(folder / "gen" / f"{name}.png").shape == SIZES[name]


def test_ppm_in_text_form_and_of_another_depth(folder):
    """P3, whose values are 255 v / D."""
    pixels = pixels_of(folder, "x_1").permute(1, 2, 0).numpy() // 17
    assert densecrf(folder, "mat", "-i", "1") == 0
    text = f"P3\n{pixels.shape[1]} {pixels.shape[0]}\n15\n" + " ".join(map(str, pixels.flatten()))
    (folder / "images" / "x_1.ppm").write_text(text)
    assert densecrf(folder, "mat", "-i", "1") == 0
    kernels = [Kernel(3, 3, 3), Kernel(5, 70, 70, (5, 5, 5))]
    expected = dense_crf(scores_of(folder, "x_1"), torch.from_numpy(pixels * 17).permute(2, 0, 1), kernels, 1).argmax(0).numpy()
    assert np.array_equal(read_bin(folder / "out" / "x_1.bin", np.int16)[..., 0], expected)


def test_files_that_are_no_features(folder):
    (folder / "mat" / "other.mat").write_text("passed over")
    assert list(find_features(folder / "mat").files) == ["x_1", "x_2"]
    write_bin(folder / "mat" / "x_1.bin", np.zeros((30, 40, 21), np.float32))
    with pytest.raises(CaffeError, match=r"holds \.bin and \.mat files"):
        find_features(folder / "mat")
    with pytest.raises(CaffeError, match=r"holds no \.bin, no _blob_0\.mat and no \.npy files"):
        find_features(folder / "labels")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "images" / "x_2.ppm").unlink(), "x_2.ppm: No such file"),
        (lambda folder: write_mat(folder / "mat" / "x_2_blob_0.mat", np.zeros((1, 2, 40, 25))), "do not cover a photograph of (41, 25)"),
    ],
)
def test_what_cannot_be_refined_is_named(folder, capsys, spoil, sentence):
    spoil(folder)
    assert densecrf(folder, "mat") == 2
    assert sentence in capsys.readouterr().err


def test_probabilities_must_have_the_photographs_size(folder, capsys):
    (folder / "bin").mkdir()
    write_bin(folder / "bin" / "x_1.bin", np.full((31, 40, 2), 0.5, np.float32))
    assert densecrf(folder, "bin") == 2
    assert "x_1.bin: (31, 40) is not its photograph's size (30, 40)" in capsys.readouterr().err


def test_the_grid_has_the_references_points_names_and_lines():
    assert GRID == ((5,), (49,), (4, 5), (3,), (3,))
    point = Point(5, 49, 4, 3, 3)
    assert point.folder == "post_densecrf_W5_XStd49_RStd4_PosW3_PosXStd3"
    assert point.line(67.8912) == "w 5.00, x_std 49.00, r_std 4.00, pos_w 3.00, pos_x_std 3.00, avacc 67.891%"


def test_the_search_goes_in_the_references_order_and_the_first_best_wins(folder, capsys):
    grid = ["--grid", "--labels", folder / "labels", "-i", "1"]
    assert densecrf(folder, "mat", *grid, "--bi-w", "4", "0", "--pos-x-std", "2", "2.0", "--bi-r-std", "8", "--sample", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    points = [tuple(float(part.split()[1]) for part in line.split(",")[:5]) for line in lines[:-1]]
    assert points == [(4, 49, 8, 3, 2), (4, 49, 8, 3, 2), (0, 49, 8, 3, 2), (0, 49, 8, 3, 2)]
    scores = [float(line.split()[-1][:-1]) for line in lines[:-1]]
    assert lines[-1] == f"best: {lines[scores.index(max(scores))]}"
    assert (folder / "out" / "cross_avgIOUNumSample1.txt").read_text().splitlines() == lines[:-1]
    results = folder / "out" / "post_densecrf_W4_XStd49_RStd8_PosW3_PosXStd2_numSample1"
    assert len(list(results.glob("*.png"))) == 1


def test_samples(folder):
    features = find_features(folder / "mat")
    many = features._replace(files={f"x_{k:03}": path for k in range(250) for path in features.files.values()})
    every = sample(many, every=8)
    assert list(every.features.files) == [f"x_{k:03}" for k in range(0, 250, 8)]
    assert every[1:] == ("_downsampleBy8", "DownSample8")
    drawn = sample(many, count=100)
    assert len(drawn.features.files) == 100 and drawn == sample(many, count=100)
    assert drawn[1:] == ("_numSample100", "NumSample100")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["-bx", "0"], "bi_x_std must be positive, not 0"),
        (["-i", "-1"], "iterations must not be negative: -1"),
        (["--grid"], "give the true label images with --labels"),
        (["-bw", "1", "2"], "several values are for --grid"),
        (["--grid", "--labels", "x", "-by", "3"], "bi_y_std: is no coordinate of the grid"),
    ],
)
def test_wrong_options(folder, capsys, args, sentence):
    assert densecrf(folder, "mat", *args) == 2
    assert sentence in capsys.readouterr().err
