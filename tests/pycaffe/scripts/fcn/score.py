from __future__ import division
from datetime import datetime
import os
import sys

import caffe
import numpy as np


def fast_hist(a, b, n):
    k = (a >= 0) & (a < n)
    return np.bincount(n * a[k].astype(np.int) + b[k], minlength=n ** 2).reshape(n, n)


def compute_hist(net, dataset, layer='score', gt='label'):
    n_cl = net.blobs[layer].channels
    hist = np.zeros((n_cl, n_cl))
    loss = 0
    for idx in dataset:
        net.forward()
        hist += fast_hist(net.blobs[gt].data[0, 0].flatten(), net.blobs[layer].data[0].argmax(0).flatten(), n_cl)
        loss += net.blobs['loss'].data.flat[0]
    return hist, loss / len(dataset)


def seg_tests(solver, dataset, layer='score', gt='label'):
    print '>>>', datetime.now(), 'Begin seg tests'
    solver.test_nets[0].share_with(solver.net)
    do_seg_tests(solver.test_nets[0], solver.iter, dataset, layer, gt)


def do_seg_tests(net, iter, dataset, layer='score', gt='label'):
    hist, loss = compute_hist(net, dataset, layer, gt)
    print 'Iteration', iter, 'loss', loss
    acc = np.diag(hist).sum() / hist.sum()
    print 'Iteration', iter, 'overall accuracy', acc
    iu = np.diag(hist) / (hist.sum(1) + hist.sum(0) - np.diag(hist))
    print 'Iteration', iter, 'mean IU', np.nanmean(iu)
    return hist
