"""`modern_text`: a net of any dialect in today's words, which is the same net."""

import pytest

from segaware_caffe import CaffeError, cli, read_net
from segaware_caffe.schema import modern_text

#: a dialect's text, its modern form, what was left out, what has no word today
CASES = {
    "V0": (
        "input: 'x' input_dim: [1, 2, 3, 4] layers { layer { name: 'r' type: 'relu' } bottom: 'x' top: 'x' }",
        "layer { name: 'input' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 3, 4] } } }"
        "layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'x' }",
        [],
        [],
    ),
    "DeepLab v1": (
        "layers { name: 'c' type: CONVOLUTION strict_dim: false blobs_lr: 10 convolution_param { hole: 12 } }"
        "layers { name: 'l' type: SOFTMAX_LOSS softmaxloss_param { ignore_label: 255 } }"
        "layers { name: 'i' type: INTERP interp_param { zoom_factor: 8 } }",
        "layer { name: 'c' type: 'Convolution' strict_dim: false param { lr_mult: 10 } convolution_param { dilation: 12 } }"
        "layer { name: 'l' type: 'SoftmaxWithLoss' loss_param { ignore_label: 255 } }"
        "layer { name: 'i' type: 'Interp' interp_param { zoom_factor: 8 } }",
        [],
        ["layer[0].strict_dim: false (DeepLab v1)"],
    ),
    "DeepLab v1, weights of classes": (
        "layers { name: 'l' type: SOFTMAX_LOSS softmaxloss_param { ignore_label: 0 ignore_label: 255 weight_source: 'w' } }",
        "layer { name: 'l' type: 'SoftmaxWithLoss' softmaxloss_param { ignore_label: 0 ignore_label: 255 weight_source: 'w' } }",
        [],
        [
            'layer[0].softmaxloss_param: { ignore_label: 0 ignore_label: 255 weight_source: "w" } (DeepLab v1)',
            'layer[0].softmaxloss_param.weight_source: "w" (DeepLab v1)',
            "layer[0].softmaxloss_param.ignore_label: 0 (DeepLab v1)",
        ],
    ),
    "HED, FCN's first release": (
        "layers { name: 'in' type: DUMMY_DATA top: 'd' dummy_data_param { num: 1 channels: 1 height: 9 width: 9 } }"
        "layers { name: 'down' type: CONVOLUTION bottom: 'd' top: 'x' convolution_param { kernel_size: 1 stride: 2 } }"
        "layers { name: 'up' type: DECONVOLUTION bottom: 'x' top: 'up' convolution_param { kernel_size: 3 stride: 2 } }"
        "layers { name: 'crop' type: CROP bottom: 'up' bottom: 'd' top: 'y' }",
        "layer { name: 'in' type: 'DummyData' top: 'd' dummy_data_param { num: 1 channels: 1 height: 9 width: 9 } }"
        "layer { name: 'down' type: 'Convolution' bottom: 'd' top: 'x' convolution_param { kernel_size: 1 stride: 2 } }"
        "layer { name: 'up' type: 'Deconvolution' bottom: 'x' top: 'up' convolution_param { kernel_size: 3 stride: 2 } }"
        "layer { name: 'crop' type: 'Crop' bottom: 'up' bottom: 'd' top: 'y' crop_param { axis: 2 offset: 1 offset: 1 } }",
        [],
        [],
    ),
    "SegNet": (
        "layer { name: 'u' type: 'Upsample' upsample_param { scale: 2 } } layer { name: 'l' loss_param { class_weighting: 0.5 } }",
        "layer { name: 'u' type: 'Upsample' upsample_param { scale: 2 } } layer { name: 'l' loss_param { class_weighting: 0.5 } }",
        [],
        [
            "layer[0].upsample_param: { scale: 2 } (SegNet, MobileNet-YOLO)",
            "layer[0].upsample_param.scale: 2 (SegNet, MobileNet-YOLO)",
            "layer[1].loss_param.class_weighting: 0.5 (SegNet)",
        ],
    ),
    "PSPNet": (
        "layer { name: 'b' type: 'BN' bn_param { frozen: true engine: CUDNN } }",
        "layer { name: 'b' type: 'BN' bn_param { frozen: true } }",
        ["layer[0].bn_param.engine: CUDNN (PSPNet)"],
        ["layer[0].bn_param: { frozen: true engine: CUDNN } (SegNet, PSPNet)", "layer[0].bn_param.frozen: true (PSPNet)"],
    ),
    "NVIDIA Caffe": (
        "default_forward_type: FLOAT16 layer { name: 'p' type: 'Pooling' pooling_param { torch_pooling: false } forward_type: FLOAT }",
        "layer { name: 'p' type: 'Pooling' pooling_param { } }",
        [
            "layer[0].pooling_param.torch_pooling: false (NVIDIA Caffe)",
            "layer[0].forward_type: FLOAT (NVIDIA Caffe)",
            "default_forward_type: FLOAT16 (NVIDIA Caffe)",
        ],
        [],
    ),
    "Intel Caffe": (
        "layer { name: 'r' type: 'ReLU' relu_param { engine: MKL2017 } quantization_param { bw_params: 8 } }",
        "layer { name: 'r' type: 'ReLU' relu_param { } }",
        ["layer[0].relu_param.engine: MKL2017 (Intel Caffe)", "layer[0].quantization_param: { bw_params: 8 } (Intel Caffe)"],
        [],
    ),
    "SSD": (
        "layer { name: 'd' type: 'AnnotatedData' transform_param { resize_param { height: 300 } crop_h: 300 crop_w: 300 } }",
        "layer { name: 'd' type: 'AnnotatedData' transform_param { resize_param { height: 300 } crop_size: 300 } }",
        [],
        ["layer[0].type: AnnotatedData (SSD, NVIDIA Caffe, Intel Caffe, MobileNet-YOLO), which is not built"],
    ),
    "R-FCN": (
        "layer { name: 'd' type: 'Dropout' dropout_param { scale_train: false } }",
        "layer { name: 'd' type: 'Dropout' dropout_param { scale_train: false } }",
        [],
        ["layer[0].dropout_param.scale_train: false (R-FCN)"],
    ),
    "converters": (
        "layer { name: 'p' type: 'Pooling' pooling_param { ceil_mode: false } }",
        "layer { name: 'p' type: 'Pooling' pooling_param { round_mode: FLOOR } }",
        [],
        [],
    ),
}


@pytest.mark.parametrize(("text", "modern", "dropped", "kept"), CASES.values(), ids=CASES)
def test_a_text_in_todays_words(text, modern, dropped, kept):
    found = modern_text(text)
    assert found.net == read_net(modern)
    assert sorted(found.dropped) == sorted(dropped)
    assert sorted(found.kept) == sorted(kept)
    assert read_net(found.text) == found.net, "its text is read as the same net"
    again = modern_text(found.text)
    assert (again.net, again.dropped) == (found.net, ()), "and is in today's words already"


def test_what_is_not_built_is_refused():
    with pytest.raises(CaffeError, match="avg_include_pad: false"):
        modern_text("layer { type: 'Pooling' pooling_param { avg_include_pad: false } }")


def test_the_command_says_what_it_did(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.prototxt").write_text(
        "layers { name: 'c' type: CONVOLUTION strict_dim: false convolution_param { hole: 2 engine: MKLDNN } }"
    )
    assert cli.main(["upgrade_net_proto_text", "old.prototxt", "new.prototxt"]) == 0
    said = capsys.readouterr().err
    assert "Left out, for it changes nothing: layer[0].convolution_param.engine: MKLDNN (Intel Caffe)" in said
    assert "Kept, for the present form has no word for it: layer[0].strict_dim: false (DeepLab v1)" in said
    assert read_net("new.prototxt").layer[0].convolution_param.dilation == [2]
