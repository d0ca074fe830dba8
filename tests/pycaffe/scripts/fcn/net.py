import sys
import caffe
from caffe import layers as L, params as P
from caffe.coord_map import crop


def conv_relu(bottom, nout, ks=3, stride=1, pad=1):
    conv = L.Convolution(bottom, kernel_size=ks, stride=stride, num_output=nout, pad=pad, weight_filler=dict(type='xavier'),
                         param=[dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)])
    return conv, L.ReLU(conv, in_place=True)


def max_pool(bottom, ks=2, stride=2):
    return L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=ks, stride=stride)


def fcn(split, folder):
    n = caffe.NetSpec()
    pydata_params = dict(folder=folder, split=split, mean=(104.00699, 116.66877, 122.67892), seed=1337)
    n.data, n.label = L.Python(module='voc_layers', layer='SegDataLayer', ntop=2, param_str=str(pydata_params))
    n.conv1_1, n.relu1_1 = conv_relu(n.data, 8, pad=9)
    n.pool1 = max_pool(n.relu1_1)
    n.conv2_1, n.relu2_1 = conv_relu(n.pool1, 16)
    n.pool2 = max_pool(n.relu2_1)
    n.fc6, n.relu6 = conv_relu(n.pool2, 16, ks=4, pad=0)
    n.score_fr = L.Convolution(n.relu6, num_output=3, kernel_size=1, pad=0,
                               param=[dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)])
    n.upscore = L.Deconvolution(n.score_fr, convolution_param=dict(num_output=3, kernel_size=8, stride=4, bias_term=False),
                                param=[dict(lr_mult=0)])
    n.score = crop(n.upscore, n.data)
    n.loss = L.SoftmaxWithLoss(n.score, n.label, loss_param=dict(normalize=True, ignore_label=255))
    return n.to_proto()


def make_net(folder):
    with open('train.prototxt', 'w') as f:
        f.write(str(fcn('train', folder)))
    with open('val.prototxt', 'w') as f:
        f.write(str(fcn('val', folder)))


if __name__ == '__main__':
    make_net(sys.argv[1])
