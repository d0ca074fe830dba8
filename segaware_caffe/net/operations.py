"""How much arithmetic a net is: the multiplications and additions of the layers that have weights."""

import math
from collections.abc import Mapping

from segaware_caffe.layers import Shape
from segaware_caffe.net.graph import Graph, Node

SLIDING = ("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution", "NormConv")


def operations(graph: Graph, shapes: Mapping[int, Shape]) -> int:
    """Floating-point operations of one forward pass of a literal graph, a multiply-add being two."""
    return sum(_of_node(node, shapes) for node in graph.nodes)


def _of_node(node: Node, shapes: Mapping[int, Shape]) -> int:
    """Every weight is used once for each position of the top (of the bottom, where the kernel runs backwards)."""
    if not node.module.specs:
        return 0
    weights = math.prod(node.module.specs[0].shape)
    if node.type in SLIDING:
        return sum(2 * weights * shapes[top][0] * math.prod(shapes[top][2:]) for top in node.tops)
    if node.type == "Deconvolution":
        return sum(2 * weights * shapes[bottom][0] * math.prod(shapes[bottom][2:]) for bottom in node.bottoms)
    if node.type == "InnerProduct":
        outputs = node.module.options.num_output
        return 2 * weights * math.prod(shapes[node.tops[0]]) // outputs
    return 0
