"""The order in which Caffe's proto declares its fields, where that is not the order of their numbers.

protobuf prints messages in it, and scripts keep the texts that they print.
"""

from google.protobuf import descriptor_pb2

_DECLARED = {
    "BlobProto": "shape data diff double_data double_diff num channels height width",
    "ConcatParameter": "axis concat_dim",
    "ConvolutionParameter": "num_output bias_term pad kernel_size stride dilation pad_h pad_w kernel_h kernel_w stride_h stride_w"
    " group weight_filler bias_filler engine axis force_nd_im2col",
    "DataParameter": "source batch_size rand_skip backend scale mean_file crop_size mirror force_encoded_color prefetch",
    "DummyDataParameter": "data_filler shape num channels height width",
    "ImageDataParameter": "source batch_size rand_skip shuffle new_height new_width is_color scale mean_file crop_size mirror root_folder",
    "LayerParameter": "name type bottom top phase loss_weight param blobs propagate_down include exclude transform_param loss_param"
    " accuracy_param argmax_param batch_norm_param bias_param clip_param concat_param contrastive_loss_param convolution_param crop_param"
    " data_param dropout_param dummy_data_param eltwise_param elu_param embed_param exp_param flatten_param hdf5_data_param"
    " hdf5_output_param hinge_loss_param image_data_param infogain_loss_param inner_product_param input_param log_param lrn_param"
    " memory_data_param mvn_param parameter_param pooling_param power_param prelu_param python_param recurrent_param reduction_param"
    " relu_param reshape_param scale_param sigmoid_param softmax_param spp_param slice_param swish_param tanh_param threshold_param"
    " tile_param window_data_param",
    "LossParameter": "ignore_label normalization normalize",
    "NetParameter": "name input input_shape input_dim force_backward state debug_info layer layers",
    "ParamSpec": "name share_mode lr_mult decay_mult",
    "PoolingParameter": "pool pad pad_h pad_w kernel_size kernel_h kernel_w stride stride_h stride_w engine global_pooling round_mode",
    "SliceParameter": "axis slice_point slice_dim",
    "SolverParameter": "net net_param train_net test_net train_net_param test_net_param train_state test_state test_iter test_interval"
    " test_compute_loss test_initialization base_lr display average_loss max_iter iter_size lr_policy gamma power momentum weight_decay"
    " regularization_type stepsize stepvalue clip_gradients snapshot snapshot_prefix snapshot_diff snapshot_format solver_mode device_id"
    " random_seed type delta momentum2 rms_decay debug_info snapshot_after_train solver_type layer_wise_reduce weights",
    "V0LayerParameter": "name type num_output biasterm weight_filler bias_filler pad kernelsize group stride pool dropout_ratio local_size"
    " alpha beta k",
    "V1LayerParameter": "bottom top name include exclude type blobs param blob_share_mode blobs_lr weight_decay loss_weight accuracy_param"
    " argmax_param concat_param contrastive_loss_param convolution_param data_param dropout_param dummy_data_param eltwise_param exp_param"
    " hdf5_data_param hdf5_output_param hinge_loss_param image_data_param infogain_loss_param inner_product_param lrn_param"
    " memory_data_param mvn_param pooling_param power_param relu_param sigmoid_param softmax_param slice_param tanh_param threshold_param"
    " window_data_param transform_param loss_param layer",
    "WindowDataParameter": "source scale mean_file batch_size crop_size mirror fg_threshold bg_threshold fg_fraction context_pad crop_mode"
    " cache_images root_folder",
}


def declare_in_order(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Put the fields of the messages into Caffe's order; those that it does not have follow."""
    for message in file.message_type:
        places = {name: place for place, name in enumerate(_DECLARED.get(message.name, "").split())}
        if places:
            fields = sorted(message.field, key=lambda field: places.get(field.name, len(places)))
            del message.field[:]
            message.field.extend(fields)
