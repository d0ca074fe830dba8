"""Four small nets, one of each kind, on which the tests repeat what any module of PyTorch can do."""

import copy

import pytest
import torch

from segaware_caffe import Net
from segaware_caffe.models import CAMVID_SEGAWARE

CONVOLUTION = 'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }'
PLAIN = f"""
    name: "plain" input: "data" input_shape {{ dim: 2 dim: 3 dim: 9 dim: 11 }}
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" {CONVOLUTION} }}
    layer {{ name: "bn" type: "BatchNorm" bottom: "c" top: "c" }}
    layer {{ name: "r" type: "ReLU" bottom: "c" top: "c" }}
    layer {{ name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param {{ kernel_size: 3 stride: 2 }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "p" top: "y" inner_product_param {{ num_output: 5
             weight_filler {{ type: "xavier" }} }} }}
"""
RECURRENT = """
    name: "recurrent" input: "x" input_shape { dim: 3 dim: 2 dim: 4 } input: "cont" input_shape { dim: 3 dim: 2 }
    layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param { num_output: 4
            weight_filler { type: "uniform" min: -1 max: 1 } } }
    layer { name: "s" type: "Softmax" bottom: "h" top: "y" softmax_param { axis: 2 } }
"""
DETECTION = f"""
    name: "detection" input: "data" input_shape {{ dim: 1 dim: 3 dim: 12 dim: 12 }}
    layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" {CONVOLUTION} }}
    layer {{ name: "n" type: "Normalize" bottom: "c" top: "n" norm_param {{ across_spatial: false channel_shared: false }} }}
    layer {{ name: "perm" type: "Permute" bottom: "n" top: "perm" permute_param {{ order: 0 order: 2 order: 3 order: 1 }} }}
    layer {{ name: "y" type: "Flatten" bottom: "perm" top: "y" }}
    layer {{ name: "prior" type: "PriorBox" bottom: "c" bottom: "data" top: "prior" prior_box_param {{ min_size: 3 }} }}
"""


def segaware() -> Net:
    return Net(CAMVID_SEGAWARE.prototxt, weights=CAMVID_SEGAWARE.weights)


NETS = {
    "plain": (lambda: Net(PLAIN), {"data": (2, 3, 9, 11)}),
    "segmentation-aware": (segaware, {"data": (1, 3, 33, 33)}),
    "recurrent": (lambda: Net(RECURRENT), {"x": (3, 2, 4), "cont": (3, 2)}),
    "detection": (lambda: Net(DETECTION), {"data": (1, 3, 12, 12)}),
}


@pytest.fixture(params=NETS)
def case(request):
    """A net, inputs for it, and what it makes of them."""
    make, shapes = NETS[request.param]
    torch.manual_seed(0)
    net = make()
    if request.param == "plain":
        with torch.no_grad():
            for blob, value in zip(net.params["bn"], (3.0, 60000.0, 40.0), strict=True):  # sums of many images
                blob.fill_(value)
        net.refresh()
    inputs = {name: torch.rand(shape) * 100 for name, shape in shapes.items()}
    return net, inputs, net_outputs(copy.deepcopy(net), inputs)


def net_outputs(net: Net, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in net(**inputs).items()}


def assert_near(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], tolerance: float) -> None:
    for name, value in expected.items():
        error = (found[name].float() - value).abs().max().item()
        assert error <= tolerance * value.abs().max().item(), name
