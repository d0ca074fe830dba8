"""PASCAL VOC: its dataset and palette, predictions as the reference's scripts make them, evaluation, submission, reproduction."""

from segaware_caffe.voc.dataset import SUBSETS, VocFolder
from segaware_caffe.voc.evaluate import Evaluation, evaluate
from segaware_caffe.voc.labels import read_labels
from segaware_caffe.voc.metrics import ConfusionMatrix, Scores, class_names
from segaware_caffe.voc.palette import CLASSES, colormap, overlay, write_label_png
from segaware_caffe.voc.predict import Predictor, predict
from segaware_caffe.voc.segment import MEAN, Segmentation, Segmenter, without_sinks

__all__ = [
    "CLASSES",
    "MEAN",
    "SUBSETS",
    "ConfusionMatrix",
    "Evaluation",
    "Predictor",
    "Scores",
    "Segmentation",
    "Segmenter",
    "VocFolder",
    "class_names",
    "colormap",
    "evaluate",
    "overlay",
    "predict",
    "read_labels",
    "without_sinks",
    "write_label_png",
]
