import base64

import numpy as np
import pytest
import torch
from view_nets import MASKS

from segaware_caffe import Net
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.view.windows import find_windows, stored


def test_every_kind_of_mask_is_found():
    found = {window.name: window for window in find_windows(Net(MASKS), "data")}
    assert list(found) == ["mask", "norm, of emb", "crf, of emb"]
    mask, norm = found["mask"].rule, found["norm, of emb"].rule
    assert (mask.geometry.kernel, mask.geometry.stride, found["mask"].size) == ((4, 4), (2, 2), (17, 21))
    assert (mask.l1, mask.absolute, mask.softmax, mask.remove_bounds, mask.factor) == (False, False, False, True, 1.5)
    assert (norm.l1, norm.softmax, norm.remove_center, norm.factor) == (True, True, True, pytest.approx(0.7))
    assert found["norm, of emb"].readers == ("norm (NormConv)",)


def test_the_masks_of_the_shipped_net():
    net = Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)
    found = {window.name: window for window in find_windows(net, "data")}
    assert list(found) == ["mask2_1", "mask4_1", "mask8_1", "mask8_2", "mask8_4", "mask8_8", "filter"]
    assert found["mask8_4"].readers == ("trunk5_2 (MaskedConvolution)",) and found["mask8_4"].rule.geometry.dilation == (4, 4)
    rule = found["filter"].rule
    assert rule.factor == pytest.approx(0.3) and rule.absolute and rule.l1 and not rule.softmax


def test_an_embedding_is_stored_to_half_a_level():
    embedding = torch.randn(1, 5, 6, 7, generator=torch.Generator().manual_seed(1)) * torch.tensor([0, 1, 10, 100, 1e4]).view(5, 1, 1)
    page = stored(embedding)
    levels = np.frombuffer(base64.b64decode(page["levels"]), "<u2").reshape(page["shape"])
    values = np.array(page["low"])[:, None, None] + np.array(page["step"])[:, None, None] * levels
    spread = np.ptp(embedding[0].numpy(), (1, 2), keepdims=True)
    assert (np.abs(values - embedding[0].numpy()) <= spread / 65535 * 0.501).all()
