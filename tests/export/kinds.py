"""Small nets of the kinds that Caffe users have, with weights from their fillers: what the exporters are tried on."""

from collections.abc import Callable, Iterator

FILLER = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.2 max: 0.2 }'


def data(*dims: int, name: str = "data") -> str:
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {" ".join(f"dim: {d}" for d in dims)} }} }} }}\n'


def layer(kind: str, bottoms: str, top: str, fields: str = "", name: str = "") -> str:
    inputs, outputs = (" ".join(f'{word}: "{blob}"' for blob in blobs.split()) for word, blobs in (("bottom", bottoms), ("top", top)))
    return f'layer {{ name: "{name or top.split()[0]}" type: "{kind}" {inputs} {outputs} {fields} }}\n'


def conv(bottom: str, top: str, outputs: int, kernel: int = 3, more: str = "", kind: str = "Convolution") -> str:
    fields = f"num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} {FILLER} {more}"
    return layer(kind, bottom, top, f"convolution_param {{ {fields} }}")


def relu(blob: str, kind: str = "ReLU", fields: str = "") -> str:
    return layer(kind, blob, blob, fields, f"{blob}_{kind.lower()}")


def norm(blob: str) -> str:
    return layer("BatchNorm", blob, blob, name=f"{blob}_bn") + layer(
        "Scale", blob, blob, "scale_param { bias_term: true }", f"{blob}_scale"
    )


def pool(bottom: str, top: str, fields: str = "kernel_size: 3 stride: 2") -> str:
    return layer("Pooling", bottom, top, f"pooling_param {{ {fields} }}")


def dense(bottom: str, top: str, outputs: int, more: str = "") -> str:
    return layer("InnerProduct", bottom, top, f"inner_product_param {{ num_output: {outputs} {FILLER} }} {more}")


def mobilenet() -> Iterator[str]:
    yield data(1, 3, 17, 21) + conv("data", "c1", 8, more="stride: 2") + norm("c1") + relu("c1")
    yield conv("c1", "dw", 8, more="group: 8", kind="ConvolutionDepthwise") + norm("dw") + relu("dw", "ReLU6")
    yield conv("dw", "pw", 8, 1) + norm("pw") + layer("Eltwise", "c1 pw", "sum")
    yield pool("sum", "p", "pool: AVE global_pooling: true") + conv("p", "y", 5, 1) + layer("Softmax", "y", "prob")


def densenet() -> Iterator[str]:
    yield data(2, 3, 16, 16) + conv("data", "x0", 6, more="bias_term: false")
    for i in range(3):
        yield (
            layer("BatchNorm", f"x{i}", f"b{i}")
            + layer("Scale", f"b{i}", f"b{i}", "scale_param { bias_term: true }", f"s{i}")
            + relu(f"b{i}")
        )
        yield conv(f"b{i}", f"c{i}", 4) + relu(f"c{i}", "Dropout") + layer("Concat", f"x{i} c{i}", f"x{i + 1}")
    yield pool("x3", "p", "pool: AVE kernel_size: 2 stride: 2") + dense("p", "y", 7)


def squeezenet() -> Iterator[str]:
    yield data(1, 3, 23, 23) + conv("data", "c", 8, more="stride: 2") + relu("c") + pool("c", "p")
    yield conv("p", "s", 4, 1) + relu("s") + conv("s", "e1", 6, 1) + relu("e1") + conv("s", "e3", 6) + relu("e3")
    yield layer("Concat", "e1 e3", "e") + conv("e", "k", 9, 1) + relu("k") + pool("k", "g", "pool: AVE global_pooling: true")
    yield layer("Flatten", "g", "f") + layer("ArgMax", "f", "top", "argmax_param { top_k: 3 axis: 1 }")


def shufflenet() -> Iterator[str]:
    yield data(2, 6, 12, 10) + conv("data", "g1", 12, 1, "group: 3") + norm("g1") + relu("g1")
    yield layer("ShuffleChannel", "g1", "sh", "shuffle_channel_param { group: 3 }")
    yield conv("sh", "dw", 12, more="group: 12 stride: 2") + norm("dw") + conv("dw", "g2", 6, 1, "group: 3")
    yield pool("data", "p", "pool: AVE kernel_size: 3 stride: 2") + layer("Crop", "p g2", "cr", "crop_param { axis: 2 }")
    yield layer("Concat", "cr g2", "cat") + relu("cat") + layer("Slice", "cat", "a b", "slice_param { axis: 1 slice_point: 5 }")


def deeplab_v1() -> Iterator[str]:
    yield data(1, 3, 33, 41) + conv("data", "c1", 6) + relu("c1") + pool("c1", "p1", "kernel_size: 3 stride: 2 pad: 1")
    yield pool("p1", "p2", "kernel_size: 3 stride: 1 pad: 1") + pool("p2", "p2a", "pool: AVE kernel_size: 3 stride: 1 pad: 1")
    yield layer("Convolution", "p2a", "fc6", f"convolution_param {{ num_output: 8 kernel_size: 3 pad: 4 hole: 4 {FILLER} }}") + relu("fc6")
    yield relu("fc6", "Dropout") + conv("fc6", "fc8", 5, 1)
    yield layer("Interp", "fc8", "up", "interp_param { zoom_factor: 2 }")


def deeplab_v2() -> Iterator[str]:
    yield data(1, 3, 25, 33) + layer("Interp", "data", "half", "interp_param { shrink_factor: 2 zoom_factor: 1 }")
    for scale in ("data", "half"):
        yield conv(scale, f"{scale}_c", 6, more="stride: 2") + relu(f"{scale}_c")
        for rate in (1, 2):
            share = f'param {{ name: "w{rate}" }} param {{ name: "b{rate}" }}'
            fields = f"convolution_param {{ num_output: 4 kernel_size: 3 pad: {rate} dilation: {rate} {FILLER} }}"
            yield layer("Convolution", f"{scale}_c", f"{scale}_{rate}", f"{share} {fields}")
        yield layer("Eltwise", f"{scale}_1 {scale}_2", f"{scale}_s", "eltwise_param { operation: SUM coeff: 0.5 coeff: 2 }")
    yield layer("Interp", "half_s", "half_up", "interp_param { shrink_factor: 1 zoom_factor: 2 }")
    yield layer("Eltwise", "data_s half_up", "fused", "eltwise_param { operation: MAX }") + layer(
        "Interp", "fused", "y", "interp_param { zoom_factor: 2 }"
    )


def fcn() -> Iterator[str]:
    yield data(1, 3, 20, 24) + layer("Convolution", "data", "c", f"convolution_param {{ num_output: 6 kernel_size: 3 pad: 10 {FILLER} }}")
    yield relu("c", "PReLU", 'prelu_param { filler { type: "uniform" min: 0.1 max: 0.4 } }') + pool("c", "p", "kernel_size: 2 stride: 2")
    yield conv("p", "s", 5, 1)
    yield layer(
        "Deconvolution",
        "s",
        "up",
        'convolution_param { num_output: 5 kernel_size: 4 stride: 2 bias_term: false weight_filler { type: "bilinear" } }',
    )
    yield layer("Crop", "up data", "score", "crop_param { axis: 2 offset: 9 }")


def unet() -> Iterator[str]:
    yield (
        data(1, 1, 16, 24)
        + conv("data", "d1", 4)
        + relu("d1")
        + pool("d1", "p1", "kernel_size: 2 stride: 2")
        + conv("p1", "d2", 8)
        + relu("d2")
    )
    yield layer("Deconvolution", "d2", "u1", f"convolution_param {{ num_output: 4 kernel_size: 2 stride: 2 {FILLER} }}")
    yield layer("Concat", "d1 u1", "cat") + conv("cat", "y", 2) + layer("Sigmoid", "y", "mask")


def segnet() -> Iterator[str]:
    yield data(1, 3, 16, 20) + conv("data", "c", 6) + norm("c") + relu("c")
    yield pool("c", "p m", "kernel_size: 2 stride: 2") + conv("p", "d", 6)
    yield layer("Upsample", "d m", "u", "upsample_param { scale: 2 }") + conv("u", "y", 4)


def ssd() -> Iterator[str]:
    yield data(1, 3, 24, 24) + conv("data", "c", 8, more="stride: 2") + relu("c")
    yield layer("Normalize", "c", "n", "norm_param { across_spatial: false channel_shared: false }")
    priors = "prior_box_param { min_size: 6 max_size: 10 aspect_ratio: 2 flip: true clip: true variance: 0.1 }"
    for what, count in (("loc", 16), ("conf", 12)):
        yield conv("n", what, count) + layer("Permute", what, f"{what}_p", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
        yield layer("Flatten", f"{what}_p", f"{what}_f", "flatten_param { axis: 1 }")
    yield layer("PriorBox", "n data", "priors", priors)
    yield layer("Reshape", "conf_f", "conf_r", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }")
    yield layer("Softmax", "conf_r", "conf_s", "softmax_param { axis: 2 }") + layer(
        "Flatten", "conf_s", "conf_o", "flatten_param { axis: 1 }"
    )
    options = "num_classes: 3 keep_top_k: 20 confidence_threshold: 0.3 code_type: CENTER_SIZE nms_param { nms_threshold: 0.45 top_k: 40 }"
    yield layer("DetectionOutput", "loc_f conf_o priors", "found", f"detection_output_param {{ {options} }}")


def ssd_head() -> Iterator[str]:
    """The part of SSD that has a form in plain PyTorch."""
    yield from (text for text in ssd() if "PriorBox" not in text and "DetectionOutput" not in text)


def captions() -> Iterator[str]:
    yield data(3, 2, name="words") + data(3, 2, name="cont") + data(2, 5, name="image")
    yield layer("Embed", "words", "e", f"embed_param {{ num_output: 6 input_dim: 9 {FILLER} }}")
    yield layer("LSTM", "e cont image", "h", f"recurrent_param {{ num_output: 4 {FILLER} }}")
    yield layer("RNN", "h cont", "r", f"recurrent_param {{ num_output: 5 {FILLER} }}")
    yield layer("InnerProduct", "r", "y", f"inner_product_param {{ num_output: 9 axis: 2 {FILLER} }}") + layer(
        "Softmax", "y", "prob", "softmax_param { axis: 2 }"
    )


def siamese() -> Iterator[str]:
    share = 'param { name: "w" } param { name: "b" }'
    yield data(3, 4, name="left") + data(3, 4, name="right")
    yield dense("left", "fl", 6, share) + relu("fl") + dense("right", "fr", 6, share) + relu("fr")
    yield layer("Eltwise", "fl fr", "d", "eltwise_param { operation: SUM coeff: 1 coeff: -1 }") + layer(
        "Power", "d", "sq", "power_param { power: 2 }"
    )
    yield layer("Reduction", "sq", "dist", "reduction_param { axis: 1 }") + layer("Silence", "left", "", name="unread")


def in_place_chains() -> Iterator[str]:
    """Blobs that are written again and again, one of them while another reads what it was split from."""
    yield (
        data(2, 3, 9, 9)
        + conv("data", "c", 4)
        + layer("Split", "c", "c1 x", name="first")
        + layer("Power", "c1", "early", "power_param { scale: 2 shift: 1 }")
    )
    yield relu("x") + relu("x", "Dropout") + relu("x", "Power", "power_param { scale: 0.5 }") + norm("x") + relu("x", "BNLL")
    yield (
        layer("Split", "x", "s1 s2", name="split")
        + relu("s1", "TanH")
        + layer("Eltwise", "s1 s2 early", "y", "eltwise_param { operation: PROD }")
    )
    yield (
        relu("y", "ELU")
        + layer("MVN", "y", "z")
        + layer("Exp", "z", "z", "exp_param { scale: 0.1 }", "e")
        + layer("LRN", "z", "w", "lrn_param { local_size: 3 }")
    )


def phases() -> Iterator[str]:
    yield data(2, 3, 6, 6) + data(2, name="label") + conv("data", "c", 4)
    yield layer("ReLU", "c", "c", "include { phase: TRAIN }", "r") + layer("TanH", "c", "c", "include { phase: TEST }", "t")
    yield dense("c", "ip", 3) + layer("SoftmaxWithLoss", "ip label", "loss")
    yield layer("Accuracy", "ip label", "acc", "include { phase: TRAIN }")


NETS: dict[str, Callable[[], Iterator[str]]] = {
    **{"MobileNet": mobilenet, "DenseNet": densenet, "SqueezeNet": squeezenet, "ShuffleNet": shufflenet, "DeepLab v1": deeplab_v1},
    **{"DeepLab v2": deeplab_v2, "FCN": fcn, "U-Net": unet, "SegNet": segnet, "SSD": ssd, "SSD's head": ssd_head, "captions": captions},
    **{"siamese": siamese, "in-place chains": in_place_chains, "phases": phases},
}
