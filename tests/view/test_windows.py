import base64

import numpy as np
import pytest
import torch
from config_builders.camvid import Variant, deploy
from view_nets import MASKS

from segaware_caffe import Net, read_net
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.ops.distance import im2dist
from segaware_caffe.view.windows import find_windows, sources, stored_distances, stored_embedding


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
    assert list(found) == ["filter"]
    rule = found["filter"].rule
    assert rule.geometry.kernel == (5, 5) and rule.factor > 1 and rule.absolute and rule.l1 and not rule.softmax


def test_an_embedding_is_stored_to_half_a_level():
    embedding = torch.randn(1, 5, 6, 7, generator=torch.Generator().manual_seed(1)) * torch.tensor([0, 1, 10, 100, 1e4]).view(5, 1, 1)
    page = stored_embedding(embedding)
    levels = np.frombuffer(base64.b64decode(page["levels"]), "<u2").reshape(page["shape"])
    values = np.array(page["low"])[:, None, None] + np.array(page["step"])[:, None, None] * levels
    spread = np.ptp(embedding[0].numpy(), (1, 2), keepdims=True)
    assert (np.abs(values - embedding[0].numpy()) <= spread / 65535 * 0.501).all()


def test_distances_are_carried_where_they_are_less_than_the_embedding():
    net = Net(read_net(deploy(Variant(convolutions=True, filter=True)), variables={"HEIGHT": 385, "WIDTH": 481}))
    found = {net.graph.names[source.embedding]: source for source in sources(net, find_windows(net, "data"))}
    trunk = [f"trunk_embedding{scale}" for scale in ("", 8, 16, 32)]
    assert {name: source.as_distances for name, source in found.items()} == dict.fromkeys(trunk, True) | {"embedding": False}
    assert found["trunk_embedding"].size == 9 * 97 * 121 * 2 * 4 // 3 and found["embedding"].size == 16 * 193 * 241 * 2 * 4 // 3


def test_masks_of_stored_distances_are_true_for_every_factor():
    rule = find_windows(Net(MASKS), "data")[0].rule
    embedding = torch.randn(1, 3, 33, 41, generator=torch.Generator().manual_seed(1))
    page = stored_distances(embedding, rule)
    shown = page["unit"] * np.frombuffer(base64.b64decode(page["halves"]), "<f2").astype(np.float64).reshape(16, 17, 21)
    true = im2dist(embedding, rule.geometry, rule.l1, rule.remove_center, rule.remove_bounds)[0].double().numpy()
    assert np.isinf(shown).any() and (np.isinf(shown) == (true > 1e30)).all()
    for factor in (1e-3, 0.1, 1.5, 100):
        np.testing.assert_allclose(np.exp(-factor * shown), np.exp(-factor * true), atol=2e-4)
