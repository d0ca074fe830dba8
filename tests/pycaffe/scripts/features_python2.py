#!/usr/bin/env python2
# -*- coding: utf-8 -*-
# Features of pictures into a pickle, batch by batch; of the time of Python 2.
import cPickle, os, sys
import numpy as np
from itertools import izip
import caffe
import helpers

reload(sys)
sys.setdefaultencoding('utf8')


def main(model, weights, listing, target):
    net = caffe.Net(model, weights, caffe.TEST)
    batch = net.blobs['data'].num
    names = map(str.strip, open(listing).readlines())
    features = {}
    for start in xrange(0, len(names), batch):
        chunk = names[start:start + batch]
        for row, name in enumerate(chunk):
            net.blobs['data'].data[row] = helpers.load(name, net.blobs['data'].data.shape[2:])
        net.forward()
        for name, value in izip(chunk, net.blobs['pool'].data):
            features[name] = value.flatten().copy()
    print 'middle of', len(names), 'is', names[len(names) / 2]
    for name, value in sorted(features.iteritems()):
        print >>sys.stderr, name, value.shape
    try:
        helpers.load('missing.png', (4, 4))
    except IOError, e:
        print 'no such picture'
    cPickle.dump(features, open(target, 'wb'), -1)
    print features.has_key(names[0]), `len(features)`


if __name__ == '__main__':
    main(*sys.argv[1:])
