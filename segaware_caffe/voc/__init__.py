"""PASCAL VOC2012: its layout and lists, submission, and the reproduction of the published figures."""

from segaware_caffe.voc.dataset import SUBSETS, VocFolder

__all__ = ["SUBSETS", "VocFolder"]
