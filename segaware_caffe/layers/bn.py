"""BN, the batch normalisation of SegNet and of PSPNet, which are not alike."""

import torch

from segaware_caffe.errors import ShapeError
from segaware_caffe.layers.base import Layer, Shape
from segaware_caffe.layers.fillers import constant
from segaware_caffe.layers.registry import register
from segaware_caffe.ops.normalization import batch_norm, fixed_norm

SEGNET, PSPNET_FIRST, PSPNET = "SegNet", "PSPNet's first version", "PSPNet"
FIELDS = {
    SEGNET: {"scale_filler", "shift_filler", "bn_mode"},
    PSPNET_FIRST: {"scale_filler", "shift_filler", "moving_average", "decay", "var_eps"},
    PSPNET: {"slope_filler", "bias_filler", "momentum", "eps", "frozen", "engine"},
}
SEGNET_EPS = 1e-9


@register("BN", source="SegNet, PSPNet")
class BN(Layer):
    """Batch normalisation with slope and bias in one layer (SegNet, PSPNet); the fields given tell whose.

    (N, C, ...) -> slope * (x - mean) / sqrt(variance + eps) + bias; learned blobs are (1, C, 1, 1) each.

    SegNet's (`scale_filler`, `shift_filler`, `bn_mode`) has blobs slope and bias. In mode LEARN it
    takes the batch's statistics, in TEST too; INFERENCE is slope * x + bias.

    PSPNet's (`slope_filler`, `bias_filler`, `momentum`, `eps`, `frozen`) has two more blobs, mean and
    variance, which no solver moves. In TRAIN it takes the batch's statistics and stores
    momentum * blob + (1 - momentum) * new; in TEST, or `frozen`, it takes the stored ones, and
    `frozen` fixes slope and bias too. Its first version (`scale_filler`, `shift_filler`,
    `moving_average`, `decay`, `var_eps`) has decay = 1 - momentum, and uses the batch's statistics in
    TEST unless `moving_average`. With the two fillers alone the layer is this one if it has four
    `param`, else SegNet's.
    """

    param_field = "bn_param"

    def setup(self, bottom: Shape) -> None:
        self.check(2 <= len(bottom) <= 4, f"the bottom must have 2 to 4 axes, not {len(bottom)}", ShapeError)
        param = self.options
        self.dialect = self._dialect()
        self.eps, self.momentum, self.uses_stored = {
            SEGNET: (SEGNET_EPS, None, False),
            PSPNET_FIRST: (param.var_eps, 1 - param.decay, param.moving_average),
            PSPNET: (param.eps, param.momentum, True),
        }[self.dialect]
        fillers = param.scale_filler, param.shift_filler
        if self.dialect == PSPNET:
            fillers = param.slope_filler, param.bias_filler
        shape = (1, bottom[1], 1, 1)
        for fill in fillers:
            self.add_blob(shape, fill, fixed=param.frozen)
        if self.dialect != SEGNET:
            self.add_blob(shape, fixed=True)
            self.add_blob(shape, constant(float(param.frozen)), fixed=True)

    def _dialect(self) -> str:
        given = self.options.given
        if not given:
            return PSPNET
        fitting = [dialect for dialect, fields in FIELDS.items() if given <= fields]
        self.check(len(fitting) > 0, f"bn_param mixes fields of different forks: {', '.join(sorted(given))}")
        return PSPNET_FIRST if len(fitting) > 1 and len(self.proto.param) == 4 else fitting[0]

    def reshape(self, bottom: Shape) -> Shape:
        channels = self.specs[0].shape[1]
        self.check(
            2 <= len(bottom) <= 4 and bottom[1] == channels,
            f"the number of channels may not change from {channels}: the bottom's shape is {bottom}",
        )
        return bottom

    @property
    def repeatable(self) -> bool:
        return self.options.frozen or not self.training or self.dialect == SEGNET

    def takes_stored(self) -> bool:
        """Whether nothing is computed from the batch: the stored statistics count, or none (INFERENCE)."""
        options = self.options
        return options.bn_mode == options.INFERENCE or options.frozen or (self.uses_stored and not self.training)

    def factor_and_offset(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Where `takes_stored`, top = factor * bottom + offset, each (C)."""
        slope, bias = (self.blob(index).flatten() for index in range(2))
        if self.options.bn_mode == self.options.INFERENCE:
            return slope, bias
        mean, variance = (self.blob(index).flatten() for index in (2, 3))
        factor = slope * (variance + self.eps).rsqrt()
        return factor, bias - mean * factor

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        slope, bias = (self.blob(index).view(-1, *[1] * (bottom.ndim - 2)) for index in range(2))
        return self._normalized(bottom) * slope + bias

    def _normalized(self, bottom: torch.Tensor) -> torch.Tensor:
        if self.options.bn_mode == self.options.INFERENCE:
            return bottom
        if self.takes_stored():
            return fixed_norm(bottom, self.blob(2).flatten(), self.blob(3).flatten(), self.eps)
        top, *statistics = batch_norm(bottom, self.eps)
        if self.training and self.dialect != SEGNET:
            for index, new in enumerate(statistics, start=2):
                stored = self.blob(index)
                stored.mul_(self.momentum).add_(new.view_as(stored), alpha=1 - self.momentum)
        return top
