"""ResNet-101 at three resolutions, then a CRF and sharpening that embeddings guide (`configs/res`)."""

from typing import Any

from config_builders.embedding import colours, embedding_network
from config_builders.layers import (
    MEAN_COLOUR,
    TEST,
    TRAIN,
    VOID,
    distances,
    eltwise,
    input_blob,
    interp,
    layer,
    listed_images,
    mat_files,
    negative_exp,
    rates,
    scalar,
    shrunk,
    silence,
    softmax_loss,
    tile,
)
from config_builders.resnet import LABELS, Branch, classifiers
from config_builders.text import Message, Word, network, variable

RESOLUTIONS = {"full": "", "half": "_res05", "three quarter": "_res075"}
FREE_TOP = {"deletetop": True}
FREE_BOTH = {"deletebottom": True, **FREE_TOP}
EMBEDDING_RATES = rates(variable("EMBS_LR1"), variable("EMBS_LR2"))
FINAL_RATES = ({"lr_mult": variable("FINAL_LR1")}, {"lr_mult": variable("FINAL_LR2")})
DEFAULT_RATES = ({}, {})
UNPADDED = {"pad_beg": 0, "pad_end": 0}
WINDOW = {"kernel_size": 9, "pad": 4}


def train() -> str:
    images = _images(
        ["data", "label"],
        listed_images("TRAIN_SET", shuffle=True, label_type=Word("PIXEL")),
        crop_size=variable("CROP_SIZE"),
        mirror=True,
        scale_factors=[0.5, 0.75, 1, 1.25, 1.5],
        **TRAIN,
    )
    return network(
        {
            "input": [images, *_smaller_images()],
            "embedding network": _embedding(EMBEDDING_RATES),
            **_trunks(FREE_TOP),
            "scores": [*_scores(FINAL_RATES), _upsampled_half(), _upsampled_three_quarter(), _fusion()],
            "mean-field CRF": [
                _positions(),
                _half_size_scores(**UNPADDED),
                _half_size_embedding(),
                *_mean_field("emb", "emb2", 200),
            ],
            "losses": _losses(),
        }
    )


def test() -> str:
    images = _images(
        ["data", "label", "data_dim"],
        {**listed_images("TEST_SET", label_type=Word("NONE")), "batch_size": 1},
        crop_size=513,
        mirror=False,
        **TEST,
    )
    return network(
        {
            "input": [images, *_smaller_images()],
            "embedding network": _embedding([], FREE_BOTH),
            **_trunks(FREE_BOTH),
            "scores": [*_scores(DEFAULT_RATES, FREE_BOTH), _upsampled_half(), _upsampled_three_quarter(), _fusion()],
            "mean-field CRF": [
                _positions(),
                _half_size_scores(),
                _half_size_embedding(),
                *_mean_field("emb", "emb2", 300, FREE_TOP),
            ],
            "two rounds of sharpening": _sharpening(),
            "output": [
                interp("crf_interp", "two_halfsize_sharp_normalized", zoom_factor=2),
                mat_files("crf_mat", "crf_interp", "mycrf", **TEST),
                silence("label", "data_dim", "data_res05", "data_res075"),
                silence("label", "data_dim", "emb"),
            ],
        }
    )


def deploy() -> str:
    """No sharpening, a CRF guided by colours; the scores of the three quarter resolution are fed in."""
    return network(
        {
            "input": [
                input_blob("data", 1, 3, 513, 513),
                input_blob("data_res075", 1, 3, 385, 385),
                input_blob("data_res05", 1, 3, 257, 257),
                input_blob("fc1_voc12_res075_interp", 1, LABELS, 65, 65),
            ],
            "embedding network": _embedding([]),
            **_trunks({}),
            "scores": [*_scores(DEFAULT_RATES), _upsampled_half(), _fusion()],
            "mean-field CRF": [_positions(), _half_size_scores(**UNPADDED), *_mean_field("rgb", "data_res05", 0.13)],
            "output": [interp("crf_interp", "crf", zoom_factor=2)],
        }
    )


def _images(tops: list[str], image_data_param: Message, include: Message, **transform_param: Any) -> Message:
    return layer(
        "ImageSegData",
        "data",
        [],
        tops,
        include=include,
        image_data_param=image_data_param,
        transform_param={"mean_value": MEAN_COLOUR, **transform_param},
    )


def _smaller_images() -> list[Message]:
    return [shrunk("data_res05", "data", 2), interp("data_res075", "data", zoom_factor=3, shrink_factor=4, **UNPADDED)]


def _embedding(param: list[Message], memory: Message | None = None) -> list[Message]:
    fused = {"1_2": {"zoom_factor": 1}, "2_2": {"zoom_factor": 2}, "3_3": {"zoom_factor": 4}}
    return [colours(), *embedding_network("emb", (2, 2, 3), fused, "emb", param, pool="emb_pool", memory=memory)]


def _trunks(memory: Message) -> dict[str, list[Message]]:
    return {f"ResNet-101 at {title} size": Branch(suffix, memory).trunk() for title, suffix in RESOLUTIONS.items()}


def _scores(rates: tuple[Message, Message], memory: Message | None = None) -> list[Message]:
    return [scores for suffix in RESOLUTIONS.values() for scores in classifiers(suffix, rates, memory or {})]


def _upsampled_half() -> Message:
    return interp("fc1_voc12_res05_interp", "fc1_voc12_res05", zoom_factor=2, **UNPADDED)


def _upsampled_three_quarter() -> Message:
    return interp("fc1_voc12_res075_interp", "fc1_voc12_res075", zoom_factor=4, shrink_factor=3, **UNPADDED)


def _fusion() -> Message:
    return eltwise("fc_fusion", ["fc1_voc12", "fc1_voc12_res075_interp", "fc1_voc12_res05_interp"], "MAX")


def _positions() -> Message:
    """The column and row of every position of the CRF."""
    half = variable("HALF_SIZE")
    shape = {"dim": [variable("BATCH_SIZE"), 2, half, half]}
    return layer("DummyData", "xy", [], dummy_data_param={"data_filler": {"type": "xy"}, "shape": shape})


def _half_size_scores(**padding: int) -> Message:
    return interp("fc_fusion_big", "fc_fusion", zoom_factor=4, **padding)


def _half_size_embedding() -> Message:
    return interp("emb2", "emb", shrink_factor=2)


def _mean_field(guide: str, blob: str, weight: float, memory: Message | None = None) -> list[Message]:
    """Two iterations over a wide window, guided by `blob` and position, and a narrow one, guided by position alone."""
    freed = memory or {}
    rate = variable("CRF_LR1")
    windows = {"kernel_size": [13, 5], "dilation": [9, 1], "pad": [54, 2], "scale": [1, 1]}
    removed = {"remove_center": [True, True], "remove_bounds": [True, True]}
    return [
        layer("Split", "splitting", ["fc_fusion_big"], ["unary", "Q0"]),
        scalar("scaled_xy", "xy", 0.05, rate, **freed),
        scalar(f"scaled_{guide}", blob, weight, rate, **freed),
        scalar("scaled_xy2", "xy", 0.05, rate, **freed),
        layer("Concat", f"{guide}xy", [f"scaled_{guide}", "scaled_xy"]),
        layer(
            "NormConvMeanfield",
            "crf",
            ["unary", "Q0", f"{guide}xy", "scaled_xy2"],
            param=[{"lr_mult": variable("CRF_LR2")}] * 3,
            norm_conv_meanfield_param={"num_iterations": 2, **windows, **removed},
            **freed,
        ),
    ]


def _sharpening() -> list[Message]:
    """Scores averaged over a window, twice, with weights exp(-s d) of the embedding distances d, s at first 50."""

    def columns(prefix: str, scores: str) -> Message:
        return layer("Im2col", f"{prefix}_fc_col", [scores], convolution_param=WINDOW, **FREE_TOP)

    def weighted_sum(prefix: str) -> list[Message]:
        return [
            eltwise(f"{prefix}_hit", [f"{prefix}_fc_col", "halfsize_dist_2"], "PROD", **FREE_TOP),
            window_sum(f"{prefix}_sharp", f"{prefix}_hit"),
        ]

    def window_sum(name: str, bottom: str) -> Message:
        channel_reduce_param = {"num_channels": LABELS, "operation": Word("SUM")}
        return layer("ChannelReduce", name, [bottom], channel_reduce_param=channel_reduce_param, **FREE_TOP)

    def normalized(prefix: str) -> Message:
        factors = [f"{prefix}_sharp", "halfsize_oneover_dist_flat_2"]
        return eltwise(f"{prefix}_sharp_normalized", factors, "PROD", **FREE_TOP)

    def power(name: str, bottom: str, exponent: int, shift: float) -> Message:
        return layer("Power", name, [bottom], power_param={"power": exponent, "scale": 1, "shift": shift}, **FREE_TOP)

    return [
        distances("halfsize_dist_avg", "emb2", WINDOW, **FREE_TOP),
        columns("halfsize", "crf"),
        scalar("halfsize_dist_sc", "halfsize_dist_avg", 50, variable("EMBS_LR3"), decay_mult=0, **FREE_TOP),
        negative_exp("halfsize_dist_exp", "halfsize_dist_sc"),
        tile("halfsize_dist_2", "halfsize_dist_exp", LABELS, **FREE_TOP),
        *weighted_sum("halfsize"),
        window_sum("halfsize_dist_flat_2", "halfsize_dist_2"),
        power("halfsize_dist_flat_2_shift", "halfsize_dist_flat_2", 1, 0.0001),
        power("halfsize_oneover_dist_flat_2", "halfsize_dist_flat_2_shift", -1, 0),
        normalized("halfsize"),
        columns("two_halfsize", "halfsize_sharp_normalized"),
        *weighted_sum("two_halfsize"),
        normalized("two_halfsize"),
    ]


def _losses() -> list[Message]:
    """A loss and an accuracy for the CRF, the fused scores and each resolution's, against labels of the same size."""

    def judged(loss: str, accuracy: str, scores: str, labels: str) -> list[Message]:
        return [
            softmax_loss(loss, scores, labels, **TRAIN),
            layer("SegAccuracy", accuracy, [scores, labels], seg_accuracy_param=VOID),
        ]

    return [
        shrunk("label_shrink2", "label", 2),
        *judged("loss", "crf_accuracy", "crf", "label_shrink2"),
        shrunk("label_shrink", "label", 8),
        *judged("loss", "accuracy", "fc_fusion", "label_shrink"),
        *judged("loss_res1", "accuracy_res1", "fc1_voc12", "label_shrink"),
        *judged("loss_res075", "accuracy_res075", "fc1_voc12_res075_interp", "label_shrink"),
        shrunk("label_shrink16", "label", 16),
        *judged("loss_res05", "accuracy_res05", "fc1_voc12_res05", "label_shrink16"),
    ]
