"""Every batch of every data layer that the reference printed, to the pixel."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from golden_oracle import GOLDEN

from segaware_caffe import Net, pycaffe

DATA = GOLDEN / "data"
EXPECTED = np.load(DATA / "expected.npz")
#: net -> forward -> top -> what the reference printed
NETS: dict[str, dict[int, dict[str, np.ndarray]]] = {}
for _key in EXPECTED.files:
    _net, _forward, _top = _key.split("/")
    NETS.setdefault(_net, {}).setdefault(int(_forward), {})[_top] = EXPECTED[_key]


@pytest.mark.parametrize("name", sorted(set(NETS) - {"matwrite"}))
def test_every_batch_is_the_references(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    net = pycaffe.Net(f"{name}.prototxt", pycaffe.TEST)
    for forward, tops in sorted(NETS[name].items()):
        net.forward()
        for top, expected in tops.items():
            np.testing.assert_array_equal(net.blobs[top].data, expected, err_msg=f"forward {forward}, {top}")


def test_matwrite_writes_the_references_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the first 128 bytes, which name the program and the date."""
    text = (DATA / "matwrite.prototxt").read_text()
    (tmp_path / "id.txt").write_text((DATA / "id.txt").read_text())
    monkeypatch.chdir(tmp_path)
    Net(text)(x=NETS["matwrite"][0]["x"])
    assert (tmp_path / "mat" / "im0_blob_0.mat").read_bytes()[128:] == (DATA / "mat" / "im0_blob_0.mat").read_bytes()[128:]
    assert scipy.io.loadmat(tmp_path / "mat" / "im0_blob_0.mat")["data"].shape == (5, 4, 3, 1)


def test_all_golden_nets_are_there() -> None:
    assert sorted(NETS) == sorted(path.stem for path in DATA.glob("*.prototxt"))
