"""DeepLab's networks (`configs/deeplab`): VGG-16 in the words of 2014 and of today, at several scales or rates, and ResNet-101.

The facts are those of the papers, the names those of the published weights:

* "v1": L.-C. Chen, G. Papandreou, I. Kokkinos, K. Murphy, A. L. Yuille, "Semantic image segmentation with deep convolutional nets
  and fully connected CRFs", ICLR 2015 (arXiv 1412.7062);
* "v2": the same, "DeepLab: semantic image segmentation with deep convolutional nets, atrous convolution, and fully connected CRFs",
  PAMI 2018 (arXiv 1606.00915).
"""

from collections.abc import Callable

from config_builders.layers import (
    CONSTANT,
    MEAN_COLOUR,
    TEST,
    TRAIN,
    VOID,
    convolution,
    dropout,
    eltwise,
    interp,
    layer,
    listed_images,
    mat_files,
    pooling,
    rates,
    relu,
    shrunk,
    silence,
    softmax_loss,
)
from config_builders.resnet import Branch, classifiers
from config_builders.text import Message, Word, network, solver, variable

#: stage: how many convolutions, their width and dilation, the stride of the pooling behind them
VGG_STAGES = {1: (2, 64, 1, 2), 2: (2, 128, 1, 2), 3: (3, 256, 1, 2), 4: (3, 512, 1, 1), 5: (3, 512, 2, 1)}
SCORES = "fc8_${DATASET}"
RESNET_SCORES = "fc1_${DATASET}"
SLOW, FAST = rates(1, 2), rates(10, 20)
LABELS = variable("NUM_LABELS")
LARGE_FIELD = 12
PYRAMID = (6, 12, 18, 24)
#: what the multi-scale network reads beside its last layer, and by what stride that has to shrink
SHALLOW = {"data": 8, "pool1": 4, "pool2": 2, "pool3": 1, "pool4": 1}
RESOLUTIONS = {"": 1.0, "_res075": 0.75, "_res05": 0.5}

Layers = list[Message]
Text = Callable[[dict[str, Layers]], str]


# -- VGG-16 --------------------------------------------------------------------------------------


def largefov() -> dict[str, Layers]:
    """One classifier with a field of view of 12 pixels of an eighth (v1 section 5)."""
    return {"VGG-16": _vgg(), "classifier": [pooling("pool5a", "pool5", 1, "AVE"), *_head("pool5a", LARGE_FIELD)]}


def multi_scale() -> dict[str, Layers]:
    """LargeFOV's, with a little of the image and of four pooled layers beside the last one (v1 section 4.3).

    A classifier of concatenated features is the sum of classifiers of each.
    """
    sections = largefov()
    sections["classifier"][-1] = _scores(f"{SCORES}_fc7", "fc7")
    shallow = [each for blob, stride in SHALLOW.items() for each in _shallow(blob, stride)]
    names = [f"{SCORES}_{blob}" for blob in ("fc7", *SHALLOW)]
    return {**sections, "shallow features": shallow, "sum": [eltwise(SCORES, names, "SUM")]}


def pyramid() -> dict[str, Layers]:
    """Four classifiers of different rates, added up: ASPP-L (v2 section 3.2)."""
    heads = {f"classifier of rate {rate}": _head("pool5", rate, f"_{index}") for index, rate in enumerate(PYRAMID, 1)}
    names = [f"{SCORES}_{index}" for index in range(1, len(PYRAMID) + 1)]
    return {"VGG-16": _vgg(), **heads, "sum": [eltwise(SCORES, names, "SUM")]}


def _vgg() -> Layers:
    layers, bottom = [], "data"
    for stage, (count, width, dilation, stride) in VGG_STAGES.items():
        holes = {"dilation": dilation} if dilation > 1 else {}
        for index in range(1, count + 1):
            name = f"conv{stage}_{index}"
            layers += [
                convolution(name, bottom, SLOW, num_output=width, kernel_size=3, pad=dilation, **holes),
                relu(f"relu{stage}_{index}", name),
            ]
            bottom = name
        layers.append(pooling(f"pool{stage}", bottom, stride))
        bottom = f"pool{stage}"
    return layers


def _head(bottom: str, rate: int, suffix: str = "") -> Layers:
    """The fully connected layers as convolutions, the first of them dilated."""
    fc6, fc7 = f"fc6{suffix}", f"fc7{suffix}"
    return [
        convolution(fc6, bottom, SLOW, num_output=1024, kernel_size=3, pad=rate, dilation=rate),
        relu(f"relu6{suffix}", fc6),
        dropout(f"drop6{suffix}", fc6),
        convolution(fc7, fc6, SLOW, num_output=1024, kernel_size=1),
        relu(f"relu7{suffix}", fc7),
        dropout(f"drop7{suffix}", fc7),
        _scores(f"{SCORES}{suffix}", fc7),
    ]


def _scores(name: str, bottom: str) -> Message:
    fillers = {"weight_filler": {"type": "gaussian", "std": 0.01}, "bias_filler": {**CONSTANT, "value": 0}}
    return convolution(name, bottom, FAST, num_output=LABELS, kernel_size=1, **fillers)


def _shallow(blob: str, stride: int) -> Layers:
    first, second = f"{blob}_ms1", f"{blob}_ms2"
    filler = {"weight_filler": {"type": "gaussian", "std": 0.01}}
    return [
        convolution(first, blob, FAST, num_output=128, kernel_size=3, pad=1, stride=stride, **filler),
        relu(f"{first}_relu", first),
        dropout(f"{first}_drop", first),
        convolution(second, first, FAST, num_output=128, kernel_size=1, **filler),
        relu(f"{second}_relu", second),
        dropout(f"{second}_drop", second),
        _scores(f"{SCORES}_{blob}", second),
    ]


def vgg_train(sections: dict[str, Layers], write: Text = network) -> str:
    """Labels of an eighth of the size judge the scores."""
    losses = [shrunk("label_shrink", "label", 8), *_judged("", SCORES, "label_shrink")]
    return write({"input": [_images(training=True)], **sections, "losses": losses})


def vgg_test(sections: dict[str, Layers], write: Text = network, crf: bool = False) -> str:
    """Scores of full size to .mat files; with `crf` the probabilities after mean field."""
    scores = interp("fc8_interp", SCORES, zoom_factor=8)
    return write({"input": [_images(training=False)], **sections, "output": [scores, *_written("fc8", "fc8_interp", crf)]})


# -- ResNet-101 ----------------------------------------------------------------------------------


def resnet_train() -> str:
    """Three resolutions with shared weights, their largest scores; a loss for each and for those (v2 sections 3.2, 4.1)."""
    images = _images(training=True, scale_factors=[0.5, 0.75, 1, 1.25, 1.5])
    losses = [
        shrunk("label_shrink", "label", 8),
        shrunk("label_shrink16", "label", 16),
        *_judged("", "fc1_fusion", "label_shrink"),
        *_judged("_res1", RESNET_SCORES, "label_shrink"),
        *_judged("_res075", f"{RESNET_SCORES}_res075_interp", "label_shrink"),
        *_judged("_res05", f"{RESNET_SCORES}_res05", "label_shrink16"),
    ]
    return network({"input": [images, *_smaller()], **_resnet(), "losses": losses})


def resnet_test(crf: bool = False) -> str:
    """As `vgg_test`, of the fused scores."""
    scores = interp("fc1_interp", "fc1_fusion", zoom_factor=8)
    sections = {"input": [_images(training=False), *_smaller()], **_resnet()}
    return network({**sections, "output": [scores, *_written("fc1", "fc1_interp", crf)]})


def _smaller() -> Layers:
    return [shrunk("data_res05", "data", 2), interp("data_res075", "data", zoom_factor=3, shrink_factor=4, pad_beg=0, pad_end=0)]


def _resnet() -> dict[str, Layers]:
    sections = {f"ResNet-101 at {scale:g} of the size": Branch(suffix, {}).trunk() for suffix, scale in RESOLUTIONS.items()}
    scores = [each for suffix in RESOLUTIONS for each in classifiers(suffix, (FAST[0], FAST[1]), {}, RESNET_SCORES, LABELS)]
    full = [
        interp(f"{RESNET_SCORES}_res05_interp", f"{RESNET_SCORES}_res05", zoom_factor=2, pad_beg=0, pad_end=0),
        interp(f"{RESNET_SCORES}_res075_interp", f"{RESNET_SCORES}_res075", zoom_factor=4, shrink_factor=3, pad_beg=0, pad_end=0),
    ]
    largest = eltwise("fc1_fusion", [RESNET_SCORES, f"{RESNET_SCORES}_res075_interp", f"{RESNET_SCORES}_res05_interp"], "MAX")
    return {**sections, "classifiers": [*scores, *full, largest]}


# -- what they share -----------------------------------------------------------------------------


def _images(training: bool, **transform: object) -> Message:
    """Photographs with labels for each pixel, cropped and mirrored; for a test one after the other, without labels."""
    listed = listed_images("TRAIN_SET" if training else "TEST_SET", shuffle=training, label_type=Word("PIXEL" if training else "NONE"))
    return layer(
        "ImageSegData",
        "data",
        [],
        ["data", "label"] if training else ["data", "label", "data_dim"],
        include=(TRAIN if training else TEST)["include"],
        image_data_param=listed if training else {**listed, "batch_size": 1},
        transform_param={"mean_value": MEAN_COLOUR, "crop_size": variable("CROP_SIZE"), "mirror": training, **transform},
    )


def _judged(suffix: str, scores: str, labels: str) -> Layers:
    return [
        softmax_loss(f"loss{suffix}", scores, labels, **TRAIN),
        layer("SegAccuracy", f"accuracy{suffix}", [scores, labels], seg_accuracy_param=VOID),
    ]


def _written(folder: str, scores: str, crf: bool) -> Layers:
    """The scores, or with `crf` the probabilities after ten iterations of mean field (v1 section 4.2)."""
    if not crf:
        return [mat_files(f"{folder}_mat", scores, folder, **TEST), silence("label", "data_dim")]
    kernels = {field: variable(f"CRF_{field.upper()}") for field in ("pos_w", "pos_xy_std", "bi_w", "bi_xy_std", "bi_rgb_std")}
    param = {"max_iter": 10, **kernels, "output_probability": False}
    smoothed = layer("DenseCRF", "crf", [scores, "data_dim", "data"], dense_crf_param=param)
    return [smoothed, mat_files("crf_mat", "crf", "crf", **TEST), silence("label")]


def step_solver() -> str:
    """The rate cut to a tenth every 2000 of 6000 iterations (v1 section 5)."""
    return _solver({"base_lr": variable("LEARNING_RATE"), "lr_policy": "step", "gamma": 0.1, "stepsize": 2000, "max_iter": 6000})


def poly_solver() -> str:
    """The rate falling to zero in 20000 iterations (v2 section 4.1)."""
    policy = {"lr_policy": "poly", "power": 0.9, "max_iter": 20000, "iter_size": variable("ITER_SIZE")}
    return _solver({"base_lr": variable("LEARNING_RATE"), **policy})


def _solver(policy: Message) -> str:
    files = {"train_net": "${EXP}/config/${NET_ID}/train.prototxt", "snapshot_prefix": "${EXP}/model/${NET_ID}/train"}
    rest = {"momentum": 0.9, "weight_decay": 0.0005, "display": 20, "snapshot": 2000, "solver_mode": Word("GPU")}
    return solver({**files, **policy, **rest})
