"""Layers that summarise windows of an image: Pooling, SPP."""

from collections.abc import Iterator

import torch

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.registry import register
from segaware_caffe.limits import POSITIONS
from segaware_caffe.ops.pooling import Windows, average_pool, max_pool, max_pool_values, stochastic_mean, stochastic_pool


class Pool(Layer):
    """What Pooling and SPP share: pooling over given windows, and the checks of their geometry."""

    def pooled_shape(self, bottom: Shape, windows: Windows) -> Shape:
        """The top's shape, after checking the geometry."""
        self.check(len(bottom) == 4, "Input must have 4 axes, corresponding to (num, channels, height, width)")
        kernel, pad = windows.kernel, windows.pad
        self.check(
            not any(pad) or self.options.pool != self.options.STOCHASTIC,
            f"Padding implemented only for average and max pooling, not STOCHASTIC with pad {pad}",
        )
        self.check(all(p < k for p, k in zip(pad, kernel, strict=True)), f"pad {pad} must be smaller than the kernel {kernel}")
        spatial, output = bottom[2:], windows.output(bottom[2:])
        self.check(min(output) > 0, f"kernel {kernel} with pad {pad} does not fit a bottom of spatial size {spatial}: top {output}")
        self.check(
            self.options.pool != self.options.STOCHASTIC or not windows.empty(spatial),
            f"kernel {kernel} with stride {windows.stride} leaves an empty window in a bottom of spatial size {spatial}",
        )
        return *bottom[:2], *output

    def pool(self, bottom: torch.Tensor, windows: Windows) -> torch.Tensor:
        """One pooling by the method that the `pool` field names."""
        param = self.options
        if param.pool == param.MAX:
            return max_pool_values(bottom, windows)
        if param.pool == param.AVE:
            return average_pool(bottom, windows)
        return stochastic_pool(bottom, windows) if self.training else stochastic_mean(bottom, windows)


@register("Pooling", source="spec/layers.md 5.33")
class Pooling(Pool):
    """The maximum, mean or a random draw of every window.

    (N, C, H, W) -> (N, C, H', W'), H' = ceil((H + 2 * pad - kernel) / stride) + 1, less a last window
    that would start in the trailing padding; `round_mode: FLOOR` rounds down. `global_pooling`: one
    window of the bottom's size. MAX: the first maximum gets the gradient, NaN never wins; a second
    top holds its index in the plane. AVE: padding counts as zeros. STOCHASTIC: in TRAIN a value
    drawn with a probability proportional to it, in TEST the sum of squares over the sum.

    A stride beyond the kernel may leave a last window empty: MAX -FLT_MAX, AVE NaN or 0, as in the
    reference, and no gradient, where the reference writes outside its memory.
    differs: STOCHASTIC refuses empty windows, runs on CPUs too, and its TEST gradient is the true one.
    """

    tops = (1, 2)
    param_field = "pooling_param"

    def setup(self, bottom: Shape) -> None:
        param = self.options
        self.check(self.num_tops == 1 or param.pool == param.MAX, "only MAX pooling has a second top")
        has_size, has_h, has_w = (param.HasField(field) for field in ("kernel_size", "kernel_h", "kernel_w"))
        stride, pad = self._pair("stride"), self._pair("pad")
        if param.global_pooling:
            self.check(not (has_size or has_h or has_w), "With Global_pooling: true Filter size cannot specified")
            self.check(pad == (0, 0) and stride == (1, 1), "With Global_pooling: true; only pad = 0 and stride = 1")
            return
        self.check(not has_size or not (has_h or has_w), "Filter size is kernel_size OR kernel_h and kernel_w; not both")
        self.check(
            has_size or (has_h and has_w), "kernel_size is required; for non-square filters both kernel_h and kernel_w are required."
        )
        self.check(all(self._kernel()), f"Filter dimensions cannot be zero: {self._kernel()}")
        self.check(all(stride), f"stride must be positive, not {stride}")

    def reshape(self, bottom: Shape) -> Shape | list[Shape]:
        return [self.pooled_shape(bottom, self.windows(bottom))] * self.num_tops

    def forward(self, bottom: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        windows = self.windows(tuple(bottom.shape))
        if self.num_tops == 1:
            return self.pool(bottom, windows)
        top, index = max_pool(bottom, windows)
        # A half-precision number cannot tell the positions of a plane apart.
        return [top, index.to(torch.promote_types(bottom.dtype, torch.float32))]

    def windows(self, bottom: Shape) -> Windows:
        param = self.options
        kernel = (bottom[2], bottom[3]) if param.global_pooling else self._kernel()
        return Windows(kernel, self._pair("stride"), self._pair("pad"), ceil=param.round_mode == param.CEIL)

    def _kernel(self) -> tuple[int, int]:
        param = self.options
        return (param.kernel_size,) * 2 if param.HasField("kernel_size") else (param.kernel_h, param.kernel_w)

    def _pair(self, field: str) -> tuple[int, int]:
        param = self.options
        has_h, has_w = param.HasField(f"{field}_h"), param.HasField(f"{field}_w")
        if not (has_h or has_w):
            return (getattr(param, field),) * 2
        self.check(has_h and has_w and not param.HasField(field), f"{field} is {field} OR {field}_h and {field}_w are required.")
        return getattr(param, f"{field}_h"), getattr(param, f"{field}_w")


@register("SPP", source="spec/layers.md 5.48")
class SPP(Pool):
    """Spatial pyramid pooling: the image in 1, 4, 16, ... bins.

    (N, C, H, W) -> (N, C * (1 + 4 + ... + 4 ^ (pyramid_height - 1))), level after level, each
    flattened; pyramid_height 1 -> (N, C, 1, 1). Bins are windows of ceil(size / bins) elements with
    that stride and padding on both sides; `pool` as in Pooling.
    """

    param_field = "spp_param"

    def setup(self, bottom: Shape) -> None:
        self.check(self.options.pyramid_height > 0, "pyramid_height must be positive")
        self.check_limit(POSITIONS, 4 ** min(self.options.pyramid_height - 1, 32), f"pyramid_height {self.options.pyramid_height}: bins at")

    def reshape(self, bottom: Shape) -> Shape:
        shapes = [self.pooled_shape(bottom, windows) for windows in self.levels(bottom)]
        return shapes[0] if len(shapes) == 1 else (bottom[0], sum(c * h * w for _, c, h, w in shapes))

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        pools = [self.pool(bottom, windows) for windows in self.levels(tuple(bottom.shape))]
        return pools[0] if len(pools) == 1 else torch.cat([pool.flatten(1) for pool in pools], 1)

    def levels(self, bottom: Shape) -> Iterator[Windows]:
        for level in range(self.options.pyramid_height):
            kernel = tuple(-(-size // 2**level) for size in bottom[2:])
            pad = tuple((k * 2**level - size + 1) // 2 for k, size in zip(kernel, bottom[2:], strict=True))
            yield Windows(kernel, kernel, pad)


@register("Upsample", source="SegNet, ENet")
class Upsample(Layer):
    """Undo a MAX pooling with the mask of its second top (SegNet, ENet).

    (N, C, H, W) and a mask of that shape -> (N, C, H', W'): each element goes where the mask says
    in the plane, the rest is 0. H' and W' are `upsample_h` and `upsample_w`, or `scale` (`scale_h`,
    `scale_w`) times the bottom's, less one row or column with `pad_out_h` or `pad_out_w`. The mask
    has no gradient.
    """

    bottoms = 2
    param_field = "upsample_param"
    no_forced_gradient = (1,)

    def setup(self, bottom: Shape, mask: Shape) -> None:
        param = self.options
        has = {field: param.HasField(field) for field in ("scale", "scale_h", "scale_w", "upsample_h", "upsample_w")}
        self.exact = has["upsample_h"] and has["upsample_w"]
        self.check(
            self.exact or (has["scale_h"] == has["scale_w"] and not (has["scale"] and has["scale_h"])),
            "upsample_h & upsample_w are required, else (DEPRECATED) scale OR scale_h & scale_w are required.",
        )
        sizes = (param.upsample_h, param.upsample_w) if self.exact else self._scales()
        self.check(min(sizes) > 1, f"upsample_h and upsample_w, or the scales, must be greater than 1, not {sizes}")
        for scale, field in zip(self._scales(), ("pad_out_h", "pad_out_w"), strict=True):
            self.check(
                self.exact or scale == 2 or not getattr(param, field),
                f"{field} requires a scale of 2, otherwise the output size is ill-defined; it is {scale}",
            )

    def reshape(self, bottom: Shape, mask: Shape) -> Shape:
        self.check(len(bottom) == 4, "Input must have 4 axes, corresponding to (num, channels, height, width)")
        self.check(mask == bottom, f"the mask must have the bottom's shape {bottom}, not {mask}")
        param = self.options
        if self.exact:
            return *bottom[:2], param.upsample_h, param.upsample_w
        scale_h, scale_w = self._scales()
        return *bottom[:2], bottom[2] * scale_h - param.pad_out_h, bottom[3] * scale_w - param.pad_out_w

    def forward(self, bottom: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        shape = self.top_shapes(tuple(bottom.shape), tuple(mask.shape))[0]
        index = mask.detach().long().flatten(2)
        plane = bottom.new_zeros(*shape[:2], shape[2] * shape[3])
        self.check_indices(
            index, plane.shape[2], "upsample top index", " - check scale settings match input pooling layer's downsample setup"
        )
        return plane.scatter(2, index, bottom.flatten(2)).view(shape)

    def _scales(self) -> tuple[int, int]:
        param = self.options
        return (param.scale_h, param.scale_w) if param.HasField("scale_h") else (param.scale, param.scale)
