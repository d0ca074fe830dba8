"""One class for every Caffe layer type, and the registry that finds it.

To find a layer, look for `@register("Type")`; the modules are the families.
"""

from segaware_caffe.layers import (  # noqa: F401  (importing a family registers its layers)
    accuracy,
    arithmetic,
    augmentation,
    bn,
    channel_reduce,
    convolution,
    crf_rnn,
    densecrf,
    detection,
    domain_transform,
    embedding,
    inputs,
    interp,
    labels,
    losses,
    meanfield,
    neuron,
    normalization,
    normconv,
    pooling,
    recurrent,
    reduction,
    shaping,
    softmax,
)
from segaware_caffe.layers.base import BlobSpec, Layer, Shape, dims
from segaware_caffe.layers.context import Context, Share
from segaware_caffe.layers.random import set_random_seed
from segaware_caffe.layers.registry import is_registered, layer_class, register, registered
from segaware_caffe.layers.runnable import Runnable

__all__ = [
    "BlobSpec",
    "Context",
    "Layer",
    "Runnable",
    "Shape",
    "Share",
    "dims",
    "is_registered",
    "layer_class",
    "register",
    "registered",
    "set_random_seed",
]
