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
    ("pooling_param { ceil_mode: false round_mode: CEIL }", "ceil_mode: false contradicts round_mode: CEIL: leave one of them out"),
]


def layer(fields):
    return f'layer {{ name: "l" type: "T" {fields} }}'


@pytest.mark.parametrize(("old", "new"), CASES)
def test_old_words_become_new_ones(old, new):
    assert read_net(layer(old)) == read_net(layer(new))
    assert not [name for name in ("hole", "ceil_mode", "softmaxloss") if name in str(read_net(layer(old)))]


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
