"""Interp, DeepLab's bilinear resize."""

import torch
from torch.nn import functional

from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.registry import register


@register("Interp", source="spec/layers.md 4.1")
class Interp(Layer):
    """Align-corners bilinear resize (DeepLab's Interp).

    (N, C, H, W) -> (N, C, H', W'); `pad_beg` and `pad_end` (<= 0) crop all four sides first. The
    size follows from `shrink_factor` or `zoom_factor` where one of them is given alone, else from
    `height` and `width` where both are given, else from `shrink_factor` and then `zoom_factor`.
    A size of 1 takes the first row or column.
    """

    param_field = "interp_param"

    def setup(self, bottom: Shape) -> None:
        param = self.options
        for field in ("pad_beg", "pad_end"):
            self.check(getattr(param, field) <= 0, f"Only supports non-pos padding (cropping): {field} is {getattr(param, field)}")
        for field in ("zoom_factor", "shrink_factor"):
            self.check(getattr(param, field) >= 1, f"{field} must be positive, not {getattr(param, field)}")

    def reshape(self, bottom: Shape) -> Shape:
        self.check(len(bottom) == 4, f"the bottom must have 4 axes, not {len(bottom)}")
        cropped = [size + self.options.pad_beg + self.options.pad_end for size in bottom[2:]]
        self.check(min(cropped) > 0, f"pad_beg and pad_end leave nothing of a bottom of spatial size {bottom[2:]}")
        output = self._output(cropped)
        self.check(min(output) > 0, f"height and width must be positive, not {output}")
        return *bottom[:2], *output

    def _output(self, spatial: list[int]) -> list[int]:
        param = self.options
        shrink, zoom = param.HasField("shrink_factor"), param.HasField("zoom_factor")
        if shrink == zoom and param.HasField("height") and param.HasField("width"):
            return [param.height, param.width]
        self.check(shrink or zoom, "needs zoom_factor, shrink_factor, or both height and width")
        shrunk = [(size - 1) // param.shrink_factor + 1 for size in spatial]
        return [size + (size - 1) * (param.zoom_factor - 1) for size in shrunk]

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        begin, end = -self.options.pad_beg, self.options.pad_end
        height, width = bottom.shape[2:]
        cropped = bottom[:, :, begin : height + end, begin : width + end]
        size = self.top_shapes(tuple(bottom.shape))[0][2:]
        if tuple(cropped.shape[2:]) == size:
            return cropped
        return functional.interpolate(cropped, size, mode="bilinear", align_corners=True)
