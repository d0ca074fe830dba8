"""The domain transform: recursive filters along rows and columns, as scans (ops/domain_transform.py has the formulas).

A weight of 0 starts the recurrence anew. So the edge of each image's valid area is a matter of
weights, and a batch of different areas goes through one scan.
"""

import math
from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, helper

from segaware_caffe.export.onnx.registry import converter
from segaware_caffe.export.onnx.writer import END, Blob, Writer


@converter("DomainTransform", "DomainTransformForwardOnly")
def domain_transform(w: Writer, layer: Any, image: Blob, edges: Blob, sizes: Blob) -> str:
    options, value = layer.options, image.name
    valid = _valid(w, edges.name, sizes)
    for index in range(options.num_iter):
        sigma = options.spatial_sigma * math.sqrt(3) * 2.0 ** -(index + 1) / math.sqrt(1 - 4.0**-options.num_iter)
        rate = -math.sqrt(2) / sigma
        weights = w.op("Exp", w.affine(edges.name, rate * options.spatial_sigma / options.range_sigma, rate))
        if layer.type == "DomainTransform":
            weights = w.op("Clip", weights, w.constant(options.min_weight), w.constant(1.0))
        weights = w.mul(weights, valid)
        for axis in (3, 2):
            value = _both_ways(w, value, weights, axis)
    return value


def _valid(w: Writer, edges: str, sizes: Blob) -> str:
    """1 in each image's valid area, else 0: (N, 1, H, W)."""
    inside = []
    flat = w.op("Flatten", sizes.name, axis=1) if len(sizes.shape) != 2 else sizes.name
    for index, axis in enumerate((2, 3)):
        size = w.squeeze(w.shape(edges, axis, axis + 1), 0)
        places = w.cast(w.op("Range", w.constant(0, np.int64), size, w.constant(1, np.int64)))
        places = w.unsqueeze(places, *(a for a in range(4) if a != axis))
        stated = w.cast(w.cast(w.slice(flat, 1, index, index + 1), np.int64))
        inside.append(w.cast(w.op("Less", places, w.unsqueeze(stated, 2, 3))))
    return w.mul(*inside)


def _both_ways(w: Writer, value: str, weights: str, axis: int) -> str:
    """The recurrence up an axis, then down."""
    pads = [0] * 8
    pads[axis] = 1  # nothing comes before the first
    up = w.op("Pad", w.slice(weights, axis, 1, END), w.integers(*pads))
    down = w.op("Pad", w.slice(weights, axis, 1, END), w.integers(*pads[4:], *pads[:4]))
    for factor, direction in ((up, 0), (down, 1)):
        edge = 0 if direction == 0 else -1
        start = w.op("Gather", value, w.constant(edge, np.int64), axis=axis)
        fields = {name: [direction] * count for name, count in (("scan_input_directions", 2), ("scan_output_directions", 1))}
        _, value = w.ops(
            "Scan", 2, start, value, factor, body=_STEP, num_scan_inputs=2, scan_input_axes=[axis] * 2, scan_output_axes=[axis], **fields
        )
    return value


def _step() -> GraphProto:
    """before, x, w -> x + w * (before - x), twice: to carry on, and to collect."""
    nodes = [
        helper.make_node("Sub", ["before", "x"], ["difference"]),
        helper.make_node("Mul", ["difference", "w"], ["part"]),
        helper.make_node("Add", ["x", "part"], ["after"]),
        helper.make_node("Identity", ["after"], ["y"]),
    ]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names] for names in (("before", "x", "w"), ("after", "y"))
    )
    return helper.make_graph(nodes, "step", inputs, outputs)


_STEP = _step()
