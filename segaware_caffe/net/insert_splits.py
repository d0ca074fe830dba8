"""The implicit Split layers that the reference inserts where a blob has several readers (spec/pipeline.md 2.2)."""

import difflib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from segaware_caffe.errors import GraphError
from segaware_caffe.schema import NetParameter

Producer = tuple[int, int]  # index of a layer, index of its top


def insert_splits(net: Any) -> Any:
    """A copy of `net` in which every top has at most one reader, by `Split` layers named as the reference names them.

    A top with an explicit loss weight counts the loss as one more reader: the weight moves to the
    first top of the split. The producing layer's own weights become 0 (the reference clears them,
    so that a loss layer falls back to 1 and the loss is counted 1 + w times; here it is w times).

    Raises GraphError for a bottom that no earlier layer makes.
    """
    sources = find_producers(net)
    weights = {
        (i, j): layer.loss_weight[j]
        for i, layer in enumerate(net.layer)
        for j in range(min(len(layer.top), len(layer.loss_weight)))
        if layer.loss_weight[j]
    }
    readers = Counter(sources.values()) + Counter(weights.keys())
    split = {producer for producer, count in readers.items() if count > 1 and producer in sources.values()}
    next_reader = {producer: int(producer in weights) for producer in split}

    result = NetParameter()
    result.CopyFrom(net)
    result.ClearField("layer")
    for i, layer in enumerate(net.layer):
        copy = result.layer.add()
        copy.CopyFrom(layer)
        for j, blob in enumerate(layer.bottom):
            source = sources[i, j]
            if source in split:
                copy.bottom[j] = _split_top(net.layer[source[0]].name, blob, source[1], next_reader[source])
                next_reader[source] += 1
        for j, blob in enumerate(layer.top):
            if (i, j) in split:
                _add_split(result.layer.add(), layer.name, blob, j, readers[i, j], weights.get((i, j)))
        if any((i, j) in split and (i, j) in weights for j in range(len(layer.top))):
            copy.loss_weight[:] = [0.0] * len(layer.loss_weight)
    return result


def find_producers(net: Any) -> dict[tuple[int, int], Producer]:
    """For each (layer index, bottom index) the producer: the latest earlier top of that name."""
    latest: dict[str, Producer] = {}
    sources = {}
    for i, layer in enumerate(net.layer):
        for j, blob in enumerate(layer.bottom):
            if blob not in latest:
                raise GraphError(
                    f"Unknown bottom blob '{blob}' (layer '{layer.name}', bottom index {j})" + _why_unknown(net, i, blob, latest)
                )
            sources[i, j] = latest[blob]
        for j, blob in enumerate(layer.top):
            latest[blob] = (i, j)
    return sources


def _why_unknown(net: Any, index: int, blob: str, known: Iterable[str]) -> str:
    later = next((layer.name for layer in net.layer[index:] if blob in layer.top), None)
    if later is not None:
        return (
            f": it is first made by layer '{later}', which does not come before; a layer must follow"
            " all that it reads, so a cycle is impossible"
        )
    near = difflib.get_close_matches(blob, known, n=1)
    return f": no layer before it makes that blob; did you mean '{near[0]}'?" if near else ": no layer makes that blob"


def _split_name(layer: str, blob: str, top: int) -> str:
    return f"{blob}_{layer}_{top}_split"


def _split_top(layer: str, blob: str, top: int, reader: int) -> str:
    return f"{_split_name(layer, blob, top)}_{reader}"


def _add_split(split: Any, layer: str, blob: str, top: int, count: int, weight: float | None) -> None:
    split.name = _split_name(layer, blob, top)
    split.type = "Split"
    split.bottom.append(blob)
    split.top.extend(_split_top(layer, blob, top, k) for k in range(count))
    if weight:
        split.loss_weight.extend([weight] + [0.0] * (count - 1))
