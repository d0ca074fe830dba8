"""Old and foreign words for what the present schema says otherwise: what they become, and refusals (spec/dialects.md 2, 3)."""

import pytest

from segaware_caffe.errors import FieldError
from segaware_caffe.schema import read_net

CASES = [
    ("convolution_param { hole: 4 }", "convolution_param { dilation: 4 }"),
    ("convolution_param { hole: 1 }", "convolution_param { dilation: 1 }"),
    ("convolution_param { hole_h: 1 hole_w: 1 }", "convolution_param { dilation: 1 }"),
    ("convolution_param { hole_h: 2 hole_w: 3 }", "convolution_param { dilation: 2 dilation: 3 }"),
    ("convolution_param { hole: 2 dilation: 2 }", "convolution_param { dilation: 2 }"),
    ("convolution_param { hole_h: 2 hole_w: 2 dilation: 2 dilation: 2 }", "convolution_param { dilation: 2 }"),
    ("pooling_param { ceil_mode: false }", "pooling_param { round_mode: FLOOR }"),
    ("pooling_param { ceil_mode: true }", "pooling_param { round_mode: CEIL }"),
    ("pooling_param { ceil_mode: false round_mode: FLOOR }", "pooling_param { round_mode: FLOOR }"),
    ("softmaxloss_param { ignore_label: 255 }", "loss_param { ignore_label: 255 }"),
    ("softmaxloss_param { ignore_label: 255 } loss_param { ignore_label: 255 }", "loss_param { ignore_label: 255 }"),
    ("image_data_param { has_label: false }", "image_data_param { label_type: NONE }"),
    ("image_data_param { has_label: true }", "image_data_param { label_type: IMAGE }"),
    ("blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0", "param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }"),
    ("blob_share_mode: PERMISSIVE param { name: 'w' }", "param { name: 'w' share_mode: PERMISSIVE }"),
    ("transform_param { crop_h: 7 crop_w: 7 }", "transform_param { crop_size: 7 }"),
]
KEPT = [
    "convolution_param { dilation: 2 }",
    "softmaxloss_param { ignore_label: 0 ignore_label: 255 }",
    'softmaxloss_param { ignore_label: 255 weight_source: "w.txt" }',
    "softmaxloss_param { ignore_label: 255 } loss_param { ignore_label: 0 }",
]
CONFLICTS = [
    ("convolution_param { hole: 2 dilation: 4 }", "hole: 2 is an old word for dilation, which is given as 4: leave one of them out"),
    ("convolution_param { hole_h: 2 hole_w: 3 dilation: 2 }", "hole_h: 2, hole_w: 3 is an old word for dilation, which is given as 2"),
    ("convolution_param { hole_h: 2 }", "the hole is hole OR hole_h and hole_w, not hole_h"),
    ("convolution_param { hole: 2 hole_h: 2 hole_w: 2 }", "the hole is hole OR hole_h and hole_w, not hole and hole_h and hole_w"),
    ("image_data_param { has_label: true label_type: NONE }", "has_label contradicts label_type: leave one of them out"),
    ("blobs_lr: 3 param { lr_mult: 1 }", "blobs_lr contradicts param { lr_mult }: leave one of them out"),
    ("transform_param { crop_h: 7 crop_w: 7 crop_size: 5 }", "crop_h contradicts crop_size: leave one of them out"),
    ("transform_param { crop_h: 7 }", "crop_h: 7 and crop_w: 0 differ, and crops are square: give crop_size"),
    ("pooling_param { ceil_mode: false round_mode: CEIL }", "ceil_mode: false contradicts round_mode: CEIL: leave one of them out"),
]


def layer(fields):
    return f'layer {{ name: "l" type: "T" {fields} }}'


@pytest.mark.parametrize(("old", "new"), CASES)
def test_old_words_become_new_ones(old, new):
    assert read_net(layer(old)) == read_net(layer(new))
    assert not [name for name in ("hole", "ceil_mode", "softmaxloss") if name in str(read_net(layer(old)))]


def test_deeplabs_images_have_labels_of_pixels():
    text = "layers {{ name: 'd' type: IMAGE_SEG_DATA image_data_param {{ {} }} }}"
    assert read_net(text.format("has_label: true")) == read_net(text.format("label_type: PIXEL"))
    assert read_net(text.format("has_label: false")) == read_net(text.format("label_type: NONE"))


@pytest.mark.parametrize("fields", KEPT)
def test_what_has_no_new_word_stays(fields):
    kept = read_net(layer(fields)).layer[0]
    assert kept.HasField(fields.split()[0])
    assert read_net(read_net(layer(fields))).layer[0] == kept


@pytest.mark.parametrize(("fields", "sentence"), CONFLICTS)
def test_contradictions_are_refused(fields, sentence):
    with pytest.raises(FieldError) as caught:
        read_net(layer(fields))
    assert f"layer 'l' (T): {sentence}" in str(caught.value)
