"""The paper's networks against the blobs that the reference computed (golden/nets)."""

import json

import numpy as np
import pytest
from full_nets import GOLDEN_NETS, SHARED_NETS, embedding_input, full_net, photograph
from golden_oracle import arrays, assert_close


def check(path) -> None:
    golden = np.load(path)
    config = str(golden["config"])
    data, label = photograph(golden)
    inputs = {"data": data}
    if config == "embs/deploy":
        inputs = {"image_data": embedding_input(data, label), "pos_data": golden["pos_data"]}
    expected = arrays(golden, "blob")
    net = full_net(config, data.shape[-1], json.loads(str(golden["gains"])))
    blobs = net(**inputs, keep=list(expected))
    for name, value in expected.items():
        actual = blobs[name].numpy()
        if actual.ndim == 4:  # a sample of the blob, and the mean of the whole
            mean = golden[f"mean_abs/{name}"]
            assert abs(np.abs(actual).mean() - mean) <= 1e-3 * max(1, mean), name
            channels, pixels = golden[f"step/{name}"]
            actual = actual[:, ::channels, ::pixels, ::pixels]
        assert_close(actual, value, name, 1e-3)
    if "argmax" in golden.files:
        last = blobs[list(expected)[-1]][0].argmax(0).numpy()
        assert (last == golden["argmax"]).mean() >= 0.999


@pytest.mark.parametrize("name", ["embs_deploy_321", "vgg_deploy_321", pytest.param("res_test_321", marks=pytest.mark.slow)])
def test_every_blob_agrees_with_the_reference(name):
    check(GOLDEN_NETS / f"{name}.npz")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED_NETS.exists(), reason="its photograph may not be committed; ../shared is not there")
def test_the_whole_of_res_at_513_agrees_with_the_reference():
    check(SHARED_NETS / "res_test_513.npz")
