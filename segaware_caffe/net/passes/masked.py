"""Masked convolutions and masked sums, written out with a column matrix, without it.

The pattern: Eltwise PROD of Im2col of an image and of Tile of a mask (N, P, H', W'), whose P taps are
common to all channels. A Convolution with `bottom_is_im2col` of it is a masked convolution; a
ChannelReduce SUM to the image's channels is a masked sum. A mask that several of them read is
computed once, being a value of its own.
"""

from typing import NamedTuple

import torch
from torch import nn

from segaware_caffe.layers import Layer
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import Matcher, Scope, fused, replaced
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_sum


class MaskedConvolution(nn.Module):
    """Image (N, C, H, W) and mask (N, P, H', W') -> (N, O, H', W'), with the weights of a Convolution layer."""

    def __init__(self, convolution: Layer, geometry: Geometry):
        super().__init__()
        self.convolution = convolution
        self.geometry = geometry

    def forward(self, image: torch.Tensor, mask: torch.Tensor, relu: bool = False) -> torch.Tensor:
        layer = self.convolution
        bias = layer.blob(1) if layer.options.bias_term else None
        return masked_convolution(image, mask, layer.blob(0), bias, self.geometry, layer.group, relu)


class MaskedSum(nn.Module):
    """Image (N, C, H, W) and mask (N, P, H', W') -> (N, C, H', W')."""

    def __init__(self, geometry: Geometry):
        super().__init__()
        self.geometry = geometry

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return masked_sum(image, mask, self.geometry)


class MaskTotal(nn.Module):
    """The sum of a mask (N, P, H', W') over its taps, for each of `channels` channels, in the memory of one."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, mask: torch.Tensor) -> torch.Tensor:
        return mask.sum(1, keepdim=True).expand(-1, self.channels, -1, -1)


class MaskedColumns(NamedTuple):
    """The values that the pattern reads, and the window."""

    image: int
    mask: int
    geometry: Geometry


def fuse_convolutions(graph: Graph, scope: Scope) -> Graph:
    """Convolution(bottom_is_im2col) of the pattern."""
    matcher = Matcher(graph, scope)
    replacements, notes = {}, []
    for node in graph.nodes:
        if node.type != "Convolution" or not node.module.options.bottom_is_im2col:
            continue
        found = "it has several bottoms" if len(node.bottoms) > 1 else _masked_columns(matcher, node.bottoms[0])
        if not isinstance(found, str) and found.geometry.taps != node.module.geometry.taps:
            found = f"Im2col has {found.geometry.taps} taps, the weights {node.module.geometry.taps}"
        if isinstance(found, str):
            notes.append(f"convolution '{node.name}' reads a column matrix: {found}")
            continue
        module = MaskedConvolution(node.module, found.geometry)
        replacements[node.tops[0]] = fused(node, "MaskedConvolution", (found.image, found.mask), module)
        notes.append(f"masked convolution '{node.name}': {_of(matcher, found)}")
    return replaced(graph, replacements, notes)


def fuse_sums(graph: Graph, scope: Scope) -> Graph:
    """ChannelReduce SUM of the pattern, and of a tiled mask alone."""
    matcher = Matcher(graph, scope)
    replacements, notes = {}, []
    for node in graph.nodes:
        if node.type != "ChannelReduce" or node.module.options.operation != node.module.options.SUM:
            continue
        channels = node.module.options.num_channels
        tile = matcher.producer(node.bottoms[0], "Tile")
        if tile and _tiles(tile) == channels:
            replacements[node.tops[0]] = fused(node, "MaskTotal", tile.bottoms, MaskTotal(channels))
            notes.append(f"mask total '{node.name}': of '{matcher.name(tile.bottoms[0])}', no tiled mask")
            continue
        found = _masked_columns(matcher, node.bottoms[0])
        if not isinstance(found, str) and scope.shapes[found.image][1] != channels:
            found = f"it sums to {channels} channels, the image has {scope.shapes[found.image][1]}"
        if isinstance(found, str):
            notes.append(f"sum '{node.name}' is taken literally: {found}")
            continue
        replacements[node.tops[0]] = fused(node, "MaskedSum", (found.image, found.mask), MaskedSum(found.geometry))
        notes.append(f"masked sum '{node.name}': {_of(matcher, found)}")
    return replaced(graph, replacements, notes)


def _of(matcher: Matcher, found: MaskedColumns) -> str:
    return f"of '{matcher.name(found.image)}' under '{matcher.name(found.mask)}', no column matrix"


def _masked_columns(matcher: Matcher, value: int) -> MaskedColumns | str:
    """The pattern that makes `value`, or why there is none."""
    product = matcher.producer(value, "Eltwise")
    if product is None or len(product.bottoms) != 2 or product.module.options.operation != product.module.options.PROD:
        return "it is not made by an Eltwise PROD of two bottoms"
    if not product.module.options.stable_prod_grad:
        return f"stable_prod_grad of '{product.name}' is false, whose gradient is another"
    for first, second in (product.bottoms, product.bottoms[::-1]):
        columns, tile = matcher.producer(first, "Im2col"), matcher.producer(second, "Tile")
        if columns and tile:
            return _checked(matcher, columns, tile)
    return f"the bottoms of '{product.name}' are not an Im2col and a Tile"


def _checked(matcher: Matcher, columns: Node, tile: Node) -> MaskedColumns | str:
    geometry = columns.module.geometry
    image, mask = matcher.scope.shapes[columns.bottoms[0]], matcher.scope.shapes[tile.bottoms[0]]
    if len(geometry.kernel) != 2 or len(image) != 4 or _tiles(tile) is None:
        return f"'{columns.name}' and '{tile.name}' are not of images (N, C, H, W) along their channels"
    if _tiles(tile) != image[1]:
        return f"'{tile.name}' has {_tiles(tile)} tiles, the image {image[1]} channels"
    if mask[1] != geometry.taps:
        return f"the mask has {mask[1]} channels, the window {geometry.taps} taps"
    return MaskedColumns(columns.bottoms[0], tile.bottoms[0], geometry)


def _tiles(tile: Node) -> int | None:
    """How many times a Tile repeats the channels; None if it is another axis."""
    return tile.module.options.tiles if tile.module.options.axis == 1 else None
