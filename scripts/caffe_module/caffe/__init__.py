"""`import caffe` is segaware_caffe.pycaffe: this package puts that in its own place.

Python layers run only where SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS=1 is set.
"""

from segaware_caffe.pycaffe import install

install()
