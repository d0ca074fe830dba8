"""Loading into a net: the reference's rules of matching, the report, all or nothing."""

import logging

import numpy as np
import pytest
import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter
from segaware_caffe.weights import LoadTarget, Weights, load_weights, plan_load, write_weights
from segaware_caffe.weights.blobs import ArrayBlob, LayerWeights


def source(*layers, kind="caffemodel"):
    """Weights in memory: (name, *shapes); every value of a blob is the layer's position, counted from 1."""
    return Weights(
        "file",
        kind,
        "",
        [
            LayerWeights(name, "", [None if shape is None else ArrayBlob(np.full(shape, position, np.float32)) for shape in shapes])
            for position, (name, *shapes) in enumerate(layers, 1)
        ],
    )


def target(*layers):
    """Targets filled with zeros: (name, *shapes)."""
    return [LoadTarget(name, [torch.zeros(shape) for shape in shapes]) for name, *shapes in layers]


def run(weights, targets):
    report = plan_load(weights, targets)
    report.raise_for_errors()
    report.apply()
    return report


def values(targets):
    """The one value that each blob holds."""
    return [[blob.unique().item() for blob in t.blobs] for t in targets]


CASES = {
    "by name": ([("a", (2,)), ("b", (3, 1))], [("b", (3, 1)), ("relu",), ("a", (2,))], [[2], [], [1]]),
    "unknown layers are ignored": ([("x", (9,)), ("a", (2,)), ("a_split",)], [("a", (2,))], [[2]]),
    "missing layers stay": ([("a", (2,))], [("a", (2,)), ("b", (2,))], [[1], [0]]),
    "scalars": ([("a", ())], [("a", ())], [[1]]),
    "first of the net's layers of that name": ([("a", (2,))], [("a", (2,)), ("a", (2,))], [[1], [0]]),
    "last of the file's layers of that name": ([("a", (2,)), ("a", (2,))], [("a", (2,))], [[2]]),
    "layers without blobs match too": ([("a",), ("b", (1,))], [("a",), ("b", (1,))], [[], [2]]),
}


@pytest.mark.parametrize(("layers", "net", "expected"), CASES.values(), ids=CASES)
def test_matching(layers, net, expected):
    targets = target(*net)
    run(source(*layers), targets)
    assert values(targets) == expected


def test_report():
    report = plan_load(
        source(("a", (2,), (1,)), ("old", (3,)), ("split",), ("b", (4,)), ("c", (5,)), ("d", (6, 1))),
        target(("data",), ("a", (2,), (1,)), ("b", (4,), (4,)), ("new", (1,)), ("c", (5, 1)), ("d", (6,))),
    )
    assert report.loaded == ["a"]
    assert report.missing == ["b", "new", "c", "d"]
    assert report.unused == ["old"]
    assert [(w.layer, w.source, w.target) for w in report.wrong_count] == [("b", 1, 2)]
    assert [(w.layer, w.index, w.source, w.target) for w in report.wrong_shape] == [("c", 0, (5,), (5, 1)), ("d", 0, (6, 1), (6,))]
    assert str(report).splitlines() == [
        "file: 1 layers loaded, 4 missing, 1 unused",
        "  missing in the file, keep their initial values: b, new, c, d",
        "  unused, not in the net: old",
        "  Incompatible number of blobs for layer b: the file has 1, the net needs 2",
        "  Cannot copy param 0 weights from layer 'c'; shape mismatch.  Source param shape is 5 (5); target param shape is 5 1 (5). "
        "To learn this layer's parameters from scratch rather than copying from a saved net, rename the layer.",
        "  Cannot copy param 0 weights from layer 'd'; shape mismatch.  Source param shape is 6 1 (6); target param shape is 6 (6). "
        "To learn this layer's parameters from scratch rather than copying from a saved net, rename the layer.",
    ]
    with pytest.raises(CaffeError) as error:
        report.raise_for_errors()
    assert str(error.value).splitlines() == ["file: does not fit this net:", *str(report).splitlines()[3:]]


def test_a_long_list_of_names_is_cut():
    report = plan_load(source(("a", (1,))), target(("a", (1,)), *[(f"new{i}", (1,)) for i in range(13)]))
    assert "new9 and 3 more" in str(report)
    assert "new10" not in str(report)


def test_weights_of_another_net():
    report = plan_load(source(("conv1", (1,)), ("relu",)), target(("data",), ("relu",), ("fc8", (1,))))
    with pytest.raises(CaffeError, match=r"file: these are the weights of another net.* The file has conv1; the net needs fc8"):
        report.raise_for_errors()


def test_a_net_without_blobs_takes_any_file():
    run(source(("conv1", (1,))), target(("data",), ("relu",)))


@pytest.mark.parametrize(
    ("legacy", "shape", "fits"),
    [
        ((1, 1, 1, 6), (6,), True),
        ((1, 1, 2, 3), (2, 3), True),
        ((1, 1, 2, 3), (1, 2, 3), True),
        ((1, 1, 2, 3), (1, 1, 2, 3), True),
        ((2, 3, 1, 1), (2, 3, 1, 1), True),
        ((2, 3, 1, 1), (2, 3), False),
        ((1, 1, 2, 3), (6,), False),
        ((1, 1, 2, 3), (3, 2), False),
        ((1, 1, 2, 3), (1, 1, 1, 2, 3), False),
        ((1, 1, 1, 1), (), True),
    ],
)
def test_legacy_shapes_are_aligned_right(tmp_path, legacy, shape, fits):
    net = NetParameter()
    count = int(np.prod(legacy))
    net.layer.add(name="a").blobs.add(num=legacy[0], channels=legacy[1], height=legacy[2], width=legacy[3], data=range(count))
    path = tmp_path / "net.caffemodel"
    path.write_bytes(net.SerializeToString())
    targets = target(("a", shape))
    if fits:
        load_weights(path, targets)
        assert targets[0].blobs[0].ravel().tolist() == list(range(count))
    else:
        with pytest.raises(CaffeError, match="Cannot copy param 0 weights from layer 'a'; shape mismatch"):
            load_weights(path, targets)


def test_four_axes_that_are_not_legacy_must_be_equal():
    assert plan_load(source(("a", (1, 1, 1, 6))), target(("a", (6,)))).wrong_shape


def test_shared_tensors_take_the_last_layer_of_the_file():
    shared = torch.zeros(2, 3)
    targets = [LoadTarget("a", [shared]), LoadTarget("b", [shared]), LoadTarget("c", [shared.view(6)])]
    report = run(source(("b", (2, 3)), ("c", (6,)), ("a", (2, 3))), targets)
    assert shared.unique().tolist() == [3]
    assert report.missing == []
    assert len(report.written) == 3
    report = run(source(("c", (6,))), targets)
    assert (report.loaded, report.missing, shared.unique().tolist()) == (["c"], [], [1])


def test_equal_shapes_are_not_shared_memory():
    shape = (3,)
    report = plan_load(source(("a", shape)), [("a", [shape]), ("b", [shape])])
    assert (report.loaded, report.missing) == (["a"], ["b"])


def test_nothing_is_copied_unless_everything_fits(tmp_path):
    write_weights(tmp_path / "net.npz", "", [("a", "", [np.ones(2)]), ("b", "", [np.ones(3)])])
    targets = target(("a", (2,)), ("b", (4,)))
    with pytest.raises(CaffeError, match="layer 'b'; shape mismatch"):
        load_weights(tmp_path / "net.npz", targets)
    assert values(targets) == [[0], [0]]


def test_ignored_layers_are_logged(tmp_path, caplog):
    write_weights(tmp_path / "net.caffemodel", "", [("a", "", [np.ones(2)]), ("old", "", [np.ones(3)])])
    with caplog.at_level(logging.INFO, "segaware_caffe.weights"):
        load_weights(tmp_path / "net.caffemodel", target(("a", (2,))))
    assert "Ignoring source layer old" in caplog.text


# -- the rules for HDF5 ----------------------------------------------------------------------


def test_hdf5_goes_to_the_last_layer_of_that_name():
    targets = target(("a", (2,)), ("a", (2,)))
    run(source(("a", (2,)), kind="hdf5"), targets)
    assert values(targets) == [[0], [1]]


def test_hdf5_may_leave_out_what_another_layer_owns():
    weight = torch.zeros(2)
    targets = [LoadTarget("owner", [weight, torch.zeros(1)]), LoadTarget("sharer", [weight, torch.zeros(1)])]
    report = run(source(("owner", (2,), (1,)), ("sharer", None, (1,)), kind="hdf5"), targets)
    assert values(targets) == [[1, 1], [1, 2]]
    assert (report.loaded, report.missing) == (["owner", "sharer"], [])
    sharer_last = [LoadTarget("owner", [weight]), LoadTarget("sharer", [torch.zeros(1), weight])]
    run(source(("owner", (2,)), ("sharer", (1,)), kind="hdf5"), sharer_last)


@pytest.mark.parametrize(
    ("layer", "net"),
    [(("a", None, (1,)), ("a", (2,), (1,))), (("a", (2,)), ("a", (2,), (1,))), (("a",), ("a", (2,))), (("a", (2,), (1,)), ("a", (2,)))],
    ids=["gap", "too few", "none", "too many"],
)
def test_hdf5_must_hold_what_a_layer_owns(layer, net):
    report = plan_load(source(layer, kind="hdf5"), target(net))
    assert [(w.layer, w.target) for w in report.wrong_count] == [("a", len(net) - 1)]
