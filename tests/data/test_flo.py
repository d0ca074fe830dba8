"""FloData and .flo files."""

import struct
from pathlib import Path

import numpy as np
import pytest
from data.support import data_layer, next_batch

from segaware_caffe import CaffeError
from segaware_caffe.data import read_flo


def flow(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, height, width)).astype(np.float32)


def encoded(values: np.ndarray, magic: float = 202021.25) -> bytes:
    return struct.pack("<fii", magic, values.shape[2], values.shape[1]) + values.transpose(1, 2, 0).astype("<f4").tobytes()


def write(folder: Path, *flows: np.ndarray) -> str:
    for k, values in enumerate(flows):
        (folder / f"{k}.flo").write_bytes(encoded(values))
    (folder / "list.txt").write_text(" ".join(f"/{k}.flo" for k in range(len(flows))))
    return f'image_data_param {{ root_folder: "{folder}" source: "{folder}/list.txt" batch_size: 2 }}'


def test_batches_hold_u_and_v(tmp_path: Path) -> None:
    flows = [flow(k, 4, 6) for k in range(3)]
    layer = data_layer("FloData", write(tmp_path, *flows) + "transform_param { scale: 3 crop_size: 2 }", tops=1)
    assert layer.top_shapes() == [(2, 2, 4, 6)]
    for first, second in ((0, 1), (2, 0)):
        np.testing.assert_array_equal(next_batch(layer)[0], [flows[first], flows[second]])


def test_flows_of_one_batch_must_have_one_size(tmp_path: Path) -> None:
    with pytest.raises(CaffeError, match=r"^layer 'it' \(FloData\): /1\.flo has shape \(2, 6, 4\), but /0\.flo .* has \(2, 4, 6\)"):
        data_layer("FloData", write(tmp_path, flow(0, 4, 6), flow(1, 6, 4)), tops=1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "Could not open flow file: {0}: No such file or directory"),
        (encoded(flow(0, 4, 6), magic=1.0), "File corrupted: {0}: not a .flo file"),
        (encoded(flow(0, 4, 6))[:11], "File corrupted: {0}: not a .flo file"),
        (encoded(flow(0, 4, 6))[:-1], "File corrupted: {0}: 203 bytes do not hold a flow of 6 x 4 (width x height)"),
        (struct.pack("<fii", 202021.25, -1, 4), "File corrupted: {0}: 12 bytes do not hold a flow of -1 x 4"),
        (struct.pack("<fii", 202021.25, 2**31 - 1, 2**31 - 1), "File corrupted: {0}: 12 bytes do not hold"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "x.flo"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CaffeError) as error:
        read_flo(path)
    assert str(error.value).startswith(sentence.format(path))
