"""A table of words: at least one text for each row of the specification's dialects page and for each kind of word."""

from dialects.tables import Case, conv, data, layer, top, v1, v1_conv, v1_data

IMAGE = data(1, 2, 8, 8)
POOL = "pool: AVE kernel_size: 3 stride: 2"
LABELS = data(1, 1, 2, 2, name="label", value=1)
SCORES = data(1, 2, 2, 2)
LN2 = 0.6931472

SAME = {
    "hole": Case(IMAGE + conv(more="kernel_size: 3 hole: 2"), top((1, 2, 4, 4), 9)),
    "hole of 1": Case(IMAGE + conv(more="kernel_size: 3 hole: 1"), top((1, 2, 6, 6), 9)),
    "hole_h and hole_w": Case(IMAGE + conv(more="kernel_size: 3 hole_h: 1 hole_w: 3"), top((1, 2, 6, 2), 9)),
    "hole_h and hole_w of converters": Case(IMAGE + conv(more="kernel_size: 3 hole_h: 1 hole_w: 1"), top((1, 2, 6, 6), 9)),
    "hole and an equal dilation": Case(IMAGE + conv(more="kernel_size: 3 hole: 2 dilation: 2"), top((1, 2, 4, 4), 9)),
    "hole in V1": Case(v1_data(1, 2, 8, 8) + v1_conv(more="kernel_size: 3 hole: 2"), top((1, 2, 4, 4), 9)),
    "hole of a Deconvolution": Case(IMAGE + conv(more="kernel_size: 3 hole: 2", kind="Deconvolution"), {"top": ((1, 2, 12, 12), None)}),
    "hole that contradicts": Case(
        IMAGE + conv(more="kernel_size: 3 hole: 2 dilation: 4"),
        "layer 'top' (Convolution): hole: 2 is an old word for dilation, which is given as 4",
    ),
    "hole_h alone": Case(IMAGE + conv(more="kernel_size: 3 hole_h: 2"), "the hole is hole OR hole_h and hole_w, not hole_h"),
    "ceil_mode: false": Case(IMAGE + layer("Pooling", more=f"pooling_param {{ {POOL} ceil_mode: false }}"), top((1, 2, 3, 3), 1)),
    "ceil_mode: true": Case(IMAGE + layer("Pooling", more=f"pooling_param {{ {POOL} ceil_mode: true }}"), {"top": ((1, 2, 4, 4), None)}),
    "ceil_mode in V1": Case(v1_data(1, 2, 8, 8) + v1("POOLING", more=f"pooling_param {{ {POOL} ceil_mode: false }}"), top((1, 2, 3, 3), 1)),
    "ceil_mode that contradicts": Case(
        IMAGE + layer("Pooling", more=f"pooling_param {{ {POOL} ceil_mode: false round_mode: CEIL }}"),
        "layer 'top' (Pooling): ceil_mode: false contradicts round_mode: CEIL",
    ),
    "blobs_lr in today's layers": Case(
        IMAGE + conv().replace("convolution_param", "blobs_lr: 3 weight_decay: 2 convolution_param"), top((1, 2, 8, 8), 1)
    ),
    "blobs_lr that contradicts": Case(
        IMAGE + conv().replace("convolution_param", "blobs_lr: 3 param { lr_mult: 1 } convolution_param"),
        "layer 'top' (Convolution): blobs_lr contradicts param { lr_mult }",
    ),
    "crop_h and crop_w that differ": Case(
        layer("Data", "", more="data_param { source: 'x' } transform_param { crop_h: 3 crop_w: 4 }"), "crop_h: 3 and crop_w: 4 differ"
    ),
    "softmaxloss_param with one label": Case(
        v1_data(1, 2, 2, 2)
        + v1_data(1, 1, 2, 2, name="label", value=1)
        + v1("SOFTMAX_LOSS", "data label", more="softmaxloss_param { ignore_label: 255 }"),
        top((), LN2),
    ),
    "softmaxloss_param that ignores all": Case(
        v1_data(1, 2, 2, 2)
        + v1_data(1, 1, 2, 2, name="label", value=1)
        + v1("SOFTMAX_LOSS", "data label", more="softmaxloss_param { ignore_label: 1 }"),
        top((), 0),
    ),
    "softmaxloss_param with several labels": Case(
        SCORES + LABELS + layer("SoftmaxWithLoss", "data label", more="softmaxloss_param { ignore_label: 0 ignore_label: 255 }"),
        top((), LN2),
    ),
    "softmaxwithloss_param": Case(
        SCORES + LABELS + layer("SoftmaxWithLoss", "data label", more="softmaxwithloss_param { ignore_label: 0 }"),
        "No fork has it: DeepLab v1 has softmaxloss_param, and today's word is loss_param.",
    ),
    "quoted enum": Case(
        IMAGE + layer("Pooling", more='pooling_param { pool: "AVE" kernel_size: 2 }'), "Leave out the quotation marks: pool: AVE"
    ),
    "quoted enum of another case": Case(
        IMAGE + layer("Pooling", more='pooling_param { pool: "max" kernel_size: 2 }'), 'Leave out the quotation marks. Did you mean "MAX"?'
    ),
    "strict_dim": Case(
        v1_data(1, 2, 8, 8) + v1_conv().replace("convolution_param", "strict_dim: false convolution_param"), top((1, 2, 8, 8), 1)
    ),
}

OWN = {
    "scale_train: false in TEST": Case(
        IMAGE + layer("Dropout", more="dropout_param { dropout_ratio: 0.25 scale_train: false }"), top((1, 2, 8, 8), 0.75)
    ),
    "dropout 0": Case(IMAGE + layer("Dropout", more="dropout_param { dropout_ratio: 0 }"), top((1, 2, 8, 8), 1), "TRAIN"),
    "sample_weights_test": Case(
        IMAGE + layer("Dropout", more="dropout_param { sample_weights_test: true }"), {"top": ((1, 2, 8, 8), None)}
    ),
    "class_weighting": Case(
        SCORES + LABELS + layer("SoftmaxWithLoss", "data label", more="loss_param { weight_by_label_freqs: true class_weighting: [2, 3] }"),
        top((), 3 * LN2),
    ),
    "class_weighting that is off": Case(
        SCORES + LABELS + layer("SoftmaxWithLoss", "data label", more="loss_param { class_weighting: [2, 3] }"), top((), LN2)
    ),
    "PRE_FIXED": Case(
        SCORES + LABELS + layer("SoftmaxWithLoss", "data label", more="loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 8 }"),
        top((), 4 * LN2 / 8),
    ),
    "BatchNorm with scale_bias": Case(
        data(1, 2, 2, 2, value=3)
        + layer(
            "BatchNorm",
            more="batch_norm_param { scale_bias: true use_global_stats: false bias_filler { value: 7 } scale_filler { value: 2 } }",
        ),
        top((1, 2, 2, 2), 7),
    ),
    "BatchNorm with scale_bias has five blobs": Case(
        data(1, 2, 2, 2) + layer("BatchNorm", more="param { } " * 5 + "batch_norm_param { scale_bias: true }"),
        {"top": ((1, 2, 2, 2), None)},
    ),
    "BN of PSPNet": Case(
        IMAGE + layer("BN", more="bn_param { slope_filler { value: 2 } bias_filler { value: 5 } frozen: true }"),
        {"top": ((1, 2, 8, 8), None)},
    ),
    "BN of SegNet": Case(
        IMAGE + layer("BN", more="bn_param { scale_filler { value: 2 } shift_filler { value: 5 } bn_mode: INFERENCE }"),
        top((1, 2, 8, 8), 7),
    ),
    "PSROIPooling": Case(
        data(1, 4, 6, 6)
        + data(1, 5, name="rois", value=0)
        + layer("PSROIPooling", "data rois", more="psroi_pooling_param { spatial_scale: 1 output_dim: 1 group_size: 2 }"),
        top((1, 1, 2, 2), 1),
    ),
    "MultiStageMeanfield": Case(
        data(1, 2, 4, 5)
        + data(1, 3, 4, 5, name="image")
        + layer(
            "MultiStageMeanfield",
            "data data image",
            more="multi_stage_meanfield_param { num_iterations: 2 theta_alpha: 160 theta_beta: 3 theta_gamma: 3"
            " spatial_filter_weight: 3 bilateral_filter_weight: 5 }",
        ),
        {"top": ((1, 2, 4, 5), None)},
    ),
    "SpatialDropout": Case(IMAGE + layer("SpatialDropout", more="spatial_dropout_param { dropout_ratio: 0.1 }"), top((1, 2, 8, 8), 1)),
    "ReLU6": Case(data(1, 2, value=9) + layer("ReLU6"), top((1, 2), 6)),
    "ReLU6 with an engine": Case(data(1, 2, value=9) + layer("ReLU6", more="relu6_param { engine: CAFFE }"), top((1, 2), 6)),
    "RELU6 of V1": Case(v1_data(1, 2, 1, 1, value=9) + v1("RELU6"), top((1, 2, 1, 1), 6)),
}

HARMLESS = {
    "engine MKL2017": Case(IMAGE + conv(more="kernel_size: 1 engine: MKL2017"), top((1, 2, 8, 8), 1)),
    "engine of a layer": Case(IMAGE + layer("ReLU", more="engine: 'MKLDNN'"), top((1, 2, 8, 8), 1)),
    "engine of the net": Case("engine: 'MKL2017'\n" + IMAGE + layer("ReLU"), top((1, 2, 8, 8), 1)),
    "engine of a Concat": Case(IMAGE + layer("Concat", "data data", more="concat_param { engine: CAFFE }"), top((1, 4, 8, 8), 1)),
    "quantization_param": Case(
        IMAGE + conv().replace("convolution_param", "quantization_param { bw_layer_in: 8 scale_in: 2 } convolution_param"),
        top((1, 2, 8, 8), 1),
    ),
    "multinode": Case(
        "multinode { model_parallel { layer_from: 'a' } }\n" + IMAGE + layer("ReLU", more="multinode { num_nodes: 2 }"),
        top((1, 2, 8, 8), 1),
    ),
    "cuDNN hints": Case(
        IMAGE + conv(more="kernel_size: 1 cudnn_convolution_algo_seeker: GET conv_algos_override: '1,1,1'"), top((1, 2, 8, 8), 1)
    ),
    "number types": Case(
        "default_forward_type: FLOAT16\n" + IMAGE + layer("ReLU", more="forward_type: FLOAT16 backward_math: FLOAT"), top((1, 2, 8, 8), 1)
    ),
    "refused word at its default": Case(
        IMAGE + layer("Pooling", more="pooling_param { kernel_size: 2 stride: 2 torch_pooling: false }"), top((1, 2, 4, 4), 1)
    ),
    "a comment that is not UTF-8": Case("# caf\udce9\n" + IMAGE + layer("ReLU"), "not valid Unicode"),  # of a text; a file's bytes may
}

REFUSED = {
    "torch_pooling": Case(
        IMAGE + layer("Pooling", more="pooling_param { kernel_size: 3 torch_pooling: true }"),
        "layer[1].pooling_param.torch_pooling: true (layer 'top'): a word of NVIDIA Caffe",
    ),
    "avg_include_pad": Case(
        IMAGE + layer("Pooling", more="pooling_param { kernel_size: 3 pool: AVE avg_include_pad: false }"),
        "avg_include_pad: false (layer 'top'): a word of Intel Caffe",
    ),
    "a fused ReLU": Case(
        IMAGE + conv(more="kernel_size: 1 relu: true"),
        "convolution_param.relu: true (layer 'top'): a word of Intel Caffe; what would be needed: a layer fused into this one",
    ),
    "label_smoothing": Case(
        SCORES + LABELS + layer("SoftmaxWithLoss", "data label", more="loss_param { label_smoothing: 0.1 }"),
        "loss_param.label_smoothing: 0.1",
    ),
    "coeff_blob": Case(
        IMAGE + layer("Eltwise", "data data", more="eltwise_param { coeff_blob: true }"),
        "eltwise_param.coeff_blob: true (layer 'top'): a word of LRCN",
    ),
    "SELU": Case(IMAGE + layer("ELU", more="elu_param { lambda: 1.05 }"), "elu_param.lambda: 1.05"),
    "denominator": Case(IMAGE + layer("Accuracy", "data data", more="accuracy_param { denominator: 3 }"), "accuracy_param.denominator: 3"),
    "L2sqrt": Case(
        IMAGE + layer("EuclideanLoss", "data data", more="euclidean_loss_param { type: L2sqrt }"), "euclidean_loss_param: { type: L2sqrt }"
    ),
    "resize_param of a Data layer": Case(
        layer("Data", "", more="data_param { source: 'x' } transform_param { resize_param { height: 300 } }"),
        "transform_param.resize_param[0]: { height: 300 }",
    ),
    "several at once": Case(
        IMAGE + conv(more="kernel_size: 1 relu: true negative_slope: 0.1") + layer("ELU", more="elu_param { lambda: 2 }"),
        "elu_param.lambda: 2",
    ),
    "a layer of FlowNet2": Case(
        IMAGE + layer("Correlation", "data data", more="correlation_param { pad: 20 }"),
        "Unknown layer type: Correlation (a layer of FlowNet2, which correlates patches of two feature maps; it is not built here)",
    ),
    "a layer of DeepLab v1": Case(
        v1_data(1, 2, 8, 8) + v1("PADDING", more="padding_param { pad_beg: 1 }"), "Unknown layer type: Padding (a layer of DeepLab v1"
    ),
    "OneHot of DeepLab v1": Case(
        v1_data(1, 2, 8, 8) + v1("ONEHOT", more="onehot_param { num_labels: 3 }"), "Unknown layer type: OneHot (a layer of DeepLab v1"
    ),
    "an unknown word": Case(IMAGE + layer("ReLU", more="hard_swish_param { }"), 'has no field named "hard_swish_param"'),
    "an unknown word names the call": Case(
        IMAGE + layer("ReLU", more="hard_swish_param { }"),
        "A field of your own is declared with segaware_caffe.extend_schema (on the command line: --schema FILE)",
    ),
    "an unknown enum value": Case(
        IMAGE + layer("ReLU", more="relu_param { engine: WARP }"),
        'Unknown enumeration value of "WARP" for field "engine". It takes DEFAULT, CAFFE, CUDNN',
    ),
}
