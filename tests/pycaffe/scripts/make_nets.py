"""Nets as NetSpecs: LeNet, a small ResNet, and a detector in the manner of SSD."""
import sys

import caffe
from caffe import layers as L
from caffe import params as P
from caffe import to_proto


def lenet(lmdb, batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.Data(batch_size=batch_size, backend=P.Data.LMDB, source=lmdb, transform_param=dict(scale=1. / 255), ntop=2)
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type='xavier'))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=50, weight_filler=dict(type='xavier'))
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool2, num_output=500, weight_filler=dict(type='xavier'))
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type='xavier'))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()


def conv_factory(bottom, ks, nout, stride=1, pad=0):
    conv = L.Convolution(bottom, kernel_size=ks, stride=stride, num_output=nout, pad=pad, bias_term=False,
                         weight_filler=dict(type='msra'))
    batch_norm = L.BatchNorm(conv, in_place=True, param=[dict(lr_mult=0, decay_mult=0)] * 3)
    scale = L.Scale(batch_norm, bias_term=True, in_place=True)
    return scale


def residual_factory1(bottom, num_filter):
    conv1 = L.ReLU(conv_factory(bottom, 3, num_filter, 1, 1), in_place=True)
    conv2 = conv_factory(conv1, 3, num_filter, 1, 1)
    return L.ReLU(L.Eltwise(bottom, conv2, operation=P.Eltwise.SUM), in_place=True)


def residual_factory_proj(bottom, num_filter, stride=2):
    proj = conv_factory(bottom, 1, num_filter, stride, 0)
    conv1 = L.ReLU(conv_factory(bottom, 3, num_filter, stride, 1), in_place=True)
    conv2 = conv_factory(conv1, 3, num_filter, 1, 1)
    return L.ReLU(L.Eltwise(proj, conv2, operation=P.Eltwise.SUM), in_place=True)


def resnet(num_filters=(8, 16), blocks=2):
    data = L.Input(input_param=dict(shape=dict(dim=[2, 3, 32, 32])))
    result = L.ReLU(conv_factory(data, 3, num_filters[0], 1, 1), in_place=True)
    for stage, num_filter in enumerate(num_filters):
        for block in range(blocks):
            if stage and not block:
                result = residual_factory_proj(result, num_filter)
            else:
                result = residual_factory1(result, num_filter)
    pool = L.Pooling(result, pool=P.Pooling.AVE, global_pooling=True)
    return to_proto(L.Softmax(L.InnerProduct(pool, num_output=10, weight_filler=dict(type='msra'))))


def ssd(num_classes=3):
    net = caffe.NetSpec()
    net.data = L.Input(shape=[dict(dim=[1, 3, 64, 64])])
    from_layer, sources = 'data', []
    for i, nout in enumerate((8, 16, 16)):
        name = 'conv{}'.format(i + 1)
        net[name] = L.Convolution(net[from_layer], num_output=nout, kernel_size=3, pad=1, stride=2, weight_filler=dict(type='xavier'))
        relu = '{}_relu'.format(name)
        net[relu] = L.ReLU(net[name], in_place=True)
        from_layer = relu
        sources.append(relu)
    mbox = dict(loc=[], conf=[], priorbox=[])
    for i, name in enumerate(sources[1:]):
        norm = '{}_norm'.format(name)
        net[norm] = L.Normalize(net[name], scale_filler=dict(type='constant', value=20), across_spatial=False, channel_shared=False)
        for kind, count in (('loc', 4), ('conf', num_classes)):
            key = '{}_mbox_{}'.format(norm, kind)
            net[key] = L.Convolution(net[norm], num_output=4 * count, kernel_size=3, pad=1)
            net[key + '_perm'] = L.Permute(net[key], order=[0, 2, 3, 1])
            net[key + '_flat'] = L.Flatten(net[key + '_perm'], axis=1)
            mbox[kind].append(net[key + '_flat'])
        prior = '{}_mbox_priorbox'.format(norm)
        net[prior] = L.PriorBox(net[norm], net.data, min_size=16. * (i + 1), max_size=32. * (i + 1), aspect_ratio=2., flip=True, clip=False,
                                variance=[0.1, 0.1, 0.2, 0.2])
        mbox['priorbox'].append(net[prior])
    net.mbox_loc = L.Concat(*mbox['loc'], axis=1)
    net.mbox_conf = L.Concat(*mbox['conf'], axis=1)
    net.mbox_priorbox = L.Concat(*mbox['priorbox'], axis=2)
    net.mbox_conf_reshape = L.Reshape(net.mbox_conf, shape=dict(dim=[0, -1, num_classes]))
    net.mbox_conf_softmax = L.Softmax(net.mbox_conf_reshape, axis=2)
    net.mbox_conf_flatten = L.Flatten(net.mbox_conf_softmax, axis=1)
    net.detection_out = L.DetectionOutput(
        net.mbox_loc, net.mbox_conf_flatten, net.mbox_priorbox,
        detection_output_param=dict(num_classes=num_classes, share_location=True, background_label_id=0,
                                    nms_param=dict(nms_threshold=0.45, top_k=400), keep_top_k=20, confidence_threshold=0.01,
                                    code_type=P.PriorBox.CENTER_SIZE))
    return net.to_proto()


if __name__ == '__main__':
    for name, proto in (('lenet', lenet(sys.argv[1], 4)), ('resnet', resnet()), ('ssd', ssd())):
        with open(name + '.prototxt', 'w') as f:
            print(proto, file=f)
        net = caffe.Net(name + '.prototxt', caffe.TEST)
        out = net.forward()
        print(name, len(proto.layer), {k: v.shape for k, v in sorted(out.items())})
