"""The networks that learn embeddings from labels alone (`configs/embs`)."""

from config_builders.embedding import colours, embedding_network
from config_builders.layers import (
    TRAIN,
    VOID,
    distances,
    eltwise,
    image_pairs,
    input_blob,
    layer,
    mat_files,
    negative_exp,
    rates,
    scalar,
    tile,
)
from config_builders.text import Message, network, variable

CROP = variable("CROP_SIZE")
FULL_SIZE = {"height": CROP, "width": CROP}
FUSED = {"1_1": None, "1_2": None, "2_1": FULL_SIZE, "2_2": FULL_SIZE, "3_1": FULL_SIZE}


def train() -> str:
    """Three distance losses, over a narrow, a wide and a wider window."""
    windows = {"narrow": "", "wide": "2", "wider": "3"}
    return network(
        {
            "input": [image_pairs(training=True, **TRAIN)],
            "embedding network": [colours(), *_embedding("data")],
            **{f"distance loss over the {extent} window": _distance_loss(window, 0.5, 2) for extent, window in windows.items()},
        }
    )


def test() -> str:
    """The embeddings as .mat files, and one distance loss to look at."""
    return network(
        {
            "input": [image_pairs(training=False)],
            "embedding network": [colours(), *_embedding("data")],
            "distance loss": _distance_loss("", alpha=5, beta=10),
            "output": [mat_files("emb_mat", "weighted_avg", "fc8")],
        }
    )


def deploy() -> str:
    """A distance loss with a learned weight for each offset in the window, from pixel positions that are fed in."""
    # the positions of one window, 5 + 4 * 2 wide; the published loss leaves out the dilation that its distances have
    window = _window("")
    loss_window = {field: value for field, value in window.items() if field != "dilation"}
    across = "pos_dist_${CROP_SIZE}"
    return network(
        {
            "input": [
                input_blob("image_data", 1, 4, CROP, CROP),
                input_blob("pos_data", 1, 3, 13, 13),
                layer("Slice", "image_slicer", ["image_data"], ["rgb_r", "rgb_g", "rgb_b", "label"]),
                layer("Slice", "pos_slicer", ["pos_data"], ["pos_1", "pos_2", "pos_3"]),
                layer("Concat", "rgb_emb", ["rgb_r", "rgb_g", "rgb_b"]),
                layer("Concat", "pos_2chan", ["pos_2", "pos_3"]),
            ],
            "weight of each offset": [
                distances("pos_dist", "pos_2chan", {**window, "pad": 0}),
                scalar("weighted_pos_dist", "pos_dist", 0),
                layer("AbsVal", "abs_pos_dist", ["weighted_pos_dist"]),
                negative_exp("exp_pos_dist", "abs_pos_dist"),
            ],
            "embedding network": _embedding("rgb_emb"),
            "distance loss": [
                *_parity_and_distances(""),
                tile(across, "exp_pos_dist", CROP, axis=2),
                tile(across + "x${CROP_SIZE}", across, CROP, axis=3),
                eltwise("fused_dist", ["weighted_avg_dist", across + "x${CROP_SIZE}"], "PROD"),
                _loss("loss_avg", ["fused_dist", "parity"], loss_window, alpha=0.5, beta=2),
            ],
        }
    )


def _embedding(image: str) -> list[Message]:
    return embedding_network("conv", (2, 2, 1), FUSED, "weighted_avg", rates(1, 2), image)


def _window(number: str) -> Message:
    mask = f"MASK{number}"
    size, pad, dilation = (variable(f"{mask}_{measure}") for measure in ("SIZE", "PAD", "DILATION"))
    return {"kernel_size": size, "pad": pad, "dilation": dilation, "stride": 1}


def _parity_and_distances(number: str) -> list[Message]:
    return [
        layer("Im2parity", f"parity{number}", ["label"], convolution_param=_window(number)),
        distances(f"weighted_avg_dist{number}", "weighted_avg", _window(number)),
    ]


def _distance_loss(number: str, alpha: float, beta: float) -> list[Message]:
    bottoms = [f"weighted_avg_dist{number}", f"parity{number}"]
    return [*_parity_and_distances(number), _loss(f"loss_avg{number}", bottoms, _window(number), alpha, beta)]


def _loss(name: str, bottoms: list[str], window: Message, alpha: float, beta: float) -> Message:
    dist_loss_param = {"alpha": alpha, "beta": beta, **VOID}
    return layer("DistLoss", name, bottoms, convolution_param=window, dist_loss_param=dist_loss_param)
