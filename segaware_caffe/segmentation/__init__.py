"""Segmenting photographs and judging the result: label images, palette, metrics, boundaries, the fully connected CRF."""

from segaware_caffe.segmentation.evaluate import Evaluation, evaluate
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.metrics import ConfusionMatrix, Scores, class_names
from segaware_caffe.segmentation.palette import CLASSES, colormap, overlay, write_label_png
from segaware_caffe.segmentation.photographs import read_photograph
from segaware_caffe.segmentation.predict import Predictor, predict
from segaware_caffe.segmentation.segment import MEAN, Segmentation, Segmenter, without_sinks

__all__ = [
    "CLASSES",
    "MEAN",
    "ConfusionMatrix",
    "Evaluation",
    "Predictor",
    "Scores",
    "Segmentation",
    "Segmenter",
    "class_names",
    "colormap",
    "evaluate",
    "overlay",
    "predict",
    "read_labels",
    "read_photograph",
    "without_sinks",
    "write_label_png",
]
