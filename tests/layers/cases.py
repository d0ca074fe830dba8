"""A small case of every layer type: its fields, and bottoms that it takes. A new type needs one; `test_declarations` asks for it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from layers.support import make_layer

from segaware_caffe.layers import Layer

IMAGE = (2, 3, 6, 5)
CONVOLUTION = "convolution_param { num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: 'gaussian' std: 0.5 } }"
WINDOW = "convolution_param { kernel_size: 3 pad: 1 }"
RECURRENT = "recurrent_param { num_output: 2 weight_filler { type: 'gaussian' } }"
MEANFIELD = "norm_conv_meanfield_param {{ num_iterations: 2 {0} }}"


@dataclass(frozen=True)
class Case:
    """The inside of `layer { }` without its type, and what makes each bottom."""

    text: str
    bottoms: tuple[Callable[[], torch.Tensor], ...]

    def bottom_values(self) -> list[torch.Tensor]:
        torch.manual_seed(1)
        return [make() for make in self.bottoms]

    def layer(self, type_name: str, train: bool = False) -> Layer:
        torch.manual_seed(0)
        return make_layer(f'type: "{type_name}" {self.text}', *(tuple(value.shape) for value in self.bottom_values()), train=train)


def case(text: str = "", *bottoms: tuple[int, ...] | Callable[[], torch.Tensor]) -> Case:
    """A bottom is a shape, filled with normal numbers, or what makes it."""
    return Case(text, tuple(given if callable(given) else normal(*given) for given in bottoms))


def normal(*shape: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randn(shape)


def positive(*shape: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.rand(shape) + 0.1


def labels(count: int, *shape: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randint(count, shape).float()


def values(*rows: list) -> Callable[[], torch.Tensor]:
    return lambda: torch.tensor(rows, dtype=torch.float32)


CASES = {
    "AbsVal": case("", IMAGE),
    "Accuracy": case("accuracy_param { axis: -2 }", (4, 3, 2), labels(3, 4, 2)),
    "AdaptiveBiasChannel": case("", (1, 3, 4, 4), labels(3, 1, 2, 1, 1)),
    "ArgMax": case("argmax_param { axis: -3 }", IMAGE),
    "Augmentation": case(
        'top: "a" top: "b" top: "f" top: "m" aug_param { num_transformations: 8 }', positive(1, 3, 5, 6), positive(1, 3, 5, 6), (1, 2, 5, 6)
    ),
    "Axpy": case("", (2, 3), IMAGE, IMAGE),
    "BN": case("", IMAGE),
    "BNLL": case("", IMAGE),
    "BatchNorm": case("", IMAGE),
    "BatchReindex": case("", IMAGE, labels(2, 4)),
    "BoxAnnotatorOHEM": case(
        'top: "a" top: "b" box_annotator_ohem_param { roi_per_img: 2 }', (3, 5), positive(3, 1), labels(3, 3, 1), (3, 4)
    ),
    "Bias": case("", IMAGE, (3,)),
    "BiasChannel": case("", (1, 3, 4, 4), labels(3, 1, 2, 1, 1)),
    "ChannelReduce": case("channel_reduce_param { num_channels: 2 }", (2, 6, 3, 3)),
    "Clip": case("clip_param { min: -1 max: 1 }", IMAGE),
    "Concat": case("concat_param { axis: -3 }", IMAGE, IMAGE),
    "ContrastiveLoss": case("", (4, 3), (4, 3), labels(2, 4)),
    "Convolution": case(CONVOLUTION, IMAGE),
    "ConvolutionDepthwise": case(CONVOLUTION.replace("num_output: 6", ""), IMAGE),
    "Crop": case("crop_param { offset: 1 }", IMAGE, (2, 3, 4, 3)),
    "Deconvolution": case(CONVOLUTION, IMAGE),
    "DenseCRF": case(
        "dense_crf_param { max_iter: 2 bi_w: 1 bi_xy_std: 3 bi_rgb_std: 2 }", (1, 3, 4, 5), values([4.0, 5.0]), positive(1, 3, 4, 5)
    ),
    "DepthwiseConvolution": case(CONVOLUTION.replace("num_output: 6", "num_output: 6 group: 3"), IMAGE),
    "DetectionOutput": case(
        "detection_output_param { num_classes: 2 confidence_threshold: 0.1 keep_top_k: 5 nms_param { nms_threshold: 0.4 } }",
        (1, 8),
        positive(1, 4),
        values([[0.1, 0.1, 0.4, 0.4, 0.5, 0.5, 0.9, 0.9], [0.1] * 8]),
    ),
    "DistLoss": case("dist_loss_param { alpha: 0.5 beta: 2 } " + WINDOW, positive(1, 9, 4, 4), labels(2, 1, 9, 4, 4)),
    "DomainTransform": case(
        "domain_transform_param { num_iter: 2 spatial_sigma: 5 range_sigma: 1 }", (1, 2, 4, 5), positive(1, 1, 4, 5), values([4.0, 5.0])
    ),
    "DomainTransformForwardOnly": case(
        "domain_transform_param { num_iter: 2 spatial_sigma: 5 range_sigma: 1 }",
        (1, 2, 4, 5),
        positive(1, 1, 4, 5),
        values([4.0, 5.0]),
    ),
    "Dropout": case("", IMAGE),
    "DummyData": case("dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: 'uniform' } }"),
    "ELU": case("", IMAGE),
    "Eltwise": case("", IMAGE, IMAGE),
    "Embed": case("embed_param { num_output: 2 input_dim: 4 weight_filler { type: 'gaussian' } }", labels(4, 3, 2)),
    "EuclideanLoss": case("", IMAGE, IMAGE),
    "Exp": case("", IMAGE),
    "Filter": case("", (4, 3), values([1.0], [0.0], [1.0], [1.0])),
    "Flatten": case("", IMAGE),
    "HingeLoss": case("", (4, 3), labels(3, 4)),
    "Im2col": case(WINDOW, IMAGE),
    "Im2dist": case(WINDOW, IMAGE),
    "Im2parity": case(WINDOW, labels(3, 2, 1, 6, 5)),
    "InfogainLoss": case("", (4, 3), labels(3, 4), positive(3, 3)),
    "InnerProduct": case("inner_product_param { num_output: 2 weight_filler { type: 'gaussian' } }", IMAGE),
    "Interp": case("interp_param { zoom_factor: 2 }", IMAGE),
    "L1Loss": case("", IMAGE, IMAGE),
    "LRN": case("", IMAGE),
    "LSTM": case(RECURRENT, (3, 2, 4), labels(2, 3, 2)),
    "LSTMUnit": case('top: "c" top: "h"', (1, 2, 3), (1, 2, 12), values([1.0, 0.0])),
    "Log": case("", positive(*IMAGE)),
    "MVN": case("", IMAGE),
    "MultiStageMeanfield": case(
        "multi_stage_meanfield_param { num_iterations: 2 theta_alpha: 3 theta_beta: 2 theta_gamma: 1 }",
        (1, 2, 4, 5), (1, 2, 4, 5), positive(1, 3, 4, 5)),
    "MultinomialLogisticLoss": case("", positive(4, 3), labels(3, 4)),
    "NormConv": case(
        CONVOLUTION, (1, 3, 5, 5), (1, 4, 5, 5)
    ),
    "NormConvMeanfield": case(
        MEANFIELD.format("kernel_size: 3 kernel_size: 3 pad: 1 pad: 1 dilation: 1 dilation: 1 scale: 1 scale: 1"),
        (1, 2, 4, 4),
        (1, 2, 4, 4),
        (1, 3, 4, 4),
        (1, 2, 4, 4),
    ),
    "Normalize": case("", IMAGE),
    "NospConvMeanfield": case(
        MEANFIELD.format("kernel_size: 3 pad: 1 dilation: 1 scale: 1"), (1, 2, 4, 4), (1, 2, 4, 4), (1, 3, 4, 4)
    ),
    "PReLU": case("", IMAGE),
    "PSROIPooling": case(
        "psroi_pooling_param { spatial_scale: 1 output_dim: 2 group_size: 2 }", (2, 8, 6, 5), values([0.0, 0, 0, 3, 3], [1.0, 1, 1, 4, 5])
    ),
    "Parameter": case("parameter_param { shape { dim: 2 dim: 3 } }"),
    "Permute": case("permute_param { order: 0 order: 2 order: 3 order: 1 }", IMAGE),
    "Pooling": case("pooling_param { kernel_size: 2 stride: 2 }", IMAGE),
    "Power": case("power_param { power: 2 }", IMAGE),
    "PriorBox": case("prior_box_param { min_size: 4 }", IMAGE, (2, 3, 24, 20)),
    "RNN": case(RECURRENT, (3, 2, 4), labels(2, 3, 2)),
    "ROIPooling": case("roi_pooling_param { pooled_h: 2 pooled_w: 2 }", IMAGE, values([0.0, 0, 0, 3, 3], [1.0, 1, 1, 4, 5])),
    "ReLU": case("", IMAGE),
    "ReLU6": case("", IMAGE),
    "Reduction": case("reduction_param { axis: -2 }", IMAGE),
    "Reshape": case("reshape_param { shape { dim: 0 dim: -1 } }", IMAGE),
    "SPP": case("spp_param { pyramid_height: 2 }", IMAGE),
    "Scale": case("", IMAGE, (3,)),
    "SegAccuracy": case("", IMAGE, labels(3, 2, 1, 6, 5)),
    "ShuffleChannel": case("shuffle_channel_param { group: 2 }", (2, 6, 3, 3)),
    "Sigmoid": case("", IMAGE),
    "SigmoidCrossEntropyLoss": case("", IMAGE, labels(2, *IMAGE)),
    "Silence": case("", IMAGE),
    "Slice": case('top: "a" top: "b" slice_param { axis: 2 }', IMAGE),
    "SmoothL1Loss": case("", IMAGE, IMAGE),
    "SmoothL1LossOHEM": case("", IMAGE, IMAGE),
    "Softmax": case("softmax_param { axis: -3 }", IMAGE),
    "SoftmaxWithLoss": case("", IMAGE, labels(3, 2, 6, 5)),
    "SpatialDropout": case("", IMAGE),
    "SoftmaxWithLossOHEM": case("", IMAGE, labels(3, 2, 6, 5)),
    "SpatialProduct": case("", IMAGE, (2, 1, 6, 5)),
    "Split": case('top: "a" top: "b"', IMAGE),
    "Swish": case("", IMAGE),
    "TanH": case("", IMAGE),
    "Threshold": case("", IMAGE),
    "Tile": case("tile_param { tiles: 2 axis: -3 }", IMAGE),
    "UniqueLabel": case("unique_label_param { max_labels: 4 }", labels(3, 2, 1, 4, 4)),
    "Upsample": case("upsample_param { scale: 2 }", (1, 2, 2, 2), values([[[0.0, 2], [8, 10]], [[1.0, 3], [9, 11]]])),
}  # fmt: skip
