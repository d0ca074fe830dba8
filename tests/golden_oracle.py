"""The one oracle for golden files of layers: run the file's net through pycaffe and compare every array in it.

The golden README's rules: |a - b| <= 1e-4 * max(1, |b|max) per array; integers exact.
"""

from pathlib import Path

import numpy as np

from segaware_caffe import pycaffe

GOLDEN = Path(__file__).parent / "golden"


def arrays(golden: np.lib.npyio.NpzFile, prefix: str) -> dict[str, np.ndarray]:
    """The arrays stored under `prefix/`, by the rest of their key."""
    return {key[len(prefix) + 1 :]: golden[key] for key in golden.files if key.startswith(prefix + "/")}


def assert_close(actual: np.ndarray, expected: np.ndarray, what: str, tolerance: float = 1e-4) -> None:
    """Compare by the golden README's rule; NaN and infinities must stand at the same places."""
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], err_msg=what)
    scale = max(1.0, np.abs(expected[finite]).max(initial=0))
    error = np.abs(actual[finite].astype(np.float64) - expected[finite]).max(initial=0)
    assert error <= tolerance * scale, f"{what}: off by {error:.3g}, allowed {tolerance * scale:.3g}"


def run_golden(path: Path, tolerance: float = 1e-4) -> None:
    """Forward, and backward where the file has a backward pass; every stored array must agree."""
    golden = np.load(path)
    phase = pycaffe.TRAIN if str(golden["phase"]) == "TRAIN" else pycaffe.TEST
    net = pycaffe.Net(str(golden["prototxt"]), phase)
    for key, value in arrays(golden, "param").items():
        layer, index = key.rsplit("/", 1)
        net.params[layer][int(index)].data[...] = value
    if "seq/n" in golden.files:
        for k in range(int(golden["seq/n"])):
            _forward(net, arrays(golden, f"seq/{k}"), tolerance, f"pass {k}, ")
    else:
        _forward(net, arrays(golden, "in") | arrays(golden, "out"), tolerance)
    for key, value in arrays(golden, "out").items():
        assert_close(net.blobs[key].data, value, f"out/{key}", tolerance)
    for key, value in arrays(golden, "after").items():
        layer, index = key.rsplit("/", 1)
        assert_close(net.params[layer][int(index)].data, value, f"after/{key}", tolerance)
    _backward(net, golden, tolerance)


def _forward(net: pycaffe.Net, blobs: dict[str, np.ndarray], tolerance: float, where: str = "") -> None:
    for name in net.inputs:
        if name in blobs:
            net.blobs[name].reshape(*blobs[name].shape)
            net.blobs[name].data[...] = blobs[name]
    net.reshape()
    net.forward()
    for name in set(blobs) - set(net.inputs):
        assert_close(net.blobs[name].data, blobs[name], f"{where}{name}", tolerance)


def _backward(net: pycaffe.Net, golden: np.lib.npyio.NpzFile, tolerance: float) -> None:
    top_diffs = arrays(golden, "topdiff")
    if not top_diffs:
        return
    for name, value in top_diffs.items():
        net.blobs[name].diff[...] = value
    net.clear_param_diffs()
    net.backward()
    for name, value in arrays(golden, "indiff").items():
        assert_close(net.blobs[name].diff, value, f"indiff/{name}", tolerance)
    for key, value in arrays(golden, "paramdiff").items():
        layer, index = key.rsplit("/", 1)
        assert_close(net.params[layer][int(index)].diff, value, f"paramdiff/{key}", tolerance)
