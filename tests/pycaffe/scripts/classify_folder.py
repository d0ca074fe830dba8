#!/usr/bin/env python
# classify all images of a folder: classify_folder.py deploy.prototxt weights mean.npy labels.txt folder
import os
import sys
import glob
import numpy as np
caffe_root = '/home/me/caffe/'
sys.path.insert(0, caffe_root + 'python')
os.environ['GLOG_minloglevel'] = '2'
import caffe

model, weights, mean_file, label_file, folder = sys.argv[1:6]
caffe.set_mode_cpu()
net = caffe.Net(model, weights, caffe.TEST)
mu = np.load(mean_file)
mu = mu.mean(1).mean(1)
transformer = caffe.io.Transformer({'data': net.blobs['data'].data.shape})
transformer.set_transpose('data', (2, 0, 1))
transformer.set_mean('data', mu)
transformer.set_raw_scale('data', 255)
transformer.set_channel_swap('data', (2, 1, 0))
labels = np.loadtxt(label_file, str, delimiter='\t')
files = sorted(glob.glob(os.path.join(folder, '*.png')))
net.blobs['data'].reshape(len(files), *net.blobs['data'].data.shape[1:])
for i, name in enumerate(files):
    net.blobs['data'].data[i, ...] = transformer.preprocess('data', caffe.io.load_image(name))
output = net.forward()
for name, output_prob in zip(files, output['prob']):
    top_inds = output_prob.argsort()[::-1][:2]
    print('{} {} {:.5f}'.format(os.path.basename(name), labels[top_inds[0]], output_prob[top_inds[0]]))
