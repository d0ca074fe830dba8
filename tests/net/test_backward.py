"""Which gradients the reference writes: `propagate_down`, `force_backward`, frozen layers, branches without a loss."""

import pytest
from golden_oracle import run_golden
from layers.support import goldens

from segaware_caffe import Net
from segaware_caffe.errors import CaffeError
from segaware_caffe.net.backward import backward_flags


@pytest.mark.parametrize("file", goldens("propagate_down_*"))
def test_golden(file):
    run_golden(file)


INPUT = 'layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 } } } '
LEARNED = 'layer { name: "%s" type: "PReLU" bottom: "%s" top: "%s" %s } '
LOSS = 'layer { name: "loss" type: "%s" bottom: "%s" bottom: "t" top: "loss" } '


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        # nothing learns in front of the loss
        (LOSS % ("EuclideanLoss", "x"), {"loss": (False, [False, False])}),
        # a learning layer: it and all behind it
        (LEARNED % ("a", "x", "a", "") + LOSS % ("EuclideanLoss", "a"), {"a": (True, [False]), "loss": (True, [True, False])}),
        # a frozen one
        (
            LEARNED % ("a", "x", "a", "param { lr_mult: 0 }") + LOSS % ("EuclideanLoss", "a"),
            {"a": (False, [False]), "loss": (False, [False, False])},
        ),
        # a branch that no loss reads
        (LEARNED % ("a", "x", "a", "") + LOSS % ("EuclideanLoss", "x"), {"a": (False, [False]), "loss": (False, [False, False])}),
        # propagate_down: true makes a gradient flow where nothing learns below
        (
            LEARNED % ("a", "x", "a", "propagate_down: true") + LOSS % ("EuclideanLoss", "a"),
            {"a": (True, [True]), "loss": (True, [True, False])},
        ),
        # propagate_down: false cuts it, and what is in front of the cut does not run
        (
            LEARNED % ("a", "x", "a", "") + LEARNED % ("b", "a", "b", "propagate_down: false") + LOSS % ("EuclideanLoss", "b"),
            {"a": (False, [False]), "b": (True, [False]), "loss": (True, [True, False])},
        ),
        # force_backward reaches all but the labels
        ("force_backward: true " + LOSS % ("EuclideanLoss", "x"), {"loss": (True, [True, True])}),
        ("force_backward: true " + LOSS % ("SigmoidCrossEntropyLoss", "x"), {"loss": (True, [True, False])}),
    ],
)
def test_flags(text, needed):
    net = Net(text.replace("layer", INPUT + "layer", 1), "TRAIN")
    flags = backward_flags(net.graph, net.proto.force_backward)
    found = {node.name: (flag.layer, flag.bottoms) for node, flag in zip(net.graph.nodes, flags, strict=True) if node.name in needed}
    assert found == needed


def test_propagate_down_is_given_for_all_bottoms_or_none():
    with pytest.raises(CaffeError, match="propagate_down param must be specified either 0 or bottom_size times: 2 given, 1 bottoms"):
        Net(INPUT + LEARNED % ("a", "x", "a", "propagate_down: true propagate_down: true"))
