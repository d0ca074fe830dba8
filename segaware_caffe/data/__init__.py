"""What a net reads: images, lists, databases, arrays. Importing this room registers all data layers.

To find a layer, look for `@register("Type")` in `*_layers.py`; the other modules
do one thing each and know no layer.
"""

from segaware_caffe.data import (  # noqa: F401  (importing a module registers its layers)
    database_layers,
    flo_layers,
    hdf5_layers,
    image_layers,
    mat_layers,
    memory_layers,
    window_layers,
)
from segaware_caffe.data.flo import read_flo
from segaware_caffe.data.images import decode_image, read_image
from segaware_caffe.data.layer import DataLayer
from segaware_caffe.data.mat import read_mat, write_mat
from segaware_caffe.data.prefetch import Prefetcher
from segaware_caffe.data.transform import Rules, Transformer

__all__ = [
    "DataLayer",
    "Prefetcher",
    "Rules",
    "Transformer",
    "decode_image",
    "read_flo",
    "read_image",
    "read_mat",
    "write_mat",
]
