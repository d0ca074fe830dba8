"""Layers that arrange values and compute nothing: other shapes, parts, copies and joins."""

import itertools
import math
from collections.abc import Sequence

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register


def read_axis(layer: Layer, ndim: int, deprecated: str) -> int:
    """The `axis` of Concat or Slice, or the field that it replaced, which counts from the front only."""
    options = layer.options
    if not options.HasField(deprecated):
        return layer.axis(options.axis, ndim)
    layer.check(not options.HasField("axis"), f"Either axis or {deprecated} should be specified; not both.")
    value = getattr(options, deprecated)
    layer.check(value < ndim, f"{deprecated} out of range: {value} for a bottom of {ndim} axes")
    return value


@register("BatchReindex", source="spec/layers.md 5.5")
class BatchReindex(Layer):
    """Selects and repeats samples: top[i] = bottom0[bottom1[i]].

    bottoms (N, ...) and indices (M) -> top (M, ...). The indices are cut to integers and must
    satisfy 0 <= index < N; they get no gradient.
    """

    bottoms = 2

    def reshape(self, bottom: Shape, indices: Shape) -> Shape:
        self.check(len(indices) == 1, f"the indices must have one axis, not shape {dims(indices)}")
        return (*indices, *bottom[1:])

    def forward(self, bottom: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        outside = indices[~((indices >= 0) & (indices < len(bottom)))]
        if outside.numel():
            self.fail(f"index {outside[0]:g} is outside [0, {len(bottom)})")
        return bottom.index_select(0, indices.long())


@register("Concat", source="spec/layers.md 5.8")
class Concat(Layer):
    """The bottoms one after the other along `axis`, in old files `concat_dim`.

    Any number of bottoms -> 1; all other axes must be equal.
    """

    bottoms = (1, None)
    param_field = "concat_param"

    def reshape(self, *bottoms: Shape) -> Shape:
        first = bottoms[0]
        self.check(all(len(b) == len(first) for b in bottoms), "All inputs must have the same #axes.")
        axis = self.concat_axis(len(first))
        before, after = first[:axis], first[axis + 1 :]
        for index, bottom in enumerate(bottoms):
            self.check(
                bottom[:axis] == before and bottom[axis + 1 :] == after,
                f"All inputs must have the same shape, except at concat_axis {axis}: "
                f"bottom 0 is {dims(first)}, bottom {index} is {dims(bottom)}",
            )
        return (*before, sum(bottom[axis] for bottom in bottoms), *after)

    def forward(self, *bottoms: torch.Tensor) -> torch.Tensor:
        return torch.cat(bottoms, self.concat_axis(bottoms[0].ndim))

    def concat_axis(self, ndim: int) -> int:
        """The axis along which bottoms of `ndim` axes are joined."""
        return read_axis(self, ndim, "concat_dim")


@register("Crop", source="spec/layers.md 7, 16.9")
class Crop(Layer):
    """A window of bottom 0 with bottom 1's size.

    From `axis` on the top has bottom 1's dimensions, starting at `offset`: none for 0, one for all
    those axes, or one for each. Bottom 1 gives its shape only, and may have more axes than bottom 0.
    """

    bottoms = 2
    param_field = "crop_param"

    def reshape(self, bottom: Shape, reference: Shape) -> Shape:
        ndim, window = len(bottom), self._window(bottom, reference)
        self.check(len(reference) >= ndim, f"bottom 1 must have at least the {ndim} axes of bottom 0, not {len(reference)}")
        for index, part in enumerate(window):
            self.check(
                part.stop <= bottom[index],
                f"the crop for dimension {index} is out of bounds: offset {part.start} and size {reference[index]} exceed {bottom[index]}",
            )
        return tuple(part.stop - part.start for part in window)

    def forward(self, bottom: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        return bottom[self._window(tuple(bottom.shape), tuple(reference.shape))]

    def _window(self, bottom: Shape, reference: Shape) -> tuple[slice, ...]:
        """What is kept of each axis."""
        axis, offsets = self.axis(self.options.axis, len(bottom)), list(self.options.offset) or [0]
        cropped = len(bottom) - axis
        self.check(
            len(offsets) in (1, cropped),
            "number of offset values specified must be equal to the number of "
            f"dimensions following axis {axis} ({cropped}), or one, or none, not {len(offsets)}",
        )
        starts = offsets if len(offsets) == cropped else offsets * cropped
        whole = [slice(0, size) for size in bottom[:axis]]
        return *whole, *(slice(start, start + size) for start, size in zip(starts, reference[axis:], strict=False))


@register("Filter", source="spec/layers.md 5.20")
class Filter(Layer):
    """The samples that a selector picks.

    k bottoms (N, ...) and a selector (N, 1, ...) -> k tops with the rows where the selector is not
    0; before the first forward the tops count all N rows. The selector gets no gradient.
    """

    bottoms = (2, None)
    tops = (1, None)
    unsettled = True

    def setup(self, *bottoms: Shape) -> None:
        self.check(
            self.num_tops == len(bottoms) - 1, f"Top.size() should be equal to bottom.size() - 1 = {len(bottoms) - 1}, not {self.num_tops}"
        )

    def reshape(self, *bottoms: Shape) -> list[Shape]:
        *filtered, selector = bottoms
        self.check(
            len(selector) > 0 and math.prod(selector[1:]) == 1,
            f"Selector blob must have all dimensions 1 after the first, not {dims(selector)}",
        )
        for bottom in filtered:
            self.check(
                bottom[:1] == selector[:1],
                f"Each bottom should have the same 0th dimension as the selector blob ({selector[0]}), not {dims(bottom)}",
            )
        return filtered

    def forward(self, *bottoms: torch.Tensor) -> list[torch.Tensor]:
        *filtered, selector = bottoms
        rows = selector.detach().reshape(-1).nonzero().squeeze(1)
        return [bottom.index_select(0, rows) for bottom in filtered]


@register("Flatten", source="spec/layers.md 5.21")
class Flatten(Layer):
    """Joins the axes from `axis` to `end_axis`, both included, to one. Not in place."""

    param_field = "flatten_param"

    def setup(self, bottom: Shape) -> None:
        self.check_not_in_place()

    def reshape(self, bottom: Shape) -> Shape:
        start = self.axis(self.options.axis, len(bottom))
        end = self.axis(self.options.end_axis, len(bottom), "end_axis") + 1
        self.check(start < end, f"axis {self.options.axis} must not come after end_axis {self.options.end_axis}")
        return (*bottom[:start], math.prod(bottom[start:end]), *bottom[end:])

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.reshape(self.top_shapes(tuple(bottom.shape))[0])

    @property
    def is_view(self) -> bool:
        return True


@register("Reshape", source="spec/layers.md 5.39")
class Reshape(Layer):
    """The same values in another shape. Not in place.

    The num_axes axes from `axis` on (all for -1; a negative `axis` counts from after the last) are
    replaced by `shape`, where 0 copies the bottom's dimension at that place and one -1 is inferred.
    """

    param_field = "reshape_param"

    def setup(self, bottom: Shape) -> None:
        self.check_not_in_place()
        self.check(list(self.options.shape.dim).count(-1) <= 1, "new shape contains multiple -1 dims; only one can be inferred")

    def reshape(self, bottom: Shape) -> Shape:
        axis, num_axes = self.options.axis, self.options.num_axes
        start = axis if axis >= 0 else len(bottom) + axis + 1
        self.check(0 <= start <= len(bottom), f"axis {axis} out of range for a bottom of {len(bottom)} axes")
        self.check(num_axes >= -1, f"num_axes must be >= 0, or -1 for all, not {num_axes}")
        end = len(bottom) if num_axes == -1 else start + num_axes
        self.check(end <= len(bottom), f"end_axis = axis + num_axes = {end} is out of range for a bottom of {len(bottom)} axes")
        middle = list(self.options.shape.dim)
        for index, dim in enumerate(middle):
            self.check(dim >= -1, f"new shape has dimension {dim}; only -1, 0 and positive ones have a meaning")
            if dim == 0:
                self.check(start + index < len(bottom), f"new shape contains a 0, but there's no corresponding bottom axis {start + index}")
                middle[index] = bottom[start + index]
        if -1 in middle:
            known = math.prod(bottom[:start]) * -math.prod(middle) * math.prod(bottom[end:])
            self.check(
                known > 0 and math.prod(bottom) % known == 0,
                f"bottom count {math.prod(bottom)} must be divisible by the product of the specified dimensions ({known})",
            )
            middle[middle.index(-1)] = math.prod(bottom) // known
        shape = (*bottom[:start], *middle, *bottom[end:])
        self.check(math.prod(shape) == math.prod(bottom), f"output count must match input count: {dims(bottom)} to {dims(shape)}")
        return shape

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.reshape(self.top_shapes(tuple(bottom.shape))[0])

    @property
    def is_view(self) -> bool:
        return True


@register("Silence", source="spec/layers.md 5.43")
class Silence(Layer):
    """Reads blobs that would be net outputs otherwise. Any number -> 0."""

    differentiable = False
    bottoms = (1, None)
    tops = 0

    def reshape(self, *bottoms: Shape) -> list[Shape]:
        return []

    def forward(self, *bottoms: torch.Tensor) -> None:
        return None


@register("Slice", source="spec/layers.md 5.44")
class Slice(Layer):
    """Cuts the bottom along `axis` (deprecated: slice_dim) into its tops.

    1 -> any number. The cuts are at slice_point (one fewer than tops, strictly increasing), or
    make equal parts.
    """

    tops = (1, None)
    param_field = "slice_param"

    def reshape(self, bottom: Shape) -> list[Shape]:
        axis = read_axis(self, len(bottom), "slice_dim")
        return [(*bottom[:axis], part, *bottom[axis + 1 :]) for part in self._parts(bottom[axis], axis)]

    def forward(self, bottom: torch.Tensor) -> Sequence[torch.Tensor]:
        axis = read_axis(self, bottom.ndim, "slice_dim")
        return bottom.split(self._parts(bottom.shape[axis], axis), axis)

    def _parts(self, size: int, axis: int) -> list[int]:
        """How many of the axis's elements each top gets."""
        points = list(self.options.slice_point)
        self.check(self.num_tops <= size, f"{self.num_tops} tops cannot share the {size} elements of axis {axis}")
        if not points:
            self.check(size % self.num_tops == 0, f"Number of top blobs ({self.num_tops}) should evenly divide input slice axis ({size})")
            return [size // self.num_tops] * self.num_tops
        self.check(
            len(points) == self.num_tops - 1,
            f"slice_point must be given {self.num_tops - 1} times for {self.num_tops} tops, not {len(points)} times",
        )
        parts = [end - start for start, end in itertools.pairwise([0, *points, size])]
        self.check(min(parts) > 0, f"slice_point must be strictly increasing between 0 and {size}, not {points}")
        return parts


@register("Split", source="spec/layers.md 5.47")
class Split(Layer):
    """The bottom, once for every top. 1 -> any number; the gradient is the sum of the tops'."""

    tops = (1, None)

    def reshape(self, bottom: Shape) -> list[Shape]:
        return [bottom] * self.num_tops

    def forward(self, bottom: torch.Tensor) -> Sequence[torch.Tensor]:
        return [bottom.view_as(bottom) for _ in range(self.num_tops)]

    @property
    def is_view(self) -> bool:
        return True


@register("Tile", source="spec/layers.md 5.51")
class Tile(Layer):
    """The bottom, `tiles` times one after the other along `axis`.

    The gradient is the sum of the copies'.
    """

    param_field = "tile_param"

    def setup(self, bottom: Shape) -> None:
        self.check(self.options.HasField("tiles"), "Number of tiles must be specified: tile_param { tiles: ... }")
        self.check(self.options.tiles > 0, f"Number of tiles must be positive, not {self.options.tiles}")

    def reshape(self, bottom: Shape) -> Shape:
        return tuple(size * times for size, times in zip(bottom, self._times(len(bottom)), strict=True))

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.repeat(self._times(bottom.ndim))

    def _times(self, ndim: int) -> list[int]:
        """How often each axis is repeated."""
        tiled = self.axis(self.options.axis, ndim)
        return [self.options.tiles if axis == tiled else 1 for axis in range(ndim)]


@register("Permute", source="SSD")
class Permute(Layer):
    """Reorder the axes (SSD): axis i of the top is axis `order[i]` of the bottom.

    Axes that `order` does not name follow in their own order.
    """

    param_field = "permute_param"

    def reshape(self, bottom: Shape) -> Shape:
        return tuple(bottom[axis] for axis in self._order(len(bottom)))

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.permute(self._order(bottom.ndim)).contiguous()

    def _order(self, ndim: int) -> list[int]:
        order = list(self.options.order)
        self.check(all(axis < ndim for axis in order), f"order should be less than the input dimension {ndim}: {order}")
        self.check(len(set(order)) == len(order), f"there are duplicate orders: {order}")
        return order + [axis for axis in range(ndim) if axis not in order]


@register("ShuffleChannel", source="ShuffleNet")
class ShuffleChannel(Layer):
    """Deal out the channels of `group` groups in turn (ShuffleNet): (N, C, H, W) -> the same shape.

    Channel j of group i, i * C / group + j, becomes channel j * group + i.
    """

    param_field = "shuffle_channel_param"

    def setup(self, bottom: Shape) -> None:
        self.check(self.options.group > 0, "group must be greater than 0")

    def reshape(self, bottom: Shape) -> Shape:
        self.check(
            len(bottom) >= 2 and bottom[1] % self.options.group == 0,
            f"Wrong group size: group {self.options.group} does not divide the channels of shape {bottom}",
        )
        return bottom

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        return bottom.unflatten(1, (self.options.group, -1)).transpose(1, 2).flatten(1, 2)
