# imports and basic notebook setup
from io import BytesIO
import sys
import numpy as np
import scipy.ndimage as nd
import PIL.Image
from google.protobuf import text_format

import caffe

# patch the model to be able to compute gradients
model = caffe.io.caffe_pb2.NetParameter()
text_format.Merge(open(sys.argv[1]).read(), model)
model.force_backward = True
open('tmp.prototxt', 'w').write(str(model))

net = caffe.Classifier('tmp.prototxt', sys.argv[2], mean=np.float32([104.0, 116.0, 122.0]), channel_swap=(2, 1, 0))


def preprocess(net, img):
    return np.float32(np.rollaxis(img, 2)[::-1]) - net.transformer.mean['data']


def deprocess(net, img):
    return np.dstack((img + net.transformer.mean['data'])[::-1])


def objective_L2(dst):
    dst.diff[:] = dst.data


def make_step(net, step_size=1.5, end='conv2', jitter=4, clip=True, objective=objective_L2):
    src = net.blobs['data']
    dst = net.blobs[end]
    ox, oy = np.random.randint(-jitter, jitter + 1, 2)
    src.data[0] = np.roll(np.roll(src.data[0], ox, -1), oy, -2)
    net.forward(end=end)
    objective(dst)
    net.backward(start=end)
    g = src.diff[0]
    src.data[:] += step_size / np.abs(g).mean() * g
    src.data[0] = np.roll(np.roll(src.data[0], -ox, -1), -oy, -2)
    if clip:
        bias = net.transformer.mean['data']
        src.data[:] = np.clip(src.data, -bias, 255 - bias)


def energy(net, end):
    net.forward(end=end)
    return float((net.blobs[end].data ** 2).mean())


def deepdream(net, base_img, iter_n=6, octave_n=3, octave_scale=1.4, end='conv2', clip=True, **step_params):
    octaves = [preprocess(net, base_img)]
    for i in range(octave_n - 1):
        octaves.append(nd.zoom(octaves[-1], (1, 1.0 / octave_scale, 1.0 / octave_scale), order=1))
    src = net.blobs['data']
    detail = np.zeros_like(octaves[-1])
    for octave, octave_base in enumerate(octaves[::-1]):
        h, w = octave_base.shape[-2:]
        if octave > 0:
            h1, w1 = detail.shape[-2:]
            detail = nd.zoom(detail, (1, 1.0 * h / h1, 1.0 * w / w1), order=1)
        src.reshape(1, 3, h, w)
        src.data[0] = octave_base + detail
        before = energy(net, end)
        for i in range(iter_n):
            make_step(net, end=end, clip=clip, **step_params)
        after = energy(net, end)
        print(octave, end, (h, w), after > before)
        detail = src.data[0] - octave_base
    return deprocess(net, src.data[0])


np.random.seed(0)
img = np.float32(PIL.Image.open(sys.argv[3]))
dream = deepdream(net, img)
PIL.Image.fromarray(np.uint8(np.clip(dream, 0, 255))).save('dream.png')
