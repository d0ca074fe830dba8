"""The commonest files of each family of networks, as small texts of our own: their words, their layers, their order."""

from dialects.tables import Blob, Case, conv, data, layer, top, v1, v1_conv, v1_data

IMAGE = data(1, 2, 8, 8)
V1_IMAGE = v1_data(1, 2, 8, 8)
LN2 = 0.6931472


def relu(blob: str) -> str:
    """In place."""
    return layer("ReLU", blob, blob, name=f"relu_{blob}")


def batch_norm_scale(blob: str) -> str:
    """BatchNorm and Scale in place, with statistics of a new net: a copy, for its correction is 0 and its eps small."""
    fixed = "param { lr_mult: 0 } param { lr_mult: 0 } param { lr_mult: 0 } batch_norm_param { use_global_stats: true eps: 1 }"
    return layer("BatchNorm", blob, blob, fixed, f"bn_{blob}") + layer(
        "Scale", blob, blob, "scale_param { bias_term: true bias_filler { value: 1 } }", f"scale_{blob}"
    )


DEEPLAB = {
    "v1: a hole in place of a stride": Case(
        V1_IMAGE
        + v1("POOLING", "data", "pool4", "pooling_param { pool: MAX kernel_size: 3 pad: 1 stride: 1 }")
        + v1_conv("pool4", "conv5", more="kernel_size: 3 pad: 2 hole: 2")
        + v1("RELU", "conv5", "conv5", name="relu5"),
        {"conv5": Blob((1, 2, 8, 8), None), "pool4": Blob((1, 2, 8, 8), 1)},
    ),
    "v1: LargeFOV's fc6": Case(
        v1_data(1, 2, 30, 30) + v1_conv(more="kernel_size: 3 hole: 12").replace("convolution_param", "strict_dim: false convolution_param"),
        top((1, 2, 6, 6), 9),
    ),
    "v1: INTERP, then SEG_ACCURACY": Case(
        v1_data(1, 2, 3, 3)
        + v1_data(1, 1, 17, 17, name="label", value=0)
        + v1("INTERP", "data", "big", "interp_param { zoom_factor: 8 }")
        + v1("SEG_ACCURACY", "big label", "top", "seg_accuracy_param { ignore_label: 255 }"),
        {"big": Blob((1, 2, 17, 17), 1), "top": Blob((1, 1, 1, 3), None)},
    ),
    "v1: labels shrunk": Case(
        v1_data(1, 1, 17, 17, value=3) + v1("INTERP", more="interp_param { shrink_factor: 8 pad_beg: 0 pad_end: 0 }"), top((1, 1, 3, 3), 3)
    ),
    "v1: DENSE_CRF": Case(
        v1_data(1, 2, 4, 5)
        + v1_data(1, 1, 1, 2, name="dim", value=4)
        + v1_data(1, 3, 4, 5, name="image")
        + v1(
            "DENSE_CRF", "data dim image", more="dense_crf_param { max_iter: 2 pos_w: 3 pos_xy_std: 3 bi_w: 4 bi_xy_std: 49 bi_rgb_std: 5 }"
        ),
        {"top": Blob((1, 2, 4, 5), None)},
    ),
    "v1: IMAGE_SEG_DATA without its list": Case(
        v1("IMAGE_SEG_DATA", "", "data label", "image_data_param { source: 'missing.txt' batch_size: 1 has_label: true }"), "missing.txt"
    ),
    "v1: MAT_WRITE": Case(V1_IMAGE + v1("MAT_WRITE", "data", "top", "mat_write_param { prefix: '/nowhere/' }"), "top"),
    "v1: UNIQUE_LABEL": Case(
        v1_data(1, 1, 4, 4, value=3) + v1("UNIQUE_LABEL", more="unique_label_param { max_labels: 2 }"), top((1, 2, 1, 1), [3, -1])
    ),
    "v2: dilation of many sizes, summed": Case(
        data(1, 2, 20, 20)
        + conv("data", "a", 1, more="kernel_size: 3 pad: 2 dilation: 2")
        + conv("data", "b", 1, more="kernel_size: 3 pad: 4 dilation: 4")
        + layer("Eltwise", "a b", "top", "eltwise_param { operation: SUM }"),
        {"top": Blob((1, 1, 20, 20), None)},
    ),
    "v2: MAX over scales": Case(
        data(1, 2, 9, 9)
        + layer("Interp", "data", "half", "interp_param { shrink_factor: 2 }")
        + layer("Interp", "half", "again", "interp_param { height: 9 width: 9 }")
        + layer("Eltwise", "data again", "top", "eltwise_param { operation: MAX }"),
        {"half": Blob((1, 2, 5, 5), 1), "top": Blob((1, 2, 9, 9), 1)},
    ),
}

FCN = {
    "upscore, cropped by an offset": Case(
        IMAGE
        + conv("data", "score", more="kernel_size: 2 stride: 2")
        + conv("score", "up", more="kernel_size: 4 stride: 2", kind="Deconvolution")
        + layer("Crop", "up data", "top", "crop_param { axis: 2 offset: 1 }"),
        {"up": Blob((1, 2, 10, 10), None), "top": Blob((1, 2, 8, 8), None)},
    ),
    "bilinear upsampling": Case(
        data(1, 2, 3, 3)
        + layer(
            "Deconvolution",
            more="param { lr_mult: 0 } convolution_param { num_output: 2 group: 2 bias_term: false kernel_size: 4 stride: 2 pad: 1"
            " weight_filler { type: 'bilinear' } }",
        ),
        {"top": Blob((1, 2, 6, 6), None)},
    ),
    "first release: CROP finds its offset": Case(
        V1_IMAGE
        + v1_conv("data", "score", more="kernel_size: 1 stride: 2")
        + v1("DECONVOLUTION", "score", "up", "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }")
        + v1("CROP", "up data", "top"),
        {"up": Blob((1, 2, 9, 9), None), "top": Blob((1, 2, 8, 8), None)},
    ),
    "first release: CROP of what is not aligned": Case(
        V1_IMAGE
        + v1_conv("data", "score", more="kernel_size: 1 stride: 2")
        + v1("DECONVOLUTION", "score", "up", "convolution_param { num_output: 2 kernel_size: 4 stride: 2 }")
        + v1("CROP", "up data", "top"),
        "no crop aligns 'up' with 'data': it would have to begin at h = 1.5",
    ),
    "python data layers": Case(
        layer("Python", "", "data label", "python_param { module: 'voc_layers' layer: 'VOCSegDataLayer' param_str: '{}' }"),
        "wants to run Python code in layer 'data' (voc_layers.VOCSegDataLayer)",
    ),
    "loss without normalisation": Case(
        data(1, 2, 3, 3)
        + data(1, 1, 3, 3, name="label", value=1)
        + layer("SoftmaxWithLoss", "data label", more="loss_param { normalize: false }"),
        top((), 9 * LN2),
    ),
}

SEGNET = {
    "pooling with its mask, undone": Case(
        data(1, 1, 4, 4)
        + layer("Pooling", "data", "pool mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        + layer("Upsample", "pool mask", "top", "upsample_param { scale: 2 }"),
        {"pool": Blob((1, 1, 2, 2), 1), "top": Blob((1, 1, 4, 4), [1, 0, 1, 0, 0, 0, 0, 0] * 2)},
    ),
    "odd sizes": Case(
        data(1, 1, 5, 6)
        + layer("Pooling", "data", "pool mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        + layer("Upsample", "pool mask", "top", "upsample_param { scale: 2 pad_out_h: true }"),
        {"pool": Blob((1, 1, 3, 3), 1), "top": Blob((1, 1, 5, 6), None)},
    ),
    "upsample_h and upsample_w": Case(
        data(1, 1, 5, 6)
        + layer("Pooling", "data", "pool mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        + layer("Upsample", "pool mask", "top", "upsample_param { upsample_h: 5 upsample_w: 6 }"),
        {"top": Blob((1, 1, 5, 6), None)},
    ),
    "LRN first": Case(IMAGE + layer("LRN", more="lrn_param { local_size: 5 alpha: 0 beta: 0.75 }"), top((1, 2, 8, 8), 1)),
    "BN in inference": Case(
        IMAGE + layer("BN", "data", "data", "bn_param { bn_mode: INFERENCE scale_filler { value: 3 } }"), {"data": Blob((1, 2, 8, 8), 3)}
    ),
    "weighted classes": Case(
        data(1, 2, 2, 2)
        + data(1, 1, 2, 2, name="label", value=0)
        + layer(
            "SoftmaxWithLoss",
            "data label",
            more="loss_param { weight_by_label_freqs: true ignore_label: 11 class_weighting: 0.5 class_weighting: 4 }",
        ),
        top((), LN2 / 2),
    ),
    "DenseImageData without its list": Case(
        layer("DenseImageData", "", "data label", "dense_image_data_param { source: 'missing.txt' batch_size: 4 shuffle: true }"),
        "missing.txt",
    ),
    "Bayesian": Case(
        IMAGE + layer("Dropout", "data", "top", "dropout_param { dropout_ratio: 0 sample_weights_test: true }"), top((1, 2, 8, 8), 1)
    ),
}

ENET = {
    "an asymmetric convolution": Case(
        IMAGE
        + conv("data", "a", more="kernel_h: 5 kernel_w: 1 pad_h: 2 pad_w: 0")
        + conv("a", "top", more="kernel_h: 1 kernel_w: 5 pad_h: 0 pad_w: 2"),
        {"a": Blob((1, 2, 8, 8), None), "top": Blob((1, 2, 8, 8), None)},
    ),
    "a block that halves": Case(
        IMAGE
        + conv("data", "a", 1, more="kernel_size: 2 stride: 2")
        + layer("PReLU", "a", "a", name="prelu")
        + layer("Pooling", "data", "pool mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        + layer("Concat", "a pool", "top"),
        top((1, 3, 4, 4), [4] * 16 + [1] * 32),
    ),
    "a convolution that dilates": Case(IMAGE + conv(more="kernel_size: 3 pad: 2 dilation: 2"), {"top": Blob((1, 2, 8, 8), None)}),
    "spatial dropout in Python": Case(
        IMAGE + layer("Python", "data", "top", "python_param { module: 'spatial_dropout' layer: 'SpatialDropoutLayer' }"),
        "wants to run Python code in layer 'top' (spatial_dropout.SpatialDropoutLayer)",
    ),
    "labels divided": Case(
        layer("DenseImageData", "", "data label", "dense_image_data_param { source: 'x' label_divide_factor: 8 }"),
        "dense_image_data_param.label_divide_factor: 8 (layer 'data'): a word of ENet",
    ),
}

ICNET = {
    "cascade": Case(
        data(1, 2, 9, 9)
        + layer("Interp", "data", "half", "interp_param { height: 5 width: 5 }")
        + conv("half", "low", more="kernel_size: 3 pad: 2 dilation: 2")
        + layer("Interp", "low", "up", "interp_param { zoom_factor: 2 }")
        + conv("data", "high")
        + layer("Eltwise", "up high", "top", "eltwise_param { operation: SUM }"),
        {"half": Blob((1, 2, 5, 5), 1), "top": Blob((1, 2, 9, 9), None)},
    ),
    "BN with its four params": Case(
        data(4, 2, 3, 3)
        + layer(
            "BN",
            more="param { lr_mult: 1 decay_mult: 0 } param { lr_mult: 1 } param { lr_mult: 0 } param { lr_mult: 0 }"
            " bn_param { slope_filler { type: 'constant' value: 1 } bias_filler { value: 4 } frozen: true momentum: 0.95 }",
        ),
        {"top": Blob((4, 2, 3, 3), None)},
    ),
    "weights of several losses": Case(
        data(1, 2, 2, 2)
        + data(1, 1, 2, 2, name="label", value=1)
        + layer("SoftmaxWithLoss", "data label", "sub4", "loss_weight: 0.16 loss_param { ignore_label: 255 }")
        + layer("SoftmaxWithLoss", "data label", "sub1", "loss_weight: 1"),
        {"sub4": Blob((), LN2), "sub1": Blob((), LN2)},
    ),
}

PSPNET = {
    "pyramid pooling": Case(
        data(1, 2, 6, 6)
        + layer("Pooling", "data", "p1", "pooling_param { pool: AVE kernel_size: 6 stride: 6 }")
        + layer("Pooling", "data", "p2", "pooling_param { pool: AVE kernel_size: 3 stride: 3 }")
        + layer("Interp", "p1", "u1", "interp_param { height: 6 width: 6 }")
        + layer("Interp", "p2", "u2", "interp_param { height: 6 width: 6 }")
        + layer("Concat", "data u2 u1"),
        top((1, 6, 6, 6), 1),
    ),
    "BN of its first version": Case(
        data(2, 2, 3, 3)
        + layer("BN", more="param { } param { } param { } param { } bn_param { scale_filler { value: 1 } shift_filler { value: 6 } }"),
        top((2, 2, 3, 3), 6),
    ),
    "dropout, then the scores": Case(
        IMAGE + layer("Dropout", "data", "data", "dropout_param { dropout_ratio: 0.1 }", "drop") + conv(), top((1, 2, 8, 8), 1)
    ),
    "a residual block that dilates": Case(
        IMAGE + conv("data", "a", more="kernel_size: 3 stride: 1 pad: 4 dilation: 4") + relu("a") + layer("Eltwise", "data a"),
        {"top": Blob((1, 2, 8, 8), None)},
    ),
}

CRF_RNN = {
    "inference": Case(
        data(1, 2, 4, 5)
        + layer("Split", "data", "unary Q0")
        + data(1, 3, 4, 5, name="image")
        + layer(
            "MultiStageMeanfield",
            "unary Q0 image",
            "pred",
            "param { lr_mult: 10 } param { lr_mult: 10 } param { lr_mult: 10 } multi_stage_meanfield_param { num_iterations: 3"
            " compatibility_mode: POTTS threshold: 2 theta_alpha: 160 theta_beta: 3 theta_gamma: 3 spatial_filter_weight: 3"
            " bilateral_filter_weight: 5 }",
        ),
        {"pred": Blob((1, 2, 4, 5), None)},
    ),
    "V1, with its parameters' rates": Case(
        v1_data(1, 2, 4, 5)
        + v1_data(1, 3, 4, 5, name="image")
        + v1(
            "MULTI_STAGE_MEANFIELD",
            "data data image",
            "pred",
            "blobs_lr: 10 blobs_lr: 10 blobs_lr: 10 multi_stage_meanfield_param { num_iterations: 2 theta_alpha: 160 theta_beta: 3"
            " theta_gamma: 3 spatial_filter_weight: 3 bilateral_filter_weight: 5 }",
        ),
        {"pred": Blob((1, 2, 4, 5), None)},
    ),
    "Crop without crop_param": Case(
        IMAGE
        + conv("data", "score", more="kernel_size: 1 stride: 2")
        + conv("score", "up", more="kernel_size: 3 stride: 2", kind="Deconvolution")
        + layer("Crop", "up data", "top"),
        "say which is meant, crop_param { offset: 0 } or crop_param { offset: 1",
    ),
}

HED = {
    "side output": Case(
        IMAGE
        + conv("data", "score", 1, more="kernel_size: 1 stride: 2")
        + conv("score", "up", 1, more="kernel_size: 4 stride: 2", kind="Deconvolution")
        + layer("Crop", "up data", "side", "crop_param { axis: 2 offset: 1 }")
        + layer("Sigmoid", "side", "top"),
        {"top": Blob((1, 1, 8, 8), None)},
    ),
    "fused sides": Case(IMAGE + layer("Concat", "data data", "all") + conv("all", "top", 1, 0.2), top((1, 1, 8, 8), 0.8)),
    "ImageLabelmapData without its list": Case(
        layer("ImageLabelmapData", "", "data label", "image_data_param { source: 'missing.lst' batch_size: 1 root_folder: 'x/' }"),
        "missing.lst",
    ),
}

SSD = {
    "Normalize": Case(
        data(1, 4, 3, 3) + layer("Normalize", more="norm_param { across_spatial: false scale_filler { value: 20 } channel_shared: false }"),
        top((1, 4, 3, 3), 10),
    ),
    "Permute and Flatten": Case(
        data(1, 6, 2, 3)
        + layer("Permute", "data", "p", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
        + layer("Flatten", "p", "top", "flatten_param { axis: 1 }"),
        {"p": Blob((1, 2, 3, 6), 1), "top": Blob((1, 36), 1)},
    ),
    "PriorBox": Case(
        data(1, 2, 1, 1)
        + data(1, 3, 10, 10, name="image")
        + layer(
            "PriorBox",
            "data image",
            more="prior_box_param { min_size: 4 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 offset: 0.5 }",
        ),
        top((1, 2, 4), [0.3, 0.3, 0.7, 0.7, 0.1, 0.1, 0.2, 0.2]),
    ),
    "training data": Case(
        layer(
            "AnnotatedData",
            "",
            "data label",
            "include { phase: TRAIN } data_param { source: 'x' }"
            " annotated_data_param { batch_sampler { max_sample: 1 } label_map_file: 'm' }"
            " transform_param { resize_param { prob: 1 resize_mode: WARP height: 300 width: 300 interp_mode: LINEAR }"
            " emit_constraint { emit_type: CENTER } }",
        ),
        "Unknown layer type: AnnotatedData (a layer of SSD, NVIDIA Caffe, Intel Caffe, MobileNet-YOLO, which reads a database",
        "TRAIN",
    ),
    "the loss is of TRAIN alone": Case(
        IMAGE
        + layer(
            "MultiBoxLoss",
            "data data",
            "loss",
            "include { phase: TRAIN } multibox_loss_param { num_classes: 21 mining_type: MAX_NEGATIVE }",
        )
        + relu("data"),
        {"data": Blob((1, 2, 8, 8), 1)},
    ),
    "evaluation": Case(
        IMAGE + layer("DetectionEvaluate", "data data", more="detection_evaluate_param { num_classes: 21 background_label_id: 0 }"),
        "Unknown layer type: DetectionEvaluate (a layer of SSD",
    ),
}

RCNN = {
    "ROIPooling": Case(
        data(1, 2, 8, 8)
        + data(3, 5, name="rois", value=0)
        + layer("ROIPooling", "data rois", more="roi_pooling_param { pooled_w: 3 pooled_h: 2 spatial_scale: 0.0625 }"),
        top((3, 2, 2, 3), 1),
    ),
    "dropout that scales in TEST": Case(
        IMAGE + layer("Dropout", "data", "data", "dropout_param { dropout_ratio: 0.5 scale_train: false }"),
        {"data": Blob((1, 2, 8, 8), 0.5)},
    ),
    "the proposal network's reshape": Case(
        data(1, 18, 4, 5) + layer("Reshape", more="reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }"), top((1, 2, 36, 5), 1)
    ),
    "SmoothL1Loss with weights": Case(
        data(1, 4, 1, 1, value=3)
        + data(1, 4, 1, 1, name="target", value=1)
        + data(1, 4, 1, 1, name="in")
        + layer("SmoothL1Loss", "data target in in", more="smooth_l1_loss_param { sigma: 3 }"),
        top((), 4 * (2 - 0.5 / 9)),
    ),
    "the proposals are Python": Case(
        IMAGE
        + layer(
            "Python",
            "data",
            "rois",
            "python_param { module: 'rpn.proposal_layer' layer: 'ProposalLayer' param_str: \"'feat_stride': 16\" }",
        ),
        "wants to run Python code in layer 'rois' (rpn.proposal_layer.ProposalLayer)",
    ),
    "R-FCN: votes of a position-sensitive map": Case(
        data(1, 12, 6, 6)
        + data(2, 5, name="rois", value=0)
        + layer("PSROIPooling", "data rois", "pooled", "psroi_pooling_param { spatial_scale: 0.0625 output_dim: 3 group_size: 2 }")
        + layer("Pooling", "pooled", "top", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"),
        {"pooled": Blob((2, 3, 2, 2), 1), "top": Blob((2, 3, 1, 1), 1)},
    ),
    "R-FCN: hard examples": Case(
        data(4, 5, name="rois", value=0)
        + data(4, 1, 1, 1, name="loss")
        + data(4, 1, 1, 1, name="label")
        + data(4, 8, 1, 1, name="weights")
        + layer("BoxAnnotatorOHEM", "rois loss label weights", "top kept", "box_annotator_ohem_param { roi_per_img: 4 ignore_label: -1 }"),
        {"top": Blob((4, 1, 1, 1), 1), "kept": Blob((4, 8, 1, 1), 1)},
    ),
    "R-FCN: its losses, one for each roi": Case(
        data(3, 2) + data(3, name="label", value=1) + layer("SoftmaxWithLossOHEM", "data label", "top prob each"),
        {"top": Blob((), LN2), "prob": Blob((3, 2), 0.5), "each": Blob((3, 1), LN2)},
    ),
}

CLASSIFIERS = {
    "MobileNet: depthwise and pointwise": Case(
        data(1, 4, 6, 6)
        + conv("data", "dw", 4, 1, "kernel_size: 3 group: 4 engine: CAFFE")
        + batch_norm_scale("dw")
        + relu("dw")
        + conv("dw", "top", 2, 0.5),
        top((1, 2, 4, 4), 20),
    ),
    "MobileNet: DepthwiseConvolution": Case(
        data(1, 4, 6, 6) + conv(num_output=4, weight=1, more="kernel_size: 3 group: 4", kind="DepthwiseConvolution"), top((1, 4, 4, 4), 9)
    ),
    "MobileNet: ConvolutionDepthwise": Case(
        data(1, 4, 6, 6)
        + layer("ConvolutionDepthwise", more="convolution_param { kernel_size: 3 bias_term: false weight_filler { value: 1 } }"),
        top((1, 4, 4, 4), 9),
    ),
    "MobileNetV2: ReLU6 and a residual": Case(
        IMAGE + conv("data", "a", 2, 4) + layer("ReLU6", "a", "a", name="r") + layer("Eltwise", "data a"), top((1, 2, 8, 8), 7)
    ),
    "ShuffleNet: channels dealt out": Case(
        data(1, 6, 2, 2) + layer("ShuffleChannel", more="shuffle_channel_param { group: 3 }"), top((1, 6, 2, 2), 1)
    ),
    "ShuffleNet: groups that do not divide": Case(
        data(1, 5, 2, 2) + layer("ShuffleChannel", more="shuffle_channel_param { group: 3 }"), "group 3 does not divide the channels"
    ),
    "DenseNet: a block": Case(
        IMAGE
        + layer("BatchNorm", "data", "bn", "batch_norm_param { eps: 1 }")
        + layer("Scale", "bn", "bn", "scale_param { bias_term: true bias_filler { value: 1 } }", "scale")
        + relu("bn")
        + conv("bn", "new", 1, 0.5)
        + layer("Concat", "data new"),
        top((1, 3, 8, 8), [1] * 128 + [2] * 64),
    ),
    "DenseNet: a transition": Case(
        IMAGE + conv("data", "a", 1) + layer("Pooling", "a", "top", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"),
        top((1, 1, 4, 4), 1),
    ),
    "ResNeXt: 2 groups": Case(data(1, 4, 5, 5) + conv(num_output=4, weight=1, more="kernel_size: 3 group: 2"), top((1, 4, 3, 3), 18)),
    "ResNet: floor at the first pooling": Case(
        data(1, 2, 8, 8) + layer("Pooling", more="pooling_param { pool: MAX kernel_size: 3 stride: 2 ceil_mode: false }"),
        top((1, 2, 3, 3), 1),
    ),
    "ResNet: global pooling": Case(IMAGE + layer("Pooling", more="pooling_param { pool: AVE global_pooling: true }"), top((1, 2, 1, 1), 1)),
    "SENet: excitation by Axpy": Case(
        IMAGE + layer("Pooling", "data", "g", "pooling_param { pool: AVE global_pooling: true }") + layer("Axpy", "g data data"),
        top((1, 2, 8, 8), 2),
    ),
    "SENet: excitation by Scale": Case(
        IMAGE
        + layer("Pooling", "data", "g", "pooling_param { pool: AVE global_pooling: true }")
        + conv("g", "e", 2, 2)
        + layer("Scale", "data e", "top", "scale_param { axis: 0 }"),
        "bottom",
    ),
    "Inception: BN without Scale in V2": Case(
        data(4, 2, 3, 3) + layer("BatchNorm", more="batch_norm_param { use_global_stats: false }"), top((4, 2, 3, 3), 0)
    ),
}

OTHERS = {
    "OpenPose: stages that concatenate": Case(
        data(1, 4, 6, 6)
        + conv("data", "s1", 3, 0.25)
        + conv("data", "s2", 2, 0.25)
        + layer("Concat", "s1 s2 data", "top", "concat_param { axis: 1 }"),
        top((1, 9, 6, 6), 1),
    ),
    "OpenPose: input fields": Case(
        "input: 'image' input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4\n" + data(1, 3, 4, 4) + layer("Eltwise", "data data"),
        {"top": Blob((1, 3, 4, 4), 2)},
    ),
    "OpenPose: its data": Case(
        layer("CPMData", "", "data label", "data_param { source: 'x' backend: LMDB }"), "Unknown layer type: CPMData (a layer of OpenPose"
    ),
    "OpenPose: its peaks": Case(IMAGE + layer("Nms"), "Unknown layer type: Nms (a layer of OpenPose"),
    "colorization: temperature, then the softmax": Case(
        data(1, 4, 3, 3)
        + layer("Scale", "data", "hot", "param { lr_mult: 0 } scale_param { bias_term: false filler { type: 'constant' value: 2.606 } }")
        + layer("Softmax", "hot", "top"),
        {"hot": Blob((1, 4, 3, 3), 2.606), "top": Blob((1, 4, 3, 3), 0.25)},
    ),
    "colorization: the annealed mean": Case(
        data(1, 4, 3, 3) + conv("data", "top", 2, 0.25, "kernel_size: 1 stride: 1 dilation: 1"), top((1, 2, 3, 3), 1)
    ),
    "colorization: dilation in Deconvolution": Case(
        data(1, 1, 3, 3) + conv(num_output=1, weight=1, more="kernel_size: 4 stride: 2 pad: 1 dilation: 1", kind="Deconvolution"),
        {"top": Blob((1, 1, 6, 6), None)},
    ),
    "LRCN: LSTM": Case(
        data(3, 2, 4)
        + data(3, 2, name="cont", value=0)
        + layer(
            "LSTM",
            "data cont",
            more="recurrent_param { num_output: 5 weight_filler { type: 'constant' value: 0 } bias_filler { value: 0 } }",
        ),
        top((3, 2, 5), 0),
    ),
    "LRCN: Embed": Case(
        data(3, 2, value=1) + layer("Embed", more="embed_param { num_output: 4 input_dim: 5 bias_term: false weight_filler { value: 2 } }"),
        top((3, 2, 4), 2),
    ),
    "LRCN: Accuracy over steps": Case(
        data(3, 2, 4)
        + data(3, 2, name="label", value=0)
        + layer("Accuracy", "data label", more="accuracy_param { axis: 2 ignore_label: -1 denominator: 0 }"),
        {"top": Blob((), None)},
    ),
    "LRCN: flow images": Case(
        layer("ImageData", "", "data label", "image_data_param { source: 'x' min_height: 227 min_width: 227 }"),
        "image_data_param.min_height: 227 (layer 'data'): a word of LRCN, Intel Caffe",
    ),
    "DIGITS: stages of a generic net": Case(IMAGE + layer("ReLU", "data", "top", "exclude { stage: 'deploy' }"), top((1, 2, 8, 8), 1)),
    "DIGITS: NVIDIA's BatchNorm": Case(
        data(1, 2, 2, 2)
        + layer(
            "BatchNorm",
            "data",
            "top",
            "batch_norm_param { scale_bias: true moving_average_fraction: 0.99 engine: CUDNN use_global_stats: false }",
        ),
        top((1, 2, 2, 2), 0),
    ),
    "DIGITS: random resizing": Case(
        layer(
            "Data",
            "",
            "data label",
            "data_param { source: 'x' backend: LMDB threads: 4 } transform_param { img_rand_resize_lower: 256 img_rand_resize_upper: 480 }",
        ),
        "transform_param.img_rand_resize_lower: 256 (layer 'data'): a word of NVIDIA Caffe",
    ),
    "DIGITS: DetectNet": Case(
        IMAGE
        + layer(
            "DetectNetTransformation",
            "data",
            "top",
            "include { phase: TRAIN } detectnet_groundtruth_param { stride: 16 object_class { src: 1 dst: 0 } }",
        ),
        "Unknown layer type: DetectNetTransformation (a layer of NVIDIA Caffe, which makes DetectNet's grids",
        "TRAIN",
    ),
    "YOLO": Case(
        IMAGE + layer("Yolov3", "data", "loss", "yolov3_param { side: 13 num_class: 20 iou_loss: GIOU biases: 10 biases: 14 mask: 0 }"),
        "Unknown layer type: Yolov3 (a layer of MobileNet-YOLO",
    ),
}

FAMILIES = {
    f"{family}: {name}": case
    for family, table in {
        "DeepLab": DEEPLAB,
        "FCN": FCN,
        "SegNet": SEGNET,
        "ENet": ENET,
        "ICNet": ICNET,
        "PSPNet": PSPNET,
        "CRF-RNN": CRF_RNN,
        "HED": HED,
        "SSD": SSD,
        "R-CNN": RCNN,
        "": CLASSIFIERS,
        "others": OTHERS,
    }.items()
    for name, case in table.items()
}
