"""Net surgery for fully convolutional nets: weights from an inner-product net, and bilinear upsampling."""
from __future__ import division

import caffe
import numpy as np


def transplant(new_net, net, suffix=''):
    """Copy weights by layer name, also where the shapes differ but the counts agree (fully connected to convolutional)."""
    for p in net.params:
        p_new = p + suffix
        if p_new not in new_net.params:
            print 'dropping', p
            continue
        for i in range(len(net.params[p])):
            if i > (len(new_net.params[p_new]) - 1):
                print 'dropping', p, i
                break
            if net.params[p][i].data.shape != new_net.params[p_new][i].data.shape:
                print 'coercing', p, i, 'from', net.params[p][i].data.shape, 'to', new_net.params[p_new][i].data.shape
            else:
                print 'copying', p, ' -> ', p_new, i
            new_net.params[p_new][i].data.flat = net.params[p][i].data.flat


def upsample_filt(size):
    factor = (size + 1) // 2
    if size % 2 == 1:
        center = factor - 1
    else:
        center = factor - 0.5
    og = np.ogrid[:size, :size]
    return (1 - abs(og[0] - center) / factor) * (1 - abs(og[1] - center) / factor)


def interp(net, layers):
    """Bilinear kernels into deconvolutions that keep their channels apart."""
    for l in layers:
        m, k, h, w = net.params[l][0].data.shape
        if m != k and k != 1:
            raise ValueError, 'input + output channels need to be the same or |output| == 1'
        if h != w:
            raise ValueError('filters need to be square')
        filt = upsample_filt(h)
        net.params[l][0].data[range(m), range(k), :, :] = filt
