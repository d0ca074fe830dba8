"""The kind of every foreign word: the table behind `dialects`, and what docs/dialects.md says of each.

A key is a message or enum, for all of its foreign words, or `message.name`, which wins. SAME is
translated by `synonyms`, OWN is read by the layer or solver that has the meaning, HARMLESS is named once
and left, REFUSED is an error unless the value is the fork's default, which means nothing.
"""

from typing import NamedTuple


class UnbuiltType(NamedTuple):
    """A layer type that is not built: the forks that have it, the field of its parameters, what it does."""

    forks: str
    field: str
    note: str


UNBUILT_TYPES = {
    # SSD and what came from it
    "AnnotatedData": UnbuiltType("ssd nvidia intel mobilenet-yolo", "annotated_data_param", "reads a database of images with boxes"),
    "MultiBoxLoss": UnbuiltType("ssd nvidia intel mobilenet-yolo", "multibox_loss_param", "matches prior boxes and trains on them"),
    "DetectionEvaluate": UnbuiltType("ssd nvidia intel mobilenet-yolo", "detection_evaluate_param", "counts true and false detections"),
    "VideoData": UnbuiltType("ssd nvidia intel", "video_data_param", "reads frames from a video or a camera"),
    # NVIDIA Caffe
    "DetectNetTransformation": UnbuiltType("nvidia", "detectnet_groundtruth_param", "makes DetectNet's grids from images with boxes"),
    "TensorRT": UnbuiltType("nvidia", "trt_param", "hands a net over to TensorRT"),
    # Intel Caffe
    "MnActivation": UnbuiltType("intel", "mn_activation_param", "exchanges activations between machines"),
    "EvalDetection": UnbuiltType("intel", "eval_detection_param", "measures YOLO's detections"),
    # YOLO in Caffe
    "RegionLoss": UnbuiltType("intel mobilenet-yolo", "region_loss_param", "is YOLO version 2's loss"),
    "Reorg": UnbuiltType("intel mobilenet-yolo", "reorg_param", "moves pixels of blocks into channels"),
    "Yolov3": UnbuiltType("mobilenet-yolo", "yolov3_param", "is YOLO version 3's loss"),
    "YoloDetectionOutput": UnbuiltType("mobilenet-yolo", "yolo_detection_output_param", "decodes YOLO version 2's boxes"),
    "Yolov3DetectionOutput": UnbuiltType("mobilenet-yolo", "yolov3_detection_output_param", "decodes YOLO version 3's boxes"),
    "YoloSeg": UnbuiltType("mobilenet-yolo", "yolo_seg_param", "is the loss of YOLO's masks"),
    "SegmentationEvaluate": UnbuiltType("mobilenet-yolo", "segmentation_evaluate_param", "measures YOLO's masks"),
    # DeepLab v1; its other layers are the release's
    "CensorLabel": UnbuiltType("deeplab-v1", "censor_label_param", "takes labels out of a label image"),
    "ChannelAggregator": UnbuiltType("deeplab-v1", "channel_aggregator_param", "adds up channels by a map of labels"),
    "DominantChannel": UnbuiltType("deeplab-v1", "dominant_channel_param", "keeps the largest channels"),
    "GainChannel": UnbuiltType("deeplab-v1", "gain_channel_param", "learns a gain for each channel"),
    "Histogram": UnbuiltType("deeplab-v1", "histogram_param", "counts labels"),
    "IgnoreOverlay": UnbuiltType("deeplab-v1", "ignore_overlay_param", "marks the ignored pixels of one label image in another"),
    "OneHot": UnbuiltType("deeplab-v1", "onehot_param", "turns labels into channels"),
    "Padding": UnbuiltType("deeplab-v1", "padding_param", "pads with zeros (Interp's pad_beg and pad_end crop)"),
    "RelativeError": UnbuiltType("deeplab-v1", "", "divides an error by the truth"),
    # FlowNet2
    "Accum": UnbuiltType("flownet2", "accum_param", "adds up over iterations"),
    "BlackAugmentation": UnbuiltType("flownet2", "black_augmentation_param", "blackens parts of images"),
    "ChannelNorm": UnbuiltType("flownet2", "", "takes the norm over channels (Power, Reduction)"),
    "Correlation": UnbuiltType("flownet2", "correlation_param", "correlates patches of two feature maps"),
    "Correlation1D": UnbuiltType("flownet2", "correlation_param", "correlates patches of two feature maps along rows"),
    "CustomData": UnbuiltType("flownet2", "", "reads pairs of images with flow"),
    "DataAugmentation": UnbuiltType("flownet2", "augmentation_param", "augments images (Augmentation is the release's)"),
    "Downsample": UnbuiltType("flownet2", "downsample_param", "resizes by averaging (Interp resizes linearly)"),
    "FLOWriter": UnbuiltType("flownet2", "writer_param", "writes flow files (MatWrite writes arrays)"),
    "FlowAugmentation": UnbuiltType("flownet2", "augmentation_param", "moves flow as its images were augmented"),
    "FlowWarp": UnbuiltType("flownet2", "flow_warp_param", "warps an image by a flow"),
    "GenerateAugmentationParameters": UnbuiltType("flownet2", "coeff_schedule_param", "draws what DataAugmentation applies"),
    "ImgReader": UnbuiltType("flownet2", "reader_param", "reads an image file (ImageData reads lists)"),
    "ImgWriter": UnbuiltType("flownet2", "writer_param", "writes image files (MatWrite writes arrays)"),
    "LpqLoss": UnbuiltType("flownet2", "lpq_loss_param", "is an Lpq norm as loss"),
    "Mean": UnbuiltType("flownet2", "mean_param", "adds or subtracts a mean"),
    "Resample": UnbuiltType("flownet2", "resample_param", "resizes with cubic or area interpolation (Interp resizes linearly)"),
    # forks without a schema in forks.tsv
    "AssistedExcitation": UnbuiltType("mobilenet-yolo", "", "adds boxes to the features in training"),
    "CPMData": UnbuiltType("OpenPose", "", "reads people with their joints, augmented"),
    "ImResize": UnbuiltType("OpenPose", "", "resizes heat maps bicubically"),
    "Nms": UnbuiltType("OpenPose", "", "finds the peaks of heat maps"),
    "ImageLabelData": UnbuiltType(
        "caffe-dilation", "", "reads images and label images, padded by reflection (DenseImageData pads nothing)"
    ),
    "ROIWarping": UnbuiltType("MNC", "", "samples regions bilinearly, with a gradient to the regions"),
    "MaskResize": UnbuiltType("MNC", "", "resizes masks bilinearly (Interp aligns corners)"),
    "MaskPooling": UnbuiltType("MNC", "", "multiplies features by masks"),
    "DeformableConvolution": UnbuiltType("Deformable-ConvNets", "", "convolves at places that a bottom moves"),
    "DeformablePSROIPooling": UnbuiltType("Deformable-ConvNets", "", "pools regions whose bins a bottom moves"),
    "GN": UnbuiltType("caffe-tvg", "", "normalises groups of channels"),
    "CenterLoss": UnbuiltType("caffe-face", "", "pulls features to the centre of their class"),
    "MarginInnerProduct": UnbuiltType("SphereFace", "", "is SphereFace's angular margin"),
}

SAME, OWN, HARMLESS, REFUSED = "SAME", "OWN", "HARMLESS", "REFUSED"
_ENGINE = (HARMLESS, "which implementation computes; the numbers are the same")
_PRECISION = (HARMLESS, "number types of NVIDIA's layers; here all is computed in float32, or as `net.half()` says")
_SPEED = (HARMLESS, "a hint for speed or memory")
_SEVERAL_MACHINES = (HARMLESS, "how Intel Caffe divides work between machines")
_QUANTISATION = (HARMLESS, "how Intel Caffe may quantise the layer; here it is computed in float32")
_SHOWN = (HARMLESS, "what is displayed or written beside the numbers")
_FUSED = (REFUSED, "a layer fused into this one: write the layer itself (ReLU, Eltwise) after it")
_UNBUILT_RECORD = (REFUSED, "records of databases with boxes, which are not read: data layers of images and labels")
_AUGMENTS = (REFUSED, "an augmentation that is not built: leave it out, or augment the data beforehand")
_POLICY = (HARMLESS, "read only with a policy that is refused itself")
_PRIORS = (OWN, "the layers PriorBox and DetectionOutput")

TREATMENTS: dict[str, tuple[str, str]] = {
    # -- the same thing in another word: schema/synonyms.py --------------------------------------
    "ConvolutionParameter.hole": (SAME, "dilation"),
    "ConvolutionParameter.hole_h": (SAME, "dilation, with hole_w"),
    "ConvolutionParameter.hole_w": (SAME, "dilation, with hole_h"),
    "PoolingParameter.ceil_mode": (SAME, "round_mode: CEIL for true, FLOOR for false"),
    "ImageDataParameter.has_label": (SAME, "label_type: PIXEL for true, NONE for false"),
    "LayerParameter.blob_share_mode": (SAME, "param { share_mode }"),
    "LayerParameter.blobs_lr": (SAME, "param { lr_mult }"),
    "LayerParameter.weight_decay": (SAME, "param { decay_mult }"),
    "LayerParameter.layer": (SAME, "the V0 layer inside a V1 layer, upgraded"),
    "LayerParameter.DimCheckMode": (SAME, "V1's and ParamSpec's DimCheckMode"),
    "LayerParameter.LayerType": (SAME, "the V1 name of a layer type"),
    "V1LayerParameter.LayerType": (SAME, "the V1 name of a layer type"),
    "SolverParameter.rampup_interval": (SAME, "warmup_iter"),
    "SolverParameter.rampup_lr": (SAME, "warmup_start_lr"),
    "TransformationParameter.crop_h": (SAME, "crop_size, where crop_h and crop_w are equal; else refused"),
    "TransformationParameter.crop_w": (SAME, "crop_size, where crop_h and crop_w are equal; else refused"),
    # -- meanings of their own, built here -----------------------------------------------------
    "BNParameter": (OWN, "the layer BN"),
    "BatchNormParameter.scale_bias": (OWN, "BatchNorm with scale and bias blobs"),
    "BatchNormParameter.scale_filler": (OWN, "BatchNorm with scale and bias blobs"),
    "BatchNormParameter.bias_filler": (OWN, "BatchNorm with scale and bias blobs"),
    "BlobProto": (OWN, "NVIDIA's raw weights of any number type are read into float32 or float64"),
    "BoxAnnotatorOHEMParameter": (OWN, "the layer BoxAnnotatorOHEM"),
    "DenseImageDataParameter": (OWN, "the layer DenseImageData"),
    "DetectionOutputParameter": (OWN, "the layer DetectionOutput"),
    "DistortionParameter": (OWN, "colours that data layers change at random"),
    "DropoutParameter.sample_weights_test": (OWN, "Dropout drops in TEST too"),
    "DropoutParameter.scale_train": (OWN, "false: Dropout scales in TEST instead of in TRAIN"),
    "LayerParameter.bn_param": (OWN, "the layer BN"),
    "LayerParameter.box_annotator_ohem_param": (OWN, "the layer BoxAnnotatorOHEM"),
    "LayerParameter.dense_image_data_param": (OWN, "the layer DenseImageData"),
    "LayerParameter.detection_output_param": (OWN, "the layer DetectionOutput"),
    "LayerParameter.multi_stage_meanfield_param": (OWN, "the layer MultiStageMeanfield"),
    "LayerParameter.norm_param": (OWN, "the layer Normalize"),
    "LayerParameter.permute_param": (OWN, "the layer Permute"),
    "LayerParameter.prior_box_param": (OWN, "the layer PriorBox"),
    "LayerParameter.psroi_pooling_param": (OWN, "the layer PSROIPooling"),
    "LayerParameter.relu6_param": (OWN, "the layer ReLU6"),
    "LayerParameter.roi_pooling_param": (OWN, "the layer ROIPooling"),
    "LayerParameter.spatial_dropout_param": (OWN, "the layer SpatialDropout"),
    "LayerParameter.smooth_l1_loss_param": (OWN, "the layer SmoothL1Loss"),
    "LayerParameter.softmaxloss_param": (OWN, "labels that SoftmaxWithLoss ignores, and weights of classes"),
    "LayerParameter.strict_dim": (OWN, "false: stored weights of equal count and another shape are loaded into the layer"),
    "LayerParameter.upsample_param": (OWN, "the layer Upsample"),
    "LossParameter.class_weighting": (OWN, "a weight for each class"),
    "LossParameter.weight_by_label_freqs": (OWN, "a weight for each class"),
    "LossParameter.pre_fixed_normalizer": (OWN, "the divisor of normalization: PRE_FIXED"),
    "LossParameter.NormalizationMode": (OWN, "the divisor is pre_fixed_normalizer"),
    "MultiStageMeanfieldParameter": (OWN, "the layer MultiStageMeanfield"),
    "NonMaximumSuppressionParameter": _PRIORS,
    "NormalizeParameter": (OWN, "the layer Normalize"),
    "PSROIPoolingParameter": (OWN, "the layer PSROIPooling"),
    "PermuteParameter": (OWN, "the layer Permute"),
    "PriorBoxParameter": _PRIORS,
    "ROIPoolingParameter": (OWN, "the layer ROIPooling"),
    "SmoothL1LossParameter": (OWN, "the layer SmoothL1Loss"),
    "SoftmaxLossParameter": (OWN, "labels that SoftmaxWithLoss ignores, and weights of classes"),
    "SolverParameter.warmup_iter": (OWN, "the rate rises for so many iterations"),
    "SolverParameter.warmup_start_lr": (OWN, "the rate that the rise begins at"),
    "SpatialDropoutParameter": (OWN, "the layer SpatialDropout"),
    "TransformationParameter.distort_param": (OWN, "colours that data layers change at random"),
    "UpsampleParameter": (OWN, "the layer Upsample"),
    "V1LayerParameter.relu6_param": (OWN, "the layer ReLU6"),
    "V1LayerParameter.seg_accuracy_param": (OWN, "the layer SegAccuracy"),
    # -- harmless --------------------------------------------------------------------------------
    "BNParameter.Engine": _ENGINE,
    "BNParameter.engine": _ENGINE,
    "BatchNormParameter.Engine": _ENGINE,
    "BatchNormParameter.engine": _ENGINE,
    "ConcatParameter.Engine": _ENGINE,
    "ConcatParameter.engine": _ENGINE,
    "ConvolutionParameter.CuDNNConvolutionAlgorithmSeeker": _ENGINE,
    "ConvolutionParameter.Engine": _ENGINE,
    "ConvolutionParameter.conv_algorithm": _ENGINE,
    "ConvolutionParameter.conv_algos_override": _ENGINE,
    "ConvolutionParameter.cudnn_convolution_algo_seeker": _ENGINE,
    "DataParameter.cache": _SPEED,
    "DataParameter.disk_reader_threads": _SPEED,
    "DataParameter.huge_video_dataset": _SPEED,
    "DataParameter.parser_threads": _SPEED,
    "DataParameter.precache": _SPEED,
    "DataParameter.threads": _SPEED,
    "DataParameter.verbose": _SHOWN,
    "Datum.record_id": (HARMLESS, "a record's number, which no layer reads"),
    "DetectionOutputParameter.save_file": _SHOWN,
    "DetectionOutputParameter.save_output_param": _SHOWN,
    "DetectionOutputParameter.visualize": _SHOWN,
    "DetectionOutputParameter.visualize_threshold": _SHOWN,
    "DropoutParameter.Engine": _ENGINE,
    "DropoutParameter.engine": _ENGINE,
    "DropoutParameter.random_seed": (HARMLESS, "a seed of NVIDIA's generator; here a solver's random_seed counts"),
    "EltwiseParameter.Engine": _ENGINE,
    "EltwiseParameter.engine": _ENGINE,
    "ImageDataParameter.cache": _SPEED,
    "ImageDataParameter.precache": _SPEED,
    "ImageDataParameter.threads": _SPEED,
    "InnerProductParameter.Engine": _ENGINE,
    "InnerProductParameter.engine": _ENGINE,
    "LRNParameter.Engine": _ENGINE,
    "LayerParameter.backward_math": _PRECISION,
    "LayerParameter.backward_type": _PRECISION,
    "LayerParameter.cudnn_math_override": _ENGINE,
    "LayerParameter.debug": _SHOWN,
    "LayerParameter.engine": _ENGINE,
    "LayerParameter.forward_math": _PRECISION,
    "LayerParameter.forward_type": _PRECISION,
    "LayerParameter.mn_grad_compress_param": _SEVERAL_MACHINES,
    "LayerParameter.multinode": _SEVERAL_MACHINES,
    "LayerParameter.quantization_param": _QUANTISATION,
    "LayerParameter.reshape_every_iter": _SPEED,
    "LayerParameter.split_param": _ENGINE,
    "MnModelParallelParameter": _SEVERAL_MACHINES,
    "MnParamGradCompressLayerTypeList": _SEVERAL_MACHINES,
    "MnParamGradCompressParameter": _SEVERAL_MACHINES,
    "MultinodeLayerParameter": _SEVERAL_MACHINES,
    "MultinodeParameter": _SEVERAL_MACHINES,
    "NetParameter.default_backward_math": _PRECISION,
    "NetParameter.default_backward_type": _PRECISION,
    "NetParameter.default_conv_algos_override": _ENGINE,
    "NetParameter.default_cudnn_math_override": _ENGINE,
    "NetParameter.default_forward_math": _PRECISION,
    "NetParameter.default_forward_type": _PRECISION,
    "NetParameter.eltwise_mem_sharing": _SPEED,
    "NetParameter.engine": _ENGINE,
    "NetParameter.global_grad_scale": (HARMLESS, "keeps float16 gradients large; they are divided by it again"),
    "NetParameter.global_grad_scale_adaptive": (HARMLESS, "keeps float16 gradients large; they are divided by it again"),
    "NetParameter.multinode": _SEVERAL_MACHINES,
    "NetParameter.reduce_buckets": _SPEED,
    "PoolingParameter.Engine": _ENGINE,
    "QuantizationParameter": _QUANTISATION,
    "ReLUParameter.Engine": _ENGINE,
    "SaveOutputParameter": _SHOWN,
    "SolverParameter.ap_version": _SHOWN,
    "SolverParameter.engine": _ENGINE,
    "SolverParameter.eval_type": (HARMLESS, "what SSD prints in a test; the test's outputs are printed here whatever they are"),
    "SolverParameter.larc_eta": _POLICY,
    "SolverParameter.larc_policy": _POLICY,
    "SolverParameter.larc_turbo": _POLICY,
    "SolverParameter.local_gw_ratio": _POLICY,
    "SolverParameter.max_momentum": _POLICY,
    "SolverParameter.max_weight_decay": _POLICY,
    "SolverParameter.momentum_power": _POLICY,
    "SolverParameter.plateau_winsize": (OWN, 'lr_policy: "plateau"'),
    "SolverParameter.show_per_class_result": _SHOWN,
    "SolverParameter.solver_data_type": _PRECISION,
    "SolverParameter.stageiter": (OWN, 'lr_policy: "multifixed"'),
    "SolverParameter.stagelr": (OWN, 'lr_policy: "multifixed"'),
    "SolverParameter.store_blobs_in_old_format": (HARMLESS, "how NVIDIA stores weights; snapshots are written in BVLC's form"),
    "SolverParameter.weight_decay_power": _POLICY,
    "SolverState": (OWN, 'what lr_policy: "plateau" remembers'),
    "SplitParameter": _ENGINE,
    "TransformationParameter.debug_params": _SHOWN,
    "TransformationParameter.display": _SHOWN,
    "TransformationParameter.random_seed": (HARMLESS, "a seed of NVIDIA's generator; here a solver's random_seed counts"),
    "TransformationParameter.use_gpu_transform": _SPEED,
    "Type": _PRECISION,
    # -- not built: refused unless they say their default ------------------------------------------
    "AccuracyParameter.denominator": (REFUSED, "Accuracy divided by a given number: divide the printed figure"),
    "Annotation": _UNBUILT_RECORD,
    "AnnotatedDatum": _UNBUILT_RECORD,
    "AnnotationGroup": _UNBUILT_RECORD,
    "AugmentationCoeff": (REFUSED, "layer type DataAugmentation, which augments images"),
    "AugmentationParameter": (REFUSED, "layer type DataAugmentation, which augments images; the release's Augmentation has other fields"),
    "BatchNormParameter.bias_term": (REFUSED, "Intel's scale and bias in BatchNorm: write scale_bias: true, or a Scale layer"),
    "BatchNormParameter.filler": (REFUSED, "Intel's scale and bias in BatchNorm: write scale_bias: true, or a Scale layer"),
    "BatchNormParameter.relu": _FUSED,
    "BatchNormParameter.stats_batch_size": (REFUSED, "statistics over another number of images than the batch"),
    "BatchNormParameter.use_weight_bias": (REFUSED, "Intel's scale and bias in BatchNorm: write scale_bias: true, or a Scale layer"),
    "BatchSampler": _UNBUILT_RECORD,
    "C2TensorProto": (REFUSED, "Caffe2's tensors, which no net of Caffe holds"),
    "C2TensorProtos": (REFUSED, "Caffe2's tensors, which no net of Caffe holds"),
    "CompileNetState": (REFUSED, "a net that Intel Caffe has folded already: give the net that it was made from"),
    "ConcatParameter.per_fla_fuse": (REFUSED, "Permute and Flatten fused into Concat: write the layers themselves before it"),
    "ConvolutionParameter.FusionType": _FUSED,
    "ConvolutionParameter.coeff": _FUSED,
    "ConvolutionParameter.fusion_type": _FUSED,
    "ConvolutionParameter.negative_slope": _FUSED,
    "ConvolutionParameter.relu": _FUSED,
    "CorrelationParameter.CorrelationType": (REFUSED, "layer type Correlation, which correlates patches of two feature maps"),
    "DataParameter": (REFUSED, "another choice or order of records: make the database with the records wanted"),
    "DataParameter.CHANNELENCODING": (REFUSED, "FlowNet2's encoding of channels in a database"),
    "DataParameter.block_size": (REFUSED, "FlowNet2's encoding of channels in a database"),
    "DataParameter.encoding": (REFUSED, "FlowNet2's encoding of channels in a database"),
    "DataParameter.side": (REFUSED, "YOLO's grid of labels"),
    "DataParameter.slice_point": (REFUSED, "several tops from one record: a Slice layer after it"),
    "DataParameter.subtract": (REFUSED, "a number subtracted from a slice: mean_value in transform_param, or a Power layer"),
    "Datum.seg_label": _UNBUILT_RECORD,
    "DatumTypeInfo": _UNBUILT_RECORD,
    "DenseImageDataParameter.label_divide_factor": (REFUSED, "label images smaller than the images: make them so beforehand"),
    "DenseImageDataParameter.root_folder_image": (REFUSED, "a folder for images alone: root_folder, or paths in the list"),
    "DenseImageDataParameter.root_folder_label": (REFUSED, "a folder for label images alone: root_folder, or paths in the list"),
    "DetectNetGroundTruthParameter.ClassMapping": (REFUSED, "layer type DetectNetTransformation, which makes DetectNet's grids"),
    "DetectNetAugmentationParameter": (REFUSED, "layer type DetectNetTransformation, which augments images with boxes"),
    "LayerParameter.detectnet_augmentation_param": (REFUSED, "layer type DetectNetTransformation, which augments images with boxes"),
    "ELUParameter.lambda": (REFUSED, "a factor on ELU (SELU): a Power layer with that scale after it"),
    "EltwiseParameter.coeff_blob": (REFUSED, "coefficients from a bottom: Scale with two bottoms before the sum"),
    "EmitConstraint": _AUGMENTS,
    "EuclideanLossParameter": (REFUSED, "the square root of EuclideanLoss: a Power layer after it"),
    "LayerParameter.euclidean_loss_param": (REFUSED, "the square root of EuclideanLoss: a Power layer after it"),
    "ExpansionParameter": _AUGMENTS,
    "FillerParameter.diag_val": (REFUSED, "a filler for diagonals: fill the blob from Python, or load it"),
    "FillerParameter.scale": (REFUSED, "a factor on a filler: scale its std, min and max"),
    "ImageDataParameter.dataset_share_per_node": (REFUSED, "a share of the list: give the list wanted"),
    "ImageDataParameter.max_labels": (REFUSED, "several labels a line: HDF5Data reads arrays of labels"),
    "ImageDataParameter.min_height": (REFUSED, "images enlarged to a least size: new_height and new_width, or resized beforehand"),
    "ImageDataParameter.min_width": (REFUSED, "images enlarged to a least size: new_height and new_width, or resized beforehand"),
    "ImageDataParameter.short_side": (REFUSED, "images resized by their short side: new_height and new_width, or resized beforehand"),
    "InnerProductParameter.negative_slope": _FUSED,
    "InnerProductParameter.relu": _FUSED,
    "LabelMap": _UNBUILT_RECORD,
    "LabelMapItem": _UNBUILT_RECORD,
    "LaneInfo": _UNBUILT_RECORD,
    "LossParameter.label_smoothing": (REFUSED, "smoothed labels in SoftmaxWithLoss: InfogainLoss with a matrix of them"),
    "MeanParameter.MeanOperation": (REFUSED, "layer type Mean, which adds or subtracts a mean"),
    "MultiPhaseSolverParameter": (
        REFUSED,
        "a solver of several phases: run a solver for each, from the last one's snapshot",
    ),
    "NetParameter.bn_stats_batch_size": (REFUSED, "statistics over another number of images than the batch"),
    "NetParameter.compile_net_state": (REFUSED, "a net that Intel Caffe has folded already: give the net that it was made from"),
    "NoiseParameter": _AUGMENTS,
    "NormalizedBBox": _UNBUILT_RECORD,
    "Packing": (REFUSED, "blobs with the channels last: Permute"),
    "PoolingParameter.avg_include_pad": (REFUSED, "averages without the padding: divide by a Pooling of ones"),
    "PoolingParameter.axis": (REFUSED, "pooling in three dimensions"),
    "PoolingParameter.kernel_size_3d": (REFUSED, "pooling in three dimensions"),
    "PoolingParameter.pad_3d": (REFUSED, "pooling in three dimensions"),
    "PoolingParameter.stride_3d": (REFUSED, "pooling in three dimensions"),
    "PoolingParameter.torch_pooling": (REFUSED, "Torch's size rule: round_mode: FLOOR gives its sizes"),
    "ROIPoolingParameter.pooled_size": (REFUSED, "one size for both axes: pooled_h and pooled_w"),
    "RandomAspectRatioParameter": _AUGMENTS,
    "RandomGeneratorParameter": _AUGMENTS,
    "RandomResizeParameter": _AUGMENTS,
    "ReLUParameter.fuse": _FUSED,
    "ReshapeParameter.pixelshuffler": (REFUSED, "pixels moved between channels and space: Reshape, Permute, Reshape"),
    "ResizeParameter": _AUGMENTS,
    "SaltPepperParameter": _AUGMENTS,
    "SampleConstraint": _UNBUILT_RECORD,
    "Sampler": _UNBUILT_RECORD,
    "SolverBatchSizePair": (REFUSED, "a solver of several phases: run a solver for each, from the last one's snapshot"),
    "SolverParameter.SolverType": (REFUSED, "the solver SAG; there are SGD, NESTEROV, ADAGRAD, RMSPROP, ADADELTA and ADAM"),
    "SolverParameter.disabled_update": (REFUSED, "a solver that updates nothing: base_lr: 0"),
    "SolverParameter.larc": (REFUSED, "NVIDIA's adaptive rate of each layer: lr_mult of its params"),
    "SolverParameter.local_lr_auto": (REFUSED, "Intel's adaptive rate of each layer: lr_mult of its params"),
    "SolverParameter.min_lr": (REFUSED, "a least rate: lr_policy multistep, or a shorter max_iter"),
    "SolverParameter.momentum_policy": (REFUSED, "a momentum that changes: run the solvers one after the other"),
    "SolverParameter.test_and_snapshot_last_epochs": (REFUSED, "more tests and snapshots at the end: test_interval and snapshot"),
    "SolverParameter.test_offset": (REFUSED, "tests at shifted iterations: test_interval"),
    "SolverParameter.weight_decay_policy": (REFUSED, "a weight decay that changes: run the solvers one after the other"),
    "TransformationParameter": _AUGMENTS,
    "TransformationParameter.bgr2rgb": (REFUSED, "channels in RGB order: swap them in the first layer's weights"),
    "TransformationParameter.cvt_bgr2rgb": (REFUSED, "channels in RGB order: swap them in the first layer's weights"),
    "TransformationParameter.flow": (REFUSED, "LRCN's flow images, whose channels are mirrored by sign"),
    "TransformationParameter.forward_packing": (REFUSED, "blobs with the channels last: Permute"),
    "TransformationParameter.num_labels": (REFUSED, "labels as one-hot vectors"),
    "VideoDataParameter.VideoType": (REFUSED, "layer type VideoData, which reads frames from a video or a camera"),
    "YoloSegItem": _UNBUILT_RECORD,
    "YoloSegLabel": _UNBUILT_RECORD,
}

#: Words that no fork has, and that files have all the same.
HINTS = {
    "softmaxwithloss_param": "No fork has it: DeepLab v1 has softmaxloss_param, and today's word is loss_param.",
}

#: V1 names of DeepLab v1 layers that are not built.
_UNBUILT_V1 = "CENSOR_LABEL CHANNEL_AGGREGATOR DOMINANT_CHANNEL GAIN_CHANNEL HISTOGRAM IGNORE_OVERLAY ONEHOT PADDING RELATIVE_ERROR"
TREATMENTS |= {f"LayerParameter.LayerType.{name}": (REFUSED, "a layer that is not built") for name in _UNBUILT_V1.split()}


def treatment(message: str, name: str) -> tuple[str, str]:
    """The kind of a foreign word and what is to say of it; KeyError if the table forgets it."""
    outer = message.partition(".")[0]
    for key in (f"{message}.{name}", message, outer):
        if key in TREATMENTS:
            return TREATMENTS[key]
    return _OF_UNBUILT_LAYERS[_squeezed(name, "_param") if message == "LayerParameter" else _squeezed(outer, "Parameter")]


def _squeezed(name: str, ending: str) -> str:
    """What a field like `lpq_loss_param` and its message LpqLossParameter have in common."""
    return name.removesuffix(ending).replace("_", "").lower()


_OF_UNBUILT_LAYERS: dict[str, tuple[str, str]] = {}
for _type, (_, _field, _note) in UNBUILT_TYPES.items():
    _OF_UNBUILT_LAYERS.setdefault(_squeezed(_field, "_param"), (REFUSED, f"layer type {_type}, which {_note}"))
