#!/usr/bin/env python
"""Fold BatchNorm and Scale into the convolution before them: merge_bn.py net.prototxt weights out.prototxt out.caffemodel"""
import sys

import numpy as np

sys.path.append('/opt/caffe/python')
import caffe
import caffe.proto.caffe_pb2 as cp
from google.protobuf import text_format

src_proto, src_weights, dst_proto, dst_weights = sys.argv[1:5]
bn_maps = {}


def find_top_after_bn(layers, name, top):
    bn_maps[name] = {}
    for l in layers:
        if len(l.bottom) == 0:
            continue
        if l.bottom[0] == top and l.type == "BatchNorm":
            bn_maps[name]["bn"] = l.name
            top = l.top[0]
        if l.bottom[0] == top and l.type == "Scale":
            bn_maps[name]["scale"] = l.name
            top = l.top[0]
    return top


def pre_process(expected_proto, new_proto):
    net_specs = cp.NetParameter()
    net_specs2 = cp.NetParameter()
    with open(expected_proto, "r") as fp:
        text_format.Merge(str(fp.read()), net_specs)
    net_specs2.MergeFrom(net_specs)
    layers = net_specs.layer
    num_layers = len(layers)
    for i in range(num_layers - 1, -1, -1):
        del net_specs2.layer[i]
    for idx in range(num_layers):
        l = layers[idx]
        if l.type == "BatchNorm" or l.type == "Scale":
            continue
        elif l.type == "Convolution" or l.type == "Deconvolution":
            top = find_top_after_bn(layers, l.name, l.top[0])
            bn_maps[l.name]["type"] = l.type
            layer = net_specs2.layer.add()
            layer.MergeFrom(l)
            layer.top[0] = top
            layer.convolution_param.bias_term = True
        else:
            layer = net_specs2.layer.add()
            layer.MergeFrom(l)
    with open(new_proto, "w") as fp:
        fp.write("{}".format(net_specs2))


def load_weights(net, nobn):
    for key in nobn.params:
        if key not in bn_maps:
            for i, w in enumerate(net.params[key]):
                nobn.params[key][i].data[...] = w.data
            continue
        conv = net.params[key]
        wt = conv[0].data
        channels = nobn.params[key][1].data.shape[0]
        bias = conv[1].data if len(conv) > 1 else np.zeros(channels)
        mean, var, scalef = np.zeros(channels), np.ones(channels), 1.0
        scales, shift = np.ones(channels), np.zeros(channels)
        if "bn" in bn_maps[key]:
            bn = net.params[bn_maps[key]["bn"]]
            scalef = bn[2].data[0]
            scalef = 1. / scalef if scalef != 0 else scalef
            mean, var = bn[0].data * scalef, bn[1].data * scalef
        if "scale" in bn_maps[key]:
            scales, shift = [b.data for b in net.params[bn_maps[key]["scale"]]]
        rstd = 1. / np.sqrt(var + 1e-5)
        new = wt * rstd.reshape((channels, 1, 1, 1)) * scales.reshape((channels, 1, 1, 1))
        nobn.params[key][0].data[...] = new
        nobn.params[key][1].data[...] = (bias - mean) * rstd * scales + shift


pre_process(src_proto, dst_proto)
caffe.set_mode_cpu()
net = caffe.Net(src_proto, src_weights, caffe.TEST)
net2 = caffe.Net(dst_proto, caffe.TEST)
load_weights(net, net2)
net2.save(dst_weights)
data = np.random.RandomState(0).uniform(-1, 1, net.blobs['data'].data.shape)
net.blobs['data'].data[...] = data
net2.blobs['data'].data[...] = data
out, out2 = net.forward(), net2.forward()
for key in out:
    print(key, np.abs(out[key] - out2[key]).max() < 1e-4, out[key].std() > 1e-3)
print([l.type for l in net2.layers])
