"""The explorer: a net, and a photograph in it, as one HTML file."""

from segaware_caffe.view.comparison import compare_nets, compare_weights
from segaware_caffe.view.page import write_page
from segaware_caffe.view.pictures import principal_colours

__all__ = ["compare_nets", "compare_weights", "principal_colours", "write_page"]
