"""Masked convolutions and masked sums, written out with a column matrix, without it.

The pattern: Eltwise PROD of Im2col of an image and of Tile of a mask (N, P, H', W'), whose P taps are
common to all channels. A Convolution with `bottom_is_im2col` of it is a masked convolution; a
ChannelReduce SUM to the image's channels is a masked sum. A mask that several of them read is
computed once, being a value of its own.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from segaware_caffe.layers import Runnable, Shape
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.passes.match import WATCHED, Matcher, fused, may_go, replaced
from segaware_caffe.net.scope import Scope
from segaware_caffe.ops import native
from segaware_caffe.ops.activation import Activation
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_sum, why_not_native


class MaskedConvolution(Runnable):
    """Image (N, C, H, W) and mask (N, P, H', W') -> (N, O, H', W'), with the weights of a Convolution layer."""

    fresh = True

    def __init__(self, convolution: Any, geometry: Geometry):
        super().__init__()
        self.convolution = convolution
        self.geometry = geometry

    def forward(self, image: torch.Tensor, mask: torch.Tensor, activation: Activation | None = None) -> torch.Tensor:
        layer = self.convolution
        bias = layer.blob(1) if layer.options.bias_term else None
        return masked_convolution(image, mask, layer.blob(0), bias, self.geometry, layer.group, activation is not None)

    def takes(self, activation: Activation) -> bool:
        return activation.is_relu

    def workspace(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.blob(0).numel()

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.convolution.operations(bottoms, tops)

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        image, mask = bottoms
        return why_not_native(image, mask, self.convolution.blob(0), self.geometry, self.convolution.group)


class MaskedSum(Runnable):
    """Image (N, C, H, W) and mask (N, P, H', W') -> (N, C, H', W')."""

    fresh = True

    def __init__(self, geometry: Geometry):
        super().__init__()
        self.geometry = geometry

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return masked_sum(image, mask, self.geometry)

    def operations(self, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return 2 * self.geometry.taps * math.prod(tops[0])

    def why_not(self, *bottoms: torch.Tensor) -> str | None:
        return native.why_not(self.geometry, *bottoms)


class MaskTotal(Runnable):
    """The sum of a mask (N, P, H', W') over its taps, for each of `channels` channels, in the memory of one."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, mask: torch.Tensor) -> torch.Tensor:
        return mask.sum(1, keepdim=True).expand(-1, self.channels, -1, -1)


class MaskedColumns(NamedTuple):
    """The values that the pattern reads, the window, and the layers that it is written in."""

    image: int
    mask: int
    geometry: Geometry
    layers: tuple[Node, ...]


def fuse_convolutions(graph: Graph, scope: Scope) -> Graph:
    """Convolution(bottom_is_im2col) of the pattern."""
    matcher = Matcher(graph, scope)
    replacements, notes = {}, []
    for node in graph.nodes:
        if node.type != "Convolution" or not node.module.options.bottom_is_im2col:
            continue
        found = _columns_of_convolution(matcher, node)
        if isinstance(found, str):
            notes.append(f"convolution '{node.name}' reads a column matrix: {found}")
            continue
        module = MaskedConvolution(node.module, found.geometry)
        replacements[node.tops[0]] = fused(node, "MaskedConvolution", (found.image, found.mask), module, *found.layers)
        notes.append(f"masked convolution '{node.name}': {_of(matcher, found)}")
    return replaced(graph, replacements, notes)


def _columns_of_convolution(matcher: Matcher, node: Node) -> MaskedColumns | str:
    if not may_go(node) or len(node.bottoms) > 1:
        return "it has several bottoms" if len(node.bottoms) > 1 else WATCHED
    found = _masked_columns(matcher, node.bottoms[0])
    if not isinstance(found, str) and found.geometry.taps != node.module.geometry.taps:
        return f"Im2col has {found.geometry.taps} taps, the weights {node.module.geometry.taps}"
    return found


def fuse_sums(graph: Graph, scope: Scope) -> Graph:
    """ChannelReduce SUM of the pattern, and of a tiled mask alone."""
    matcher = Matcher(graph, scope)
    replacements, notes = {}, []
    for node in graph.nodes:
        if node.type != "ChannelReduce" or node.module.options.operation != node.module.options.SUM:
            continue
        channels = node.module.options.num_channels
        tile = matcher.producer(node.bottoms[0], "Tile")
        if tile and _tiles(tile) == channels and may_go(node) and scope.look(_is_image, tile.bottoms[0]):
            replacements[node.tops[0]] = fused(node, "MaskTotal", tile.bottoms, MaskTotal(channels), tile)
            notes.append(f"mask total '{node.name}': of '{matcher.name(tile.bottoms[0])}', no tiled mask")
            continue
        found = _masked_columns(matcher, node.bottoms[0]) if may_go(node) else WATCHED
        if not isinstance(found, str):
            found = scope.look(partial(_other_channels, channels), found.image) or found
        if isinstance(found, str):
            notes.append(f"sum '{node.name}' is taken literally: {found}")
            continue
        replacements[node.tops[0]] = fused(node, "MaskedSum", (found.image, found.mask), MaskedSum(found.geometry), *found.layers)
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
            image, mask, geometry = columns.bottoms[0], tile.bottoms[0], columns.module.geometry
            misfit = _misfit(matcher, columns, tile)
            return misfit or MaskedColumns(image, mask, geometry, (columns, tile, product))
    return f"the bottoms of '{product.name}' are not an Im2col and a Tile"


def _misfit(matcher: Matcher, columns: Node, tile: Node) -> str | None:
    """Why an image's columns and a tiled mask are not a mask for each tap, common to all channels."""
    geometry, tiles, values = columns.module.geometry, _tiles(tile), (columns.bottoms[0], tile.bottoms[0])
    if len(geometry.kernel) != 2 or tiles is None or not matcher.scope.look(_are_images, *values):
        return f"'{columns.name}' and '{tile.name}' are not of images (N, C, H, W) along their channels"
    channels, planes = matcher.scope.look(_channels, *values)
    if tiles != channels:
        return f"'{tile.name}' has {tiles} tiles, the image {channels} channels"
    return f"the mask has {planes} channels, the window {geometry.taps} taps" if planes != geometry.taps else None


def _is_image(shape: Shape) -> bool:
    return len(shape) == 4


def _are_images(*shapes: Shape) -> bool:
    return all(map(_is_image, shapes))


def _channels(*shapes: Shape) -> tuple[int, ...]:
    return tuple(shape[1] for shape in shapes)


def _other_channels(channels: int, image: Shape) -> str | None:
    return f"it sums to {channels} channels, the image has {image[1]}" if image[1] != channels else None


def _tiles(tile: Node) -> int | None:
    """How many times a Tile repeats the channels; None if it is another axis."""
    return tile.module.options.tiles if tile.module.options.axis == 1 else None
