#!/usr/bin/env python
"""Detect in a picture with a region proposal net: python test_net.py --def net.prototxt --net weights --image file"""
import argparse
import os.path as osp
import sys

this_dir = osp.dirname(__file__)


def add_path(path):
    if path not in sys.path:
        sys.path.insert(0, path)


add_path(osp.join(this_dir, '..', 'caffe-fast-rcnn', 'python'))
add_path(this_dir)

import caffe
import numpy as np
from caffe.proto import caffe_pb2
import google.protobuf as pb2
import google.protobuf.text_format
from PIL import Image

PIXEL_MEANS = np.array([[[102.9801, 115.9465, 122.7717]]])


def parse_args():
    parser = argparse.ArgumentParser(description='Test a Fast R-CNN network')
    parser.add_argument('--gpu', dest='gpu_id', default=None, type=int)
    parser.add_argument('--def', dest='prototxt', required=True)
    parser.add_argument('--net', dest='caffemodel', required=True)
    parser.add_argument('--image', required=True)
    return parser.parse_args()


def im_detect(net, im):
    im_orig = im.astype(np.float32, copy=True)
    im_orig -= PIXEL_MEANS
    blob = im_orig.transpose((2, 0, 1))[np.newaxis]
    blobs = {'data': blob, 'im_info': np.array([[blob.shape[2], blob.shape[3], 1.0]], dtype=np.float32)}
    net.blobs['data'].reshape(*(blobs['data'].shape))
    net.blobs['im_info'].reshape(*(blobs['im_info'].shape))
    forward_kwargs = {'data': blobs['data'].astype(np.float32, copy=False)}
    forward_kwargs['im_info'] = blobs['im_info'].astype(np.float32, copy=False)
    blobs_out = net.forward(**forward_kwargs)
    rois = net.blobs['rois'].data.copy()
    return blobs_out['cls_prob'], rois[:, 1:5]


if __name__ == '__main__':
    args = parse_args()
    if args.gpu_id is None:
        caffe.set_mode_cpu()
    net_param = caffe_pb2.NetParameter()
    with open(args.prototxt, 'rt') as f:
        pb2.text_format.Merge(f.read(), net_param)
    net = caffe.Net(args.prototxt, args.caffemodel, caffe.TEST)
    net.name = osp.splitext(osp.basename(args.caffemodel))[0]
    im = np.array(Image.open(args.image))[:, :, ::-1]
    for size in (im.shape[0], im.shape[0] - 8):
        scores, boxes = im_detect(net, im[:size])
        print('{:s}: {:d} layers, {:d} boxes of {:d} classes, highest {:.4f}'.format(
            net.name, len(net_param.layer), boxes.shape[0], scores.shape[1], scores.max()))
        assert (boxes[:, 3] < size).all() and (boxes >= 0).all()
        np.savez('detections_%d.npz' % size, scores=scores, boxes=boxes)
