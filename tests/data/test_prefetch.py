"""The reading thread: order, how far ahead, errors, and that it ends."""

import copy
import gc
import itertools
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from data.support import data_layer, next_batch, write_pairs

from segaware_caffe import CaffeError
from segaware_caffe.data import Prefetcher


def readers() -> int:
    """Threads of readers that something still holds."""
    gc.collect()
    return sum(thread.name == "data reader" for thread in threading.enumerate())


def settled(condition, seconds: float = 5) -> bool:
    """Whether `condition` comes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_items_come_in_order_and_a_few_ahead() -> None:
    made = []

    def count():
        for number in itertools.count():
            made.append(number)
            yield number

    reader = Prefetcher(count(), ahead=3)
    assert settled(lambda: len(made) == 3)
    assert [next(reader) for _ in range(10)] == list(range(10))
    assert settled(lambda: len(made) == 13)
    time.sleep(0.05)
    assert len(made) == 13
    reader.close()


def test_an_error_comes_in_its_turn_and_stays() -> None:
    def fail():
        yield 1
        yield 2
        raise CaffeError("the third is broken")

    reader = Prefetcher(fail(), ahead=5)
    assert [next(reader), next(reader)] == [1, 2]
    for _ in range(3):
        with pytest.raises(CaffeError, match="the third is broken"):
            next(reader)


def test_an_end_is_an_end() -> None:
    assert list(Prefetcher(iter(range(4)), ahead=2)) == [0, 1, 2, 3]


def test_the_thread_ends_when_the_reader_is_closed_or_forgotten() -> None:
    before = readers()
    closed, forgotten = (Prefetcher(itertools.count(), ahead=2) for _ in range(2))
    next(closed), next(forgotten)
    assert readers() == before + 2
    closed.close()
    assert readers() == before + 1
    del forgotten
    assert readers() == before


FIELDS = 'image_data_param {{ root_folder: "{0}" source: "{0}/list.txt" label_type: PIXEL }} {1}'


def test_a_layer_is_forgotten_with_its_thread(tmp_path: Path) -> None:
    write_pairs(tmp_path, [(8, 8)] * 3)
    before = readers()
    layer = data_layer("ImageSegData", FIELDS.format(tmp_path, "transform_param { crop_size: 4 }"))
    layer()
    assert readers() == before + 1
    alive = weakref.ref(layer)
    del layer
    assert readers() == before and alive() is None


def test_nothing_is_read_before_the_first_forward(tmp_path: Path) -> None:
    before = readers()
    data_layer("ImageSegData", FIELDS.format(tmp_path, "transform_param { crop_size: 4 }"))
    assert readers() == before


def test_a_missing_file_is_named_when_its_batch_is_due(tmp_path: Path) -> None:
    write_pairs(tmp_path, [(8, 8)] * 4)
    (tmp_path / "i2.png").unlink()
    layer = data_layer("ImageSegData", FIELDS.format(tmp_path, "transform_param { crop_size: 8 }"))
    layer(), layer()
    for _ in range(2):
        with pytest.raises(CaffeError) as error:
            layer()
        assert str(error.value).startswith(f"layer 'it' (ImageSegData): Could not load {tmp_path}/i2.png: No such file")
        assert f"{tmp_path}/list.txt:3" in str(error.value)


def test_reset_starts_over_with_the_same_draws(tmp_path: Path) -> None:
    write_pairs(tmp_path, [(12, 13)] * 5)
    fields = FIELDS.format(tmp_path, "transform_param { crop_size: 8 mirror: true }").replace("PIXEL", "PIXEL shuffle: true")
    layer = data_layer("ImageSegData", fields, train=True)
    first = [next_batch(layer) for _ in range(7)]
    layer.reset()
    again = [next_batch(layer) for _ in range(7)]
    np.testing.assert_equal(first, again)
    np.testing.assert_equal([next_batch(copied) for copied in [copy.deepcopy(layer)] for _ in range(7)], first)


def test_prefetch_says_how_far_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pairs(tmp_path, [(8, 8)])
    depths = []
    monkeypatch.setattr("segaware_caffe.data.layer.Prefetcher", lambda items, ahead: depths.append(ahead) or Prefetcher(items, ahead))
    for extra in ("", "data_param { prefetch: 2 }"):
        data_layer("ImageSegData", FIELDS.format(tmp_path, "transform_param { crop_size: 8 }") + extra)()
    assert depths == [5, 2]
