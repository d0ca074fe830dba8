"""For type checkers: the module is made of the schema when it is imported."""

from segaware_caffe.schema.caffe_types import *
