"""Comparing weight files."""

import math

import numpy as np

from segaware_caffe.weights import compare, write_weights
from segaware_caffe.weights.blobs import BLOCK


def files(tmp_path, a, b):
    for name, layers in (("a", a), ("b", b)):
        write_weights(tmp_path / f"{name}.caffemodel", "", [(layer, "", blobs) for layer, *blobs in layers])
    return tmp_path / "a.caffemodel", tmp_path / "b.caffemodel"


def test_equal_files_of_different_kinds(tmp_path):
    a, _ = files(tmp_path, [("x", np.float32([1, np.nan, -0.0, np.inf])), ("relu",)], [("x",)])
    write_weights(tmp_path / "c.npz", "", [("x", "", [np.float64([1, np.nan, 0, np.inf])])])
    result = compare(a, tmp_path / "c.npz")
    assert result.equal
    assert str(result) == "1 of 1 common blobs are equal"


def test_every_kind_of_difference(tmp_path):
    a, b = files(
        tmp_path,
        [
            ("only a", np.ones(1)),
            ("x", np.float32([1, 4, 0]), np.ones(2)),
            ("x", np.ones(3)),
            ("shape", np.ones((2, 3))),
            ("more", np.ones(1)),
        ],
        [
            ("x", np.float32([1, 3, 1e-3]), np.ones(2)),
            ("x", np.ones(3)),
            ("shape", np.ones((3, 2))),
            ("more", np.ones(1), np.ones(2)),
            ("only b", np.ones(1)),
            ("relu",),
        ],
    )
    result = compare(a, b)
    assert not result.equal
    assert (result.only_in_a, result.only_in_b) == (["only a"], ["only b"])
    assert [(s.layer, s.index, s.a, s.b) for s in result.shapes] == [("shape", 0, (2, 3), (3, 2)), ("more", 1, None, (2,))]
    assert [(d.layer, d.index, d.max_abs, d.max_rel) for d in result.blobs] == [
        ("x", 0, 1, 1),
        ("x", 1, 0, 0),
        ("x", 0, 0, 0),
        ("more", 0, 0, 0),
    ]
    assert str(result).splitlines() == [
        f"only in {a}: only a",
        f"only in {b}: only b",
        f"shape.0: shape 2 3 (6) in {a}, 3 2 (6) in {b}",
        f"more.1: shape missing in {a}, 2 (2) in {b}",
        "x.0: 3 (3) differs by at most 1 (relative 1)",
        "3 of 4 common blobs are equal",
    ]


def test_differences_in_later_blocks_and_of_what_is_not_finite(tmp_path):
    left, right = np.zeros(2 * BLOCK + 3, np.float32), np.zeros(2 * BLOCK + 3, np.float32)
    left[-1], right[-1] = 2, 1
    a, b = files(
        tmp_path,
        [("x", left), ("nan", np.float32([np.nan])), ("inf", np.float32([np.inf]))],
        [("x", right), ("nan", np.float32([1])), ("inf", np.float32([-np.inf]))],
    )
    differences = {d.layer: (d.max_abs, d.max_rel) for d in compare(a, b).blobs}
    assert differences["x"] == (1, 0.5)
    assert differences["nan"][0] == differences["inf"][0] == math.inf
    assert compare(a, b).max_abs == math.inf
