"""`caffe.io`: pictures as scripts load and resize them, the Transformer between them and a net's input, and arrays as messages.

A picture is an (H, W, K) float32 array, its values in [0, 1], its colours red, green, blue. What
pycaffe leaves to scikit-image is done with Pillow and scipy here, to the numbers of scikit-image 0.21.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from segaware_caffe.data.images import ROWS, open_image
from segaware_caffe.pycaffe.proto import caffe_pb2
from segaware_caffe.schema.blobproto import blob_values

#: the grey of a colour, as scikit-image weighs it
LUMINANCE = np.array([0.2125, 0.7154, 0.0721])


# -- arrays and messages -------------------------------------------------------------------


def blobproto_to_array(blob: Any, return_diff: bool = False) -> np.ndarray:
    """The data of a BlobProto, or its diff, as a float32 array of its shape (num, channels, height, width in old ones)."""
    return blob_values(blob, return_diff).astype(np.float32)


def array_to_blobproto(arr: np.ndarray, diff: np.ndarray | None = None) -> Any:
    """A BlobProto of an array of any shape, and of its diff if there is one."""
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(np.asarray(arr, float).ravel())
    if diff is not None:
        blob.diff.extend(np.asarray(diff, float).ravel())
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[np.ndarray]) -> bytes:
    """A list of arrays as the bytes of a BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector()
    vector.blobs.extend(array_to_blobproto(array) for array in arraylist)
    return vector.SerializeToString()


#: pycaffe spells it so
arraylist_to_blobprotovecor_str = arraylist_to_blobprotovector_str


def blobprotovector_str_to_arraylist(str: bytes) -> list[np.ndarray]:
    """The arrays in the bytes of a BlobProtoVector."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr: np.ndarray, label: int | None = None) -> Any:
    """A Datum of a (channels, height, width) array: its bytes if it is uint8, else floats. ValueError for other shapes."""
    if arr.ndim != 3:
        raise ValueError(f"Incorrect array shape: a Datum holds (channels, height, width), not {arr.shape}")
    datum = caffe_pb2.Datum()
    datum.channels, datum.height, datum.width = arr.shape
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(np.asarray(arr, float).ravel())
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: Any) -> np.ndarray:
    """The (channels, height, width) array of a Datum: uint8 from its bytes, else float. The label is left out."""
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, float)
    return values.reshape(datum.channels, datum.height, datum.width)


# -- pictures ------------------------------------------------------------------------------


def load_image(filename: str | os.PathLike[str], color: bool = True) -> np.ndarray:
    """The picture in a file: (H, W, 3), grey ones repeated and without alpha; or (H, W, 1) with `color=False`.

    CaffeError if the file is not there or no picture.
    """
    with open_image(filename) as image:
        pixels = _pixels(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    loaded = np.empty((*pixels.shape[:2], 3 if color else 1), np.float32)
    for start in range(0, len(pixels), ROWS):  # 64 bits a value are much for a whole picture
        values = _unit(pixels[start : start + ROWS])
        if values.shape[2] > 1:
            values = values[..., :3] if color else (_on_white(values) @ LUMINANCE)[..., None]
        loaded[start : start + ROWS] = values
    return loaded


def _pixels(image: Image.Image) -> np.ndarray:
    """As stored: (H, W) grey, or (H, W, 3 or 4)."""
    if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        return np.asarray(image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB"))
    if image.mode == "LA":
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image)


def _on_white(values: np.ndarray) -> np.ndarray:
    """(H, W, 3): what alpha, if there is one, lets through of a white background."""
    if values.shape[2] == 3:
        return values
    alpha = values[..., 3:]
    return alpha * values[..., :3] + (1 - alpha)


def _unit(values: np.ndarray) -> np.ndarray:
    """Into [0, 1] by what the type can hold; 32-bit integers are a 16-bit picture's."""
    if values.dtype.kind == "f":
        return values.astype(float)
    if values.dtype == bool:
        return values.astype(float)
    return values / (255.0 if values.dtype == np.uint8 else 65535.0)


def resize_image(im: np.ndarray, new_dims: Sequence[int], interp_order: int = 1) -> np.ndarray:
    """`im` (H, W, K) at (height, width) `new_dims`, float32; `interp_order` is that of the spline, 1 is bilinear.

    One and three channels are resampled as scikit-image does it, smoothed first where they shrink,
    other counts by `scipy.ndimage.zoom`: two different grids, as in pycaffe.
    """
    height, width = new_dims[:2]
    if im.shape[-1] not in (1, 3):
        return ndimage.zoom(im, (height / im.shape[0], width / im.shape[1], 1), order=interp_order).astype(np.float32)
    low, high = im.min(), im.max()
    if low == high:
        return np.full((height, width, im.shape[-1]), low, np.float32)
    resized = _resample((im - low) / (high - low), (height, width), interp_order)
    return (resized * (high - low) + low).astype(np.float32)


def _resample(im: np.ndarray, new_dims: tuple[int, int], order: int) -> np.ndarray:
    """Values in [0, 1] on half-pixel centres: zero outside the picture, what a spline overshoots is cut off."""
    shrink = np.array([im.shape[0] / new_dims[0], im.shape[1] / new_dims[1], 1.0])
    if shrink.max() > 1:
        im = ndimage.gaussian_filter(im, np.maximum(0, (shrink - 1) / 2), mode="grid-constant")
    return ndimage.zoom(im, 1 / shrink, order=order, mode="grid-constant", grid_mode=True).clip(0, 1)


def oversample(images: Iterable[np.ndarray], crop_dims: Sequence[int]) -> np.ndarray:
    """Ten crops of each (H, W, K) picture: four corners and the centre, and the five mirrored; (10 N, h, w, K) float32."""
    images = [np.asarray(image) for image in images]
    shape, crop = np.array(images[0].shape[:2]), np.array(crop_dims[:2])
    centre = np.floor(shape / 2.0 - crop / 2.0).astype(int)
    corners = [(top, left) for top in (0, shape[0] - crop[0]) for left in (0, shape[1] - crop[1])]
    crops = []
    for image in images:
        five = [image[top : top + crop[0], left : left + crop[1]] for top, left in (*corners, tuple(centre))]
        crops += five + [crop[:, ::-1] for crop in five]
    return np.stack(crops).astype(np.float32)


# -- pictures into nets --------------------------------------------------------------------


class Transformer:
    """Turns (H, W, K) pictures into what a net's input takes, and back.

    `inputs` is the shape of each input by name. What is set for an input applies in this order:
    resize to its height and width, transpose, channel_swap, raw_scale, mean, input_scale.
    ValueError for an input that is not there, and for values that do not fit it.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]):
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, np.ndarray] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """A (H, W, K) picture as (K, h, w) float32 for input `in_`."""
        self._check_input(in_)
        values = np.asarray(data).astype(np.float32, copy=False)
        if values.shape[:2] != tuple(self.inputs[in_][2:]):
            values = resize_image(values, self.inputs[in_][2:])
        if self.transpose.get(in_) is not None:
            values = values.transpose(self.transpose[in_])
        if self.channel_swap.get(in_) is not None:
            values = values[self.channel_swap[in_], :, :]
        values = values.copy()
        if self.raw_scale.get(in_) is not None:
            values *= self.raw_scale[in_]
        if self.mean.get(in_) is not None:
            values -= self.mean[in_]
        if self.input_scale.get(in_) is not None:
            values *= self.input_scale[in_]
        return values

    def deprocess(self, in_: str, data: np.ndarray) -> np.ndarray:
        """What `preprocess` undoes, but for the size: an input's values as a picture."""
        self._check_input(in_)
        values = np.asarray(data).copy().squeeze()
        if self.input_scale.get(in_) is not None:
            values /= self.input_scale[in_]
        if self.mean.get(in_) is not None:
            values += self.mean[in_]
        if self.raw_scale.get(in_) is not None:
            values /= self.raw_scale[in_]
        if self.channel_swap.get(in_) is not None:
            values = values[np.argsort(self.channel_swap[in_]), :, :]
        if self.transpose.get(in_) is not None:
            values = values.transpose(np.argsort(self.transpose[in_]))
        return values

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Reorder the picture's axes: (2, 0, 1) puts the channels first."""
        self._check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ValueError(
                f"Transpose order needs to have the same number of dimensions as the input: {len(self.inputs[in_]) - 1}, not {order}"
            )
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Reorder the channels, after the transpose: (2, 1, 0) makes BGR of RGB."""
        self._check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise ValueError(
                f"Channel swap needs to have the same number of dimensions as the input channels: {self.inputs[in_][1]}, not {order}"
            )
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Multiply before the mean is subtracted: 255 for nets that were trained on bytes."""
        self._check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: np.ndarray) -> None:
        """Subtract a value for each channel, or a (K, H, W) mean picture, which is resized to the input."""
        self._check_input(in_)
        mean = np.asarray(mean)
        shape = tuple(self.inputs[in_])
        if mean.ndim == 1:
            if mean.shape[0] != shape[1]:
                raise ValueError(f"Mean channels incompatible with input: {mean.shape[0]} for {shape[1]}")
            mean = mean[:, None, None]
        else:
            if mean.ndim == 2:
                mean = mean[None]
            if mean.ndim != 3:
                raise ValueError(f"Mean shape invalid: {mean.shape} is neither (channels,) nor (channels, height, width)")
            if mean.shape[0] != shape[1]:
                raise ValueError(f"Mean channels incompatible with input: {mean.shape[0]} for {shape[1]}")
            if mean.shape != shape[1:]:
                mean = self._resized_mean(mean, shape[2:])
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Multiply last, after the mean has been subtracted."""
        self._check_input(in_)
        self.input_scale[in_] = scale

    @staticmethod
    def _resized_mean(mean: np.ndarray, new_dims: Sequence[int]) -> np.ndarray:
        low, high = mean.min(), mean.max()
        if low == high:
            return np.full((mean.shape[0], *new_dims), low)
        unit = ((mean - low) / (high - low)).transpose(1, 2, 0)
        return resize_image(unit, new_dims).transpose(2, 0, 1) * (high - low) + low

    def _check_input(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ValueError(f"{in_} is not one of the net inputs: {list(self.inputs)}")
