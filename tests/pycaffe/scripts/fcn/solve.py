import caffe
import surgery, score

import numpy as np
import os
import sys

try:
    import setproctitle
    setproctitle.setproctitle(os.path.basename(os.getcwd()))
except:
    pass

vgg_weights = sys.argv[1]
vgg_proto = sys.argv[2]

caffe.set_mode_cpu()

solver = caffe.SGDSolver('solver.prototxt')
vgg_net = caffe.Net(vgg_proto, vgg_weights, caffe.TRAIN)
surgery.transplant(solver.net, vgg_net)
del vgg_net

interp_layers = [k for k in solver.net.params.keys() if 'up' in k]
surgery.interp(solver.net, interp_layers)

val = np.loadtxt(sys.argv[3], dtype=str)

score.seg_tests(solver, val)
for _ in range(2):
    solver.step(40)
    score.seg_tests(solver, val)
print 'pictures seen:', solver.net.layers[0].__class__.__name__, solver.net.blobs['data'].data.shape
