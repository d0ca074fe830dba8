"""`caffe.Classifier`: class scores of pictures, averaged over ten crops of each."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from segaware_caffe.pycaffe import io
from segaware_caffe.pycaffe.net import TEST, Net


class Classifier(Net):
    """A net with one input and one output, fed with (H, W, K) pictures.

    Args:
        model_file, pretrained_file: the net's prototxt and weights.
        image_dims: (height, width) to which pictures are resized before they are cropped; None for the net's input size.
        mean, input_scale, raw_scale, channel_swap: see `io.Transformer`.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str],
        pretrained_file: str | os.PathLike[str],
        image_dims: Sequence[int] | None = None,
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ):
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims: Any = np.array(self.blobs[self.inputs[0]].data.shape[2:])
        self.image_dims: Any = image_dims if image_dims else self.crop_dims

    def predict(self, inputs: Sequence[np.ndarray], oversample: bool = True) -> np.ndarray:
        """(N, classes) scores of N pictures: of ten crops on average, or with `oversample=False` of the centre crop."""
        pictures = np.stack([io.resize_image(picture, self.image_dims) for picture in inputs])
        if oversample:
            crops = io.oversample(pictures, self.crop_dims)
        else:
            top, left = ((np.array(self.image_dims) - self.crop_dims) / 2.0).astype(int)
            crops = pictures[:, top : top + self.crop_dims[0], left : left + self.crop_dims[1]]
        name = self.inputs[0]
        scores = self.forward_all(**{name: np.stack([self.transformer.preprocess(name, crop) for crop in crops])})[self.outputs[0]]
        return scores.reshape(len(inputs), -1, *scores.shape[1:]).mean(1) if oversample else scores


def transformer(
    net: Net, mean: np.ndarray | None, input_scale: float | None, raw_scale: float | None, channel_swap: Sequence[int] | None
) -> io.Transformer:
    """What turns pictures into the first input of `net`: channels first, and what else is given."""
    name = net.inputs[0]
    made = io.Transformer({name: net.blobs[name].data.shape})
    made.set_transpose(name, (2, 0, 1))
    if mean is not None:
        made.set_mean(name, mean)
    if input_scale is not None:
        made.set_input_scale(name, input_scale)
    if raw_scale is not None:
        made.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        made.set_channel_swap(name, channel_swap)
    return made
