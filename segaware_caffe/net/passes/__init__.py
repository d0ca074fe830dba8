"""Rewriting passes: functions Graph -> Graph, each in a module of its own, each to be switched off.

A pass replaces nodes by nodes that compute the same in less time and memory. It never touches a
value that the caller wants or that is a net output, and it may leave nodes behind whose tops nobody
reads any more: planning drops them, unless somebody keeps one of their blobs. What a pass fused,
and why it could not, it writes into the graph's notes (`Net.explain`). Shapes it sees through
`Scope.look` alone, which makes them guards of the plan.
"""

from collections.abc import Callable, Iterable

from segaware_caffe.errors import CaffeError
from segaware_caffe.net.graph import Graph
from segaware_caffe.net.passes import activations, attention, batchnorm, grouped, masked, partwise, prepack, splits, winograd
from segaware_caffe.net.scope import Scope

#: all passes in the order they are applied
PASSES: dict[str, Callable[[Graph, Scope], Graph]] = {
    "splits": splits.remove_splits,
    "attention": attention.fuse_masks,
    "masked_convolution": masked.fuse_convolutions,
    "masked_sum": masked.fuse_sums,
    "partwise": partwise.split_convolutions,
    "batchnorm": batchnorm.fold,
    "prepack": prepack.pack,
    "winograd": winograd.take,
    "grouped": grouped.take,
    "activations": activations.fuse,
}

#: those that save arithmetic or memory which PyTorch's compiler would not save; what else there is to fuse, it does itself
TRACED_PASSES = ("splits", "attention", "masked_convolution", "masked_sum", "partwise")
#: those that leave the number of multiplications as the layers say, for a dispatch mode that may count them
COUNTED_PASSES = TRACED_PASSES[:-1]


def run_passes(graph: Graph, scope: Scope, names: Iterable[str] | None = None) -> Graph:
    """Apply the named passes (None: all) in their fixed order."""
    names = list(PASSES) if names is None else list(names)
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise CaffeError(f"unknown graph pass {', '.join(map(repr, unknown))}; there are: {', '.join(PASSES)}")
    for name, function in PASSES.items():
        if name in names:
            graph = function(graph, scope)
    return graph
