"""The messages of proto/caffe.proto for type checkers; written by scripts/make_schema.py."""

from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union


class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    TRAIN: _ClassVar[int]
    TEST: _ClassVar[int]

class DatumTypeInfo(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    DatumTypeInfo_DATUM: _ClassVar[int]
    DatumTypeInfo_ANNOTATED_DATUM: _ClassVar[int]

class Packing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    NCHW: _ClassVar[int]
    NHWC: _ClassVar[int]

class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    DOUBLE: _ClassVar[int]
    FLOAT: _ClassVar[int]
    FLOAT16: _ClassVar[int]
    INT: _ClassVar[int]
    UINT: _ClassVar[int]
    BOOL: _ClassVar[int]
TRAIN: int
TEST: int
DatumTypeInfo_DATUM: int
DatumTypeInfo_ANNOTATED_DATUM: int
NCHW: int
NHWC: int
DOUBLE: int
FLOAT: int
FLOAT16: int
INT: int
UINT: int
BOOL: int

class BlobShape(_message.Message):
    dim: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, dim: _Optional[_Iterable[int]] = ...) -> None: ...

class BlobProto(_message.Message):
    num: int
    channels: int
    height: int
    width: int
    data: _containers.RepeatedScalarFieldContainer[float]
    diff: _containers.RepeatedScalarFieldContainer[float]
    shape: BlobShape
    double_data: _containers.RepeatedScalarFieldContainer[float]
    double_diff: _containers.RepeatedScalarFieldContainer[float]
    raw_data: bytes
    raw_data_type: int
    raw_diff: bytes
    raw_diff_type: int
    def __init__(self, num: _Optional[int] = ..., channels: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., data: _Optional[_Iterable[float]] = ..., diff: _Optional[_Iterable[float]] = ..., shape: _Optional[_Union[BlobShape, _Mapping]] = ..., double_data: _Optional[_Iterable[float]] = ..., double_diff: _Optional[_Iterable[float]] = ..., raw_data: _Optional[bytes] = ..., raw_data_type: _Optional[_Union[int, str]] = ..., raw_diff: _Optional[bytes] = ..., raw_diff_type: _Optional[_Union[int, str]] = ...) -> None: ...

class BlobProtoVector(_message.Message):
    blobs: _containers.RepeatedCompositeFieldContainer[BlobProto]
    def __init__(self, blobs: _Optional[_Iterable[_Union[BlobProto, _Mapping]]] = ...) -> None: ...

class Datum(_message.Message):
    channels: int
    height: int
    width: int
    data: bytes
    label: int
    float_data: _containers.RepeatedScalarFieldContainer[float]
    encoded: bool
    record_id: int
    seg_label: bytes
    def __init__(self, channels: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., data: _Optional[bytes] = ..., label: _Optional[int] = ..., float_data: _Optional[_Iterable[float]] = ..., encoded: _Optional[bool] = ..., record_id: _Optional[int] = ..., seg_label: _Optional[bytes] = ...) -> None: ...

class FillerParameter(_message.Message):
    class VarianceNorm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        FAN_IN: _ClassVar[int]
        FAN_OUT: _ClassVar[int]
        AVERAGE: _ClassVar[int]
    FAN_IN: int
    FAN_OUT: int
    AVERAGE: int
    type: str
    value: float
    min: float
    max: float
    mean: float
    std: float
    sparse: int
    variance_norm: int
    diag_val: _containers.RepeatedScalarFieldContainer[float]
    scale: float
    def __init__(self, type: _Optional[str] = ..., value: _Optional[float] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., mean: _Optional[float] = ..., std: _Optional[float] = ..., sparse: _Optional[int] = ..., variance_norm: _Optional[_Union[int, str]] = ..., diag_val: _Optional[_Iterable[float]] = ..., scale: _Optional[float] = ...) -> None: ...

class NetParameter(_message.Message):
    name: str
    layers: _containers.RepeatedCompositeFieldContainer[V1LayerParameter]
    input: _containers.RepeatedScalarFieldContainer[str]
    input_dim: _containers.RepeatedScalarFieldContainer[int]
    force_backward: bool
    state: NetState
    debug_info: bool
    input_shape: _containers.RepeatedCompositeFieldContainer[BlobShape]
    layer: _containers.RepeatedCompositeFieldContainer[LayerParameter]
    bn_stats_batch_size: int
    compile_net_state: CompileNetState
    default_backward_math: int
    default_backward_type: int
    default_conv_algos_override: str
    default_cudnn_math_override: int
    default_forward_math: int
    default_forward_type: int
    eltwise_mem_sharing: bool
    engine: str
    global_grad_scale: float
    global_grad_scale_adaptive: bool
    multinode: MultinodeParameter
    reduce_buckets: int
    def __init__(self, name: _Optional[str] = ..., layers: _Optional[_Iterable[_Union[V1LayerParameter, _Mapping]]] = ..., input: _Optional[_Iterable[str]] = ..., input_dim: _Optional[_Iterable[int]] = ..., force_backward: _Optional[bool] = ..., state: _Optional[_Union[NetState, _Mapping]] = ..., debug_info: _Optional[bool] = ..., input_shape: _Optional[_Iterable[_Union[BlobShape, _Mapping]]] = ..., layer: _Optional[_Iterable[_Union[LayerParameter, _Mapping]]] = ..., bn_stats_batch_size: _Optional[int] = ..., compile_net_state: _Optional[_Union[CompileNetState, _Mapping]] = ..., default_backward_math: _Optional[_Union[int, str]] = ..., default_backward_type: _Optional[_Union[int, str]] = ..., default_conv_algos_override: _Optional[str] = ..., default_cudnn_math_override: _Optional[int] = ..., default_forward_math: _Optional[_Union[int, str]] = ..., default_forward_type: _Optional[_Union[int, str]] = ..., eltwise_mem_sharing: _Optional[bool] = ..., engine: _Optional[str] = ..., global_grad_scale: _Optional[float] = ..., global_grad_scale_adaptive: _Optional[bool] = ..., multinode: _Optional[_Union[MultinodeParameter, _Mapping]] = ..., reduce_buckets: _Optional[int] = ...) -> None: ...

class SolverParameter(_message.Message):
    class SnapshotFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        HDF5: _ClassVar[int]
        BINARYPROTO: _ClassVar[int]
    HDF5: int
    BINARYPROTO: int
    class SolverMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        CPU: _ClassVar[int]
        GPU: _ClassVar[int]
    CPU: int
    GPU: int
    class SolverType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        SGD: _ClassVar[int]
        NESTEROV: _ClassVar[int]
        ADAGRAD: _ClassVar[int]
        RMSPROP: _ClassVar[int]
        ADADELTA: _ClassVar[int]
        ADAM: _ClassVar[int]
        SAG: _ClassVar[int]
    SGD: int
    NESTEROV: int
    ADAGRAD: int
    RMSPROP: int
    ADADELTA: int
    ADAM: int
    SAG: int
    train_net: str
    test_net: _containers.RepeatedScalarFieldContainer[str]
    test_iter: _containers.RepeatedScalarFieldContainer[int]
    test_interval: int
    base_lr: float
    display: int
    max_iter: int
    lr_policy: str
    gamma: float
    power: float
    momentum: float
    weight_decay: float
    stepsize: int
    snapshot: int
    snapshot_prefix: str
    snapshot_diff: bool
    solver_mode: int
    device_id: int
    test_compute_loss: bool
    random_seed: int
    train_net_param: NetParameter
    test_net_param: _containers.RepeatedCompositeFieldContainer[NetParameter]
    debug_info: bool
    net: str
    net_param: NetParameter
    train_state: NetState
    test_state: _containers.RepeatedCompositeFieldContainer[NetState]
    snapshot_after_train: bool
    regularization_type: str
    solver_type: int
    delta: float
    test_initialization: bool
    average_loss: int
    stepvalue: _containers.RepeatedScalarFieldContainer[int]
    clip_gradients: float
    iter_size: int
    snapshot_format: int
    rms_decay: float
    momentum2: float
    type: str
    layer_wise_reduce: bool
    weights: _containers.RepeatedScalarFieldContainer[str]
    ap_version: str
    disabled_update: bool
    engine: str
    eval_type: str
    larc: bool
    larc_eta: float
    larc_policy: str
    larc_turbo: bool
    local_gw_ratio: float
    local_lr_auto: bool
    max_momentum: float
    max_weight_decay: float
    min_lr: float
    momentum_policy: str
    momentum_power: float
    plateau_winsize: _containers.RepeatedScalarFieldContainer[int]
    rampup_interval: int
    rampup_lr: float
    show_per_class_result: bool
    solver_data_type: int
    stageiter: _containers.RepeatedScalarFieldContainer[int]
    stagelr: _containers.RepeatedScalarFieldContainer[float]
    store_blobs_in_old_format: bool
    test_and_snapshot_last_epochs: int
    test_offset: int
    warmup_iter: int
    warmup_start_lr: float
    weight_decay_policy: str
    weight_decay_power: float
    def __init__(self, train_net: _Optional[str] = ..., test_net: _Optional[_Iterable[str]] = ..., test_iter: _Optional[_Iterable[int]] = ..., test_interval: _Optional[int] = ..., base_lr: _Optional[float] = ..., display: _Optional[int] = ..., max_iter: _Optional[int] = ..., lr_policy: _Optional[str] = ..., gamma: _Optional[float] = ..., power: _Optional[float] = ..., momentum: _Optional[float] = ..., weight_decay: _Optional[float] = ..., stepsize: _Optional[int] = ..., snapshot: _Optional[int] = ..., snapshot_prefix: _Optional[str] = ..., snapshot_diff: _Optional[bool] = ..., solver_mode: _Optional[_Union[int, str]] = ..., device_id: _Optional[int] = ..., test_compute_loss: _Optional[bool] = ..., random_seed: _Optional[int] = ..., train_net_param: _Optional[_Union[NetParameter, _Mapping]] = ..., test_net_param: _Optional[_Iterable[_Union[NetParameter, _Mapping]]] = ..., debug_info: _Optional[bool] = ..., net: _Optional[str] = ..., net_param: _Optional[_Union[NetParameter, _Mapping]] = ..., train_state: _Optional[_Union[NetState, _Mapping]] = ..., test_state: _Optional[_Iterable[_Union[NetState, _Mapping]]] = ..., snapshot_after_train: _Optional[bool] = ..., regularization_type: _Optional[str] = ..., solver_type: _Optional[_Union[int, str]] = ..., delta: _Optional[float] = ..., test_initialization: _Optional[bool] = ..., average_loss: _Optional[int] = ..., stepvalue: _Optional[_Iterable[int]] = ..., clip_gradients: _Optional[float] = ..., iter_size: _Optional[int] = ..., snapshot_format: _Optional[_Union[int, str]] = ..., rms_decay: _Optional[float] = ..., momentum2: _Optional[float] = ..., type: _Optional[str] = ..., layer_wise_reduce: _Optional[bool] = ..., weights: _Optional[_Iterable[str]] = ..., ap_version: _Optional[str] = ..., disabled_update: _Optional[bool] = ..., engine: _Optional[str] = ..., eval_type: _Optional[str] = ..., larc: _Optional[bool] = ..., larc_eta: _Optional[float] = ..., larc_policy: _Optional[str] = ..., larc_turbo: _Optional[bool] = ..., local_gw_ratio: _Optional[float] = ..., local_lr_auto: _Optional[bool] = ..., max_momentum: _Optional[float] = ..., max_weight_decay: _Optional[float] = ..., min_lr: _Optional[float] = ..., momentum_policy: _Optional[str] = ..., momentum_power: _Optional[float] = ..., plateau_winsize: _Optional[_Iterable[int]] = ..., rampup_interval: _Optional[int] = ..., rampup_lr: _Optional[float] = ..., show_per_class_result: _Optional[bool] = ..., solver_data_type: _Optional[_Union[int, str]] = ..., stageiter: _Optional[_Iterable[int]] = ..., stagelr: _Optional[_Iterable[float]] = ..., store_blobs_in_old_format: _Optional[bool] = ..., test_and_snapshot_last_epochs: _Optional[int] = ..., test_offset: _Optional[int] = ..., warmup_iter: _Optional[int] = ..., warmup_start_lr: _Optional[float] = ..., weight_decay_policy: _Optional[str] = ..., weight_decay_power: _Optional[float] = ...) -> None: ...

class SolverState(_message.Message):
    iter: int
    learned_net: str
    history: _containers.RepeatedCompositeFieldContainer[BlobProto]
    current_step: int
    iter_last_event: int
    minimum_loss: float
    def __init__(self, iter: _Optional[int] = ..., learned_net: _Optional[str] = ..., history: _Optional[_Iterable[_Union[BlobProto, _Mapping]]] = ..., current_step: _Optional[int] = ..., iter_last_event: _Optional[int] = ..., minimum_loss: _Optional[float] = ...) -> None: ...

class NetState(_message.Message):
    phase: int
    level: int
    stage: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, phase: _Optional[_Union[int, str]] = ..., level: _Optional[int] = ..., stage: _Optional[_Iterable[str]] = ...) -> None: ...

class NetStateRule(_message.Message):
    phase: int
    min_level: int
    max_level: int
    stage: _containers.RepeatedScalarFieldContainer[str]
    not_stage: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, phase: _Optional[_Union[int, str]] = ..., min_level: _Optional[int] = ..., max_level: _Optional[int] = ..., stage: _Optional[_Iterable[str]] = ..., not_stage: _Optional[_Iterable[str]] = ...) -> None: ...

class ParamSpec(_message.Message):
    class DimCheckMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        STRICT: _ClassVar[int]
        PERMISSIVE: _ClassVar[int]
    STRICT: int
    PERMISSIVE: int
    name: str
    share_mode: int
    lr_mult: float
    decay_mult: float
    def __init__(self, name: _Optional[str] = ..., share_mode: _Optional[_Union[int, str]] = ..., lr_mult: _Optional[float] = ..., decay_mult: _Optional[float] = ...) -> None: ...

class LayerParameter(_message.Message):
    name: str
    type: str
    bottom: _containers.RepeatedScalarFieldContainer[str]
    top: _containers.RepeatedScalarFieldContainer[str]
    loss_weight: _containers.RepeatedScalarFieldContainer[float]
    param: _containers.RepeatedCompositeFieldContainer[ParamSpec]
    blobs: _containers.RepeatedCompositeFieldContainer[BlobProto]
    include: _containers.RepeatedCompositeFieldContainer[NetStateRule]
    exclude: _containers.RepeatedCompositeFieldContainer[NetStateRule]
    phase: int
    propagate_down: _containers.RepeatedScalarFieldContainer[bool]
    transform_param: TransformationParameter
    loss_param: LossParameter
    accuracy_param: AccuracyParameter
    argmax_param: ArgMaxParameter
    concat_param: ConcatParameter
    contrastive_loss_param: ContrastiveLossParameter
    convolution_param: ConvolutionParameter
    data_param: DataParameter
    dropout_param: DropoutParameter
    dummy_data_param: DummyDataParameter
    eltwise_param: EltwiseParameter
    exp_param: ExpParameter
    hdf5_data_param: HDF5DataParameter
    hdf5_output_param: HDF5OutputParameter
    hinge_loss_param: HingeLossParameter
    image_data_param: ImageDataParameter
    infogain_loss_param: InfogainLossParameter
    inner_product_param: InnerProductParameter
    lrn_param: LRNParameter
    memory_data_param: MemoryDataParameter
    mvn_param: MVNParameter
    pooling_param: PoolingParameter
    power_param: PowerParameter
    relu_param: ReLUParameter
    sigmoid_param: SigmoidParameter
    softmax_param: SoftmaxParameter
    slice_param: SliceParameter
    tanh_param: TanHParameter
    threshold_param: ThresholdParameter
    window_data_param: WindowDataParameter
    python_param: PythonParameter
    prelu_param: PReLUParameter
    spp_param: SPPParameter
    reshape_param: ReshapeParameter
    log_param: LogParameter
    flatten_param: FlattenParameter
    reduction_param: ReductionParameter
    embed_param: EmbedParameter
    tile_param: TileParameter
    batch_norm_param: BatchNormParameter
    elu_param: ELUParameter
    bias_param: BiasParameter
    scale_param: ScaleParameter
    interp_param: InterpParameter
    input_param: InputParameter
    seg_accuracy_param: SegAccuracyParameter
    crop_param: CropParameter
    mat_write_param: MatWriteParameter
    parameter_param: ParameterParameter
    dense_crf_param: DenseCRFParameter
    recurrent_param: RecurrentParameter
    domain_transform_param: DomainTransformParameter
    swish_param: SwishParameter
    adaptive_bias_channel_param: AdaptiveBiasChannelParameter
    clip_param: ClipParameter
    bias_channel_param: BiasChannelParameter
    unique_label_param: UniqueLabelParameter
    mat_read_param: MatReadParameter
    channel_reduce_param: ChannelReduceParameter
    dist_loss_param: DistLossParameter
    im2dist_param: Im2distParameter
    im2parity_param: Im2parityParameter
    norm_conv_param: NormConvParameter
    norm_conv_meanfield_param: NormConvMeanfieldParameter
    l1_loss_param: L1LossParameter
    aug_param: AugmentationParameter
    pullsfrom: str
    deletebottom: bool
    deletetop: bool
    two_image_data_param: TwoImageDataParameter
    bn_param: BNParameter
    shuffle_channel_param: ShuffleChannelParameter
    permute_param: PermuteParameter
    prior_box_param: PriorBoxParameter
    detection_output_param: DetectionOutputParameter
    norm_param: NormalizeParameter
    upsample_param: UpsampleParameter
    relu6_param: ReLUParameter
    roi_pooling_param: ROIPoolingParameter
    smooth_l1_loss_param: SmoothL1LossParameter
    accum_param: AccumParameter
    annotated_data_param: AnnotatedDataParameter
    augmentation_param: AugmentationParameter
    backward_math: int
    backward_type: int
    black_augmentation_param: BlackAugmentationParameter
    blob_share_mode: _containers.RepeatedScalarFieldContainer[int]
    blobs_lr: _containers.RepeatedScalarFieldContainer[float]
    box_annotator_ohem_param: BoxAnnotatorOHEMParameter
    censor_label_param: CensorLabelParameter
    channel_aggregator_param: ChannelAggregatorParameter
    coeff_schedule_param: CoeffScheduleParameter
    correlation_param: CorrelationParameter
    cudnn_math_override: int
    debug: bool
    dense_image_data_param: DenseImageDataParameter
    detection_evaluate_param: DetectionEvaluateParameter
    detectnet_augmentation_param: DetectNetAugmentationParameter
    detectnet_groundtruth_param: DetectNetGroundTruthParameter
    dominant_channel_param: DominantChannelParameter
    downsample_param: DownsampleParameter
    engine: str
    euclidean_loss_param: EuclideanLossParameter
    eval_detection_param: EvalDetectionParameter
    flow_warp_param: FlowWarpParameter
    forward_math: int
    forward_type: int
    gain_channel_param: GainChannelParameter
    histogram_param: HistogramParameter
    ignore_overlay_param: IgnoreOverlayParameter
    lpq_loss_param: LpqLossParameter
    mean_param: MeanParameter
    mn_activation_param: MnActivationParameter
    mn_grad_compress_param: MnParamGradCompressParameter
    multibox_loss_param: MultiBoxLossParameter
    multinode: MultinodeLayerParameter
    onehot_param: OneHotParameter
    padding_param: PaddingParameter
    psroi_pooling_param: PSROIPoolingParameter
    quantization_param: QuantizationParameter
    reader_param: ReaderParameter
    region_loss_param: RegionLossParameter
    reorg_param: ReorgParameter
    resample_param: ResampleParameter
    reshape_every_iter: bool
    segmentation_evaluate_param: SegmentationEvaluateParameter
    softmaxloss_param: SoftmaxLossParameter
    spatial_dropout_param: SpatialDropoutParameter
    split_param: SplitParameter
    strict_dim: bool
    trt_param: TRTParameter
    video_data_param: VideoDataParameter
    weight_decay: _containers.RepeatedScalarFieldContainer[float]
    writer_param: WriterParameter
    yolo_detection_output_param: YoloDetectionOutputParameter
    yolo_seg_param: YoloSegParameter
    yolov3_detection_output_param: Yolov3DetectionOutputParameter
    yolov3_param: Yolov3Parameter
    multi_stage_meanfield_param: MultiStageMeanfieldParameter
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., bottom: _Optional[_Iterable[str]] = ..., top: _Optional[_Iterable[str]] = ..., loss_weight: _Optional[_Iterable[float]] = ..., param: _Optional[_Iterable[_Union[ParamSpec, _Mapping]]] = ..., blobs: _Optional[_Iterable[_Union[BlobProto, _Mapping]]] = ..., include: _Optional[_Iterable[_Union[NetStateRule, _Mapping]]] = ..., exclude: _Optional[_Iterable[_Union[NetStateRule, _Mapping]]] = ..., phase: _Optional[_Union[int, str]] = ..., propagate_down: _Optional[_Iterable[bool]] = ..., transform_param: _Optional[_Union[TransformationParameter, _Mapping]] = ..., loss_param: _Optional[_Union[LossParameter, _Mapping]] = ..., accuracy_param: _Optional[_Union[AccuracyParameter, _Mapping]] = ..., argmax_param: _Optional[_Union[ArgMaxParameter, _Mapping]] = ..., concat_param: _Optional[_Union[ConcatParameter, _Mapping]] = ..., contrastive_loss_param: _Optional[_Union[ContrastiveLossParameter, _Mapping]] = ..., convolution_param: _Optional[_Union[ConvolutionParameter, _Mapping]] = ..., data_param: _Optional[_Union[DataParameter, _Mapping]] = ..., dropout_param: _Optional[_Union[DropoutParameter, _Mapping]] = ..., dummy_data_param: _Optional[_Union[DummyDataParameter, _Mapping]] = ..., eltwise_param: _Optional[_Union[EltwiseParameter, _Mapping]] = ..., exp_param: _Optional[_Union[ExpParameter, _Mapping]] = ..., hdf5_data_param: _Optional[_Union[HDF5DataParameter, _Mapping]] = ..., hdf5_output_param: _Optional[_Union[HDF5OutputParameter, _Mapping]] = ..., hinge_loss_param: _Optional[_Union[HingeLossParameter, _Mapping]] = ..., image_data_param: _Optional[_Union[ImageDataParameter, _Mapping]] = ..., infogain_loss_param: _Optional[_Union[InfogainLossParameter, _Mapping]] = ..., inner_product_param: _Optional[_Union[InnerProductParameter, _Mapping]] = ..., lrn_param: _Optional[_Union[LRNParameter, _Mapping]] = ..., memory_data_param: _Optional[_Union[MemoryDataParameter, _Mapping]] = ..., mvn_param: _Optional[_Union[MVNParameter, _Mapping]] = ..., pooling_param: _Optional[_Union[PoolingParameter, _Mapping]] = ..., power_param: _Optional[_Union[PowerParameter, _Mapping]] = ..., relu_param: _Optional[_Union[ReLUParameter, _Mapping]] = ..., sigmoid_param: _Optional[_Union[SigmoidParameter, _Mapping]] = ..., softmax_param: _Optional[_Union[SoftmaxParameter, _Mapping]] = ..., slice_param: _Optional[_Union[SliceParameter, _Mapping]] = ..., tanh_param: _Optional[_Union[TanHParameter, _Mapping]] = ..., threshold_param: _Optional[_Union[ThresholdParameter, _Mapping]] = ..., window_data_param: _Optional[_Union[WindowDataParameter, _Mapping]] = ..., python_param: _Optional[_Union[PythonParameter, _Mapping]] = ..., prelu_param: _Optional[_Union[PReLUParameter, _Mapping]] = ..., spp_param: _Optional[_Union[SPPParameter, _Mapping]] = ..., reshape_param: _Optional[_Union[ReshapeParameter, _Mapping]] = ..., log_param: _Optional[_Union[LogParameter, _Mapping]] = ..., flatten_param: _Optional[_Union[FlattenParameter, _Mapping]] = ..., reduction_param: _Optional[_Union[ReductionParameter, _Mapping]] = ..., embed_param: _Optional[_Union[EmbedParameter, _Mapping]] = ..., tile_param: _Optional[_Union[TileParameter, _Mapping]] = ..., batch_norm_param: _Optional[_Union[BatchNormParameter, _Mapping]] = ..., elu_param: _Optional[_Union[ELUParameter, _Mapping]] = ..., bias_param: _Optional[_Union[BiasParameter, _Mapping]] = ..., scale_param: _Optional[_Union[ScaleParameter, _Mapping]] = ..., interp_param: _Optional[_Union[InterpParameter, _Mapping]] = ..., input_param: _Optional[_Union[InputParameter, _Mapping]] = ..., seg_accuracy_param: _Optional[_Union[SegAccuracyParameter, _Mapping]] = ..., crop_param: _Optional[_Union[CropParameter, _Mapping]] = ..., mat_write_param: _Optional[_Union[MatWriteParameter, _Mapping]] = ..., parameter_param: _Optional[_Union[ParameterParameter, _Mapping]] = ..., dense_crf_param: _Optional[_Union[DenseCRFParameter, _Mapping]] = ..., recurrent_param: _Optional[_Union[RecurrentParameter, _Mapping]] = ..., domain_transform_param: _Optional[_Union[DomainTransformParameter, _Mapping]] = ..., swish_param: _Optional[_Union[SwishParameter, _Mapping]] = ..., adaptive_bias_channel_param: _Optional[_Union[AdaptiveBiasChannelParameter, _Mapping]] = ..., clip_param: _Optional[_Union[ClipParameter, _Mapping]] = ..., bias_channel_param: _Optional[_Union[BiasChannelParameter, _Mapping]] = ..., unique_label_param: _Optional[_Union[UniqueLabelParameter, _Mapping]] = ..., mat_read_param: _Optional[_Union[MatReadParameter, _Mapping]] = ..., channel_reduce_param: _Optional[_Union[ChannelReduceParameter, _Mapping]] = ..., dist_loss_param: _Optional[_Union[DistLossParameter, _Mapping]] = ..., im2dist_param: _Optional[_Union[Im2distParameter, _Mapping]] = ..., im2parity_param: _Optional[_Union[Im2parityParameter, _Mapping]] = ..., norm_conv_param: _Optional[_Union[NormConvParameter, _Mapping]] = ..., norm_conv_meanfield_param: _Optional[_Union[NormConvMeanfieldParameter, _Mapping]] = ..., l1_loss_param: _Optional[_Union[L1LossParameter, _Mapping]] = ..., aug_param: _Optional[_Union[AugmentationParameter, _Mapping]] = ..., pullsfrom: _Optional[str] = ..., deletebottom: _Optional[bool] = ..., deletetop: _Optional[bool] = ..., two_image_data_param: _Optional[_Union[TwoImageDataParameter, _Mapping]] = ..., bn_param: _Optional[_Union[BNParameter, _Mapping]] = ..., shuffle_channel_param: _Optional[_Union[ShuffleChannelParameter, _Mapping]] = ..., permute_param: _Optional[_Union[PermuteParameter, _Mapping]] = ..., prior_box_param: _Optional[_Union[PriorBoxParameter, _Mapping]] = ..., detection_output_param: _Optional[_Union[DetectionOutputParameter, _Mapping]] = ..., norm_param: _Optional[_Union[NormalizeParameter, _Mapping]] = ..., upsample_param: _Optional[_Union[UpsampleParameter, _Mapping]] = ..., relu6_param: _Optional[_Union[ReLUParameter, _Mapping]] = ..., roi_pooling_param: _Optional[_Union[ROIPoolingParameter, _Mapping]] = ..., smooth_l1_loss_param: _Optional[_Union[SmoothL1LossParameter, _Mapping]] = ..., accum_param: _Optional[_Union[AccumParameter, _Mapping]] = ..., annotated_data_param: _Optional[_Union[AnnotatedDataParameter, _Mapping]] = ..., augmentation_param: _Optional[_Union[AugmentationParameter, _Mapping]] = ..., backward_math: _Optional[_Union[int, str]] = ..., backward_type: _Optional[_Union[int, str]] = ..., black_augmentation_param: _Optional[_Union[BlackAugmentationParameter, _Mapping]] = ..., blob_share_mode: _Optional[_Iterable[_Union[int, str]]] = ..., blobs_lr: _Optional[_Iterable[float]] = ..., box_annotator_ohem_param: _Optional[_Union[BoxAnnotatorOHEMParameter, _Mapping]] = ..., censor_label_param: _Optional[_Union[CensorLabelParameter, _Mapping]] = ..., channel_aggregator_param: _Optional[_Union[ChannelAggregatorParameter, _Mapping]] = ..., coeff_schedule_param: _Optional[_Union[CoeffScheduleParameter, _Mapping]] = ..., correlation_param: _Optional[_Union[CorrelationParameter, _Mapping]] = ..., cudnn_math_override: _Optional[int] = ..., debug: _Optional[bool] = ..., dense_image_data_param: _Optional[_Union[DenseImageDataParameter, _Mapping]] = ..., detection_evaluate_param: _Optional[_Union[DetectionEvaluateParameter, _Mapping]] = ..., detectnet_augmentation_param: _Optional[_Union[DetectNetAugmentationParameter, _Mapping]] = ..., detectnet_groundtruth_param: _Optional[_Union[DetectNetGroundTruthParameter, _Mapping]] = ..., dominant_channel_param: _Optional[_Union[DominantChannelParameter, _Mapping]] = ..., downsample_param: _Optional[_Union[DownsampleParameter, _Mapping]] = ..., engine: _Optional[str] = ..., euclidean_loss_param: _Optional[_Union[EuclideanLossParameter, _Mapping]] = ..., eval_detection_param: _Optional[_Union[EvalDetectionParameter, _Mapping]] = ..., flow_warp_param: _Optional[_Union[FlowWarpParameter, _Mapping]] = ..., forward_math: _Optional[_Union[int, str]] = ..., forward_type: _Optional[_Union[int, str]] = ..., gain_channel_param: _Optional[_Union[GainChannelParameter, _Mapping]] = ..., histogram_param: _Optional[_Union[HistogramParameter, _Mapping]] = ..., ignore_overlay_param: _Optional[_Union[IgnoreOverlayParameter, _Mapping]] = ..., lpq_loss_param: _Optional[_Union[LpqLossParameter, _Mapping]] = ..., mean_param: _Optional[_Union[MeanParameter, _Mapping]] = ..., mn_activation_param: _Optional[_Union[MnActivationParameter, _Mapping]] = ..., mn_grad_compress_param: _Optional[_Union[MnParamGradCompressParameter, _Mapping]] = ..., multibox_loss_param: _Optional[_Union[MultiBoxLossParameter, _Mapping]] = ..., multinode: _Optional[_Union[MultinodeLayerParameter, _Mapping]] = ..., onehot_param: _Optional[_Union[OneHotParameter, _Mapping]] = ..., padding_param: _Optional[_Union[PaddingParameter, _Mapping]] = ..., psroi_pooling_param: _Optional[_Union[PSROIPoolingParameter, _Mapping]] = ..., quantization_param: _Optional[_Union[QuantizationParameter, _Mapping]] = ..., reader_param: _Optional[_Union[ReaderParameter, _Mapping]] = ..., region_loss_param: _Optional[_Union[RegionLossParameter, _Mapping]] = ..., reorg_param: _Optional[_Union[ReorgParameter, _Mapping]] = ..., resample_param: _Optional[_Union[ResampleParameter, _Mapping]] = ..., reshape_every_iter: _Optional[bool] = ..., segmentation_evaluate_param: _Optional[_Union[SegmentationEvaluateParameter, _Mapping]] = ..., softmaxloss_param: _Optional[_Union[SoftmaxLossParameter, _Mapping]] = ..., spatial_dropout_param: _Optional[_Union[SpatialDropoutParameter, _Mapping]] = ..., split_param: _Optional[_Union[SplitParameter, _Mapping]] = ..., strict_dim: _Optional[bool] = ..., trt_param: _Optional[_Union[TRTParameter, _Mapping]] = ..., video_data_param: _Optional[_Union[VideoDataParameter, _Mapping]] = ..., weight_decay: _Optional[_Iterable[float]] = ..., writer_param: _Optional[_Union[WriterParameter, _Mapping]] = ..., yolo_detection_output_param: _Optional[_Union[YoloDetectionOutputParameter, _Mapping]] = ..., yolo_seg_param: _Optional[_Union[YoloSegParameter, _Mapping]] = ..., yolov3_detection_output_param: _Optional[_Union[Yolov3DetectionOutputParameter, _Mapping]] = ..., yolov3_param: _Optional[_Union[Yolov3Parameter, _Mapping]] = ..., multi_stage_meanfield_param: _Optional[_Union[MultiStageMeanfieldParameter, _Mapping]] = ...) -> None: ...

class TransformationParameter(_message.Message):
    class InterpolationAlgo(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        INTER_NEAREST: _ClassVar[int]
        INTER_LINEAR: _ClassVar[int]
        INTER_CUBIC: _ClassVar[int]
        INTER_AREA: _ClassVar[int]
    INTER_NEAREST: int
    INTER_LINEAR: int
    INTER_CUBIC: int
    INTER_AREA: int
    scale: float
    mirror: bool
    crop_size: int
    mean_file: str
    mean_value: _containers.RepeatedScalarFieldContainer[float]
    force_color: bool
    force_gray: bool
    scale_factors: _containers.RepeatedScalarFieldContainer[float]
    crop_width: int
    crop_height: int
    allow_upscale: bool
    apply_probability: float
    bgr2rgb: bool
    contrast_brightness_adjustment: bool
    crop_h: int
    crop_w: int
    cvt_bgr2rgb: bool
    debug_params: bool
    display: bool
    distort_param: DistortionParameter
    emit_constraint: EmitConstraint
    enable_classf_aug: bool
    expand_param: ExpansionParameter
    flow: bool
    forward_packing: int
    horizontal_stretch_lower: float
    horizontal_stretch_upper: float
    img_rand_resize_lower: int
    img_rand_resize_upper: int
    interpolation_algo_down: int
    interpolation_algo_up: int
    max_brightness_shift: int
    max_color_shift: int
    max_contrast: float
    max_rotation_angle: int
    max_scaling_factor: float
    max_smooth: float
    min_contrast: float
    min_scaling_factor: float
    min_side: int
    min_side_max: int
    min_side_min: int
    noise_param: NoiseParameter
    num_labels: int
    pad: int
    rand_resize_ratio_lower: float
    rand_resize_ratio_upper: float
    random_aspect_ratio_param: RandomAspectRatioParameter
    random_resize_param: RandomResizeParameter
    random_seed: int
    resize_param: _containers.RepeatedCompositeFieldContainer[ResizeParameter]
    smooth_filtering: bool
    use_gpu_transform: bool
    vertical_stretch_lower: float
    vertical_stretch_upper: float
    def __init__(self, scale: _Optional[float] = ..., mirror: _Optional[bool] = ..., crop_size: _Optional[int] = ..., mean_file: _Optional[str] = ..., mean_value: _Optional[_Iterable[float]] = ..., force_color: _Optional[bool] = ..., force_gray: _Optional[bool] = ..., scale_factors: _Optional[_Iterable[float]] = ..., crop_width: _Optional[int] = ..., crop_height: _Optional[int] = ..., allow_upscale: _Optional[bool] = ..., apply_probability: _Optional[float] = ..., bgr2rgb: _Optional[bool] = ..., contrast_brightness_adjustment: _Optional[bool] = ..., crop_h: _Optional[int] = ..., crop_w: _Optional[int] = ..., cvt_bgr2rgb: _Optional[bool] = ..., debug_params: _Optional[bool] = ..., display: _Optional[bool] = ..., distort_param: _Optional[_Union[DistortionParameter, _Mapping]] = ..., emit_constraint: _Optional[_Union[EmitConstraint, _Mapping]] = ..., enable_classf_aug: _Optional[bool] = ..., expand_param: _Optional[_Union[ExpansionParameter, _Mapping]] = ..., flow: _Optional[bool] = ..., forward_packing: _Optional[_Union[int, str]] = ..., horizontal_stretch_lower: _Optional[float] = ..., horizontal_stretch_upper: _Optional[float] = ..., img_rand_resize_lower: _Optional[int] = ..., img_rand_resize_upper: _Optional[int] = ..., interpolation_algo_down: _Optional[_Union[int, str]] = ..., interpolation_algo_up: _Optional[_Union[int, str]] = ..., max_brightness_shift: _Optional[int] = ..., max_color_shift: _Optional[int] = ..., max_contrast: _Optional[float] = ..., max_rotation_angle: _Optional[int] = ..., max_scaling_factor: _Optional[float] = ..., max_smooth: _Optional[float] = ..., min_contrast: _Optional[float] = ..., min_scaling_factor: _Optional[float] = ..., min_side: _Optional[int] = ..., min_side_max: _Optional[int] = ..., min_side_min: _Optional[int] = ..., noise_param: _Optional[_Union[NoiseParameter, _Mapping]] = ..., num_labels: _Optional[int] = ..., pad: _Optional[int] = ..., rand_resize_ratio_lower: _Optional[float] = ..., rand_resize_ratio_upper: _Optional[float] = ..., random_aspect_ratio_param: _Optional[_Union[RandomAspectRatioParameter, _Mapping]] = ..., random_resize_param: _Optional[_Union[RandomResizeParameter, _Mapping]] = ..., random_seed: _Optional[int] = ..., resize_param: _Optional[_Iterable[_Union[ResizeParameter, _Mapping]]] = ..., smooth_filtering: _Optional[bool] = ..., use_gpu_transform: _Optional[bool] = ..., vertical_stretch_lower: _Optional[float] = ..., vertical_stretch_upper: _Optional[float] = ...) -> None: ...

class LossParameter(_message.Message):
    class NormalizationMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        FULL: _ClassVar[int]
        VALID: _ClassVar[int]
        BATCH_SIZE: _ClassVar[int]
        NONE: _ClassVar[int]
        PRE_FIXED: _ClassVar[int]
    FULL: int
    VALID: int
    BATCH_SIZE: int
    NONE: int
    PRE_FIXED: int
    ignore_label: int
    normalize: bool
    normalization: int
    class_weighting: _containers.RepeatedScalarFieldContainer[float]
    label_smoothing: float
    pre_fixed_normalizer: float
    weight_by_label_freqs: bool
    def __init__(self, ignore_label: _Optional[int] = ..., normalize: _Optional[bool] = ..., normalization: _Optional[_Union[int, str]] = ..., class_weighting: _Optional[_Iterable[float]] = ..., label_smoothing: _Optional[float] = ..., pre_fixed_normalizer: _Optional[float] = ..., weight_by_label_freqs: _Optional[bool] = ...) -> None: ...

class AccumParameter(_message.Message):
    have_reference: bool
    size_divisible_by: int
    top_height: int
    top_width: int
    def __init__(self, have_reference: _Optional[bool] = ..., size_divisible_by: _Optional[int] = ..., top_height: _Optional[int] = ..., top_width: _Optional[int] = ...) -> None: ...

class AccuracyParameter(_message.Message):
    top_k: int
    axis: int
    ignore_label: int
    denominator: float
    def __init__(self, top_k: _Optional[int] = ..., axis: _Optional[int] = ..., ignore_label: _Optional[int] = ..., denominator: _Optional[float] = ...) -> None: ...

class AdaptiveBiasChannelParameter(_message.Message):
    num_iter: int
    bg_portion: float
    fg_portion: float
    suppress_others: bool
    margin_others: float
    def __init__(self, num_iter: _Optional[int] = ..., bg_portion: _Optional[float] = ..., fg_portion: _Optional[float] = ..., suppress_others: _Optional[bool] = ..., margin_others: _Optional[float] = ...) -> None: ...

class AnnotatedDataParameter(_message.Message):
    anno_type: int
    batch_sampler: _containers.RepeatedCompositeFieldContainer[BatchSampler]
    difficult_label_warmup: bool
    label_map_file: str
    seg_resize_height: int
    seg_resize_width: int
    seg_scales: int
    single_class: bool
    train_diffcult: bool
    yolo_data_jitter: float
    yolo_data_type: int
    def __init__(self, anno_type: _Optional[_Union[int, str]] = ..., batch_sampler: _Optional[_Iterable[_Union[BatchSampler, _Mapping]]] = ..., difficult_label_warmup: _Optional[bool] = ..., label_map_file: _Optional[str] = ..., seg_resize_height: _Optional[int] = ..., seg_resize_width: _Optional[int] = ..., seg_scales: _Optional[int] = ..., single_class: _Optional[bool] = ..., train_diffcult: _Optional[bool] = ..., yolo_data_jitter: _Optional[float] = ..., yolo_data_type: _Optional[int] = ...) -> None: ...

class AnnotatedDatum(_message.Message):
    class AnnotationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        BBOX: _ClassVar[int]
        BBOXandSeg: _ClassVar[int]
        LANE: _ClassVar[int]
    BBOX: int
    BBOXandSeg: int
    LANE: int
    annotation_group: _containers.RepeatedCompositeFieldContainer[AnnotationGroup]
    datum: Datum
    record_id: int
    type: int
    def __init__(self, annotation_group: _Optional[_Iterable[_Union[AnnotationGroup, _Mapping]]] = ..., datum: _Optional[_Union[Datum, _Mapping]] = ..., record_id: _Optional[int] = ..., type: _Optional[_Union[int, str]] = ...) -> None: ...

class Annotation(_message.Message):
    bbox: NormalizedBBox
    instance_id: int
    lanes: LaneInfo
    def __init__(self, bbox: _Optional[_Union[NormalizedBBox, _Mapping]] = ..., instance_id: _Optional[int] = ..., lanes: _Optional[_Union[LaneInfo, _Mapping]] = ...) -> None: ...

class AnnotationGroup(_message.Message):
    annotation: _containers.RepeatedCompositeFieldContainer[Annotation]
    group_label: int
    def __init__(self, annotation: _Optional[_Iterable[_Union[Annotation, _Mapping]]] = ..., group_label: _Optional[int] = ...) -> None: ...

class ArgMaxParameter(_message.Message):
    out_max_val: bool
    top_k: int
    axis: int
    def __init__(self, out_max_val: _Optional[bool] = ..., top_k: _Optional[int] = ..., axis: _Optional[int] = ...) -> None: ...

class AugmentationCoeff(_message.Message):
    add_nomean0: float
    add_nomean1: float
    add_nomean2: float
    add_withmean0: float
    add_withmean1: float
    add_withmean2: float
    angle: float
    brightness: float
    col_angle: float
    color1: float
    color2: float
    color3: float
    contrast: float
    dx: float
    dy: float
    fog_amount: float
    fog_size: float
    gamma: float
    lmult_add: float
    lmult_mult: float
    lmult_pow: float
    mirror: float
    motion_blur_angle: float
    motion_blur_size: float
    mult_nomean0: float
    mult_nomean1: float
    mult_nomean2: float
    mult_withmean0: float
    mult_withmean1: float
    mult_withmean2: float
    noise: float
    pow_nomean0: float
    pow_nomean1: float
    pow_nomean2: float
    pow_withmean0: float
    pow_withmean1: float
    pow_withmean2: float
    shadow_angle: float
    shadow_distance: float
    shadow_strength: float
    zoom_x: float
    zoom_y: float
    def __init__(self, add_nomean0: _Optional[float] = ..., add_nomean1: _Optional[float] = ..., add_nomean2: _Optional[float] = ..., add_withmean0: _Optional[float] = ..., add_withmean1: _Optional[float] = ..., add_withmean2: _Optional[float] = ..., angle: _Optional[float] = ..., brightness: _Optional[float] = ..., col_angle: _Optional[float] = ..., color1: _Optional[float] = ..., color2: _Optional[float] = ..., color3: _Optional[float] = ..., contrast: _Optional[float] = ..., dx: _Optional[float] = ..., dy: _Optional[float] = ..., fog_amount: _Optional[float] = ..., fog_size: _Optional[float] = ..., gamma: _Optional[float] = ..., lmult_add: _Optional[float] = ..., lmult_mult: _Optional[float] = ..., lmult_pow: _Optional[float] = ..., mirror: _Optional[float] = ..., motion_blur_angle: _Optional[float] = ..., motion_blur_size: _Optional[float] = ..., mult_nomean0: _Optional[float] = ..., mult_nomean1: _Optional[float] = ..., mult_nomean2: _Optional[float] = ..., mult_withmean0: _Optional[float] = ..., mult_withmean1: _Optional[float] = ..., mult_withmean2: _Optional[float] = ..., noise: _Optional[float] = ..., pow_nomean0: _Optional[float] = ..., pow_nomean1: _Optional[float] = ..., pow_nomean2: _Optional[float] = ..., pow_withmean0: _Optional[float] = ..., pow_withmean1: _Optional[float] = ..., pow_withmean2: _Optional[float] = ..., shadow_angle: _Optional[float] = ..., shadow_distance: _Optional[float] = ..., shadow_strength: _Optional[float] = ..., zoom_x: _Optional[float] = ..., zoom_y: _Optional[float] = ...) -> None: ...

class AugmentationParameter(_message.Message):
    num_transformations: int
    max_translation: float
    min_translation: float
    max_rotation: float
    min_rotation: float
    max_scaling: float
    min_scaling: float
    max_mcc: float
    min_mcc: float
    max_gamma: float
    min_gamma: float
    max_gaussian: float
    min_gaussian: float
    max_contrast: float
    min_contrast: float
    max_brightness: float
    min_brightness: float
    augment_during_test: bool
    bottomheight: int
    bottomwidth: int
    brightness: RandomGeneratorParameter
    chromatic_eigvec: _containers.RepeatedScalarFieldContainer[float]
    col_add: RandomGeneratorParameter
    col_mult: RandomGeneratorParameter
    col_pow: RandomGeneratorParameter
    col_rotate: RandomGeneratorParameter
    color: RandomGeneratorParameter
    contrast: RandomGeneratorParameter
    crop_height: int
    crop_width: int
    fog_amount: RandomGeneratorParameter
    fog_size: RandomGeneratorParameter
    gamma: RandomGeneratorParameter
    ladd_add: RandomGeneratorParameter
    ladd_mult: RandomGeneratorParameter
    ladd_pow: RandomGeneratorParameter
    lmult_add: RandomGeneratorParameter
    lmult_mult: RandomGeneratorParameter
    lmult_pow: RandomGeneratorParameter
    max_multiplier: float
    mean: _containers.RepeatedScalarFieldContainer[float]
    mean_per_pixel: bool
    mirror: RandomGeneratorParameter
    mode: str
    motion_blur_angle: RandomGeneratorParameter
    motion_blur_size: RandomGeneratorParameter
    noise: RandomGeneratorParameter
    num: int
    recompute_mean: int
    rotate: RandomGeneratorParameter
    sat_add: RandomGeneratorParameter
    sat_mult: RandomGeneratorParameter
    sat_pow: RandomGeneratorParameter
    shadow_angle: RandomGeneratorParameter
    shadow_distance: RandomGeneratorParameter
    shadow_strength: RandomGeneratorParameter
    squeeze: RandomGeneratorParameter
    translate: RandomGeneratorParameter
    translate_x: RandomGeneratorParameter
    translate_y: RandomGeneratorParameter
    write_augmented: str
    write_mean: str
    zoom: RandomGeneratorParameter
    def __init__(self, num_transformations: _Optional[int] = ..., max_translation: _Optional[float] = ..., min_translation: _Optional[float] = ..., max_rotation: _Optional[float] = ..., min_rotation: _Optional[float] = ..., max_scaling: _Optional[float] = ..., min_scaling: _Optional[float] = ..., max_mcc: _Optional[float] = ..., min_mcc: _Optional[float] = ..., max_gamma: _Optional[float] = ..., min_gamma: _Optional[float] = ..., max_gaussian: _Optional[float] = ..., min_gaussian: _Optional[float] = ..., max_contrast: _Optional[float] = ..., min_contrast: _Optional[float] = ..., max_brightness: _Optional[float] = ..., min_brightness: _Optional[float] = ..., augment_during_test: _Optional[bool] = ..., bottomheight: _Optional[int] = ..., bottomwidth: _Optional[int] = ..., brightness: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., chromatic_eigvec: _Optional[_Iterable[float]] = ..., col_add: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., col_mult: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., col_pow: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., col_rotate: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., color: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., contrast: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., crop_height: _Optional[int] = ..., crop_width: _Optional[int] = ..., fog_amount: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., fog_size: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., gamma: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., ladd_add: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., ladd_mult: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., ladd_pow: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., lmult_add: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., lmult_mult: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., lmult_pow: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., max_multiplier: _Optional[float] = ..., mean: _Optional[_Iterable[float]] = ..., mean_per_pixel: _Optional[bool] = ..., mirror: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., mode: _Optional[str] = ..., motion_blur_angle: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., motion_blur_size: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., noise: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., num: _Optional[int] = ..., recompute_mean: _Optional[int] = ..., rotate: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., sat_add: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., sat_mult: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., sat_pow: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., shadow_angle: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., shadow_distance: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., shadow_strength: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., squeeze: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., translate: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., translate_x: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., translate_y: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., write_augmented: _Optional[str] = ..., write_mean: _Optional[str] = ..., zoom: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ...) -> None: ...

class BatchNormParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    MKL2017: int
    MKLDNN: int
    use_global_stats: bool
    moving_average_fraction: float
    eps: float
    update_global_stats: bool
    bias_filler: FillerParameter
    bias_term: bool
    engine: int
    filler: FillerParameter
    relu: bool
    scale_bias: bool
    scale_filler: FillerParameter
    stats_batch_size: int
    use_weight_bias: bool
    def __init__(self, use_global_stats: _Optional[bool] = ..., moving_average_fraction: _Optional[float] = ..., eps: _Optional[float] = ..., update_global_stats: _Optional[bool] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_term: _Optional[bool] = ..., engine: _Optional[_Union[int, str]] = ..., filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., relu: _Optional[bool] = ..., scale_bias: _Optional[bool] = ..., scale_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., stats_batch_size: _Optional[int] = ..., use_weight_bias: _Optional[bool] = ...) -> None: ...

class BatchSampler(_message.Message):
    max_sample: int
    max_trials: int
    sample_constraint: SampleConstraint
    sampler: Sampler
    use_original_image: bool
    def __init__(self, max_sample: _Optional[int] = ..., max_trials: _Optional[int] = ..., sample_constraint: _Optional[_Union[SampleConstraint, _Mapping]] = ..., sampler: _Optional[_Union[Sampler, _Mapping]] = ..., use_original_image: _Optional[bool] = ...) -> None: ...

class BiasChannelParameter(_message.Message):
    class LabelType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        IMAGE: _ClassVar[int]
        PIXEL: _ClassVar[int]
    IMAGE: int
    PIXEL: int
    bg_bias: float
    fg_bias: float
    ignore_label: _containers.RepeatedScalarFieldContainer[int]
    label_type: int
    background_label: int
    def __init__(self, bg_bias: _Optional[float] = ..., fg_bias: _Optional[float] = ..., ignore_label: _Optional[_Iterable[int]] = ..., label_type: _Optional[_Union[int, str]] = ..., background_label: _Optional[int] = ...) -> None: ...

class BiasParameter(_message.Message):
    axis: int
    num_axes: int
    filler: FillerParameter
    def __init__(self, axis: _Optional[int] = ..., num_axes: _Optional[int] = ..., filler: _Optional[_Union[FillerParameter, _Mapping]] = ...) -> None: ...

class BlackAugmentationParameter(_message.Message):
    black: RandomGeneratorParameter
    border: RandomGeneratorParameter
    def __init__(self, black: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ..., border: _Optional[_Union[RandomGeneratorParameter, _Mapping]] = ...) -> None: ...

class BNParameter(_message.Message):
    class BNMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        LEARN: _ClassVar[int]
        INFERENCE: _ClassVar[int]
    LEARN: int
    INFERENCE: int
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    scale_filler: FillerParameter
    shift_filler: FillerParameter
    bn_mode: int
    slope_filler: FillerParameter
    bias_filler: FillerParameter
    momentum: float
    eps: float
    frozen: bool
    engine: int
    var_eps: float
    moving_average: bool
    decay: float
    def __init__(self, scale_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., shift_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bn_mode: _Optional[_Union[int, str]] = ..., slope_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., momentum: _Optional[float] = ..., eps: _Optional[float] = ..., frozen: _Optional[bool] = ..., engine: _Optional[_Union[int, str]] = ..., var_eps: _Optional[float] = ..., moving_average: _Optional[bool] = ..., decay: _Optional[float] = ...) -> None: ...

class BoxAnnotatorOHEMParameter(_message.Message):
    ignore_label: int
    roi_per_img: int
    def __init__(self, ignore_label: _Optional[int] = ..., roi_per_img: _Optional[int] = ...) -> None: ...

class C2TensorProto(_message.Message):
    class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        UNDEFINED: _ClassVar[int]
        FLOAT: _ClassVar[int]
        INT32: _ClassVar[int]
        BYTE: _ClassVar[int]
        STRING: _ClassVar[int]
        BOOL: _ClassVar[int]
        UINT8: _ClassVar[int]
        INT8: _ClassVar[int]
        UINT16: _ClassVar[int]
        INT16: _ClassVar[int]
        INT64: _ClassVar[int]
        FLOAT16: _ClassVar[int]
        DOUBLE: _ClassVar[int]
    UNDEFINED: int
    FLOAT: int
    INT32: int
    BYTE: int
    STRING: int
    BOOL: int
    UINT8: int
    INT8: int
    UINT16: int
    INT16: int
    INT64: int
    FLOAT16: int
    DOUBLE: int
    byte_data: bytes
    data_type: int
    dims: _containers.RepeatedScalarFieldContainer[int]
    double_data: _containers.RepeatedScalarFieldContainer[float]
    float_data: _containers.RepeatedScalarFieldContainer[float]
    int32_data: _containers.RepeatedScalarFieldContainer[int]
    int64_data: _containers.RepeatedScalarFieldContainer[int]
    name: str
    string_data: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, byte_data: _Optional[bytes] = ..., data_type: _Optional[_Union[int, str]] = ..., dims: _Optional[_Iterable[int]] = ..., double_data: _Optional[_Iterable[float]] = ..., float_data: _Optional[_Iterable[float]] = ..., int32_data: _Optional[_Iterable[int]] = ..., int64_data: _Optional[_Iterable[int]] = ..., name: _Optional[str] = ..., string_data: _Optional[_Iterable[bytes]] = ...) -> None: ...

class C2TensorProtos(_message.Message):
    protos: _containers.RepeatedCompositeFieldContainer[C2TensorProto]
    def __init__(self, protos: _Optional[_Iterable[_Union[C2TensorProto, _Mapping]]] = ...) -> None: ...

class CensorLabelParameter(_message.Message):
    ignore_label: int
    def __init__(self, ignore_label: _Optional[int] = ...) -> None: ...

class ChannelAggregatorParameter(_message.Message):
    label_map_file: str
    def __init__(self, label_map_file: _Optional[str] = ...) -> None: ...

class ChannelReduceParameter(_message.Message):
    class Op(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        SUM: _ClassVar[int]
        MAX: _ClassVar[int]
    SUM: int
    MAX: int
    num_channels: int
    operation: int
    def __init__(self, num_channels: _Optional[int] = ..., operation: _Optional[_Union[int, str]] = ...) -> None: ...

class ClipParameter(_message.Message):
    min: float
    max: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class CoeffScheduleParameter(_message.Message):
    final_coeff: float
    half_life: float
    initial_coeff: float
    def __init__(self, final_coeff: _Optional[float] = ..., half_life: _Optional[float] = ..., initial_coeff: _Optional[float] = ...) -> None: ...

class CompileNetState(_message.Message):
    bn_scale_merge: bool
    bn_scale_remove: bool
    is_init: bool
    kept_bn_layers: _containers.RepeatedScalarFieldContainer[str]
    negative_conv_indexes: _containers.RepeatedScalarFieldContainer[int]
    negative_conv_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, bn_scale_merge: _Optional[bool] = ..., bn_scale_remove: _Optional[bool] = ..., is_init: _Optional[bool] = ..., kept_bn_layers: _Optional[_Iterable[str]] = ..., negative_conv_indexes: _Optional[_Iterable[int]] = ..., negative_conv_names: _Optional[_Iterable[str]] = ...) -> None: ...

class ConcatParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    MKL2017: int
    MKLDNN: int
    concat_dim: int
    axis: int
    engine: int
    per_fla_fuse: bool
    def __init__(self, concat_dim: _Optional[int] = ..., axis: _Optional[int] = ..., engine: _Optional[_Union[int, str]] = ..., per_fla_fuse: _Optional[bool] = ...) -> None: ...

class ContrastiveLossParameter(_message.Message):
    margin: float
    legacy_version: bool
    def __init__(self, margin: _Optional[float] = ..., legacy_version: _Optional[bool] = ...) -> None: ...

class ConvolutionParameter(_message.Message):
    class FusionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        NONE_FUSION: _ClassVar[int]
        SUM_FUSION: _ClassVar[int]
    NONE_FUSION: int
    SUM_FUSION: int
    class CuDNNConvolutionAlgorithmSeeker(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        GET: _ClassVar[int]
        FINDEX: _ClassVar[int]
    GET: int
    FINDEX: int
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    MKL2017: int
    MKLDNN: int
    num_output: int
    bias_term: bool
    pad: _containers.RepeatedScalarFieldContainer[int]
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    group: int
    stride: _containers.RepeatedScalarFieldContainer[int]
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    pad_h: int
    pad_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    engine: int
    axis: int
    force_nd_im2col: bool
    dilation: _containers.RepeatedScalarFieldContainer[int]
    bottom_is_im2col: bool
    coeff: _containers.RepeatedScalarFieldContainer[float]
    conv_algorithm: str
    conv_algos_override: str
    cudnn_convolution_algo_seeker: int
    fusion_type: int
    hole: int
    hole_h: int
    hole_w: int
    negative_slope: float
    relu: bool
    def __init__(self, num_output: _Optional[int] = ..., bias_term: _Optional[bool] = ..., pad: _Optional[_Iterable[int]] = ..., kernel_size: _Optional[_Iterable[int]] = ..., group: _Optional[int] = ..., stride: _Optional[_Iterable[int]] = ..., weight_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., pad_h: _Optional[int] = ..., pad_w: _Optional[int] = ..., kernel_h: _Optional[int] = ..., kernel_w: _Optional[int] = ..., stride_h: _Optional[int] = ..., stride_w: _Optional[int] = ..., engine: _Optional[_Union[int, str]] = ..., axis: _Optional[int] = ..., force_nd_im2col: _Optional[bool] = ..., dilation: _Optional[_Iterable[int]] = ..., bottom_is_im2col: _Optional[bool] = ..., coeff: _Optional[_Iterable[float]] = ..., conv_algorithm: _Optional[str] = ..., conv_algos_override: _Optional[str] = ..., cudnn_convolution_algo_seeker: _Optional[_Union[int, str]] = ..., fusion_type: _Optional[_Union[int, str]] = ..., hole: _Optional[int] = ..., hole_h: _Optional[int] = ..., hole_w: _Optional[int] = ..., negative_slope: _Optional[float] = ..., relu: _Optional[bool] = ...) -> None: ...

class CorrelationParameter(_message.Message):
    class CorrelationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        MULTIPLY: _ClassVar[int]
        SUBTRACT: _ClassVar[int]
    MULTIPLY: int
    SUBTRACT: int
    correlation_type: int
    do_abs: bool
    kernel_size: int
    max_displacement: int
    pad: int
    single_direction: int
    stride_1: int
    stride_2: int
    def __init__(self, correlation_type: _Optional[_Union[int, str]] = ..., do_abs: _Optional[bool] = ..., kernel_size: _Optional[int] = ..., max_displacement: _Optional[int] = ..., pad: _Optional[int] = ..., single_direction: _Optional[int] = ..., stride_1: _Optional[int] = ..., stride_2: _Optional[int] = ...) -> None: ...

class CropParameter(_message.Message):
    axis: int
    offset: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[int] = ..., offset: _Optional[_Iterable[int]] = ...) -> None: ...

class DataParameter(_message.Message):
    class RANDPERMORDER(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        FIRST_PERMUTE_THEN_RANGE: _ClassVar[int]
        FIRST_RANGE_THEN_PERMUTE: _ClassVar[int]
    FIRST_PERMUTE_THEN_RANGE: int
    FIRST_RANGE_THEN_PERMUTE: int
    class CHANNELENCODING(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        UINT8: _ClassVar[int]
        UINT16FLOW: _ClassVar[int]
        BOOL1: _ClassVar[int]
    UINT8: int
    UINT16FLOW: int
    BOOL1: int
    class DB(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        LEVELDB: _ClassVar[int]
        LMDB: _ClassVar[int]
    LEVELDB: int
    LMDB: int
    source: str
    scale: float
    mean_file: str
    batch_size: int
    crop_size: int
    mirror: bool
    rand_skip: int
    backend: int
    force_encoded_color: bool
    prefetch: int
    block_size: int
    cache: bool
    disk_reader_threads: int
    encoding: _containers.RepeatedScalarFieldContainer[int]
    huge_video_dataset: bool
    limit_samples: int
    parser_threads: int
    permute_every_iter: int
    precache: bool
    preselection_file: str
    preselection_label: int
    rand_permute: bool
    rand_permute_order: int
    rand_permute_seed: int
    range_end: int
    range_start: int
    shuffle: bool
    side: _containers.RepeatedScalarFieldContainer[int]
    slice_point: _containers.RepeatedScalarFieldContainer[int]
    subtract: _containers.RepeatedScalarFieldContainer[float]
    threads: int
    verbose: bool
    def __init__(self, source: _Optional[str] = ..., scale: _Optional[float] = ..., mean_file: _Optional[str] = ..., batch_size: _Optional[int] = ..., crop_size: _Optional[int] = ..., mirror: _Optional[bool] = ..., rand_skip: _Optional[int] = ..., backend: _Optional[_Union[int, str]] = ..., force_encoded_color: _Optional[bool] = ..., prefetch: _Optional[int] = ..., block_size: _Optional[int] = ..., cache: _Optional[bool] = ..., disk_reader_threads: _Optional[int] = ..., encoding: _Optional[_Iterable[_Union[int, str]]] = ..., huge_video_dataset: _Optional[bool] = ..., limit_samples: _Optional[int] = ..., parser_threads: _Optional[int] = ..., permute_every_iter: _Optional[int] = ..., precache: _Optional[bool] = ..., preselection_file: _Optional[str] = ..., preselection_label: _Optional[int] = ..., rand_permute: _Optional[bool] = ..., rand_permute_order: _Optional[_Union[int, str]] = ..., rand_permute_seed: _Optional[int] = ..., range_end: _Optional[int] = ..., range_start: _Optional[int] = ..., shuffle: _Optional[bool] = ..., side: _Optional[_Iterable[int]] = ..., slice_point: _Optional[_Iterable[int]] = ..., subtract: _Optional[_Iterable[float]] = ..., threads: _Optional[int] = ..., verbose: _Optional[bool] = ...) -> None: ...

class DenseCRFParameter(_message.Message):
    max_iter: int
    pos_xy_std: _containers.RepeatedScalarFieldContainer[float]
    pos_w: _containers.RepeatedScalarFieldContainer[float]
    bi_xy_std: _containers.RepeatedScalarFieldContainer[float]
    bi_rgb_std: _containers.RepeatedScalarFieldContainer[float]
    bi_w: _containers.RepeatedScalarFieldContainer[float]
    output_probability: bool
    def __init__(self, max_iter: _Optional[int] = ..., pos_xy_std: _Optional[_Iterable[float]] = ..., pos_w: _Optional[_Iterable[float]] = ..., bi_xy_std: _Optional[_Iterable[float]] = ..., bi_rgb_std: _Optional[_Iterable[float]] = ..., bi_w: _Optional[_Iterable[float]] = ..., output_probability: _Optional[bool] = ...) -> None: ...

class DenseImageDataParameter(_message.Message):
    batch_size: int
    crop_height: int
    crop_width: int
    is_color: bool
    mean_file: str
    mirror: bool
    new_height: int
    new_width: int
    rand_skip: int
    root_folder: str
    shuffle: bool
    source: str
    label_divide_factor: int
    root_folder_image: str
    root_folder_label: str
    def __init__(self, batch_size: _Optional[int] = ..., crop_height: _Optional[int] = ..., crop_width: _Optional[int] = ..., is_color: _Optional[bool] = ..., mean_file: _Optional[str] = ..., mirror: _Optional[bool] = ..., new_height: _Optional[int] = ..., new_width: _Optional[int] = ..., rand_skip: _Optional[int] = ..., root_folder: _Optional[str] = ..., shuffle: _Optional[bool] = ..., source: _Optional[str] = ..., label_divide_factor: _Optional[int] = ..., root_folder_image: _Optional[str] = ..., root_folder_label: _Optional[str] = ...) -> None: ...

class DetectionEvaluateParameter(_message.Message):
    background_label_id: int
    evaluate_difficult_gt: bool
    name_size_file: str
    num_classes: int
    overlap_threshold: float
    resize_param: ResizeParameter
    def __init__(self, background_label_id: _Optional[int] = ..., evaluate_difficult_gt: _Optional[bool] = ..., name_size_file: _Optional[str] = ..., num_classes: _Optional[int] = ..., overlap_threshold: _Optional[float] = ..., resize_param: _Optional[_Union[ResizeParameter, _Mapping]] = ...) -> None: ...

class DetectionOutputParameter(_message.Message):
    num_classes: int
    share_location: bool
    background_label_id: int
    nms_param: NonMaximumSuppressionParameter
    save_output_param: SaveOutputParameter
    code_type: int
    keep_top_k: int
    variance_encoded_in_target: bool
    confidence_threshold: float
    visualize: bool
    visualize_threshold: float
    save_file: str
    def __init__(self, num_classes: _Optional[int] = ..., share_location: _Optional[bool] = ..., background_label_id: _Optional[int] = ..., nms_param: _Optional[_Union[NonMaximumSuppressionParameter, _Mapping]] = ..., save_output_param: _Optional[_Union[SaveOutputParameter, _Mapping]] = ..., code_type: _Optional[_Union[int, str]] = ..., keep_top_k: _Optional[int] = ..., variance_encoded_in_target: _Optional[bool] = ..., confidence_threshold: _Optional[float] = ..., visualize: _Optional[bool] = ..., visualize_threshold: _Optional[float] = ..., save_file: _Optional[str] = ...) -> None: ...

class DetectNetAugmentationParameter(_message.Message):
    crop_prob: float
    desaturation_max: float
    desaturation_prob: float
    distort_param: DistortionParameter
    emit_constraint: EmitConstraint
    expand_param: ExpansionParameter
    flip_prob: float
    hue_rotation: float
    hue_rotation_prob: float
    max_rotate_degree: float
    noise_param: NoiseParameter
    resize_param: ResizeParameter
    rotation_prob: float
    scale_max: float
    scale_min: float
    scale_prob: float
    shift_x: int
    shift_y: int
    def __init__(self, crop_prob: _Optional[float] = ..., desaturation_max: _Optional[float] = ..., desaturation_prob: _Optional[float] = ..., distort_param: _Optional[_Union[DistortionParameter, _Mapping]] = ..., emit_constraint: _Optional[_Union[EmitConstraint, _Mapping]] = ..., expand_param: _Optional[_Union[ExpansionParameter, _Mapping]] = ..., flip_prob: _Optional[float] = ..., hue_rotation: _Optional[float] = ..., hue_rotation_prob: _Optional[float] = ..., max_rotate_degree: _Optional[float] = ..., noise_param: _Optional[_Union[NoiseParameter, _Mapping]] = ..., resize_param: _Optional[_Union[ResizeParameter, _Mapping]] = ..., rotation_prob: _Optional[float] = ..., scale_max: _Optional[float] = ..., scale_min: _Optional[float] = ..., scale_prob: _Optional[float] = ..., shift_x: _Optional[int] = ..., shift_y: _Optional[int] = ...) -> None: ...

class DetectNetClassMapping(_message.Message):
    dst: int
    src: int
    def __init__(self, dst: _Optional[int] = ..., src: _Optional[int] = ...) -> None: ...

class DetectNetGroundTruthParameter(_message.Message):
    class CoverageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        RECTANGULAR: _ClassVar[int]
    RECTANGULAR: int
    class GridboxType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        GRIDBOX_MAX: _ClassVar[int]
        GRIDBOX_MIN: _ClassVar[int]
    GRIDBOX_MAX: int
    GRIDBOX_MIN: int
    coverage_type: int
    crop_bboxes: bool
    gridbox_type: int
    image_size_x: int
    image_size_y: int
    max_cvg_len: int
    min_cvg_len: int
    obj_norm: bool
    object_class: _containers.RepeatedCompositeFieldContainer[DetectNetClassMapping]
    scale_cvg: float
    stride: int
    def __init__(self, coverage_type: _Optional[_Union[int, str]] = ..., crop_bboxes: _Optional[bool] = ..., gridbox_type: _Optional[_Union[int, str]] = ..., image_size_x: _Optional[int] = ..., image_size_y: _Optional[int] = ..., max_cvg_len: _Optional[int] = ..., min_cvg_len: _Optional[int] = ..., obj_norm: _Optional[bool] = ..., object_class: _Optional[_Iterable[_Union[DetectNetClassMapping, _Mapping]]] = ..., scale_cvg: _Optional[float] = ..., stride: _Optional[int] = ...) -> None: ...

class DistLossParameter(_message.Message):
    ignore_label: int
    alpha: float
    beta: float
    def __init__(self, ignore_label: _Optional[int] = ..., alpha: _Optional[float] = ..., beta: _Optional[float] = ...) -> None: ...

class DistortionParameter(_message.Message):
    brightness_delta: float
    brightness_prob: float
    contrast_lower: float
    contrast_prob: float
    contrast_upper: float
    hue_delta: float
    hue_prob: float
    random_order_prob: float
    saturation_lower: float
    saturation_prob: float
    saturation_upper: float
    def __init__(self, brightness_delta: _Optional[float] = ..., brightness_prob: _Optional[float] = ..., contrast_lower: _Optional[float] = ..., contrast_prob: _Optional[float] = ..., contrast_upper: _Optional[float] = ..., hue_delta: _Optional[float] = ..., hue_prob: _Optional[float] = ..., random_order_prob: _Optional[float] = ..., saturation_lower: _Optional[float] = ..., saturation_prob: _Optional[float] = ..., saturation_upper: _Optional[float] = ...) -> None: ...

class DomainTransformParameter(_message.Message):
    num_iter: int
    spatial_sigma: float
    range_sigma: float
    min_weight: float
    def __init__(self, num_iter: _Optional[int] = ..., spatial_sigma: _Optional[float] = ..., range_sigma: _Optional[float] = ..., min_weight: _Optional[float] = ...) -> None: ...

class DominantChannelParameter(_message.Message):
    top_k: int
    def __init__(self, top_k: _Optional[int] = ...) -> None: ...

class DownsampleParameter(_message.Message):
    top_height: int
    top_width: int
    def __init__(self, top_height: _Optional[int] = ..., top_width: _Optional[int] = ...) -> None: ...

class DropoutParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    dropout_ratio: float
    engine: int
    random_seed: int
    sample_weights_test: bool
    scale_train: bool
    def __init__(self, dropout_ratio: _Optional[float] = ..., engine: _Optional[_Union[int, str]] = ..., random_seed: _Optional[int] = ..., sample_weights_test: _Optional[bool] = ..., scale_train: _Optional[bool] = ...) -> None: ...

class DummyDataParameter(_message.Message):
    data_filler: _containers.RepeatedCompositeFieldContainer[FillerParameter]
    num: _containers.RepeatedScalarFieldContainer[int]
    channels: _containers.RepeatedScalarFieldContainer[int]
    height: _containers.RepeatedScalarFieldContainer[int]
    width: _containers.RepeatedScalarFieldContainer[int]
    shape: _containers.RepeatedCompositeFieldContainer[BlobShape]
    def __init__(self, data_filler: _Optional[_Iterable[_Union[FillerParameter, _Mapping]]] = ..., num: _Optional[_Iterable[int]] = ..., channels: _Optional[_Iterable[int]] = ..., height: _Optional[_Iterable[int]] = ..., width: _Optional[_Iterable[int]] = ..., shape: _Optional[_Iterable[_Union[BlobShape, _Mapping]]] = ...) -> None: ...

class EltwiseParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    MKL2017: int
    MKLDNN: int
    class EltwiseOp(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        PROD: _ClassVar[int]
        SUM: _ClassVar[int]
        MAX: _ClassVar[int]
    PROD: int
    SUM: int
    MAX: int
    operation: int
    coeff: _containers.RepeatedScalarFieldContainer[float]
    stable_prod_grad: bool
    coeff_blob: bool
    engine: int
    def __init__(self, operation: _Optional[_Union[int, str]] = ..., coeff: _Optional[_Iterable[float]] = ..., stable_prod_grad: _Optional[bool] = ..., coeff_blob: _Optional[bool] = ..., engine: _Optional[_Union[int, str]] = ...) -> None: ...

class ELUParameter(_message.Message):
    alpha: float
    def __init__(self, alpha: _Optional[float] = ..., **kwargs) -> None: ...

class EmbedParameter(_message.Message):
    num_output: int
    input_dim: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    def __init__(self, num_output: _Optional[int] = ..., input_dim: _Optional[int] = ..., bias_term: _Optional[bool] = ..., weight_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ...) -> None: ...

class EmitConstraint(_message.Message):
    class EmitType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        CENTER: _ClassVar[int]
        MIN_OVERLAP: _ClassVar[int]
    CENTER: int
    MIN_OVERLAP: int
    emit_overlap: float
    emit_type: int
    def __init__(self, emit_overlap: _Optional[float] = ..., emit_type: _Optional[_Union[int, str]] = ...) -> None: ...

class EuclideanLossParameter(_message.Message):
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        L2: _ClassVar[int]
        L2sqrt: _ClassVar[int]
    L2: int
    L2sqrt: int
    type: int
    def __init__(self, type: _Optional[_Union[int, str]] = ...) -> None: ...

class EvalDetectionParameter(_message.Message):
    class ScoreType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        OBJ: _ClassVar[int]
        PROB: _ClassVar[int]
        MULTIPLY: _ClassVar[int]
    OBJ: int
    PROB: int
    MULTIPLY: int
    biases: _containers.RepeatedScalarFieldContainer[float]
    constriant: bool
    nms: float
    num_class: int
    num_object: int
    score_type: int
    side: int
    sqrt: bool
    threshold: float
    def __init__(self, biases: _Optional[_Iterable[float]] = ..., constriant: _Optional[bool] = ..., nms: _Optional[float] = ..., num_class: _Optional[int] = ..., num_object: _Optional[int] = ..., score_type: _Optional[_Union[int, str]] = ..., side: _Optional[int] = ..., sqrt: _Optional[bool] = ..., threshold: _Optional[float] = ...) -> None: ...

class ExpansionParameter(_message.Message):
    max_expand_ratio: float
    prob: float
    def __init__(self, max_expand_ratio: _Optional[float] = ..., prob: _Optional[float] = ...) -> None: ...

class ExpParameter(_message.Message):
    base: float
    scale: float
    shift: float
    def __init__(self, base: _Optional[float] = ..., scale: _Optional[float] = ..., shift: _Optional[float] = ...) -> None: ...

class FlattenParameter(_message.Message):
    axis: int
    end_axis: int
    def __init__(self, axis: _Optional[int] = ..., end_axis: _Optional[int] = ...) -> None: ...

class FlowWarpParameter(_message.Message):
    class FillParameter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        ZERO: _ClassVar[int]
        NOT_A_NUMBER: _ClassVar[int]
    ZERO: int
    NOT_A_NUMBER: int
    fill_value: int
    def __init__(self, fill_value: _Optional[_Union[int, str]] = ...) -> None: ...

class GainChannelParameter(_message.Message):
    drift: float
    gain_filler: FillerParameter
    norm_mean: bool
    num_output_nz: int
    stdev: float
    thresh: float
    def __init__(self, drift: _Optional[float] = ..., gain_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., norm_mean: _Optional[bool] = ..., num_output_nz: _Optional[int] = ..., stdev: _Optional[float] = ..., thresh: _Optional[float] = ...) -> None: ...

class HDF5DataParameter(_message.Message):
    source: str
    batch_size: int
    shuffle: bool
    def __init__(self, source: _Optional[str] = ..., batch_size: _Optional[int] = ..., shuffle: _Optional[bool] = ...) -> None: ...

class HDF5OutputParameter(_message.Message):
    file_name: str
    def __init__(self, file_name: _Optional[str] = ...) -> None: ...

class HingeLossParameter(_message.Message):
    class Norm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        L1: _ClassVar[int]
        L2: _ClassVar[int]
    L1: int
    L2: int
    norm: int
    def __init__(self, norm: _Optional[_Union[int, str]] = ...) -> None: ...

class HistogramParameter(_message.Message):
    ignore_label: _containers.RepeatedScalarFieldContainer[int]
    num_labels: int
    def __init__(self, ignore_label: _Optional[_Iterable[int]] = ..., num_labels: _Optional[int] = ...) -> None: ...

class IgnoreOverlayParameter(_message.Message):
    ignore_label: int
    def __init__(self, ignore_label: _Optional[int] = ...) -> None: ...

class Im2distParameter(_message.Message):
    class Norm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        L1: _ClassVar[int]
        L2: _ClassVar[int]
    L1: int
    L2: int
    norm: int
    remove_center: bool
    remove_bounds: bool
    def __init__(self, norm: _Optional[_Union[int, str]] = ..., remove_center: _Optional[bool] = ..., remove_bounds: _Optional[bool] = ...) -> None: ...

class Im2parityParameter(_message.Message):
    ignore_label: int
    def __init__(self, ignore_label: _Optional[int] = ...) -> None: ...

class ImageDataParameter(_message.Message):
    class LabelType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        NONE: _ClassVar[int]
        IMAGE: _ClassVar[int]
        PIXEL: _ClassVar[int]
    NONE: int
    IMAGE: int
    PIXEL: int
    source: str
    scale: float
    mean_file: str
    batch_size: int
    crop_size: int
    mirror: bool
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    root_folder: str
    ignore_label: int
    label_type: int
    cache: bool
    dataset_share_per_node: float
    has_label: bool
    max_labels: int
    min_height: int
    min_width: int
    precache: bool
    short_side: int
    threads: int
    def __init__(self, source: _Optional[str] = ..., scale: _Optional[float] = ..., mean_file: _Optional[str] = ..., batch_size: _Optional[int] = ..., crop_size: _Optional[int] = ..., mirror: _Optional[bool] = ..., rand_skip: _Optional[int] = ..., shuffle: _Optional[bool] = ..., new_height: _Optional[int] = ..., new_width: _Optional[int] = ..., is_color: _Optional[bool] = ..., root_folder: _Optional[str] = ..., ignore_label: _Optional[int] = ..., label_type: _Optional[_Union[int, str]] = ..., cache: _Optional[bool] = ..., dataset_share_per_node: _Optional[float] = ..., has_label: _Optional[bool] = ..., max_labels: _Optional[int] = ..., min_height: _Optional[int] = ..., min_width: _Optional[int] = ..., precache: _Optional[bool] = ..., short_side: _Optional[int] = ..., threads: _Optional[int] = ...) -> None: ...

class InfogainLossParameter(_message.Message):
    source: str
    axis: int
    def __init__(self, source: _Optional[str] = ..., axis: _Optional[int] = ...) -> None: ...

class InnerProductParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    MKLDNN: int
    num_output: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    axis: int
    transpose: bool
    engine: int
    negative_slope: float
    relu: bool
    def __init__(self, num_output: _Optional[int] = ..., bias_term: _Optional[bool] = ..., weight_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., axis: _Optional[int] = ..., transpose: _Optional[bool] = ..., engine: _Optional[_Union[int, str]] = ..., negative_slope: _Optional[float] = ..., relu: _Optional[bool] = ...) -> None: ...

class InputParameter(_message.Message):
    shape: _containers.RepeatedCompositeFieldContainer[BlobShape]
    def __init__(self, shape: _Optional[_Iterable[_Union[BlobShape, _Mapping]]] = ...) -> None: ...

class InterpParameter(_message.Message):
    height: int
    width: int
    zoom_factor: int
    shrink_factor: int
    pad_beg: int
    pad_end: int
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., zoom_factor: _Optional[int] = ..., shrink_factor: _Optional[int] = ..., pad_beg: _Optional[int] = ..., pad_end: _Optional[int] = ...) -> None: ...

class L1LossParameter(_message.Message):
    l2_per_location: bool
    l2_prescale_by_channels: bool
    normalize_by_num_entries: bool
    epsilon: float
    plateau: float
    def __init__(self, l2_per_location: _Optional[bool] = ..., l2_prescale_by_channels: _Optional[bool] = ..., normalize_by_num_entries: _Optional[bool] = ..., epsilon: _Optional[float] = ..., plateau: _Optional[float] = ...) -> None: ...

class LabelMap(_message.Message):
    item: _containers.RepeatedCompositeFieldContainer[LabelMapItem]
    def __init__(self, item: _Optional[_Iterable[_Union[LabelMapItem, _Mapping]]] = ...) -> None: ...

class LabelMapItem(_message.Message):
    display_name: str
    label: int
    name: str
    def __init__(self, display_name: _Optional[str] = ..., label: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class LaneInfo(_message.Message):
    id: int
    x: float
    y: float
    def __init__(self, id: _Optional[int] = ..., x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class LogParameter(_message.Message):
    base: float
    scale: float
    shift: float
    def __init__(self, base: _Optional[float] = ..., scale: _Optional[float] = ..., shift: _Optional[float] = ...) -> None: ...

class LpqLossParameter(_message.Message):
    l2_prescale_by_channels: bool
    normalize_by_num_entries: bool
    p: _containers.RepeatedScalarFieldContainer[float]
    p_epsilon: float
    pq_episode_starts_at_iter: _containers.RepeatedScalarFieldContainer[int]
    q: _containers.RepeatedScalarFieldContainer[float]
    q_epsilon: float
    def __init__(self, l2_prescale_by_channels: _Optional[bool] = ..., normalize_by_num_entries: _Optional[bool] = ..., p: _Optional[_Iterable[float]] = ..., p_epsilon: _Optional[float] = ..., pq_episode_starts_at_iter: _Optional[_Iterable[int]] = ..., q: _Optional[_Iterable[float]] = ..., q_epsilon: _Optional[float] = ...) -> None: ...

class LRNParameter(_message.Message):
    class NormRegion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        ACROSS_CHANNELS: _ClassVar[int]
        WITHIN_CHANNEL: _ClassVar[int]
    ACROSS_CHANNELS: int
    WITHIN_CHANNEL: int
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    MKL2017: int
    MKLDNN: int
    local_size: int
    alpha: float
    beta: float
    norm_region: int
    k: float
    engine: int
    def __init__(self, local_size: _Optional[int] = ..., alpha: _Optional[float] = ..., beta: _Optional[float] = ..., norm_region: _Optional[_Union[int, str]] = ..., k: _Optional[float] = ..., engine: _Optional[_Union[int, str]] = ...) -> None: ...

class MatReadParameter(_message.Message):
    prefix: str
    source: str
    strip: int
    batch_size: int
    def __init__(self, prefix: _Optional[str] = ..., source: _Optional[str] = ..., strip: _Optional[int] = ..., batch_size: _Optional[int] = ...) -> None: ...

class MatWriteParameter(_message.Message):
    prefix: str
    source: str
    strip: int
    period: int
    def __init__(self, prefix: _Optional[str] = ..., source: _Optional[str] = ..., strip: _Optional[int] = ..., period: _Optional[int] = ...) -> None: ...

class MeanParameter(_message.Message):
    class MeanOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        ADD: _ClassVar[int]
        SUBTRACT: _ClassVar[int]
    ADD: int
    SUBTRACT: int
    file: str
    input_scale: float
    mean_scale: float
    operation: int
    output_scale: float
    value: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, file: _Optional[str] = ..., input_scale: _Optional[float] = ..., mean_scale: _Optional[float] = ..., operation: _Optional[_Union[int, str]] = ..., output_scale: _Optional[float] = ..., value: _Optional[_Iterable[float]] = ...) -> None: ...

class MemoryDataParameter(_message.Message):
    batch_size: int
    channels: int
    height: int
    width: int
    def __init__(self, batch_size: _Optional[int] = ..., channels: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ...) -> None: ...

class MnActivationParameter(_message.Message):
    model_parts_in: int
    model_parts_out: int
    need_reduce: bool
    num_nodes_in: int
    num_nodes_out: int
    def __init__(self, model_parts_in: _Optional[int] = ..., model_parts_out: _Optional[int] = ..., need_reduce: _Optional[bool] = ..., num_nodes_in: _Optional[int] = ..., num_nodes_out: _Optional[int] = ...) -> None: ...

class MnModelParallelParameter(_message.Message):
    layer_from: str
    layer_to: str
    model_parts: int
    num_nodes: int
    def __init__(self, layer_from: _Optional[str] = ..., layer_to: _Optional[str] = ..., model_parts: _Optional[int] = ..., num_nodes: _Optional[int] = ...) -> None: ...

class MnParamGradCompressLayerTypeList(_message.Message):
    layer_type: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, layer_type: _Optional[_Iterable[str]] = ...) -> None: ...

class MnParamGradCompressParameter(_message.Message):
    param_grad_compress_enable: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, param_grad_compress_enable: _Optional[_Iterable[bool]] = ...) -> None: ...

class MultiBoxLossParameter(_message.Message):
    class ConfLossType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        SOFTMAX: _ClassVar[int]
        LOGISTIC: _ClassVar[int]
    SOFTMAX: int
    LOGISTIC: int
    class LocLossType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        L2: _ClassVar[int]
        SMOOTH_L1: _ClassVar[int]
    L2: int
    SMOOTH_L1: int
    class MatchType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        BIPARTITE: _ClassVar[int]
        PER_PREDICTION: _ClassVar[int]
    BIPARTITE: int
    PER_PREDICTION: int
    class MiningType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        NONE: _ClassVar[int]
        MAX_NEGATIVE: _ClassVar[int]
        HARD_EXAMPLE: _ClassVar[int]
    NONE: int
    MAX_NEGATIVE: int
    HARD_EXAMPLE: int
    background_label_id: int
    bp_inside: bool
    code_type: int
    conf_loss_type: int
    do_neg_mining: bool
    encode_variance_in_target: bool
    ignore_cross_boundary_bbox: bool
    ignore_difficult_gt: bool
    loc_loss_type: int
    loc_weight: float
    map_object_to_agnostic: bool
    match_type: int
    mining_type: int
    neg_overlap: float
    neg_pos_ratio: float
    nms_param: NonMaximumSuppressionParameter
    num_classes: int
    overlap_threshold: float
    sample_size: int
    share_location: bool
    use_difficult_gt: bool
    use_prior_for_matching: bool
    use_prior_for_nms: bool
    def __init__(self, background_label_id: _Optional[int] = ..., bp_inside: _Optional[bool] = ..., code_type: _Optional[_Union[int, str]] = ..., conf_loss_type: _Optional[_Union[int, str]] = ..., do_neg_mining: _Optional[bool] = ..., encode_variance_in_target: _Optional[bool] = ..., ignore_cross_boundary_bbox: _Optional[bool] = ..., ignore_difficult_gt: _Optional[bool] = ..., loc_loss_type: _Optional[_Union[int, str]] = ..., loc_weight: _Optional[float] = ..., map_object_to_agnostic: _Optional[bool] = ..., match_type: _Optional[_Union[int, str]] = ..., mining_type: _Optional[_Union[int, str]] = ..., neg_overlap: _Optional[float] = ..., neg_pos_ratio: _Optional[float] = ..., nms_param: _Optional[_Union[NonMaximumSuppressionParameter, _Mapping]] = ..., num_classes: _Optional[int] = ..., overlap_threshold: _Optional[float] = ..., sample_size: _Optional[int] = ..., share_location: _Optional[bool] = ..., use_difficult_gt: _Optional[bool] = ..., use_prior_for_matching: _Optional[bool] = ..., use_prior_for_nms: _Optional[bool] = ...) -> None: ...

class MultinodeLayerParameter(_message.Message):
    model_parts: int
    num_nodes: int
    def __init__(self, model_parts: _Optional[int] = ..., num_nodes: _Optional[int] = ...) -> None: ...

class MultinodeParameter(_message.Message):
    compress_layer_type_list: MnParamGradCompressLayerTypeList
    model_parallel: _containers.RepeatedCompositeFieldContainer[MnModelParallelParameter]
    def __init__(self, compress_layer_type_list: _Optional[_Union[MnParamGradCompressLayerTypeList, _Mapping]] = ..., model_parallel: _Optional[_Iterable[_Union[MnModelParallelParameter, _Mapping]]] = ...) -> None: ...

class MultiPhaseSolverParameter(_message.Message):
    params_pair: _containers.RepeatedCompositeFieldContainer[SolverBatchSizePair]
    def __init__(self, params_pair: _Optional[_Iterable[_Union[SolverBatchSizePair, _Mapping]]] = ...) -> None: ...

class MultiStageMeanfieldParameter(_message.Message):
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        POTTS: _ClassVar[int]
    POTTS: int
    compatibility_mode: int
    threshold: float
    theta_alpha: float
    theta_beta: float
    theta_gamma: float
    num_iterations: int
    spatial_filter_weight: float
    bilateral_filter_weight: float
    forced_spatial_filter_weight: float
    forced_bilateral_filter_weight: float
    def __init__(self, compatibility_mode: _Optional[_Union[int, str]] = ..., threshold: _Optional[float] = ..., theta_alpha: _Optional[float] = ..., theta_beta: _Optional[float] = ..., theta_gamma: _Optional[float] = ..., num_iterations: _Optional[int] = ..., spatial_filter_weight: _Optional[float] = ..., bilateral_filter_weight: _Optional[float] = ..., forced_spatial_filter_weight: _Optional[float] = ..., forced_bilateral_filter_weight: _Optional[float] = ...) -> None: ...

class MVNParameter(_message.Message):
    normalize_variance: bool
    across_channels: bool
    eps: float
    def __init__(self, normalize_variance: _Optional[bool] = ..., across_channels: _Optional[bool] = ..., eps: _Optional[float] = ...) -> None: ...

class NoiseParameter(_message.Message):
    clahe: bool
    convert_to_hsv: bool
    convert_to_lab: bool
    decolorize: bool
    erode: bool
    gauss_blur: bool
    hist_eq: bool
    inverse: bool
    jpeg: float
    posterize: bool
    prob: float
    saltpepper: bool
    saltpepper_param: SaltPepperParameter
    def __init__(self, clahe: _Optional[bool] = ..., convert_to_hsv: _Optional[bool] = ..., convert_to_lab: _Optional[bool] = ..., decolorize: _Optional[bool] = ..., erode: _Optional[bool] = ..., gauss_blur: _Optional[bool] = ..., hist_eq: _Optional[bool] = ..., inverse: _Optional[bool] = ..., jpeg: _Optional[float] = ..., posterize: _Optional[bool] = ..., prob: _Optional[float] = ..., saltpepper: _Optional[bool] = ..., saltpepper_param: _Optional[_Union[SaltPepperParameter, _Mapping]] = ...) -> None: ...

class NonMaximumSuppressionParameter(_message.Message):
    nms_threshold: float
    top_k: int
    eta: float
    def __init__(self, nms_threshold: _Optional[float] = ..., top_k: _Optional[int] = ..., eta: _Optional[float] = ...) -> None: ...

class NormalizedBBox(_message.Message):
    difficult: bool
    label: int
    score: float
    size: float
    xmax: float
    xmin: float
    ymax: float
    ymin: float
    def __init__(self, difficult: _Optional[bool] = ..., label: _Optional[int] = ..., score: _Optional[float] = ..., size: _Optional[float] = ..., xmax: _Optional[float] = ..., xmin: _Optional[float] = ..., ymax: _Optional[float] = ..., ymin: _Optional[float] = ...) -> None: ...

class NormalizeParameter(_message.Message):
    across_spatial: bool
    scale_filler: FillerParameter
    channel_shared: bool
    eps: float
    def __init__(self, across_spatial: _Optional[bool] = ..., scale_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., channel_shared: _Optional[bool] = ..., eps: _Optional[float] = ...) -> None: ...

class NormConvMeanfieldParameter(_message.Message):
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        POTTS: _ClassVar[int]
    POTTS: int
    class Norm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        L1: _ClassVar[int]
        L2: _ClassVar[int]
    L1: int
    L2: int
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    compatibility_mode: int
    threshold: float
    num_iterations: int
    spatial_filter_weight: float
    bilateral_filter_weight: float
    forced_spatial_filter_weight: float
    forced_bilateral_filter_weight: float
    iter_multiplier: float
    norm: _containers.RepeatedScalarFieldContainer[int]
    scale_term: _containers.RepeatedScalarFieldContainer[bool]
    scale: _containers.RepeatedScalarFieldContainer[float]
    remove_center: _containers.RepeatedScalarFieldContainer[bool]
    remove_bounds: _containers.RepeatedScalarFieldContainer[bool]
    bias_term: _containers.RepeatedScalarFieldContainer[bool]
    pad: _containers.RepeatedScalarFieldContainer[int]
    kernel_size: _containers.RepeatedScalarFieldContainer[int]
    stride: _containers.RepeatedScalarFieldContainer[int]
    dilation: _containers.RepeatedScalarFieldContainer[int]
    group: _containers.RepeatedScalarFieldContainer[int]
    weight_filler: _containers.RepeatedCompositeFieldContainer[FillerParameter]
    bias_filler: _containers.RepeatedCompositeFieldContainer[FillerParameter]
    engine: int
    def __init__(self, compatibility_mode: _Optional[_Union[int, str]] = ..., threshold: _Optional[float] = ..., num_iterations: _Optional[int] = ..., spatial_filter_weight: _Optional[float] = ..., bilateral_filter_weight: _Optional[float] = ..., forced_spatial_filter_weight: _Optional[float] = ..., forced_bilateral_filter_weight: _Optional[float] = ..., iter_multiplier: _Optional[float] = ..., norm: _Optional[_Iterable[_Union[int, str]]] = ..., scale_term: _Optional[_Iterable[bool]] = ..., scale: _Optional[_Iterable[float]] = ..., remove_center: _Optional[_Iterable[bool]] = ..., remove_bounds: _Optional[_Iterable[bool]] = ..., bias_term: _Optional[_Iterable[bool]] = ..., pad: _Optional[_Iterable[int]] = ..., kernel_size: _Optional[_Iterable[int]] = ..., stride: _Optional[_Iterable[int]] = ..., dilation: _Optional[_Iterable[int]] = ..., group: _Optional[_Iterable[int]] = ..., weight_filler: _Optional[_Iterable[_Union[FillerParameter, _Mapping]]] = ..., bias_filler: _Optional[_Iterable[_Union[FillerParameter, _Mapping]]] = ..., engine: _Optional[_Union[int, str]] = ...) -> None: ...

class NormConvParameter(_message.Message):
    class Norm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        L1: _ClassVar[int]
        L2: _ClassVar[int]
    L1: int
    L2: int
    scale_term: bool
    norm: int
    scale_filler: FillerParameter
    remove_center: bool
    remove_bounds: bool
    def __init__(self, scale_term: _Optional[bool] = ..., norm: _Optional[_Union[int, str]] = ..., scale_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., remove_center: _Optional[bool] = ..., remove_bounds: _Optional[bool] = ...) -> None: ...

class OneHotParameter(_message.Message):
    num_labels: int
    def __init__(self, num_labels: _Optional[int] = ...) -> None: ...

class PaddingParameter(_message.Message):
    pad_beg: int
    pad_end: int
    def __init__(self, pad_beg: _Optional[int] = ..., pad_end: _Optional[int] = ...) -> None: ...

class ParameterParameter(_message.Message):
    shape: BlobShape
    def __init__(self, shape: _Optional[_Union[BlobShape, _Mapping]] = ...) -> None: ...

class PermuteParameter(_message.Message):
    order: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, order: _Optional[_Iterable[int]] = ...) -> None: ...

class PoolingParameter(_message.Message):
    class PoolMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        MAX: _ClassVar[int]
        AVE: _ClassVar[int]
        STOCHASTIC: _ClassVar[int]
    MAX: int
    AVE: int
    STOCHASTIC: int
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    MKL2017: int
    MKLDNN: int
    class RoundMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        CEIL: _ClassVar[int]
        FLOOR: _ClassVar[int]
    CEIL: int
    FLOOR: int
    pool: int
    kernel_size: int
    stride: int
    pad: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    engine: int
    global_pooling: bool
    round_mode: int
    avg_include_pad: bool
    axis: int
    kernel_size_3d: _containers.RepeatedScalarFieldContainer[int]
    pad_3d: _containers.RepeatedScalarFieldContainer[int]
    stride_3d: _containers.RepeatedScalarFieldContainer[int]
    torch_pooling: bool
    ceil_mode: bool
    def __init__(self, pool: _Optional[_Union[int, str]] = ..., kernel_size: _Optional[int] = ..., stride: _Optional[int] = ..., pad: _Optional[int] = ..., kernel_h: _Optional[int] = ..., kernel_w: _Optional[int] = ..., stride_h: _Optional[int] = ..., stride_w: _Optional[int] = ..., pad_h: _Optional[int] = ..., pad_w: _Optional[int] = ..., engine: _Optional[_Union[int, str]] = ..., global_pooling: _Optional[bool] = ..., round_mode: _Optional[_Union[int, str]] = ..., avg_include_pad: _Optional[bool] = ..., axis: _Optional[int] = ..., kernel_size_3d: _Optional[_Iterable[int]] = ..., pad_3d: _Optional[_Iterable[int]] = ..., stride_3d: _Optional[_Iterable[int]] = ..., torch_pooling: _Optional[bool] = ..., ceil_mode: _Optional[bool] = ...) -> None: ...

class PowerParameter(_message.Message):
    power: float
    scale: float
    shift: float
    def __init__(self, power: _Optional[float] = ..., scale: _Optional[float] = ..., shift: _Optional[float] = ...) -> None: ...

class PReLUParameter(_message.Message):
    filler: FillerParameter
    channel_shared: bool
    def __init__(self, filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., channel_shared: _Optional[bool] = ...) -> None: ...

class PriorBoxParameter(_message.Message):
    class CodeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        CORNER: _ClassVar[int]
        CENTER_SIZE: _ClassVar[int]
        CORNER_SIZE: _ClassVar[int]
    CORNER: int
    CENTER_SIZE: int
    CORNER_SIZE: int
    min_size: _containers.RepeatedScalarFieldContainer[float]
    max_size: _containers.RepeatedScalarFieldContainer[float]
    aspect_ratio: _containers.RepeatedScalarFieldContainer[float]
    flip: bool
    clip: bool
    variance: _containers.RepeatedScalarFieldContainer[float]
    img_size: int
    img_h: int
    img_w: int
    step: float
    step_h: float
    step_w: float
    offset: float
    def __init__(self, min_size: _Optional[_Iterable[float]] = ..., max_size: _Optional[_Iterable[float]] = ..., aspect_ratio: _Optional[_Iterable[float]] = ..., flip: _Optional[bool] = ..., clip: _Optional[bool] = ..., variance: _Optional[_Iterable[float]] = ..., img_size: _Optional[int] = ..., img_h: _Optional[int] = ..., img_w: _Optional[int] = ..., step: _Optional[float] = ..., step_h: _Optional[float] = ..., step_w: _Optional[float] = ..., offset: _Optional[float] = ...) -> None: ...

class PSROIPoolingParameter(_message.Message):
    group_size: int
    output_dim: int
    spatial_scale: float
    def __init__(self, group_size: _Optional[int] = ..., output_dim: _Optional[int] = ..., spatial_scale: _Optional[float] = ...) -> None: ...

class PythonParameter(_message.Message):
    module: str
    layer: str
    param_str: str
    share_in_parallel: bool
    def __init__(self, module: _Optional[str] = ..., layer: _Optional[str] = ..., param_str: _Optional[str] = ..., share_in_parallel: _Optional[bool] = ...) -> None: ...

class QuantizationParameter(_message.Message):
    class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DYNAMIC_FIXED_POINT: _ClassVar[int]
    DYNAMIC_FIXED_POINT: int
    class Rounding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        NEAREST: _ClassVar[int]
    NEAREST: int
    bw_layer_in: int
    bw_layer_out: int
    bw_params: int
    fl_layer_in: _containers.RepeatedScalarFieldContainer[int]
    fl_layer_out: _containers.RepeatedScalarFieldContainer[int]
    fl_params: _containers.RepeatedScalarFieldContainer[int]
    force_u8_input: bool
    is_negative_input: bool
    precision: int
    rounding_scheme: int
    scale_in: _containers.RepeatedScalarFieldContainer[float]
    scale_out: _containers.RepeatedScalarFieldContainer[float]
    scale_params: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, bw_layer_in: _Optional[int] = ..., bw_layer_out: _Optional[int] = ..., bw_params: _Optional[int] = ..., fl_layer_in: _Optional[_Iterable[int]] = ..., fl_layer_out: _Optional[_Iterable[int]] = ..., fl_params: _Optional[_Iterable[int]] = ..., force_u8_input: _Optional[bool] = ..., is_negative_input: _Optional[bool] = ..., precision: _Optional[_Union[int, str]] = ..., rounding_scheme: _Optional[_Union[int, str]] = ..., scale_in: _Optional[_Iterable[float]] = ..., scale_out: _Optional[_Iterable[float]] = ..., scale_params: _Optional[_Iterable[float]] = ...) -> None: ...

class RandomAspectRatioParameter(_message.Message):
    aspect_ratio_change: float
    max_area_ratio: float
    max_attempt: int
    min_area_ratio: float
    resize_param: ResizeParameter
    def __init__(self, aspect_ratio_change: _Optional[float] = ..., max_area_ratio: _Optional[float] = ..., max_attempt: _Optional[int] = ..., min_area_ratio: _Optional[float] = ..., resize_param: _Optional[_Union[ResizeParameter, _Mapping]] = ...) -> None: ...

class RandomGeneratorParameter(_message.Message):
    apply_schedule: bool
    discretize: bool
    exp: bool
    mean: float
    multiplier: float
    prob: float
    rand_type: str
    spread: float
    def __init__(self, apply_schedule: _Optional[bool] = ..., discretize: _Optional[bool] = ..., exp: _Optional[bool] = ..., mean: _Optional[float] = ..., multiplier: _Optional[float] = ..., prob: _Optional[float] = ..., rand_type: _Optional[str] = ..., spread: _Optional[float] = ...) -> None: ...

class RandomResizeParameter(_message.Message):
    max_size: int
    min_size: int
    resize_param: ResizeParameter
    def __init__(self, max_size: _Optional[int] = ..., min_size: _Optional[int] = ..., resize_param: _Optional[_Union[ResizeParameter, _Mapping]] = ...) -> None: ...

class ReaderParameter(_message.Message):
    file: str
    num: int
    def __init__(self, file: _Optional[str] = ..., num: _Optional[int] = ...) -> None: ...

class RecurrentParameter(_message.Message):
    num_output: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    debug_info: bool
    expose_hidden: bool
    def __init__(self, num_output: _Optional[int] = ..., weight_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., debug_info: _Optional[bool] = ..., expose_hidden: _Optional[bool] = ...) -> None: ...

class ReductionParameter(_message.Message):
    class ReductionOp(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        SUM: _ClassVar[int]
        ASUM: _ClassVar[int]
        SUMSQ: _ClassVar[int]
        MEAN: _ClassVar[int]
    SUM: int
    ASUM: int
    SUMSQ: int
    MEAN: int
    operation: int
    axis: int
    coeff: float
    def __init__(self, operation: _Optional[_Union[int, str]] = ..., axis: _Optional[int] = ..., coeff: _Optional[float] = ...) -> None: ...

class RegionLossParameter(_message.Message):
    absolute: int
    bias_match: int
    biases: _containers.RepeatedScalarFieldContainer[float]
    class_map: str
    class_scale: float
    coord_scale: float
    coords: int
    jitter: float
    noobject_scale: float
    num: int
    num_class: int
    object_scale: float
    random: int
    rescore: int
    side: int
    softmax: int
    softmax_tree: str
    thresh: float
    def __init__(self, absolute: _Optional[int] = ..., bias_match: _Optional[int] = ..., biases: _Optional[_Iterable[float]] = ..., class_map: _Optional[str] = ..., class_scale: _Optional[float] = ..., coord_scale: _Optional[float] = ..., coords: _Optional[int] = ..., jitter: _Optional[float] = ..., noobject_scale: _Optional[float] = ..., num: _Optional[int] = ..., num_class: _Optional[int] = ..., object_scale: _Optional[float] = ..., random: _Optional[int] = ..., rescore: _Optional[int] = ..., side: _Optional[int] = ..., softmax: _Optional[int] = ..., softmax_tree: _Optional[str] = ..., thresh: _Optional[float] = ...) -> None: ...

class ReLUParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    MKL2017: int
    MKLDNN: int
    negative_slope: float
    engine: int
    fuse: bool
    def __init__(self, negative_slope: _Optional[float] = ..., engine: _Optional[_Union[int, str]] = ..., fuse: _Optional[bool] = ...) -> None: ...

class ReorgParameter(_message.Message):
    reverse: bool
    stride: int
    def __init__(self, reverse: _Optional[bool] = ..., stride: _Optional[int] = ...) -> None: ...

class ResampleParameter(_message.Message):
    class ResampleType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        NEAREST: _ClassVar[int]
        LINEAR: _ClassVar[int]
        CUBIC: _ClassVar[int]
        AREA: _ClassVar[int]
    NEAREST: int
    LINEAR: int
    CUBIC: int
    AREA: int
    antialias: bool
    factor: float
    height: int
    type: int
    width: int
    def __init__(self, antialias: _Optional[bool] = ..., factor: _Optional[float] = ..., height: _Optional[int] = ..., type: _Optional[_Union[int, str]] = ..., width: _Optional[int] = ...) -> None: ...

class ReshapeParameter(_message.Message):
    shape: BlobShape
    axis: int
    num_axes: int
    pixelshuffler: int
    def __init__(self, shape: _Optional[_Union[BlobShape, _Mapping]] = ..., axis: _Optional[int] = ..., num_axes: _Optional[int] = ..., pixelshuffler: _Optional[int] = ...) -> None: ...

class ResizeParameter(_message.Message):
    class Interp_mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        LINEAR: _ClassVar[int]
        AREA: _ClassVar[int]
        NEAREST: _ClassVar[int]
        CUBIC: _ClassVar[int]
        LANCZOS4: _ClassVar[int]
    LINEAR: int
    AREA: int
    NEAREST: int
    CUBIC: int
    LANCZOS4: int
    class Pad_mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        CONSTANT: _ClassVar[int]
        MIRRORED: _ClassVar[int]
        REPEAT_NEAREST: _ClassVar[int]
    CONSTANT: int
    MIRRORED: int
    REPEAT_NEAREST: int
    class Resize_mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        WARP: _ClassVar[int]
        FIT_SMALL_SIZE: _ClassVar[int]
        FIT_LARGE_SIZE_AND_PAD: _ClassVar[int]
    WARP: int
    FIT_SMALL_SIZE: int
    FIT_LARGE_SIZE_AND_PAD: int
    height: int
    height_scale: int
    interp_mode: _containers.RepeatedScalarFieldContainer[int]
    pad_mode: int
    pad_value: _containers.RepeatedScalarFieldContainer[float]
    prob: float
    resize_mode: int
    width: int
    width_scale: int
    def __init__(self, height: _Optional[int] = ..., height_scale: _Optional[int] = ..., interp_mode: _Optional[_Iterable[_Union[int, str]]] = ..., pad_mode: _Optional[_Union[int, str]] = ..., pad_value: _Optional[_Iterable[float]] = ..., prob: _Optional[float] = ..., resize_mode: _Optional[_Union[int, str]] = ..., width: _Optional[int] = ..., width_scale: _Optional[int] = ...) -> None: ...

class ROIPoolingParameter(_message.Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    pooled_size: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, pooled_h: _Optional[int] = ..., pooled_w: _Optional[int] = ..., spatial_scale: _Optional[float] = ..., pooled_size: _Optional[_Iterable[int]] = ...) -> None: ...

class SaltPepperParameter(_message.Message):
    fraction: float
    value: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, fraction: _Optional[float] = ..., value: _Optional[_Iterable[float]] = ...) -> None: ...

class SampleConstraint(_message.Message):
    max_jaccard_overlap: float
    max_object_coverage: float
    max_sample_coverage: float
    min_jaccard_overlap: float
    min_object_coverage: float
    min_sample_coverage: float
    def __init__(self, max_jaccard_overlap: _Optional[float] = ..., max_object_coverage: _Optional[float] = ..., max_sample_coverage: _Optional[float] = ..., min_jaccard_overlap: _Optional[float] = ..., min_object_coverage: _Optional[float] = ..., min_sample_coverage: _Optional[float] = ...) -> None: ...

class Sampler(_message.Message):
    max_aspect_ratio: float
    max_scale: float
    min_aspect_ratio: float
    min_scale: float
    def __init__(self, max_aspect_ratio: _Optional[float] = ..., max_scale: _Optional[float] = ..., min_aspect_ratio: _Optional[float] = ..., min_scale: _Optional[float] = ...) -> None: ...

class SaveOutputParameter(_message.Message):
    output_directory: str
    output_name_prefix: str
    output_format: str
    label_map_file: str
    name_size_file: str
    num_test_image: int
    resize_param: ResizeParameter
    def __init__(self, output_directory: _Optional[str] = ..., output_name_prefix: _Optional[str] = ..., output_format: _Optional[str] = ..., label_map_file: _Optional[str] = ..., name_size_file: _Optional[str] = ..., num_test_image: _Optional[int] = ..., resize_param: _Optional[_Union[ResizeParameter, _Mapping]] = ...) -> None: ...

class ScaleParameter(_message.Message):
    axis: int
    num_axes: int
    filler: FillerParameter
    bias_term: bool
    bias_filler: FillerParameter
    def __init__(self, axis: _Optional[int] = ..., num_axes: _Optional[int] = ..., filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_term: _Optional[bool] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ...) -> None: ...

class SegAccuracyParameter(_message.Message):
    class AccuracyMetric(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        PixelAccuracy: _ClassVar[int]
        ClassAccuracy: _ClassVar[int]
        PixelIOU: _ClassVar[int]
    PixelAccuracy: int
    ClassAccuracy: int
    PixelIOU: int
    metric: int
    ignore_label: _containers.RepeatedScalarFieldContainer[int]
    reset: bool
    def __init__(self, metric: _Optional[_Union[int, str]] = ..., ignore_label: _Optional[_Iterable[int]] = ..., reset: _Optional[bool] = ...) -> None: ...

class SegmentationEvaluateParameter(_message.Message):
    num_classes: int
    threshold: float
    def __init__(self, num_classes: _Optional[int] = ..., threshold: _Optional[float] = ...) -> None: ...

class ShuffleChannelParameter(_message.Message):
    group: int
    def __init__(self, group: _Optional[int] = ...) -> None: ...

class SigmoidParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    engine: int
    def __init__(self, engine: _Optional[_Union[int, str]] = ...) -> None: ...

class SliceParameter(_message.Message):
    slice_dim: int
    slice_point: _containers.RepeatedScalarFieldContainer[int]
    axis: int
    def __init__(self, slice_dim: _Optional[int] = ..., slice_point: _Optional[_Iterable[int]] = ..., axis: _Optional[int] = ...) -> None: ...

class SmoothL1LossParameter(_message.Message):
    sigma: float
    def __init__(self, sigma: _Optional[float] = ...) -> None: ...

class SoftmaxLossParameter(_message.Message):
    ignore_label: _containers.RepeatedScalarFieldContainer[int]
    weight_source: str
    def __init__(self, ignore_label: _Optional[_Iterable[int]] = ..., weight_source: _Optional[str] = ...) -> None: ...

class SoftmaxParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    engine: int
    axis: int
    def __init__(self, engine: _Optional[_Union[int, str]] = ..., axis: _Optional[int] = ...) -> None: ...

class SolverBatchSizePair(_message.Message):
    batch_size: int
    solver_params: SolverParameter
    def __init__(self, batch_size: _Optional[int] = ..., solver_params: _Optional[_Union[SolverParameter, _Mapping]] = ...) -> None: ...

class SpatialDropoutParameter(_message.Message):
    dropout_ratio: float
    def __init__(self, dropout_ratio: _Optional[float] = ...) -> None: ...

class SplitParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        MKL2017: _ClassVar[int]
        MKLDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    MKL2017: int
    MKLDNN: int
    engine: int
    def __init__(self, engine: _Optional[_Union[int, str]] = ...) -> None: ...

class SPPParameter(_message.Message):
    class PoolMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        MAX: _ClassVar[int]
        AVE: _ClassVar[int]
        STOCHASTIC: _ClassVar[int]
    MAX: int
    AVE: int
    STOCHASTIC: int
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    pyramid_height: int
    pool: int
    engine: int
    def __init__(self, pyramid_height: _Optional[int] = ..., pool: _Optional[_Union[int, str]] = ..., engine: _Optional[_Union[int, str]] = ...) -> None: ...

class SwishParameter(_message.Message):
    beta: float
    def __init__(self, beta: _Optional[float] = ...) -> None: ...

class TanHParameter(_message.Message):
    class Engine(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        DEFAULT: _ClassVar[int]
        CAFFE: _ClassVar[int]
        CUDNN: _ClassVar[int]
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    engine: int
    def __init__(self, engine: _Optional[_Union[int, str]] = ...) -> None: ...

class ThresholdParameter(_message.Message):
    threshold: float
    def __init__(self, threshold: _Optional[float] = ...) -> None: ...

class TileParameter(_message.Message):
    axis: int
    tiles: int
    def __init__(self, axis: _Optional[int] = ..., tiles: _Optional[int] = ...) -> None: ...

class TRTParameter(_message.Message):
    class TRTMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        FP32: _ClassVar[int]
        FP16: _ClassVar[int]
        INT8: _ClassVar[int]
    FP32: int
    FP16: int
    INT8: int
    calibrator: str
    deploy: str
    deploy_outputs: _containers.RepeatedScalarFieldContainer[str]
    model: str
    top_k: int
    trt_mode: int
    def __init__(self, calibrator: _Optional[str] = ..., deploy: _Optional[str] = ..., deploy_outputs: _Optional[_Iterable[str]] = ..., model: _Optional[str] = ..., top_k: _Optional[int] = ..., trt_mode: _Optional[_Union[int, str]] = ...) -> None: ...

class TwoImageDataParameter(_message.Message):
    first_is_color: bool
    second_is_color: bool
    def __init__(self, first_is_color: _Optional[bool] = ..., second_is_color: _Optional[bool] = ...) -> None: ...

class UniqueLabelParameter(_message.Message):
    max_labels: int
    ignore_label: _containers.RepeatedScalarFieldContainer[int]
    force_label: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, max_labels: _Optional[int] = ..., ignore_label: _Optional[_Iterable[int]] = ..., force_label: _Optional[_Iterable[float]] = ...) -> None: ...

class UpsampleParameter(_message.Message):
    scale: int
    scale_h: int
    scale_w: int
    pad_out_h: bool
    pad_out_w: bool
    upsample_h: int
    upsample_w: int
    def __init__(self, scale: _Optional[int] = ..., scale_h: _Optional[int] = ..., scale_w: _Optional[int] = ..., pad_out_h: _Optional[bool] = ..., pad_out_w: _Optional[bool] = ..., upsample_h: _Optional[int] = ..., upsample_w: _Optional[int] = ...) -> None: ...

class VideoDataParameter(_message.Message):
    class VideoType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        WEBCAM: _ClassVar[int]
        VIDEO: _ClassVar[int]
    WEBCAM: int
    VIDEO: int
    device_id: int
    skip_frames: int
    video_file: str
    video_type: int
    def __init__(self, device_id: _Optional[int] = ..., skip_frames: _Optional[int] = ..., video_file: _Optional[str] = ..., video_type: _Optional[_Union[int, str]] = ...) -> None: ...

class WindowDataParameter(_message.Message):
    source: str
    scale: float
    mean_file: str
    batch_size: int
    crop_size: int
    mirror: bool
    fg_threshold: float
    bg_threshold: float
    fg_fraction: float
    context_pad: int
    crop_mode: str
    cache_images: bool
    root_folder: str
    def __init__(self, source: _Optional[str] = ..., scale: _Optional[float] = ..., mean_file: _Optional[str] = ..., batch_size: _Optional[int] = ..., crop_size: _Optional[int] = ..., mirror: _Optional[bool] = ..., fg_threshold: _Optional[float] = ..., bg_threshold: _Optional[float] = ..., fg_fraction: _Optional[float] = ..., context_pad: _Optional[int] = ..., crop_mode: _Optional[str] = ..., cache_images: _Optional[bool] = ..., root_folder: _Optional[str] = ...) -> None: ...

class WriterParameter(_message.Message):
    file: str
    folder: str
    normalize: bool
    prefix: str
    scale: float
    suffix: str
    def __init__(self, file: _Optional[str] = ..., folder: _Optional[str] = ..., normalize: _Optional[bool] = ..., prefix: _Optional[str] = ..., scale: _Optional[float] = ..., suffix: _Optional[str] = ...) -> None: ...

class YoloDetectionOutputParameter(_message.Message):
    biases: _containers.RepeatedScalarFieldContainer[float]
    confidence_threshold: float
    coords: int
    label_map_file: str
    nms_threshold: float
    num_box: int
    num_classes: int
    side: int
    def __init__(self, biases: _Optional[_Iterable[float]] = ..., confidence_threshold: _Optional[float] = ..., coords: _Optional[int] = ..., label_map_file: _Optional[str] = ..., nms_threshold: _Optional[float] = ..., num_box: _Optional[int] = ..., num_classes: _Optional[int] = ..., side: _Optional[int] = ...) -> None: ...

class YoloSegItem(_message.Message):
    b: int
    g: int
    label: int
    label_id: int
    name: str
    r: int
    def __init__(self, b: _Optional[int] = ..., g: _Optional[int] = ..., label: _Optional[int] = ..., label_id: _Optional[int] = ..., name: _Optional[str] = ..., r: _Optional[int] = ...) -> None: ...

class YoloSegLabel(_message.Message):
    item: _containers.RepeatedCompositeFieldContainer[YoloSegItem]
    def __init__(self, item: _Optional[_Iterable[_Union[YoloSegItem, _Mapping]]] = ...) -> None: ...

class YoloSegParameter(_message.Message):
    class_scale: float
    num_class: int
    object_scale: float
    use_hardsigmoid: bool
    use_logic_gradient: bool
    def __init__(self, class_scale: _Optional[float] = ..., num_class: _Optional[int] = ..., object_scale: _Optional[float] = ..., use_hardsigmoid: _Optional[bool] = ..., use_logic_gradient: _Optional[bool] = ...) -> None: ...

class Yolov3DetectionOutputParameter(_message.Message):
    anchors_scale: _containers.RepeatedScalarFieldContainer[int]
    biases: _containers.RepeatedScalarFieldContainer[float]
    confidence_threshold: float
    gaussian_box: bool
    mask: _containers.RepeatedScalarFieldContainer[int]
    mask_group_num: int
    nms_threshold: float
    num_box: int
    num_classes: int
    def __init__(self, anchors_scale: _Optional[_Iterable[int]] = ..., biases: _Optional[_Iterable[float]] = ..., confidence_threshold: _Optional[float] = ..., gaussian_box: _Optional[bool] = ..., mask: _Optional[_Iterable[int]] = ..., mask_group_num: _Optional[int] = ..., nms_threshold: _Optional[float] = ..., num_box: _Optional[int] = ..., num_classes: _Optional[int] = ...) -> None: ...

class Yolov3Parameter(_message.Message):
    class IOU_LOSS(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        IOU: _ClassVar[int]
        GIOU: _ClassVar[int]
        MSE: _ClassVar[int]
        DIOU: _ClassVar[int]
        CIOU: _ClassVar[int]
    IOU: int
    GIOU: int
    MSE: int
    DIOU: int
    CIOU: int
    accumulate: bool
    anchors_scale: int
    biases: _containers.RepeatedScalarFieldContainer[float]
    class_scale: float
    coord_scale: float
    iou_loss: int
    iou_normalizer: float
    iou_thresh: float
    label_smooth_eps: float
    mask: _containers.RepeatedScalarFieldContainer[int]
    max_delta: float
    noobject_scale: float
    num: int
    num_class: int
    object_scale: float
    side: int
    thresh: float
    use_focal_loss: bool
    use_logic_gradient: bool
    def __init__(self, accumulate: _Optional[bool] = ..., anchors_scale: _Optional[int] = ..., biases: _Optional[_Iterable[float]] = ..., class_scale: _Optional[float] = ..., coord_scale: _Optional[float] = ..., iou_loss: _Optional[_Union[int, str]] = ..., iou_normalizer: _Optional[float] = ..., iou_thresh: _Optional[float] = ..., label_smooth_eps: _Optional[float] = ..., mask: _Optional[_Iterable[int]] = ..., max_delta: _Optional[float] = ..., noobject_scale: _Optional[float] = ..., num: _Optional[int] = ..., num_class: _Optional[int] = ..., object_scale: _Optional[float] = ..., side: _Optional[int] = ..., thresh: _Optional[float] = ..., use_focal_loss: _Optional[bool] = ..., use_logic_gradient: _Optional[bool] = ...) -> None: ...

class V1LayerParameter(_message.Message):
    class LayerType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        NONE: _ClassVar[int]
        ACCURACY: _ClassVar[int]
        BNLL: _ClassVar[int]
        CONCAT: _ClassVar[int]
        CONVOLUTION: _ClassVar[int]
        DATA: _ClassVar[int]
        DROPOUT: _ClassVar[int]
        EUCLIDEAN_LOSS: _ClassVar[int]
        FLATTEN: _ClassVar[int]
        HDF5_DATA: _ClassVar[int]
        HDF5_OUTPUT: _ClassVar[int]
        IM2COL: _ClassVar[int]
        IMAGE_DATA: _ClassVar[int]
        INFOGAIN_LOSS: _ClassVar[int]
        INNER_PRODUCT: _ClassVar[int]
        LRN: _ClassVar[int]
        MULTINOMIAL_LOGISTIC_LOSS: _ClassVar[int]
        POOLING: _ClassVar[int]
        RELU: _ClassVar[int]
        SIGMOID: _ClassVar[int]
        SOFTMAX: _ClassVar[int]
        SOFTMAX_LOSS: _ClassVar[int]
        SPLIT: _ClassVar[int]
        TANH: _ClassVar[int]
        WINDOW_DATA: _ClassVar[int]
        ELTWISE: _ClassVar[int]
        POWER: _ClassVar[int]
        SIGMOID_CROSS_ENTROPY_LOSS: _ClassVar[int]
        HINGE_LOSS: _ClassVar[int]
        MEMORY_DATA: _ClassVar[int]
        ARGMAX: _ClassVar[int]
        THRESHOLD: _ClassVar[int]
        DUMMY_DATA: _ClassVar[int]
        SLICE: _ClassVar[int]
        MVN: _ClassVar[int]
        ABSVAL: _ClassVar[int]
        SILENCE: _ClassVar[int]
        CONTRASTIVE_LOSS: _ClassVar[int]
        EXP: _ClassVar[int]
        DECONVOLUTION: _ClassVar[int]
        CROP: _ClassVar[int]
        INTERP: _ClassVar[int]
        PADDING: _ClassVar[int]
        MAT_WRITE: _ClassVar[int]
        MAT_READ: _ClassVar[int]
        DENSE_CRF: _ClassVar[int]
        DOMINANT_CHANNEL: _ClassVar[int]
        BIAS_CHANNEL: _ClassVar[int]
        UNIQUE_LABEL: _ClassVar[int]
        CENSOR_LABEL: _ClassVar[int]
        ADAPTIVE_BIAS_CHANNEL: _ClassVar[int]
        CHANNEL_AGGREGATOR: _ClassVar[int]
        IGNORE_OVERLAY: _ClassVar[int]
        HISTOGRAM: _ClassVar[int]
        RELATIVE_ERROR: _ClassVar[int]
        GAIN_CHANNEL: _ClassVar[int]
        ONEHOT: _ClassVar[int]
        RELU6: _ClassVar[int]
        IMAGE_SEG_DATA: _ClassVar[int]
        SEG_ACCURACY: _ClassVar[int]
        MULTI_STAGE_MEANFIELD: _ClassVar[int]
    NONE: int
    ACCURACY: int
    BNLL: int
    CONCAT: int
    CONVOLUTION: int
    DATA: int
    DROPOUT: int
    EUCLIDEAN_LOSS: int
    FLATTEN: int
    HDF5_DATA: int
    HDF5_OUTPUT: int
    IM2COL: int
    IMAGE_DATA: int
    INFOGAIN_LOSS: int
    INNER_PRODUCT: int
    LRN: int
    MULTINOMIAL_LOGISTIC_LOSS: int
    POOLING: int
    RELU: int
    SIGMOID: int
    SOFTMAX: int
    SOFTMAX_LOSS: int
    SPLIT: int
    TANH: int
    WINDOW_DATA: int
    ELTWISE: int
    POWER: int
    SIGMOID_CROSS_ENTROPY_LOSS: int
    HINGE_LOSS: int
    MEMORY_DATA: int
    ARGMAX: int
    THRESHOLD: int
    DUMMY_DATA: int
    SLICE: int
    MVN: int
    ABSVAL: int
    SILENCE: int
    CONTRASTIVE_LOSS: int
    EXP: int
    DECONVOLUTION: int
    CROP: int
    INTERP: int
    PADDING: int
    MAT_WRITE: int
    MAT_READ: int
    DENSE_CRF: int
    DOMINANT_CHANNEL: int
    BIAS_CHANNEL: int
    UNIQUE_LABEL: int
    CENSOR_LABEL: int
    ADAPTIVE_BIAS_CHANNEL: int
    CHANNEL_AGGREGATOR: int
    IGNORE_OVERLAY: int
    HISTOGRAM: int
    RELATIVE_ERROR: int
    GAIN_CHANNEL: int
    ONEHOT: int
    RELU6: int
    IMAGE_SEG_DATA: int
    SEG_ACCURACY: int
    MULTI_STAGE_MEANFIELD: int
    class DimCheckMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        STRICT: _ClassVar[int]
        PERMISSIVE: _ClassVar[int]
    STRICT: int
    PERMISSIVE: int
    layer: V0LayerParameter
    bottom: _containers.RepeatedScalarFieldContainer[str]
    top: _containers.RepeatedScalarFieldContainer[str]
    name: str
    type: int
    blobs: _containers.RepeatedCompositeFieldContainer[BlobProto]
    blobs_lr: _containers.RepeatedScalarFieldContainer[float]
    weight_decay: _containers.RepeatedScalarFieldContainer[float]
    concat_param: ConcatParameter
    convolution_param: ConvolutionParameter
    data_param: DataParameter
    dropout_param: DropoutParameter
    hdf5_data_param: HDF5DataParameter
    hdf5_output_param: HDF5OutputParameter
    image_data_param: ImageDataParameter
    infogain_loss_param: InfogainLossParameter
    inner_product_param: InnerProductParameter
    lrn_param: LRNParameter
    pooling_param: PoolingParameter
    window_data_param: WindowDataParameter
    power_param: PowerParameter
    memory_data_param: MemoryDataParameter
    argmax_param: ArgMaxParameter
    eltwise_param: EltwiseParameter
    threshold_param: ThresholdParameter
    dummy_data_param: DummyDataParameter
    accuracy_param: AccuracyParameter
    hinge_loss_param: HingeLossParameter
    relu_param: ReLUParameter
    slice_param: SliceParameter
    include: _containers.RepeatedCompositeFieldContainer[NetStateRule]
    exclude: _containers.RepeatedCompositeFieldContainer[NetStateRule]
    mvn_param: MVNParameter
    loss_weight: _containers.RepeatedScalarFieldContainer[float]
    transform_param: TransformationParameter
    tanh_param: TanHParameter
    sigmoid_param: SigmoidParameter
    softmax_param: SoftmaxParameter
    contrastive_loss_param: ContrastiveLossParameter
    exp_param: ExpParameter
    loss_param: LossParameter
    param: _containers.RepeatedScalarFieldContainer[str]
    blob_share_mode: _containers.RepeatedScalarFieldContainer[int]
    censor_label_param: CensorLabelParameter
    channel_aggregator_param: ChannelAggregatorParameter
    dominant_channel_param: DominantChannelParameter
    euclidean_loss_param: EuclideanLossParameter
    gain_channel_param: GainChannelParameter
    histogram_param: HistogramParameter
    ignore_overlay_param: IgnoreOverlayParameter
    onehot_param: OneHotParameter
    padding_param: PaddingParameter
    softmaxloss_param: SoftmaxLossParameter
    strict_dim: bool
    relu6_param: ReLUParameter
    seg_accuracy_param: SegAccuracyParameter
    interp_param: InterpParameter
    mat_write_param: MatWriteParameter
    mat_read_param: MatReadParameter
    dense_crf_param: DenseCRFParameter
    bias_channel_param: BiasChannelParameter
    unique_label_param: UniqueLabelParameter
    adaptive_bias_channel_param: AdaptiveBiasChannelParameter
    multi_stage_meanfield_param: MultiStageMeanfieldParameter
    def __init__(self, layer: _Optional[_Union[V0LayerParameter, _Mapping]] = ..., bottom: _Optional[_Iterable[str]] = ..., top: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ..., type: _Optional[_Union[int, str]] = ..., blobs: _Optional[_Iterable[_Union[BlobProto, _Mapping]]] = ..., blobs_lr: _Optional[_Iterable[float]] = ..., weight_decay: _Optional[_Iterable[float]] = ..., concat_param: _Optional[_Union[ConcatParameter, _Mapping]] = ..., convolution_param: _Optional[_Union[ConvolutionParameter, _Mapping]] = ..., data_param: _Optional[_Union[DataParameter, _Mapping]] = ..., dropout_param: _Optional[_Union[DropoutParameter, _Mapping]] = ..., hdf5_data_param: _Optional[_Union[HDF5DataParameter, _Mapping]] = ..., hdf5_output_param: _Optional[_Union[HDF5OutputParameter, _Mapping]] = ..., image_data_param: _Optional[_Union[ImageDataParameter, _Mapping]] = ..., infogain_loss_param: _Optional[_Union[InfogainLossParameter, _Mapping]] = ..., inner_product_param: _Optional[_Union[InnerProductParameter, _Mapping]] = ..., lrn_param: _Optional[_Union[LRNParameter, _Mapping]] = ..., pooling_param: _Optional[_Union[PoolingParameter, _Mapping]] = ..., window_data_param: _Optional[_Union[WindowDataParameter, _Mapping]] = ..., power_param: _Optional[_Union[PowerParameter, _Mapping]] = ..., memory_data_param: _Optional[_Union[MemoryDataParameter, _Mapping]] = ..., argmax_param: _Optional[_Union[ArgMaxParameter, _Mapping]] = ..., eltwise_param: _Optional[_Union[EltwiseParameter, _Mapping]] = ..., threshold_param: _Optional[_Union[ThresholdParameter, _Mapping]] = ..., dummy_data_param: _Optional[_Union[DummyDataParameter, _Mapping]] = ..., accuracy_param: _Optional[_Union[AccuracyParameter, _Mapping]] = ..., hinge_loss_param: _Optional[_Union[HingeLossParameter, _Mapping]] = ..., relu_param: _Optional[_Union[ReLUParameter, _Mapping]] = ..., slice_param: _Optional[_Union[SliceParameter, _Mapping]] = ..., include: _Optional[_Iterable[_Union[NetStateRule, _Mapping]]] = ..., exclude: _Optional[_Iterable[_Union[NetStateRule, _Mapping]]] = ..., mvn_param: _Optional[_Union[MVNParameter, _Mapping]] = ..., loss_weight: _Optional[_Iterable[float]] = ..., transform_param: _Optional[_Union[TransformationParameter, _Mapping]] = ..., tanh_param: _Optional[_Union[TanHParameter, _Mapping]] = ..., sigmoid_param: _Optional[_Union[SigmoidParameter, _Mapping]] = ..., softmax_param: _Optional[_Union[SoftmaxParameter, _Mapping]] = ..., contrastive_loss_param: _Optional[_Union[ContrastiveLossParameter, _Mapping]] = ..., exp_param: _Optional[_Union[ExpParameter, _Mapping]] = ..., loss_param: _Optional[_Union[LossParameter, _Mapping]] = ..., param: _Optional[_Iterable[str]] = ..., blob_share_mode: _Optional[_Iterable[_Union[int, str]]] = ..., censor_label_param: _Optional[_Union[CensorLabelParameter, _Mapping]] = ..., channel_aggregator_param: _Optional[_Union[ChannelAggregatorParameter, _Mapping]] = ..., dominant_channel_param: _Optional[_Union[DominantChannelParameter, _Mapping]] = ..., euclidean_loss_param: _Optional[_Union[EuclideanLossParameter, _Mapping]] = ..., gain_channel_param: _Optional[_Union[GainChannelParameter, _Mapping]] = ..., histogram_param: _Optional[_Union[HistogramParameter, _Mapping]] = ..., ignore_overlay_param: _Optional[_Union[IgnoreOverlayParameter, _Mapping]] = ..., onehot_param: _Optional[_Union[OneHotParameter, _Mapping]] = ..., padding_param: _Optional[_Union[PaddingParameter, _Mapping]] = ..., softmaxloss_param: _Optional[_Union[SoftmaxLossParameter, _Mapping]] = ..., strict_dim: _Optional[bool] = ..., relu6_param: _Optional[_Union[ReLUParameter, _Mapping]] = ..., seg_accuracy_param: _Optional[_Union[SegAccuracyParameter, _Mapping]] = ..., interp_param: _Optional[_Union[InterpParameter, _Mapping]] = ..., mat_write_param: _Optional[_Union[MatWriteParameter, _Mapping]] = ..., mat_read_param: _Optional[_Union[MatReadParameter, _Mapping]] = ..., dense_crf_param: _Optional[_Union[DenseCRFParameter, _Mapping]] = ..., bias_channel_param: _Optional[_Union[BiasChannelParameter, _Mapping]] = ..., unique_label_param: _Optional[_Union[UniqueLabelParameter, _Mapping]] = ..., adaptive_bias_channel_param: _Optional[_Union[AdaptiveBiasChannelParameter, _Mapping]] = ..., multi_stage_meanfield_param: _Optional[_Union[MultiStageMeanfieldParameter, _Mapping]] = ...) -> None: ...

class V0LayerParameter(_message.Message):
    class PoolMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        MAX: _ClassVar[int]
        AVE: _ClassVar[int]
        STOCHASTIC: _ClassVar[int]
    MAX: int
    AVE: int
    STOCHASTIC: int
    name: str
    type: str
    num_output: int
    biasterm: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    pad: int
    kernelsize: int
    group: int
    stride: int
    pool: int
    dropout_ratio: float
    local_size: int
    alpha: float
    beta: float
    source: str
    scale: float
    meanfile: str
    batchsize: int
    cropsize: int
    mirror: bool
    k: float
    blobs: _containers.RepeatedCompositeFieldContainer[BlobProto]
    blobs_lr: _containers.RepeatedScalarFieldContainer[float]
    weight_decay: _containers.RepeatedScalarFieldContainer[float]
    rand_skip: int
    det_fg_threshold: float
    det_bg_threshold: float
    det_fg_fraction: float
    det_context_pad: int
    det_crop_mode: str
    new_num: int
    new_channels: int
    new_height: int
    new_width: int
    shuffle_images: bool
    concat_dim: int
    hdf5_output_param: HDF5OutputParameter
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., num_output: _Optional[int] = ..., biasterm: _Optional[bool] = ..., weight_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., bias_filler: _Optional[_Union[FillerParameter, _Mapping]] = ..., pad: _Optional[int] = ..., kernelsize: _Optional[int] = ..., group: _Optional[int] = ..., stride: _Optional[int] = ..., pool: _Optional[_Union[int, str]] = ..., dropout_ratio: _Optional[float] = ..., local_size: _Optional[int] = ..., alpha: _Optional[float] = ..., beta: _Optional[float] = ..., source: _Optional[str] = ..., scale: _Optional[float] = ..., meanfile: _Optional[str] = ..., batchsize: _Optional[int] = ..., cropsize: _Optional[int] = ..., mirror: _Optional[bool] = ..., k: _Optional[float] = ..., blobs: _Optional[_Iterable[_Union[BlobProto, _Mapping]]] = ..., blobs_lr: _Optional[_Iterable[float]] = ..., weight_decay: _Optional[_Iterable[float]] = ..., rand_skip: _Optional[int] = ..., det_fg_threshold: _Optional[float] = ..., det_bg_threshold: _Optional[float] = ..., det_fg_fraction: _Optional[float] = ..., det_context_pad: _Optional[int] = ..., det_crop_mode: _Optional[str] = ..., new_num: _Optional[int] = ..., new_channels: _Optional[int] = ..., new_height: _Optional[int] = ..., new_width: _Optional[int] = ..., shuffle_images: _Optional[bool] = ..., concat_dim: _Optional[int] = ..., hdf5_output_param: _Optional[_Union[HDF5OutputParameter, _Mapping]] = ...) -> None: ...
