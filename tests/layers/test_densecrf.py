"""DenseCRF, the layer and the function under it."""

import math

import numpy as np
import pytest
import torch
from golden_oracle import GOLDEN, arrays, run_golden
from layers.support import goldens, make_layer

from segaware_caffe import pycaffe
from segaware_caffe.errors import CaffeError
from segaware_caffe.ops.densecrf import Kernel, dense_crf

LAYER = 'type: "DenseCRF" dense_crf_param { %s }'
FIELDS = "max_iter: 1 pos_w: 1 pos_xy_std: 1 bi_w: 1 bi_xy_std: 2 bi_rgb_std: 10"
KERNELS = [Kernel(3, 3, 3), Kernel(4, 20, 20, (10, 10, 10))]


@pytest.mark.parametrize("path", goldens("densecrf_*"))
def test_golden(path):
    run_golden(path)


@pytest.mark.parametrize("path", goldens("densecrf_*"))
def test_golden_labels_are_the_same(path):
    golden = np.load(path)
    net = pycaffe.Net(str(golden["prototxt"]), pycaffe.TEST)
    net.forward(**arrays(golden, "in"))
    assert np.array_equal(net.blobs["y"].data.argmax(1), golden["out/y"].argmax(1))


SCORES = torch.zeros(1, 2, 3, 3)
SCORES[0, 1, 1, 1] = 2
WORKED = torch.tensor([[0.550476, 0.552880, 0.549203], [0.552347, 0.902818, 0.554131], [0.546660, 0.553029, 0.549762]])


def run(fields: str, scores: torch.Tensor, image: torch.Tensor, *sizes: tuple[int, int]) -> torch.Tensor:
    sizes = torch.tensor(sizes, dtype=scores.dtype)
    return make_layer(LAYER % fields, scores.shape, sizes.shape, image.shape)(scores, sizes, image)


def test_worked_numbers():
    """Section 13, number 14."""
    top = run(FIELDS, SCORES, torch.zeros(1, 3, 3, 3), (3, 3))
    torch.testing.assert_close(top[0, 1], WORKED, atol=2e-6, rtol=0)
    torch.testing.assert_close(top.sum(1), torch.ones(1, 3, 3))


def test_outside_the_valid_area_there_is_0_even_in_logarithms():
    scores, image = torch.randn(1, 2, 5, 6), torch.zeros(1, 3, 5, 6)
    scores[:, :, :3, :3] = SCORES
    top = run(f"{FIELDS} output_probability: false", scores, image, (3, 3))
    torch.testing.assert_close(top[0, 1, :3, :3].exp(), WORKED, atol=2e-6, rtol=0)
    top[:, :, :3, :3] = 0
    assert top.eq(0).all()


def test_sizes_at_least_the_blobs_mean_all_of_it():
    scores, image = torch.randn(1, 3, 6, 5), torch.rand(1, 3, 6, 5) * 255
    assert run(FIELDS, scores, image, (600, 500)).equal(run(FIELDS, scores, image, (6, 5)))


def test_what_is_20_below_the_best_is_impossible():
    scores = torch.tensor([0.0, -19.0, -21.0]).view(1, 3, 1, 1)
    fields = FIELDS.replace("max_iter: 1", "max_iter: 0")
    assert run(fields, scores, torch.zeros(1, 3, 1, 1), (1, 1))[0, 2].item() == 0
    logarithms = run(f"{fields} output_probability: false", scores, torch.zeros(1, 3, 1, 1), (1, 1)).flatten()
    torch.testing.assert_close(logarithms, torch.tensor([0, -19, math.log(1.17549435e-38)]))


def test_the_first_image_serves_all_samples():
    """As in the release, whose golden files show it; a warning says so."""
    golden = dict(np.load(GOLDEN / "layers" / "densecrf_bilateral.npz"))
    scores, image, top = (torch.from_numpy(golden[key]) for key in ("in/x", "in/img", "out/y"))
    height, width = map(int, golden["in/dim"][1].flatten())
    area = (..., slice(height), slice(width))
    first, own = (dense_crf(scores[1][area], image[index][area], KERNELS, 3) for index in (0, 1))
    torch.testing.assert_close(first, top[1][area], atol=1e-5, rtol=0)
    assert (own - top[1][area]).abs().max() > 0.5


def test_a_batch_is_warned_about(caplog):
    run(FIELDS, SCORES.expand(2, -1, -1, -1), torch.zeros(2, 3, 3, 3), (3, 3), (3, 3))
    assert "the first image serves all 2 samples" in caplog.text


def test_noise_is_smoothed_within_colours_and_kept_between_them():
    """A picture of two halves with a quarter of the labels wrong: the CRF finds the halves."""
    torch.manual_seed(0)
    truth = torch.zeros(40, 48, dtype=torch.long)
    truth[:, 24:] = 1
    image = torch.where(truth == 1, 200.0, 40.0).expand(3, -1, -1) + torch.randn(3, 40, 48)
    noisy = torch.where(torch.rand(40, 48) < 0.25, 1 - truth, truth)
    scores = torch.nn.functional.one_hot(noisy, 2).movedim(-1, 0).float()
    labels = dense_crf(scores, image, [Kernel(3, 3, 3), Kernel(10, 60, 60, (20, 20, 20))], 10).argmax(0)
    assert (labels == truth).float().mean() > 0.99


def test_scales_may_differ_by_axis_and_colour():
    """As the command-line tools have it: stretching the features and their deviations alike changes nothing."""
    torch.manual_seed(0)
    scores, image = torch.randn(3, 6, 8), torch.rand(3, 6, 8) * 255
    stretched = image * torch.tensor([1.0, 2.0, 4.0]).view(3, 1, 1)
    plain = dense_crf(scores, image, [Kernel(3, 3, 3), Kernel(10, 8, 8, (20, 20, 20))], 3)
    assert dense_crf(scores, stretched, [Kernel(3, 3, 3), Kernel(10, 8, 8, (20, 40, 80))], 3).equal(plain)
    turned = dense_crf(scores, image, [Kernel(3, 2, 5)], 3)
    assert not torch.allclose(turned, dense_crf(scores, image, [Kernel(3, 5, 2)], 3), atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_types_are_computed_in_single_precision(dtype):
    scores, image = torch.randn(3, 6, 8).to(dtype), (torch.rand(3, 6, 8) * 255).to(dtype)
    result = dense_crf(scores, image, KERNELS, 2)
    assert result.dtype == dtype and not result.requires_grad
    assert result.equal(dense_crf(scores.float(), image.float(), KERNELS, 2).to(dtype))


SHAPES = (1, 2, 6, 5), (1, 2, 1, 1), (1, 3, 6, 5)


@pytest.mark.parametrize(
    ("fields", "shapes", "sentence"),
    [
        ("", SHAPES, "with an image, bi_w, bi_xy_std and bi_rgb_std must be given at least once"),
        ("pos_w: 1", SHAPES, "pos_w and pos_xy_std must be given equally often"),
        ("bi_w: 1 bi_xy_std: 1", SHAPES, "bi_w and bi_rgb_std must be given equally often"),
        ("bi_w: 1 bi_xy_std: 0 bi_rgb_std: 1", SHAPES, "bi_xy_std must be positive"),
        (f"{FIELDS} pos_xy_std: -1 pos_w: 1", SHAPES, "pos_xy_std must be positive"),
        (FIELDS.replace("max_iter: 1", "max_iter: -1"), SHAPES, "max_iter must not be negative"),
        (FIELDS, SHAPES[:2], "takes 3 bottom"),
        (FIELDS, [*SHAPES[:2], (1, 1, 6, 5)], "the image must have shape (N, 3, H, W)"),
        (FIELDS, [*SHAPES[:2], (1, 3, 5, 5)], "the image must have shape (N, 3, H, W)"),
        (FIELDS, [SHAPES[0], (1, 1), SHAPES[2]], "height and width for each of 1 images"),
        (FIELDS, [(1, 2, 6), SHAPES[1], SHAPES[2]], "(N, C, H, W)"),
    ],
)
def test_refused(fields, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(LAYER % fields, *shapes)
    assert sentence in str(error.value)


@pytest.mark.parametrize("size", [(7, 4), (4, 6), (0, 4)])
def test_a_valid_area_that_does_not_fit_is_refused(size):
    with pytest.raises(CaffeError, match="of image 0 must fit into 6 x 5"):
        run(FIELDS, torch.zeros(SHAPES[0]), torch.zeros(SHAPES[2]), size)
