"""Images plane by plane."""

import pytest
import torch

from segaware_caffe.ops.layout import planar


@pytest.mark.parametrize("shape", [(1, 64, 9, 8), (3, 70, 65, 61), (2, 1, 5, 5), (2, 5, 1, 1), (0, 3, 4, 4), (2, 0, 4, 4)])
def test_channels_that_are_innermost_become_planes(shape):
    images = torch.randn(shape)
    result = planar(images.contiguous(memory_format=torch.channels_last))
    assert result.is_contiguous() and torch.equal(result, images)


def test_planes_are_not_copied():
    images = torch.randn(2, 3, 4, 5)
    assert planar(images) is images


def test_other_strides_and_ranks_become_contiguous():
    for images in (torch.randn(2, 3, 8, 5)[:, :, ::2], torch.randn(4, 5).t(), torch.randn(1, 3, 1, 5).expand(2, 3, 4, 5)):
        result = planar(images)
        assert result.is_contiguous() and torch.equal(result, images)


def test_gradients_pass():
    images = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(2, 3, 4, 5)
    (planar(images) * weight).sum().backward()
    assert torch.equal(images.grad, weight)
