"""BatchNorm, LRN and MVN: the reference's numbers, finite differences, stated gradients, stored statistics."""

import numpy as np
import pytest
import torch
from golden_oracle import run_golden
from layers.support import check_gradients, goldens, make_layer, numbers

from segaware_caffe.errors import CaffeError


@pytest.mark.parametrize("file", goldens("batchnorm_*", "bn_*", "lrn_*", "mvn*"))
def test_golden(file):
    run_golden(file)


def batch_norm(fields, *shape, train=False):
    return make_layer(f'type: "BatchNorm" batch_norm_param {{ {fields} }}', shape, train=train)


def store(layer, mean, variance, scale):
    for index, value in enumerate((mean, variance, scale)):
        layer.registered(index).data = torch.as_tensor(value, dtype=layer.blob(index).dtype).reshape(layer.specs[index].shape)
    return layer


# -- BatchNorm -----------------------------------------------------------------------------------


def test_train_stores_and_test_uses_the_statistics():
    x = numbers(4, 2, 3).detach().float() * 2 + 1
    layer = batch_norm("moving_average_fraction: 0.5", 4, 2, 3, train=True)
    layer(x)
    layer(x)
    mean, variance, scale = (layer.blob(index) for index in range(3))
    torch.testing.assert_close(scale, torch.tensor([1.5]))
    torch.testing.assert_close(mean / scale, x.mean((0, 2)))
    torch.testing.assert_close(variance / scale, x.transpose(0, 1).flatten(1).var(1))
    expected = (x - x.mean((0, 2)).view(1, 2, 1)) / (variance / scale + 1e-5).sqrt().view(1, 2, 1)
    torch.testing.assert_close(layer.eval()(x), expected)


def test_use_global_stats_decides_and_not_the_phase():
    x = numbers(4, 2, 3).detach().float()
    fixed = batch_norm("use_global_stats: true", 4, 2, 3, train=True)
    store(fixed, [0, 0], [4, 4], 1)
    torch.testing.assert_close(fixed(x), x / (4 + 1e-5) ** 0.5)
    assert fixed.blob(2).item() == 1, "nothing is stored"
    own = batch_norm("use_global_stats: false", 4, 2, 3)
    torch.testing.assert_close(own(x).mean((0, 2)), torch.zeros(2), atol=1e-6, rtol=0)
    assert own.blob(2).item() == 1, "TEST stores too"


def test_update_global_stats_divides_by_the_deviation_from_the_stored_mean():
    """spec/layers.md 5.4: the stored mean never moves, and the gradient is top / deviation."""
    x = numbers(3, 2, 4).float().detach().requires_grad_()
    layer = batch_norm("use_global_stats: true update_global_stats: true moving_average_fraction: 0.9", 3, 2, 4, train=True)
    store(layer, [1.0, -2.0], [3.0, 3.0], 2.0)
    mean = torch.tensor([0.5, -1.0]).view(1, 2, 1)
    spread = ((x - mean) ** 2).mean((0, 2)).detach()
    top = layer(x)
    torch.testing.assert_close(top, (x - mean) / (spread.view(1, 2, 1) + 1e-5).sqrt())
    torch.testing.assert_close(torch.autograd.grad(top.sum(), x)[0], (1 / (spread + 1e-5).sqrt()).view(1, 2, 1).expand(3, 2, 4))
    torch.testing.assert_close(layer.blob(0) / layer.blob(2), mean.flatten())
    torch.testing.assert_close(layer.blob(1), 0.9 * 3.0 + spread * 12 / 11)
    before = layer.blob(2).clone()
    layer.eval()(x)
    assert layer.blob(2) == before, "only TRAIN stores"


def test_a_scale_factor_of_0_means_statistics_of_0():
    x = numbers(2, 2, 3).detach().float()
    layer = store(batch_norm("eps: 0.25", 2, 2, 3), [7, 7], [7, 7], 0)
    torch.testing.assert_close(layer(x), 2 * x)


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (2, 3, 2, 3), (2, 2, 2, 3, 2)])
@pytest.mark.parametrize("use_global", ["true", "false"])
def test_gradients_of_batch_norm(shape, use_global):
    layer = batch_norm(f"use_global_stats: {use_global} eps: 0.01", *shape, train=True)
    store(layer, numbers(shape[1]).detach(), numbers(shape[1], seed=1).detach().abs(), 1)
    check_gradients(layer, numbers(*shape, seed=2))


def test_statistics_are_not_learned():
    layer = batch_norm("", 2, 3, 4)
    assert all(spec.fixed for spec in layer.specs)
    with pytest.raises(CaffeError, match="Cannot configure batch normalization statistics as layer parameters"):
        make_layer('type: "BatchNorm" param { lr_mult: 1 }', (2, 3, 4))
    make_layer('type: "BatchNorm"' + " param { lr_mult: 1 }" * 3, (2, 3, 4))  # zeroed by the upgrade of old files


# -- BatchNorm with scale and bias: NVIDIA's -------------------------------------------------------


def nvidia_norm(fields, *shape, train=False):
    """A layer with five blobs that hold unlike numbers."""
    layer = batch_norm(f"scale_bias: true {fields}", *shape, train=train)
    channels = shape[1]
    store(layer, numbers(channels).detach(), numbers(channels, seed=1).detach().abs(), 1)
    with torch.no_grad():
        layer.blobs[3].copy_(numbers(channels, seed=2))
        layer.blobs[4].copy_(numbers(channels, seed=3))
    return layer


def plain_nvidia_norm(x, mean, variance, scale, bias, eps):
    around = (1, -1, *[1] * (x.ndim - 2))
    mean, variance, scale, bias = (np.asarray(value, np.float64).reshape(around) for value in (mean, variance, scale, bias))
    return scale * (x - mean) / np.sqrt(variance + eps) + bias


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize(("eps", "used"), [("", 1e-5), ("eps: 0.01", 0.01), ("eps: 1e-9", 1e-5)])
@pytest.mark.parametrize("correction", [1, 2])
def test_scale_and_bias_in_test(shape, eps, used, correction):
    layer, x = nvidia_norm(eps, *shape), numbers(*shape, seed=9).detach().float()
    layer.registered(2).data.fill_(correction)
    mean, variance, _, scale, bias = (blob.detach().numpy() for blob in layer.blobs)
    expected = plain_nvidia_norm(x.numpy(), mean / correction, variance / correction, scale, bias, used)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_scale_and_bias_in_training_and_what_is_stored():
    layer, x = nvidia_norm("moving_average_fraction: 0.75", 4, 3, 5, train=True), numbers(4, 3, 5, seed=9).detach().float()
    before = [blob.detach().numpy().copy() for blob in layer.blobs]
    top = layer(x).detach().numpy()
    by_channel = x.numpy().transpose(1, 0, 2).reshape(3, -1)
    expected = plain_nvidia_norm(x.numpy(), by_channel.mean(1), by_channel.var(1), before[3], before[4], 1e-5)
    np.testing.assert_allclose(top, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.blob(0), 0.75 * before[0] + 0.25 * by_channel.mean(1), rtol=1e-4)
    np.testing.assert_allclose(layer.blob(1), 0.75 * before[1] + 0.25 * by_channel.var(1, ddof=1), rtol=1e-4)
    assert layer.blob(2).item() == 1, "the correction stays"


@pytest.mark.parametrize("correction", [0, 1])
def test_the_first_batch_is_stored_as_it_is(correction):
    layer, x = batch_norm("scale_bias: true", 4, 3, 5, train=True), numbers(4, 3, 5).detach().float()
    layer.registered(2).data.fill_(correction)
    layer(x)
    torch.testing.assert_close(layer.blob(0), x.mean((0, 2)))
    assert layer.blob(2).item() == 1


@pytest.mark.parametrize(
    ("fields", "scale", "bias"),
    [
        ("scale_bias: true", 1, 0),
        ("scale_filler { value: 2 }", 2, 0),
        ("bias_filler { value: 3 }", 1, 3),
    ],
)
def test_what_gives_a_batch_norm_five_blobs(fields, scale, bias):
    layer = batch_norm(fields, 2, 3, 4)
    assert [tuple(blob.shape) for blob in layer.blobs] == [(3,), (3,), (1,), (3,), (3,)]
    assert layer.blobs[3].tolist() == [scale] * 3
    assert layer.blobs[4].tolist() == [bias] * 3
    assert len(batch_norm("scale_bias: false", 2, 3, 4).blobs) == 3


@pytest.mark.parametrize("use_global", ["true", "false"])
def test_gradients_with_scale_and_bias(use_global):
    layer = nvidia_norm(f"use_global_stats: {use_global} eps: 0.01", 2, 3, 4, train=True)
    check_gradients(layer, numbers(2, 3, 4, seed=9))


# -- LRN -----------------------------------------------------------------------------------------


def test_worked_numbers_of_lrn():
    """spec/layers.md 13.11; WITHIN_CHANNEL ignores k."""
    within = make_layer('type: "LRN" lrn_param { local_size: 3 alpha: 9 beta: 1 k: 5 norm_region: WITHIN_CHANNEL }', (1, 1, 1, 3))
    row = torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(within(row.view(1, 1, 1, 3)).flatten(), torch.tensor([0.166667, 0.133333, 0.214286]), atol=1e-6, rtol=0)
    across = make_layer('type: "LRN" lrn_param { local_size: 3 alpha: 3 beta: 1 k: 5 }', (1, 3, 1, 1))
    torch.testing.assert_close(across(row.view(1, 3, 1, 1)).flatten(), torch.tensor([0.1, 0.105263, 0.166667]), atol=1e-6, rtol=0)


def test_lrn_across_is_pytorchs():
    x = numbers(2, 9, 3, 4).detach()
    layer = make_layer('type: "LRN" lrn_param { local_size: 7 alpha: 0.5 beta: 0.6 k: 2 }', (2, 9, 3, 4))
    options = layer.options
    torch.testing.assert_close(layer(x), torch.nn.functional.local_response_norm(x, 7, options.alpha, options.beta, options.k))


@pytest.mark.parametrize("region", ["ACROSS_CHANNELS", "WITHIN_CHANNEL"])
@pytest.mark.parametrize(("size", "shape"), [(1, (2, 2, 3, 3)), (3, (2, 4, 3, 5)), (5, (1, 3, 2, 3))])
def test_gradients_of_lrn(region, size, shape):
    layer = make_layer(f'type: "LRN" lrn_param {{ local_size: {size} alpha: 2 k: 1.5 norm_region: {region} }}', shape)
    check_gradients(layer, numbers(*shape))


# -- MVN -----------------------------------------------------------------------------------------


def test_worked_numbers_of_mvn():
    """spec/layers.md 13.13: eps is added to the deviation."""
    layer = make_layer('type: "MVN" mvn_param { eps: 1 }', (1, 1, 1, 4))
    top = layer(torch.arange(4.0).view(1, 1, 1, 4)).flatten()
    torch.testing.assert_close(top, torch.tensor([-0.708204, -0.236068, 0.236068, 0.708204]), atol=1e-6, rtol=0)


def test_mvn_across_channels_has_one_mean_a_sample():
    layer = make_layer('type: "MVN" mvn_param { across_channels: true normalize_variance: false }', (2, 3, 4, 5))
    x = numbers(2, 3, 4, 5).detach()
    torch.testing.assert_close(layer(x), x - x.mean((1, 2, 3), keepdim=True))


@pytest.mark.parametrize("fields", ["", "across_channels: true", "normalize_variance: false"])
@pytest.mark.parametrize("shape", [(2, 3, 3, 5), (2, 4, 3)])
def test_gradients_of_mvn(fields, shape):
    """At the default eps the stated gradient is the true one to rounding."""
    check_gradients(make_layer(f'type: "MVN" mvn_param {{ {fields} }}', shape), numbers(*shape))


def test_the_gradient_of_mvn_leaves_eps_out_of_one_factor():
    """spec/layers.md 10."""
    x, dy = numbers(2, 3, 4, 5), numbers(2, 3, 4, 5, seed=1).detach()
    y = make_layer('type: "MVN" mvn_param { eps: 0.5 }', (2, 3, 4, 5))(x)
    deviation = x.detach().std((2, 3), correction=0, keepdim=True)
    mean = lambda v: v.mean((2, 3), keepdim=True)  # noqa: E731
    stated = (dy - mean(dy) - y.detach() * mean(dy * y.detach())) / (deviation + 0.5)
    torch.testing.assert_close(torch.autograd.grad(y, x, dy)[0], stated)


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape", "sentence"),
    [
        ('type: "BatchNorm"', (5,), "the bottom must have at least 2 axes, not 1"),
        ('type: "LRN" lrn_param { local_size: 4 }', (1, 2, 3, 4), "LRN only supports odd values for local_size, not 4"),
        ('type: "LRN"', (1, 2, 3), "Input must have 4 axes, corresponding to (num, channels, height, width)"),
        ('type: "MVN"', (1, 2, 3, 4, 5), "Cannot use legacy accessors on Blobs with > 4 axes: the bottom has 5"),
    ],
)
def test_bad_parameters(text, shape, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text, shape)
    assert sentence in str(error.value)


def test_channels_may_not_change():
    layer = batch_norm("", 2, 3, 4)
    layer.top_shapes((7, 3, 5, 6))
    with pytest.raises(CaffeError, match="the number of channels may not change from 3"):
        layer.top_shapes((2, 4, 4))
