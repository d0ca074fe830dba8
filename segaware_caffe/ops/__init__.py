from segaware_caffe.ops import library as library
