"""MemoryData: arrays and images that the program sets."""

import numpy as np
import pytest
from data.restated import restated_image
from data.support import SEED, data_layer, next_batch, noise, words

from segaware_caffe import CaffeError
from segaware_caffe.schema import message_class

FIELDS = "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }"


def test_arrays_are_served_in_turn_and_again() -> None:
    layer = data_layer("MemoryData", FIELDS)
    data = np.random.default_rng(0).normal(size=(6, 3, 4, 5)).astype(np.float32)
    assert layer.top_shapes() == [(2, 3, 4, 5), (2, 1, 1, 1)]
    layer.set_arrays(data, np.arange(6))
    for start in (0, 2, 4, 0, 2):
        actual, label = next_batch(layer)
        np.testing.assert_array_equal(actual, data[start : start + 2])
        assert label.ravel().tolist() == [start, start + 1] and label.shape == (2, 1, 1, 1)
    layer.reset()
    np.testing.assert_array_equal(next_batch(layer)[0], data[:2])


def test_images_are_transformed_and_arrays_are_not() -> None:
    images = [noise(k, 7, 8, 3) for k in range(4)]
    transform = "transform_param { crop_size: 4 mirror: true scale: 0.5 mean_value: 10 }"
    with pytest.raises(CaffeError, match=r"an image has shape \(3, 4, 4\) after its transformation, not \(3, 4, 5\)"):
        data_layer("MemoryData", FIELDS + transform, train=True).add_images(images, range(4))

    layer = data_layer("MemoryData", FIELDS.replace("width: 5", "width: 4") + transform, train=True)
    layer.add_images(images, range(4))
    draws = words(next(words(SEED)))
    param = message_class("TransformationParameter")(crop_size=4, mirror=True, scale=0.5, mean_value=[10])
    expected = np.stack([restated_image(image, param, True, draws) for image in images])
    np.testing.assert_array_equal(next_batch(layer)[0], expected[:2])
    with pytest.raises(CaffeError, match="Can't add data until current data has been consumed"):
        layer.add_images(images, range(4))
    np.testing.assert_array_equal(next_batch(layer)[0], expected[2:])
    layer.add_images(images, range(4))
    raw = np.full((2, 3, 4, 4), 7, np.float32)
    layer.set_arrays(raw, [0, 0])
    np.testing.assert_array_equal(next_batch(layer)[0], raw)


def test_the_arrays_stay_the_programs() -> None:
    layer = data_layer("MemoryData", FIELDS)
    data = np.ones((2, 3, 4, 5), np.float32)
    layer.set_arrays(data, [0, 0])
    layer()[0].zero_()
    assert data.all()


@pytest.mark.parametrize(
    ("shape", "labels", "sentence"),
    [
        ((2, 3, 5, 4), 2, r"data must have the shape \(n, 3, 4, 5\), not \(2, 3, 5, 4\)"),
        ((3, 3, 4, 5), 3, "the number of items must be a multiple of batch_size 2, not 3"),
        ((0, 3, 4, 5), 0, "the number of items must be a multiple of batch_size 2, not 0"),
        ((2, 3, 4, 5), 1, "2 items, but 1 labels are given"),
    ],
)
def test_bad_arrays(shape: tuple, labels: int, sentence: str) -> None:
    layer = data_layer("MemoryData", FIELDS)
    with pytest.raises(CaffeError, match=rf"^layer 'it' \(MemoryData\): {sentence}$"):
        layer.set_arrays(np.zeros(shape, np.float32), np.zeros(labels))


def test_data_must_be_set_first() -> None:
    with pytest.raises(CaffeError, match="MemoryDataLayer needs to be initialized"):
        data_layer("MemoryData", FIELDS)()


@pytest.mark.parametrize("field", ["batch_size: 2", "channels: 3", "height: 4", "width: 5"])
def test_all_fields_are_required(field: str) -> None:
    with pytest.raises(CaffeError, match="batch_size, channels, height, and width must be specified and positive"):
        data_layer("MemoryData", FIELDS.replace(field, ""))
