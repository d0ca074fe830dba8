"""`caffe.Detector`: class scores of windows in pictures, each with some of what lies around it (R-CNN)."""

import importlib
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from segaware_caffe.errors import CaffeError
from segaware_caffe.pycaffe import io
from segaware_caffe.pycaffe.classifier import transformer
from segaware_caffe.pycaffe.net import TEST, Net


class Detector(Net):
    """A net with one input and one output, fed with windows of pictures.

    Arguments as for `Classifier`; `context_pad` is how many pixels of the net's input, on each side,
    show the surroundings of the window.
    """

    def __init__(
        self,
        model_file: str | os.PathLike[str],
        pretrained_file: str | os.PathLike[str],
        mean: np.ndarray | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ):
        super().__init__(model_file, TEST, weights=pretrained_file)
        self.transformer = transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
        """Scores of windows (ymin, xmin, ymax, xmax) of the pictures in files.

        Returns a dict for each window: "window", "prediction" (the scores) and "filename".
        """
        found, crops = [], []
        for filename, windows in images_windows:
            image = io.load_image(filename).astype(np.float32)
            for window in windows:
                found.append({"window": window, "filename": filename})
                crops.append(self.crop(image, window))
        name = self.inputs[0]
        if not crops:
            return []
        scores = self.forward_all(**{name: np.stack([self.transformer.preprocess(name, crop) for crop in crops])})[self.outputs[0]]
        for detection, score in zip(found, scores, strict=True):
            detection["prediction"] = score.squeeze()
        return found

    def detect_selective_search(self, image_fnames: Iterable[str]) -> list[dict[str, Any]]:
        """`detect_windows` on the windows of the package `selective_search_ijcv_with_python`, which needs Matlab."""
        image_fnames = [os.path.abspath(name) for name in image_fnames]
        try:
            search = importlib.import_module("selective_search_ijcv_with_python")
        except ImportError as error:
            raise CaffeError(
                "selective search needs the package selective_search_ijcv_with_python, which runs Matlab;"
                " with windows of another kind use detect_windows, or segaware-caffe detect --crop_mode=list"
            ) from error
        windows = search.get_windows(image_fnames, cmd="selective_search_rcnn")
        return self.detect_windows(zip(image_fnames, windows, strict=True))

    def crop(self, im: np.ndarray, window: Any) -> np.ndarray:
        """The window of a picture, with its context resized to the net's input; what lies outside is the mean."""
        window = np.array(window)
        crop = im[int(window[0]) : int(window[2]), int(window[1]) : int(window[3])]
        if not self.context_pad:
            return crop
        shape = self.blobs[self.inputs[0]].data.shape
        size = shape[3]  # of a square input
        scale = size / (1.0 * size - self.context_pad * 2)
        half_height, half_width = (window[2] - window[0] + 1) / 2.0, (window[3] - window[1] + 1) / 2.0
        centre = window[0] + half_height, window[1] + half_width
        half = scale * np.array((-half_height, -half_width, half_height, half_width))
        box = np.round(np.tile(centre, 2) + half)
        full_height, full_width = box[2] - box[0] + 1, box[3] - box[1] + 1
        scale_height, scale_width = size / full_height, size / full_width
        pad_y = round(max(0, -box[0]) * scale_height)
        pad_x = round(max(0, -box[1]) * scale_width)
        box = np.clip(box, 0.0, [*im.shape[:2], *im.shape[:2]]).astype(int)
        context = im[box[0] : box[2], box[1] : box[3]]
        height = min(round((box[2] - box[0] + 1) * scale_height), size - pad_y)
        width = min(round((box[3] - box[1] + 1) * scale_width), size - pad_x)
        crop = np.ones(self.crop_dims, dtype=np.float32) * self.crop_mean
        crop[pad_y : pad_y + height, pad_x : pad_x + width] = io.resize_image(context, (height, width))
        return crop

    def configure_crop(self, context_pad: int | None) -> None:
        """Set how much context `crop` shows; what stands for pixels outside a picture is what becomes 0 in the net's input."""
        name = self.inputs[0]
        self.context_pad = context_pad
        self.crop_dims = tuple(np.array(self.blobs[name].data.shape[1:])[np.argsort(self.transformer.transpose[name])])
        if not context_pad:
            return
        order = self.transformer.channel_swap.get(name)
        mean = self.transformer.mean.get(name)
        if mean is None:
            self.crop_mean = np.zeros(self.crop_dims, dtype=np.float32)
            return
        mean = np.broadcast_to(mean, (mean.shape[0], *self.crop_dims[:2]))
        if order is not None:
            mean = mean[np.argsort(order), :, :]
        self.crop_mean = mean.transpose(1, 2, 0) / self.transformer.raw_scale.get(name, 1.0)
