"""Graph building, the rewriting passes and the runnable `Net`."""

from segaware_caffe.net.net import Net

__all__ = ["Net"]
