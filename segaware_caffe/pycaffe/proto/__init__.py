"""`caffe.proto`: its one module is `caffe_pb2`."""

from segaware_caffe.pycaffe.proto import caffe_pb2

__all__ = ["caffe_pb2"]
