"""Nets with every kind of mask, small, for the tests of the pages."""

MASKS = """
name: "masks"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 33 dim: 41 } } }
layer { name: "emb" type: "Power" bottom: "data" top: "emb" power_param { scale: 0.01 } }
layer { name: "dist" type: "Im2dist" bottom: "emb" top: "dist" convolution_param { kernel_size: 4 pad: 2 stride: 2 }
  im2dist_param { norm: L2 remove_bounds: true } }
layer { name: "weighted" type: "Scale" bottom: "dist" top: "weighted"
  scale_param { num_axes: 0 filler { type: "constant" value: 1.5 } bias_term: false } }
layer { name: "mask" type: "Exp" bottom: "weighted" top: "mask" exp_param { scale: -1 } }
layer { name: "norm" type: "NormConv" bottom: "data" bottom: "emb" top: "norm"
  convolution_param { num_output: 4 kernel_size: 3 pad: 2 dilation: 2 weight_filler { type: "xavier" } }
  norm_conv_param { norm: L1 scale_term: true scale_filler { type: "constant" value: 0.7 } remove_center: true } }
layer { name: "relu" type: "ReLU" bottom: "norm" top: "norm" }
layer { name: "crf" type: "NormConvMeanfield" bottom: "norm" bottom: "norm" bottom: "emb" bottom: "emb" top: "crf"
  norm_conv_meanfield_param {
    num_iterations: 2 kernel_size: 3 kernel_size: 5 pad: 1 pad: 2 dilation: 1 dilation: 1 scale: 0.5 scale: 0.1
  } }
"""
LENET = """
name: "LeNet"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2" convolution_param { num_output: 50 kernel_size: 5 } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1" inner_product_param { num_output: 500 } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""
