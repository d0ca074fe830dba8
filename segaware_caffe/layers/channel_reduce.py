"""ChannelReduce: groups of channels to one."""

import torch

from segaware_caffe.layers.base import Layer, Shape, dims
from segaware_caffe.layers.registry import register

#: What a maximum starts from: NaN and -inf never win.
LOWEST = -3.4028234663852886e38


@register("ChannelReduce", source="spec/layers.md 3.4")
class ChannelReduce(Layer):
    """The sum (SUM) or the largest (MAX) of each group of neighbouring channels.

    bottom (N, C, H, W) -> top (N, num_channels, H, W); channel k is made of the bottom's channels
    from k * C / num_channels on, so Im2col's taps are summed with num_channels = the image's
    channels. Of equal largest channels the first gets the gradient.

    differs: num_channels = C is accepted, as the identity, and what does not divide C is refused;
    the release has that check the wrong way round.
    """

    param_field = "channel_reduce_param"

    def reshape(self, bottom: Shape) -> Shape:
        self.check(len(bottom) == 4, f"the bottom must have shape (N, C, H, W), not {dims(bottom)}")
        channels, groups = bottom[1], self.options.num_channels
        self.check(
            0 < groups <= channels and channels % groups == 0,
            f"num_channels must divide the bottom's {channels} channels, which {groups} does not",
        )
        return bottom[0], groups, *bottom[2:]

    def forward(self, bottom: torch.Tensor) -> torch.Tensor:
        groups = bottom.unflatten(1, (self.options.num_channels, -1))
        if self.options.operation == self.options.SUM:
            return groups.sum(2)
        lowest = max(LOWEST, torch.finfo(bottom.dtype).min)
        groups = torch.where(groups > lowest, groups, lowest)
        # argmax is documented to take the first of equal values
        return groups.gather(2, groups.argmax(2, keepdim=True)).squeeze(2)
