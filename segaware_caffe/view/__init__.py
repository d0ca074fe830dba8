"""The explorer: a net, and a photograph in it, as one HTML file."""

from segaware_caffe.view.comparison import compare_nets, compare_weights
from segaware_caffe.view.page import write_page

__all__ = ["compare_nets", "compare_weights", "write_page"]
