"""Products and sums with constants behind a convolution, multiplied into its weights."""

from collections import Counter

import numpy as np
from onnx import NodeProto

from segaware_caffe.export.onnx.writer import Writer

CONVOLUTIONS = ("Conv", "ConvTranspose")


def fold_affine(writer: Writer, outputs: set[str]) -> None:
    """Fold Mul and Add by one number a channel into the Conv or ConvTranspose before, where nobody else reads that."""
    readers = Counter(name for node in writer.nodes for name in node.input) + Counter(outputs)
    makers = {name: node for node in writer.nodes for name in node.output}
    kept: list[NodeProto] = []
    for node in writer.nodes:
        before = makers.get(node.input[0]) if node.input else None
        if (
            node.op_type in ("Mul", "Add")
            and before is not None
            and before.op_type in CONVOLUTIONS
            and readers[node.input[0]] == 1
            and _folded(writer, before, node)
        ):
            before.output[0] = node.output[0]
            makers[node.output[0]] = before
        else:
            kept.append(node)
    writer.nodes = kept


def _folded(writer: Writer, convolution: NodeProto, node: NodeProto) -> bool:
    """Fold `node` into the convolution, if its second input is a number, or one a channel."""
    operand, weight = writer.constants.get(node.input[1]), writer.constants.get(convolution.input[1])
    if operand is None or weight is None:
        return False
    groups = next((a.i for a in convolution.attribute if a.name == "group"), 1)
    transposed = convolution.op_type == "ConvTranspose"
    channels = weight.shape[1] * groups if transposed else weight.shape[0]
    axes = weight.ndim - 2
    if operand.shape not in ((), (channels, *[1] * axes)) or (transposed and groups > 1):
        return False
    values = np.broadcast_to(operand.reshape(-1), (channels,)).astype(np.float64)
    bias = writer.constants[convolution.input[2]] if len(convolution.input) > 2 else np.zeros(channels, np.float32)
    name = f"{convolution.output[0]} folded {node.name}"
    if node.op_type == "Mul":
        shape = (1, channels, *[1] * axes) if transposed else (channels, *[1] * (axes + 1))
        writer.constants[f"{name} weight"] = (weight * values.reshape(shape)).astype(np.float32)
        convolution.input[1] = f"{name} weight"
        bias = bias * values
    else:
        bias = bias + values
    if len(convolution.input) > 2 or node.op_type == "Add":
        writer.constants[f"{name} bias"] = bias.astype(np.float32)
        convolution.input[2:] = [f"{name} bias"]
    return True
