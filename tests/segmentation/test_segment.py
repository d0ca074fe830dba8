"""Photographs of any size through a network of one: padded, in tiles, at the size that it knows."""

import numpy as np
import pytest
import torch

from segaware_caffe import CaffeError, Net
from segaware_caffe.segmentation import Segmenter, segment
from segaware_caffe.segmentation.segment import MEAN, best_classes

#: a pixel's scores depend on what is within 4 pixels of it, and on where it lies in a grid of 2
LOCAL = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 65 dim: 65 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 1 stride: 2 } }
layer { name: "scores" type: "Interp" bottom: "pool" top: "scores" interp_param { zoom_factor: 2 } }
"""


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net(LOCAL)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def whole(net: Net, rgb: np.ndarray) -> torch.Tensor:
    """The scores of a photograph that goes through the network at once, padded to odd sides."""
    height, width = rgb.shape[:2]
    blob = np.zeros((1, 3, height | 1, width | 1), np.float32)
    blob[0, :, :height, :width] = (rgb[..., ::-1] - np.float32(MEAN)).transpose(2, 0, 1)
    scores = net(data=blob)["scores"][0, :, :height, :width].clone()
    net.reshape(data=(1, 3, 65, 65))
    return scores


@pytest.mark.parametrize("size", [(1, 1), (65, 65), (20, 66), (300, 67), (64, 700)], ids=str)
@pytest.mark.parametrize("batch", [1, 4])
def test_a_photograph_of_any_size_has_the_scores_that_it_has_as_a_whole(net, size, batch, monkeypatch):
    monkeypatch.setattr(segment, "is_faster_together", lambda net: True)
    rgb = noise(*size)
    truth = whole(net, rgb)
    segmenter = Segmenter(net)
    (result,) = segmenter.segment([segmenter.fit(rgb)], batch, with_scores=True)
    np.testing.assert_allclose(result.scores, truth.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(result.labels, result.scores.argmax(0))


@pytest.mark.parametrize(("together", "most"), [(True, 4), (False, 1)], ids=["as on a GPU", "as on a processor"])
def test_photographs_of_several_sizes_come_in_turn(net, together, most, monkeypatch):
    monkeypatch.setattr(segment, "is_faster_together", lambda net: together)
    photographs = [noise(*size) for size in ((30, 40), (50, 40), (65, 200), (20, 20), (10, 10), (1, 9))]
    segmenter = Segmenter(net)
    alone = [segmenter(rgb).labels for rgb in photographs]
    seen = []
    net.register_forward_pre_hook(lambda module, args, inputs: seen.append(len(inputs["data"])), with_kwargs=True)
    results = list(segmenter.segment(map(segmenter.fit, photographs), 4))
    assert all(np.array_equal(one.labels, other) for one, other in zip(results, alone, strict=True))
    assert sum(seen) == sum(segmenter.count(*rgb.shape[:2]) for rgb in photographs) and max(seen) == most
    assert results[0].scores is None


def test_a_large_photograph_is_made_smaller_in_proportion_and_its_scores_larger(net):
    rgb = noise(50, 400)[np.arange(150) // 3][:, np.arange(1200) // 3]
    segmenter = Segmenter(net, side=50)
    fitted = segmenter.fit(rgb)
    assert fitted.pixels.shape == (50, 400, 3)
    small = Segmenter(net)(fitted.pixels).scores
    truth = torch.nn.functional.interpolate(torch.from_numpy(small)[None].double(), (150, 1200), mode="bilinear")[0]
    result = segmenter(rgb)
    np.testing.assert_allclose(result.scores, truth, atol=1e-4)
    assert result.labels.shape == (150, 1200)
    assert segmenter.fit(noise(50, 60)).pixels.shape == (50, 60, 3)


@pytest.mark.parametrize(
    ("size", "fed"), [((1, 1), (129, 129)), ((130, 300), (161, 321)), ((161, 40), (161, 129)), ((9, 5000), (129, 1025))]
)
def test_a_network_that_takes_any_size_is_fed_the_photographs(net, size, fed):
    seen = set()
    net.register_forward_pre_hook(lambda module, args, inputs: seen.add(inputs["data"].shape[2:]), with_kwargs=True)
    assert Segmenter(net, stride=32)(noise(*size)).labels.shape == size
    assert seen == {fed}


def test_a_score_that_is_no_number_is_never_best():
    nan = torch.nan
    assert best_classes(torch.tensor([[[nan, 1.0]], [[-5.0, nan]], [[-6.0, 2.0]]])).tolist() == [[1, 2]]


def test_what_makes_no_label_image_is_said():
    text = LOCAL.replace("num_output: 4", "num_output: 300")
    with pytest.raises(CaffeError, match="'scores' have 300 channels; a label image holds at most 256"):
        Segmenter(Net(text))(noise(9, 9))
    with pytest.raises(CaffeError, match=r"scores 'pool' have size \(33, 33\), not the input's \(65, 65\)"):
        Segmenter(Net(LOCAL), scores="pool")(noise(9, 9))
    with pytest.raises(CaffeError, match="has no blob 'poll'; its outputs are: scores"):
        Segmenter(Net(LOCAL), scores="poll")
