"""ROIPooling, PriorBox and DetectionOutput against their definitions, written out plainly."""

import math

import numpy as np
import pytest
import torch
from layers.support import check_gradients, make_layer, numbers
from torch.nn import functional

from segaware_caffe.errors import CaffeError
from segaware_caffe.net import Net
from segaware_caffe.ops import detection

# -- ROIPooling ----------------------------------------------------------------------------------


def plain_roi_pool(value, rois, output, scale):
    """Bin by bin, in float32 where Fast R-CNN computes in float32."""
    height, width = value.shape[2:]
    top = torch.zeros(len(rois), value.shape[1], *output, dtype=value.dtype)
    for r, roi in enumerate(rois.tolist()):
        scaled = [np.float32(corner) * np.float32(scale) for corner in roi[1:]]
        x1, y1, x2, y2 = (math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1) for v in scaled)
        bin_h = np.float32(max(y2 - y1 + 1, 1)) / np.float32(output[0])
        bin_w = np.float32(max(x2 - x1 + 1, 1)) / np.float32(output[1])
        for i in range(output[0]):
            for j in range(output[1]):
                rows = [min(max(int(f(np.float32(k) * bin_h)) + y1, 0), height) for f, k in ((math.floor, i), (math.ceil, i + 1))]
                columns = [min(max(int(f(np.float32(k) * bin_w)) + x1, 0), width) for f, k in ((math.floor, j), (math.ceil, j + 1))]
                part = value[int(roi[0]), :, slice(*rows), slice(*columns)]
                if part.numel():
                    top[r, :, i, j] = part.amax((1, 2))
    return top


ROIS = torch.tensor(
    [
        [0, 0, 0, 9, 7],  # all of the image
        [1, 2.5, 1.5, 6.4, 5.6],  # corners are rounded
        [0, 3, 3, 3, 3],  # one pixel
        [1, 6, 6, 2, 2],  # end before start: as large as one pixel
        [0, -4, -4, 4, 4],  # partly outside
        [1, 30, 30, 40, 40],  # outside: zeros
    ]
)


@pytest.mark.parametrize(("output", "scale"), [((2, 3), 1.0), ((7, 7), 1.0), ((3, 2), 0.5), ((5, 1), 0.0625)])
def test_roi_pooling_is_its_definition(output, scale):
    layer = make_layer(
        f'type: "ROIPooling" roi_pooling_param {{ pooled_h: {output[0]} pooled_w: {output[1]} spatial_scale: {scale} }}',
        (2, 3, 8, 10),
        (6, 5),
    )
    value = numbers(2, 3, 8, 10).detach().float()
    assert layer.top_shapes((2, 3, 8, 10), (6, 5)) == [(6, 3, *output)]
    torch.testing.assert_close(layer(value, ROIS), plain_roi_pool(value, ROIS, output, scale))


def test_the_first_maximum_of_a_region_gets_the_gradient():
    value = torch.zeros(1, 1, 4, 4, requires_grad=True)
    top = detection.roi_pool(value, torch.tensor([[0.0, 1, 1, 3, 3]]), (1, 1), 1.0)
    assert torch.autograd.grad(top.sum(), value)[0].nonzero().tolist() == [[0, 0, 1, 1]]


def test_gradients_of_roi_pooling():
    layer = make_layer('type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 }', (2, 2, 8, 10), (6, 5))
    check_gradients(layer, numbers(2, 2, 8, 10), ROIS.double())


def test_no_regions_and_regions_of_no_sample():
    layer = make_layer('type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 3 }', (1, 2, 4, 4), (1, 5, 1, 1))
    assert layer(torch.zeros(1, 2, 4, 4), torch.zeros(0, 5, 1, 1)).shape == (0, 2, 2, 3)
    with pytest.raises(CaffeError, match=r"a region's sample 1 is out of range \[0, 1\)"):
        layer(torch.zeros(1, 2, 4, 4), torch.tensor([[1.0, 0, 0, 1, 1]]).view(1, 5, 1, 1))


# -- PSROIPooling, BoxAnnotatorOHEM --------------------------------------------------------------


def plain_position_sensitive_pool(value, rois, outputs, groups, scale):
    """Bin by bin, in float32 where R-FCN computes in float32."""
    one = np.float32
    height, width = value.shape[2:]
    top = np.zeros((len(rois), outputs, groups, groups))
    for r, (sample, *corners) in enumerate(rois.tolist()):
        x1, y1, x2, y2 = (math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1) for v in corners)
        x, y = one(x1) * one(scale), one(y1) * one(scale)
        w = max(one(x2 + 1) * one(scale) - x, one(0.1)) / one(groups)
        h = max(one(y2 + 1) * one(scale) - y, one(0.1)) / one(groups)
        for c, i, j in np.ndindex(outputs, groups, groups):
            rows = [min(max(int(edge), 0), height) for edge in (np.floor(one(i) * h + y), np.ceil(one(i + 1) * h + y))]
            columns = [min(max(int(edge), 0), width) for edge in (np.floor(one(j) * w + x), np.ceil(one(j + 1) * w + x))]
            part = value[int(sample), (c * groups + i) * groups + j, slice(*rows), slice(*columns)]
            top[r, c, i, j] = part.mean() if part.size else 0
    return top


@pytest.mark.parametrize(("outputs", "groups", "scale"), [(2, 3, 1.0), (1, 7, 1.0), (3, 2, 0.5), (2, 1, 0.0625)])
def test_position_sensitive_pooling_is_its_definition(outputs, groups, scale):
    channels = outputs * groups**2
    text = f'type: "PSROIPooling" psroi_pooling_param {{ output_dim: {outputs} group_size: {groups} spatial_scale: {scale} }}'
    layer = make_layer(text, (2, channels, 8, 10), tuple(ROIS.shape))
    value = numbers(2, channels, 8, 10).detach()
    expected = plain_position_sensitive_pool(value.numpy(), ROIS, outputs, groups, scale)
    np.testing.assert_allclose(layer(value, ROIS).numpy(), expected, rtol=1e-5, atol=1e-7)


def test_gradients_of_position_sensitive_pooling():
    layer = make_layer('type: "PSROIPooling" psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 1 }', (2, 8, 6, 7), (6, 5))
    check_gradients(layer, numbers(2, 8, 6, 7), ROIS.double())


def test_the_hardest_regions_of_each_image_are_kept():
    layer = make_layer(
        'type: "BoxAnnotatorOHEM" top: "l" top: "w" box_annotator_ohem_param { roi_per_img: 2 ignore_label: -7 }',
        (6, 5),
        (6,),
        (6,),
        (6, 4),
    )
    rois = torch.zeros(6, 5)
    rois[:, 0] = torch.tensor([0, 1, 0, 0, 1, 0])
    loss = torch.tensor([3.0, 1.0, 5.0, 3.0, 2.0, 4.0])
    weights = torch.arange(24.0).view(6, 4) + 1
    labels, kept = layer(rois, loss, torch.arange(6.0), weights)
    assert labels.tolist() == [-7, 1, 2, -7, 4, 5], "image 0 keeps losses 5 and 4, image 1 both of its regions"
    assert torch.equal(kept, torch.where((labels >= 0)[:, None], weights, 0))


def test_of_equal_losses_the_first_is_kept_and_there_is_no_gradient():
    layer = make_layer('type: "BoxAnnotatorOHEM" top: "l" top: "w" box_annotator_ohem_param { roi_per_img: 1 }', (3, 5), (3,), (3,), (3, 4))
    labels, weights = layer(torch.zeros(3, 5), torch.ones(3), torch.ones(3), torch.ones(3, 4, requires_grad=True))
    assert labels.tolist() == [1, -1, -1]
    assert not weights.requires_grad


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ("output_dim: 2 group_size: 3 spatial_scale: 1", ((1, 17, 8, 8), (4, 5)), "output_dim * group_size^2 = 18"),
        ("output_dim: 2 group_size: 3 spatial_scale: 0", ((1, 18, 8, 8), (4, 5)), "spatial_scale must be > 0, not 0"),
        ("output_dim: 2 group_size: 3 spatial_scale: 1", ((1, 18, 8, 8), (4, 4)), "the regions must have 5 values each"),
    ],
)
def test_refusals_of_position_sensitive_pooling(text, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(f'type: "PSROIPooling" psroi_pooling_param {{ {text} }}', *shapes)
    assert sentence in str(caught.value)


HEAD = """
layer { name: "maps" type: "Input" top: "maps" top: "boxes" input_param { shape { dim: [2, 12, 8, 8] } shape { dim: [2, 16, 8, 8] } } }
layer { name: "in" type: "Input" top: "rois" top: "labels" top: "targets" top: "inside"
  input_param { shape { dim: [6, 5] } shape { dim: [6] } shape { dim: [6, 4, 1, 1] } shape { dim: [6, 4, 1, 1] } } }
layer { name: "cls_pool" type: "PSROIPooling" bottom: "maps" bottom: "rois" top: "cls_bins"
  psroi_pooling_param { output_dim: 3 group_size: 2 spatial_scale: 0.5 } }
layer { name: "cls" type: "Pooling" bottom: "cls_bins" top: "cls_score" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "box_pool" type: "PSROIPooling" bottom: "boxes" bottom: "rois" top: "box_bins"
  psroi_pooling_param { output_dim: 4 group_size: 2 spatial_scale: 0.5 } }
layer { name: "box" type: "Pooling" bottom: "box_bins" top: "bbox_pred" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "cls_each" type: "SoftmaxWithLossOHEM" bottom: "cls_score" bottom: "labels" top: "t0" top: "t1" top: "cls_each"
  loss_weight: [0, 0, 0] propagate_down: [false, false] }
layer { name: "box_each" type: "SmoothL1LossOHEM" bottom: "bbox_pred" bottom: "targets" bottom: "inside" top: "t2" top: "box_each"
  loss_weight: [0, 0] propagate_down: [false, false, false] }
layer { name: "each" type: "Eltwise" bottom: "cls_each" bottom: "box_each" top: "each" propagate_down: [false, false] }
layer { name: "annotator" type: "BoxAnnotatorOHEM" bottom: "rois" bottom: "each" bottom: "labels" bottom: "inside"
  top: "kept_labels" top: "kept_weights" propagate_down: [false, false, false, false] box_annotator_ohem_param { roi_per_img: 1 } }
layer { name: "quiet" type: "Silence" bottom: "t0" bottom: "t1" bottom: "t2" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "cls_score" bottom: "kept_labels" top: "loss" loss_param { ignore_label: -1 } }
layer { name: "loss_bbox" type: "SmoothL1LossOHEM" bottom: "bbox_pred" bottom: "targets" bottom: "kept_weights" top: "loss_bbox"
  loss_weight: 1 loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 2 } }
"""


def test_a_head_of_r_fcn_learns_from_the_hardest_region_of_each_image():
    rois = torch.tensor([[n % 2, 2.0 * n, n, 8.0 + n, 9.0 + n] for n in range(6)])
    given = {
        "rois": rois,
        "labels": torch.tensor([0.0, 1, 2, 0, 1, 2]),
        "targets": numbers(6, 4, 1, 1, seed=3).detach().float(),
        "inside": torch.ones(6, 4, 1, 1),
    }
    maps, boxes = (numbers(2, c, 8, 8, seed=c).detach().float().requires_grad_() for c in (12, 16))
    net = Net(HEAD, "TRAIN")
    total, blobs = net.forward_loss(maps=maps, boxes=boxes, **given, keep=["cls_score", "bbox_pred", "each", "kept_labels"])
    scores, boxes_of = blobs["cls_score"].detach().view(6, 3), blobs["bbox_pred"].detach().view(6, 4)
    labels = given["labels"].long()
    cls = functional.cross_entropy(scores, labels, reduction="none")
    box = functional.smooth_l1_loss(boxes_of, given["targets"].view(6, 4), reduction="none").sum(1)
    torch.testing.assert_close(blobs["each"].flatten(), cls + box)
    hardest = [max(range(image, 6, 2), key=lambda n: (cls + box)[n].item()) for image in (0, 1)]
    kept = torch.tensor([n in hardest for n in range(6)])
    assert torch.equal(blobs["kept_labels"], torch.where(kept, given["labels"], -1))
    torch.testing.assert_close(total, cls[kept].mean() + box[kept].sum() / 2)
    gradient = torch.autograd.grad(total, maps)[0]
    assert 0 < gradient.count_nonzero() < gradient.numel()


# -- PriorBox ------------------------------------------------------------------------------------


def prior_box(fields, features=(1, 8, 2, 3), image=(1, 3, 60, 120)):
    layer = make_layer(f'type: "PriorBox" prior_box_param {{ {fields} }}', features, image)
    top = layer(torch.zeros(features), torch.zeros(image))
    assert tuple(top.shape) == layer.top_shapes(features, image)[0]
    return top


def test_prior_boxes_by_hand():
    """Sizes 12, sqrt(12 * 27) = 18, and 12 with ratios 4 and 1 / 4, at the centres of a grid of 40 x 30 pixels."""
    corners, variances = prior_box("min_size: 12 max_size: 27 aspect_ratio: 4 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2")[0]
    boxes = corners.view(2, 3, 4, 4)
    for row in range(2):
        for column in range(3):
            x, y = (column + 0.5) * 40, (row + 0.5) * 30
            for box, (w, h) in zip(boxes[row, column], [(12, 12), (18, 18), (24, 6), (6, 24)], strict=True):
                expected = [(x - w / 2) / 120, (y - h / 2) / 60, (x + w / 2) / 120, (y + h / 2) / 60]
                torch.testing.assert_close(box, torch.tensor(expected))
    assert variances.view(-1, 4).unique(dim=0).tolist() == [pytest.approx([0.1, 0.1, 0.2, 0.2])]


@pytest.mark.parametrize(
    ("fields", "boxes"),
    [
        ("min_size: 10", 1),
        ("min_size: 10 min_size: 20", 2),
        ("min_size: 10 aspect_ratio: 2 aspect_ratio: 3", 5),
        ("min_size: 10 aspect_ratio: 2 aspect_ratio: 1 aspect_ratio: 2 flip: false", 2),
        ("min_size: 10 min_size: 20 max_size: 20 max_size: 30 aspect_ratio: 2", 8),
    ],
)
def test_number_of_prior_boxes(fields, boxes):
    assert prior_box(fields).shape == (1, 2, 2 * 3 * boxes * 4)


def test_step_offset_image_size_and_clip_of_prior_boxes():
    corners = prior_box("min_size: 20 img_size: 100 step: 50 offset: 0 clip: true")[0, 0].view(2, 3, 4)
    torch.testing.assert_close(corners[0, 0], torch.tensor([0, 0, 0.1, 0.1]))
    torch.testing.assert_close(corners[1, 2], torch.tensor([0.9, 0.4, 1, 0.6]))
    assert (prior_box("min_size: 20")[0, 1] == 0.1).all()


# -- DetectionOutput -----------------------------------------------------------------------------


def test_codes_of_boxes():
    prior = torch.tensor([0.2, 0.2, 0.6, 0.4])
    offset = torch.tensor([0.1, -0.1, math.log(2), 0.0])
    torch.testing.assert_close(detection.decode_corners(offset, prior), prior + offset)
    torch.testing.assert_close(detection.decode_scaled_corners(offset, prior), prior + offset * torch.tensor([0.4, 0.2, 0.4, 0.2]))
    torch.testing.assert_close(detection.decode_centres(offset, prior), torch.tensor([0.04, 0.18, 0.84, 0.38]))


def test_suppression():
    boxes = torch.tensor([[0, 0, 2, 2], [0, 0, 2, 1.9], [1, 0, 3, 2], [5, 5, 6, 6], [0, 0, 2, 2]]).float()
    scores = torch.tensor([0.8, 0.9, 0.7, 0.1, 0.05])
    torch.testing.assert_close(detection.overlaps(boxes[0], boxes), torch.tensor([1, 0.95, 1 / 3, 0, 1]))
    assert detection.suppress(boxes, scores, 0.5) == [1, 2, 3]
    assert detection.suppress(boxes, scores, 0.3) == [1, 3]
    assert detection.suppress(boxes, scores, 0.99) == [1, 0, 2, 3]
    assert detection.suppress(boxes, scores, 0.5, top_k=2) == [1]
    assert detection.suppress(boxes, scores, 0.5, least_score=0.1) == [1, 2]
    assert detection.suppress(boxes, scores, 0.99, eta=0.9) == [1, 2, 3], "the threshold falls to 0.891 with the first box"
    assert detection.suppress(boxes, scores, 0.5, least_score=1) == []


def test_boxes_without_area_overlap_nothing():
    boxes = torch.tensor([[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]).float()
    assert detection.overlaps(boxes[2], boxes).tolist() == [0, 0, 1]


PRIORS = torch.tensor([[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9], [0.5, 0.5, 0.9, 0.88]])
DETECTION = "num_classes: 3 nms_param { nms_threshold: 0.5 top_k: 10 } code_type: CENTER_SIZE confidence_threshold: 0.2"


def detect(fields, scores, offsets=None):
    """Rows of the top for two samples of three priors; `scores` (2, 3 priors, 3 classes)."""
    scores = torch.tensor(scores)
    classes = 3 if "share_location: false" in fields else 1
    offsets = torch.zeros(2, 3 * classes * 4) if offsets is None else offsets
    priors = torch.stack([PRIORS.flatten(), torch.full((12,), 0.1)])[None]
    shapes = (tuple(offsets.shape), (2, 9), (1, 2, 12))
    layer = make_layer(f'type: "DetectionOutput" detection_output_param {{ {fields} }}', *shapes)
    return layer(offsets, scores.view(2, 9), priors)


SCORES = [[[0.1, 0.5, 0.4], [0.1, 0.1, 0.8], [0.0, 0.1, 0.9]], [[1.0, 0, 0], [0.9, 0.1, 0], [0.7, 0.3, 0]]]


def test_detections():
    top = detect(DETECTION, SCORES)
    expected = [
        [0, 1, 0.5, *PRIORS[0]],
        [0, 2, 0.9, *PRIORS[2]],  # suppresses prior 1
        [0, 2, 0.4, *PRIORS[0]],
        [1, 1, 0.3, *PRIORS[2]],
    ]
    torch.testing.assert_close(top, torch.tensor(expected)[None, None])


def test_keep_top_k_is_per_sample_and_over_all_classes():
    top = detect(DETECTION + " keep_top_k: 1", SCORES)
    assert top[0, 0, :, :3].tolist() == [pytest.approx([0, 2, 0.9]), pytest.approx([1, 1, 0.3])]
    assert len(detect(DETECTION + " keep_top_k: -1", SCORES)[0, 0]) == 4


def test_without_detections_there_is_a_row_per_sample():
    top = detect(DETECTION, [[[1.0, 0, 0]] * 3] * 2)
    assert top.tolist() == [[[[0] + [-1] * 6, [1] + [-1] * 6]]]


def test_background_label():
    """Without a background class, class 0 is reported too."""
    labels = detect(DETECTION + " background_label_id: -1", SCORES)[0, 0, :, 1]
    assert 0 in labels.tolist()


def test_locations_of_their_own_for_each_class_and_encoded_variance():
    offsets = torch.zeros(2, 3, 3, 4)
    offsets[0, 0, 2, 0] = 1  # sample 0, prior 0, class 2: one prior width to the right
    own = detect(DETECTION + " share_location: false variance_encoded_in_target: true", SCORES, offsets.view(2, 36))
    torch.testing.assert_close(own[0, 0, 2, 3:], torch.tensor([0.2, 0, 0.4, 0.2]))
    torch.testing.assert_close(own[0, 0, 0, 3:], PRIORS[0])
    scaled = detect(DETECTION + " share_location: false", SCORES, offsets.view(2, 36))
    torch.testing.assert_close(scaled[0, 0, 2, 3:], torch.tensor([0.02, 0, 0.22, 0.2]))


def test_what_detection_output_does_not_do_it_says(caplog):
    detect(DETECTION + ' save_output_param { output_directory: "x" }', SCORES)
    assert "save_output_param and visualize are ignored" in caplog.text


# -- errors --------------------------------------------------------------------------------------

FEATURES, IMAGE = (1, 8, 2, 3), (1, 3, 60, 120)
SSD = [(2, 12), (2, 9), (1, 2, 12)]


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "ROIPooling" roi_pooling_param { pooled_h: 2 }', [(1, 2, 4, 4), (3, 5)], "pooled_w must be > 0"),
        ('type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 2 }', [(1, 2, 4, 4), (3, 4)], "ROI layer C x W x H must be == 5"),
        ('type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 2 }', [(1, 2, 4), (3, 5)], "the first bottom must have 4 axes"),
        ('type: "PriorBox"', [FEATURES, IMAGE], "must provide min_size"),
        ('type: "PriorBox" prior_box_param { min_size: 9 max_size: 9 }', [FEATURES, IMAGE], "max_size must be greater than min_size"),
        ('type: "PriorBox" prior_box_param { min_size: 9 max_size: 10 max_size: 11 }', [FEATURES, IMAGE], "once per min_size"),
        ('type: "PriorBox" prior_box_param { min_size: 9 variance: 1 variance: 2 }', [FEATURES, IMAGE], "one or four positive values"),
        ('type: "PriorBox" prior_box_param { min_size: 9 img_size: 9 img_h: 9 }', [FEATURES, IMAGE], "Either img_size or img_h/img_w"),
        ('type: "PriorBox" prior_box_param { min_size: 9 step_h: 9 }', [FEATURES, IMAGE], "step_h and step_w, should be larger than 0"),
        ('type: "PriorBox" prior_box_param { min_size: 9 }', [(1, 8), IMAGE], "the bottoms must have 4 axes"),
        ('type: "DetectionOutput"', SSD, "Must specify num_classes"),
        ('type: "DetectionOutput" detection_output_param { num_classes: 3 nms_param { nms_threshold: -1 } }', SSD, "non negative"),
        ('type: "DetectionOutput" detection_output_param { num_classes: 3 nms_param { eta: 0 } }', SSD, "eta must be in (0, 1], not 0"),
        ('type: "DetectionOutput" detection_output_param { num_classes: 4 }', SSD, "must match number of confidence predictions"),
        ('type: "DetectionOutput" detection_output_param { num_classes: 3 share_location: false }', SSD, "number of location predictions"),
        ('type: "DetectionOutput" detection_output_param { num_classes: 3 }', [(1, 12), (2, 9), (1, 2, 12)], "same number of samples"),
    ],
)
def test_bad_parameters(text, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text, *shapes)
    assert sentence in str(error.value)
