"""Layers of forks: Upsample, BN, Normalize, Permute, Axpy, depthwise convolutions, ReLU6, ShuffleChannel.

There are no reference numbers for them here: each is compared with its definition, as the fork's code states it.
"""

import pytest
import torch
from layers.support import check_gradients, make_layer, numbers
from torch.nn import functional

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import bn
from segaware_caffe.net import Net


def fill(layer, *blobs):
    """The layer with these values in its learned blobs, in their shapes."""
    for index, blob in enumerate(blobs):
        layer.registered(index).data = torch.as_tensor(blob).reshape(layer.specs[index].shape).clone()
    return layer


# -- Upsample ------------------------------------------------------------------------------------


def test_upsample_undoes_a_pooling():
    pooling = make_layer('type: "Pooling" top: "y" top: "mask" pooling_param { kernel_size: 2 stride: 2 }', (2, 3, 5, 6))
    x = numbers(2, 3, 5, 6).detach().float()
    top, mask = pooling(x)
    layer = make_layer('type: "Upsample" upsample_param { scale: 2 pad_out_h: true }', tuple(top.shape), tuple(mask.shape))
    back = layer(top, mask)
    assert back.shape == x.shape
    assert back.count_nonzero() == top.numel()
    torch.testing.assert_close(pooling(back.masked_fill(back == 0, -9))[0], top)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", (6, 8)),
        ("scale: 3", (9, 12)),
        ("scale_h: 2 scale_w: 4", (6, 16)),
        ("scale: 2 pad_out_w: true", (6, 7)),
        ("upsample_h: 5 upsample_w: 9", (5, 9)),
    ],
)
def test_sizes_of_upsample(fields, expected):
    layer = make_layer(f'type: "Upsample" upsample_param {{ {fields} }}', (1, 2, 3, 4), (1, 2, 3, 4))
    assert layer.top_shapes((1, 2, 3, 4), (1, 2, 3, 4)) == [(1, 2, *expected)]


@pytest.mark.parametrize("index", [16, -1])
def test_upsample_refuses_a_mask_of_another_pooling(index):
    layer = make_layer('type: "Upsample"', (1, 1, 2, 2), (1, 1, 2, 2))
    mask = torch.tensor([0.0, 1.0, 2.0, index]).view(1, 1, 2, 2)
    with pytest.raises(CaffeError, match=rf"upsample top index {index} is out of range \[0, 16\) - check scale settings"):
        layer(torch.ones(1, 1, 2, 2), mask)


def test_a_net_with_upsample_can_be_exported():
    net = Net("""input: "x" input_shape { dim: 1 dim: 2 dim: 4 dim: 6 }
        layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }
        layer { name: "u" type: "Upsample" bottom: "p" bottom: "mask" top: "y" }""")
    x = numbers(1, 2, 4, 6).detach().float()
    exported = torch.export.export(net, (), {"x": x}).module()
    torch.testing.assert_close(exported(x=x)["y"], net(x=x)["y"])


# -- BN ------------------------------------------------------------------------------------------

FILLERS = "scale_filler { value: 1 } shift_filler { value: 0 }"


@pytest.mark.parametrize(
    ("text", "dialect", "blobs"),
    [
        (f"bn_param {{ {FILLERS} }}", bn.SEGNET, 2),
        ("bn_param { bn_mode: INFERENCE }", bn.SEGNET, 2),
        (f"bn_param {{ {FILLERS} bn_mode: LEARN }}" + " param { lr_mult: 1 }" * 2, bn.SEGNET, 2),
        (f"bn_param {{ {FILLERS} }}" + " param { lr_mult: 1 }" * 4, bn.PSPNET_FIRST, 4),
        (f"bn_param {{ {FILLERS} moving_average: true decay: 0.05 }}", bn.PSPNET_FIRST, 4),
        ("bn_param { slope_filler { value: 1 } bias_filler { value: 0 } frozen: true momentum: 0.95 }", bn.PSPNET, 4),
        ("", bn.PSPNET, 4),
    ],
)
def test_the_fields_tell_whose_bn_it_is(text, dialect, blobs):
    layer = make_layer(f'type: "BN" {text}', (2, 3, 4, 5))
    assert layer.dialect == dialect
    assert [spec.shape for spec in layer.specs] == [(1, 3, 1, 1)] * blobs


def test_segnets_bn():
    x = numbers(2, 3, 4, 5).detach()
    slope, bias = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([0.0, 1.0, -1.0]).double()
    inference = fill(make_layer('type: "BN" bn_param { bn_mode: INFERENCE }', (2, 3, 4, 5)), slope, bias)
    affine = x * slope.view(1, 3, 1, 1) + bias.view(1, 3, 1, 1)
    torch.testing.assert_close(inference(x), affine)
    learn = fill(make_layer('type: "BN" bn_param { bn_mode: LEARN }', (2, 3, 4, 5)), slope, bias)
    torch.testing.assert_close(learn(x), functional.batch_norm(x, None, None, slope, bias, training=True, eps=1e-9))


@pytest.mark.parametrize(
    ("fields", "momentum", "eps", "stored_in_test"),
    [
        ("momentum: 0.8 eps: 0.01", 0.8, 0.01, True),
        ("decay: 0.2 var_eps: 0.01 moving_average: true", 0.8, 0.01, True),
        ("decay: 0.2 var_eps: 0.01", 0.8, 0.01, False),
        ("", 0.9, 1e-5, True),
    ],
)
def test_pspnets_bn_stores_biased_statistics(fields, momentum, eps, stored_in_test):
    x = numbers(3, 2, 4, 5).detach()
    mean, variance = torch.tensor([1.0, -1.0]).double(), torch.tensor([2.0, 3.0]).double()
    layer = make_layer(f'type: "BN" bn_param {{ {fields} }}', (3, 2, 4, 5), train=True)
    fill(layer, torch.ones(2).double(), torch.zeros(2).double(), mean, variance)
    own = functional.batch_norm(x, None, None, training=True, eps=eps)
    torch.testing.assert_close(layer(x), own)
    batch_variance, batch_mean = torch.var_mean(x, (0, 2, 3), correction=0)
    torch.testing.assert_close(layer.blob(2).flatten(), momentum * mean + (1 - momentum) * batch_mean, atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(layer.blob(3).flatten(), momentum * variance + (1 - momentum) * batch_variance, atol=1e-7, rtol=1e-6)
    stored = functional.batch_norm(x, layer.blob(2).flatten(), layer.blob(3).flatten(), eps=eps)
    torch.testing.assert_close(layer.eval()(x), stored if stored_in_test else own)


def test_frozen_bn_fixes_everything():
    layer = make_layer('type: "BN" bn_param { slope_filler { value: 2 } frozen: true eps: 0 }', (1, 2, 3, 3), train=True)
    assert all(spec.fixed for spec in layer.specs)
    x = numbers(1, 2, 3, 3).detach().float()
    torch.testing.assert_close(layer(x), 2 * x)
    assert layer.blob(2).abs().sum() == 0 and (layer.blob(3) == 1).all()


def test_statistics_of_bn_are_not_learned():
    assert [spec.fixed for spec in make_layer('type: "BN"', (2, 3, 4, 5)).specs] == [False, False, True, True]


def test_the_solver_leaves_fixed_blobs_alone_whatever_the_prototxt_says():
    net = Net(
        """input: "x" input_shape { dim: 2 dim: 3 dim: 4 dim: 5 }
        layer { name: "b" type: "BN" bottom: "x" top: "y" param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 1 } }""",
        "TRAIN",
    )
    assert [(blob.lr_mult, blob.decay_mult) for blob in net.learned] == [(1, 1), (1, 1), (0, 0), (0, 0)]
    assert [blob.tensor.requires_grad for blob in net.learned] == [True, True, False, False]


# -- the others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("across_spatial", [True, False])
@pytest.mark.parametrize("channel_shared", [True, False])
def test_normalize(across_spatial, channel_shared):
    fields = f"across_spatial: {str(across_spatial).lower()} channel_shared: {str(channel_shared).lower()} eps: 0.5"
    layer = make_layer(f'type: "Normalize" norm_param {{ {fields} }}', (2, 3, 4, 5))
    assert layer.specs[0].shape == (() if channel_shared else (3,))
    x = numbers(2, 3, 4, 5).detach().float()
    norm = x.square().sum((1, 2, 3) if across_spatial else 1, keepdim=True).add(0.5).sqrt()
    torch.testing.assert_close(layer(x), x / norm)
    if not channel_shared:
        fill(layer, [1.0, 2.0, 3.0])
        torch.testing.assert_close(layer(x), x / norm * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1))


def test_permute_appends_what_is_not_named():
    layer = make_layer('type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 }', (2, 3, 4, 5))
    x = numbers(2, 3, 4, 5)
    assert layer.top_shapes((2, 3, 4, 5)) == [(2, 4, 5, 3)]
    torch.testing.assert_close(layer(x), x.permute(0, 2, 3, 1))
    assert make_layer('type: "Permute" permute_param { order: 2 }', (2, 3, 4, 5)).top_shapes((2, 3, 4, 5)) == [(4, 2, 3, 5)]


@pytest.mark.parametrize("factor", [(2, 3), (2, 3, 1, 1)])
def test_axpy(factor):
    layer = make_layer('type: "Axpy"', factor, (2, 3, 4, 5), (2, 3, 4, 5))
    a, x, y = numbers(*factor), numbers(2, 3, 4, 5, seed=1), numbers(2, 3, 4, 5, seed=2)
    torch.testing.assert_close(layer(a, x, y), a.view(2, 3, 1, 1) * x + y)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("ConvolutionDepthwise", ""), ("ConvolutionDepthwise", "num_output: 4"), ("DepthwiseConvolution", "num_output: 4 group: 4")],
)
def test_depthwise_convolutions_are_grouped_convolutions(kind, fields):
    text = f"convolution_param {{ {fields} kernel_size: 3 stride: 2 pad: 1 }}"
    layer = make_layer(f'type: "{kind}" {text}', (2, 4, 7, 6))
    assert [spec.shape for spec in layer.specs] == [(4, 1, 3, 3), (4,)]
    x, weight, bias = numbers(2, 4, 7, 6), numbers(4, 1, 3, 3, seed=1), numbers(4, seed=2)
    fill(layer, weight.detach(), bias.detach())
    torch.testing.assert_close(layer(x)[0], functional.conv2d(x, weight, bias, 2, 1, groups=4))


def test_relu6():
    x = torch.tensor([-2.0, 0.0, 3.0, 6.0, 7.0], requires_grad=True)
    top = make_layer('type: "ReLU6" relu6_param { negative_slope: 0.5 }', (5,))(x)
    assert top.tolist() == [-1, 0, 3, 6, 6]
    assert torch.autograd.grad(top.sum(), x)[0].tolist() == [0.5, 0.5, 1, 0, 0]
    assert make_layer('type: "ReLU6"', (5,))(x).tolist() == [0, 0, 3, 6, 6]


def test_shuffle_channel():
    layer = make_layer('type: "ShuffleChannel" shuffle_channel_param { group: 2 }', (1, 6, 1, 1))
    assert layer(torch.arange(6.0).view(1, 6, 1, 1)).flatten().tolist() == [0, 3, 1, 4, 2, 5]


# -- gradients -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ('type: "BN" bn_param { bn_mode: LEARN }', [(3, 2, 2, 3)]),
        ('type: "BN" bn_param { bn_mode: INFERENCE }', [(3, 2)]),
        ('type: "BN" bn_param { momentum: 0.9 }', [(2, 2, 5, 3)]),
        ('type: "Normalize" norm_param { eps: 0.1 }', [(2, 3, 2, 3)]),
        ('type: "Normalize" norm_param { across_spatial: false channel_shared: false }', [(2, 3, 5)]),
        ('type: "Permute" permute_param { order: 1 order: 0 }', [(2, 3, 4)]),
        ('type: "Axpy"', [(2, 3), (2, 3, 2, 3), (2, 3, 2, 3)]),
        ('type: "ConvolutionDepthwise" convolution_param { kernel_size: 3 pad: 1 dilation: 2 stride: 2 }', [(2, 3, 5, 6)]),
        ('type: "DepthwiseConvolution" convolution_param { num_output: 4 group: 2 kernel_size: 2 }', [(2, 2, 3, 4)]),
        ('type: "ReLU6" relu6_param { negative_slope: 0.1 }', [(3, 7)]),
        ('type: "ShuffleChannel" shuffle_channel_param { group: 3 }', [(2, 6, 1, 3)]),
    ],
)
def test_gradients(text, shapes):
    check_gradients(make_layer(text, *shapes, train=True), *(4 * numbers(*shape, seed=seed) for seed, shape in enumerate(shapes)))


def test_gradients_of_upsample():
    layer = make_layer('type: "Upsample" upsample_param { upsample_h: 3 upsample_w: 5 }', (2, 1, 2, 2), (2, 1, 2, 2))
    mask = torch.tensor([[0.0, 4.0, 7.0, 14.0], [3.0, 2.0, 1.0, 10.0]]).view(2, 1, 2, 2)
    check_gradients(layer, numbers(2, 1, 2, 2), mask.double())


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ('type: "Upsample" upsample_param { scale_h: 2 }', [(1, 1, 2, 2)] * 2, "(DEPRECATED) scale OR scale_h & scale_w are required."),
        ('type: "Upsample" upsample_param { scale: 2 scale_h: 2 scale_w: 2 }', [(1, 1, 2, 2)] * 2, "scale OR scale_h & scale_w"),
        ('type: "Upsample" upsample_param { scale: 1 }', [(1, 1, 2, 2)] * 2, "must be greater than 1, not (1, 1)"),
        ('type: "Upsample" upsample_param { scale: 3 pad_out_w: true }', [(1, 1, 2, 2)] * 2, "pad_out_w requires a scale of 2"),
        ('type: "Upsample"', [(1, 1, 2, 2), (1, 1, 2, 3)], "the mask must have the bottom's shape (1, 1, 2, 2), not (1, 1, 2, 3)"),
        ('type: "Upsample"', [(1, 2, 2)] * 2, "Input must have 4 axes"),
        ('type: "BN"', [(3,)], "the bottom must have 2 to 4 axes, not 1"),
        ('type: "BN" bn_param { bn_mode: LEARN frozen: true }', [(2, 3)], "bn_param mixes fields of different forks: bn_mode, frozen"),
        ('type: "BN" bn_param { decay: 0.1 momentum: 0.9 }', [(2, 3)], "bn_param mixes fields of different forks: decay, momentum"),
        ('type: "Normalize"', [(3,)], "Number of axes of bottom blob must be >=2"),
        ('type: "Permute" permute_param { order: 3 }', [(1, 2, 3)], "order should be less than the input dimension 3: [3]"),
        ('type: "Permute" permute_param { order: 1 order: 1 }', [(1, 2, 3)], "there are duplicate orders: [1, 1]"),
        ('type: "Axpy"', [(2, 4), (2, 3, 4, 5), (2, 3, 4, 5)], "one element per channel of (2, 3, 4, 5), not shape (2, 4)"),
        ('type: "Axpy"', [(2, 3), (2, 3, 4, 5), (2, 3, 4, 6)], "the second and third bottom must have the same shape"),
        (
            'type: "ConvolutionDepthwise" convolution_param { num_output: 6 kernel_size: 3 }',
            [(2, 3, 4, 5)],
            "num_output must be the bottom's number of channels 3, not 6",
        ),
        ('type: "ShuffleChannel" shuffle_channel_param { group: 0 }', [(1, 4, 1, 1)], "group must be greater than 0"),
        ('type: "ShuffleChannel" shuffle_channel_param { group: 3 }', [(1, 4, 1, 1)], "Wrong group size: group 3 does not divide"),
    ],
)
def test_bad_parameters(text, shapes, sentence):
    with pytest.raises(CaffeError) as error:
        make_layer(text, *shapes)
    assert sentence in str(error.value)


@pytest.mark.parametrize("text", ['type: "BN"', 'type: "Normalize" norm_param { channel_shared: false }'])
def test_learned_blobs_hold_the_channels(text):
    layer = make_layer(text, (1, 3, 4, 5))
    layer.top_shapes((2, 3, 6, 7))
    with pytest.raises(CaffeError, match="3"):
        layer.top_shapes((1, 4, 4, 5))
