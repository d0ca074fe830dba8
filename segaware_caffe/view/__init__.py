"""To look at, as one HTML file each: a net, and a photograph in it; the curves of training runs."""

from segaware_caffe.view.comparison import compare_nets, compare_weights
from segaware_caffe.view.curves import read_curves, write_curves
from segaware_caffe.view.page import write_page
from segaware_caffe.view.pictures import principal_colours

__all__ = ["compare_nets", "compare_weights", "principal_colours", "read_curves", "write_curves", "write_page"]
