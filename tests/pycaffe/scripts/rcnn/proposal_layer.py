import json

import caffe
import numpy as np


def anchors_of(base, ratios, scales):
    """Boxes (x1, y1, x2, y2) round a cell of `base` pixels, by ratio and scale."""
    size = base * base
    centre = (base - 1) / 2.0
    boxes = []
    for ratio in ratios:
        w = np.round(np.sqrt(size / ratio))
        h = np.round(w * ratio)
        for scale in scales:
            ws, hs = w * scale, h * scale
            boxes.append([centre - (ws - 1) / 2, centre - (hs - 1) / 2, centre + (ws - 1) / 2, centre + (hs - 1) / 2])
    return np.array(boxes)


def bbox_transform_inv(boxes, deltas):
    boxes = boxes.astype(deltas.dtype, copy=False)
    widths = boxes[:, 2] - boxes[:, 0] + 1.0
    heights = boxes[:, 3] - boxes[:, 1] + 1.0
    ctr_x = boxes[:, 0] + 0.5 * widths
    ctr_y = boxes[:, 1] + 0.5 * heights
    pred_ctr_x = deltas[:, 0] * widths + ctr_x
    pred_ctr_y = deltas[:, 1] * heights + ctr_y
    pred_w = np.exp(deltas[:, 2]) * widths
    pred_h = np.exp(deltas[:, 3]) * heights
    return np.stack([pred_ctr_x - 0.5 * pred_w, pred_ctr_y - 0.5 * pred_h, pred_ctr_x + 0.5 * pred_w, pred_ctr_y + 0.5 * pred_h], axis=1)


def nms(dets, thresh):
    x1, y1, x2, y2, scores = dets.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    order = scores.argsort()[::-1]
    keep = []
    while order.size > 0:
        i = order[0]
        keep.append(i)
        w = np.maximum(0.0, np.minimum(x2[i], x2[order[1:]]) - np.maximum(x1[i], x1[order[1:]]) + 1)
        h = np.maximum(0.0, np.minimum(y2[i], y2[order[1:]]) - np.maximum(y1[i], y1[order[1:]]) + 1)
        inter = w * h
        ovr = inter / (areas[i] + areas[order[1:]] - inter)
        order = order[np.where(ovr <= thresh)[0] + 1]
    return keep


class ProposalLayer(caffe.Layer):
    """Object proposals: anchors moved by estimated deltas, cut at the image's border, the best after suppression."""

    def setup(self, bottom, top):
        layer_params = json.loads(self.param_str)
        self._feat_stride = layer_params['feat_stride']
        self._anchors = anchors_of(self._feat_stride, [0.5, 1, 2], layer_params.get('scales', (1, 2)))
        self._num_anchors = self._anchors.shape[0]
        top[0].reshape(1, 5)
        if len(top) > 1:
            top[1].reshape(1, 1, 1, 1)

    def forward(self, bottom, top):
        assert bottom[0].data.shape[0] == 1, 'Only single item batches are supported'
        scores = bottom[0].data[:, self._num_anchors:, :, :]
        bbox_deltas = bottom[1].data
        im_info = bottom[2].data[0, :]
        height, width = scores.shape[-2:]
        shift_x, shift_y = np.meshgrid(np.arange(0, width) * self._feat_stride, np.arange(0, height) * self._feat_stride)
        shifts = np.vstack((shift_x.ravel(), shift_y.ravel(), shift_x.ravel(), shift_y.ravel())).transpose()
        anchors = (self._anchors[None] + shifts[:, None]).reshape((-1, 4))
        bbox_deltas = bbox_deltas.transpose((0, 2, 3, 1)).reshape((-1, 4))
        scores = scores.transpose((0, 2, 3, 1)).reshape((-1, 1))
        proposals = bbox_transform_inv(anchors, bbox_deltas)
        proposals[:, 0::2] = np.clip(proposals[:, 0::2], 0, im_info[1] - 1)
        proposals[:, 1::2] = np.clip(proposals[:, 1::2], 0, im_info[0] - 1)
        order = scores.ravel().argsort()[::-1][:50]
        proposals, scores = proposals[order], scores[order]
        keep = nms(np.hstack((proposals, scores)), 0.7)[:6]
        blob = np.hstack((np.zeros((len(keep), 1), dtype=np.float32), proposals[keep].astype(np.float32, copy=False)))
        top[0].reshape(*(blob.shape))
        top[0].data[...] = blob
        if len(top) > 1:
            top[1].reshape(*(scores[keep].shape))
            top[1].data[...] = scores[keep]

    def backward(self, top, propagate_down, bottom):
        pass

    def reshape(self, bottom, top):
        pass
