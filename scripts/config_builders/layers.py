"""One function a layer type, with the habits these networks share: a top is called after its layer."""

from typing import Any

from config_builders.text import Message, Word, variable

TRAIN, TEST = ({"include": {"phase": Word(phase)}} for phase in ("TRAIN", "TEST"))
MEAN_COLOUR = [104.008, 116.669, 122.675]
CONSTANT, XAVIER = {"type": "constant"}, {"type": "xavier"}
VOID = {"ignore_label": 255}


def layer(kind: str, name: str, bottoms: list[str], tops: list[str] | None = None, **fields: Any) -> Message:
    """A layer of type `kind`; its one top has its name unless `tops` are given."""
    return {"name": name, "type": kind, "bottom": bottoms, "top": [name] if tops is None else tops, **fields}


def rates(weights: Any, biases: Any) -> list[Message]:
    """The two ParamSpecs of a convolution: weights decay, biases do not."""
    return [{"lr_mult": weights, "decay_mult": 1}, {"lr_mult": biases, "decay_mult": 0}]


def input_blob(name: str, *shape: Any) -> Message:
    return layer("Input", name, [], input_param={"shape": {"dim": list(shape)}})


def listed_images(set_name: str, **fields: Any) -> Message:
    """`image_data_param` of the list of `${set_name}`."""
    source = f"${{EXP}}/list/${{{set_name}}}.txt"
    return {"root_folder": "${DATA_ROOT}", "source": source, "batch_size": variable("BATCH_SIZE"), **fields}


def image_pairs(training: bool, **fields: Any) -> Message:
    """Photographs and their label images, cropped; shuffled and mirrored for training."""
    return layer(
        "TwoImageData",
        "data",
        [],
        ["data", "label"],
        image_data_param=listed_images("TRAIN_SET" if training else "TEST_SET", shuffle=training),
        two_image_data_param={"first_is_color": True, "second_is_color": False},
        transform_param={"mean_value": MEAN_COLOUR, "crop_size": variable("CROP_SIZE"), "mirror": training},
        **fields,
    )


def convolution(name: str, bottom: str, param: list[Message], memory: Message | None = None, **convolution_param: Any) -> Message:
    """`memory` holds the fields that let the reference free blobs early (`deletetop`, `deletebottom`)."""
    return layer("Convolution", name, [bottom], param=param, convolution_param=convolution_param, **(memory or {}))


def relu(name: str, blob: str) -> Message:
    return layer("ReLU", name, [blob], [blob])


def dropout(name: str, blob: str) -> Message:
    return layer("Dropout", name, [blob], [blob], dropout_param={"dropout_ratio": 0.5})


def pooling(name: str, bottom: str, stride: int, pool: str = "MAX") -> Message:
    pooling_param = {"pool": Word(pool), "kernel_size": 3, "pad": 1, "stride": stride}
    return layer("Pooling", name, [bottom], pooling_param=pooling_param)


def interp(name: str, bottom: str, **interp_param: Any) -> Message:
    return layer("Interp", name, [bottom], interp_param=interp_param)


def shrunk(name: str, bottom: str, factor: int) -> Message:
    return interp(name, bottom, shrink_factor=factor, pad_beg=0, pad_end=0)


def eltwise(name: str, bottoms: list[str], operation: str, **fields: Any) -> Message:
    return layer("Eltwise", name, bottoms, eltwise_param={"operation": Word(operation)}, **fields)


def tile(name: str, bottom: str, tiles: Any, axis: int = 1, **fields: Any) -> Message:
    return layer("Tile", name, [bottom], tile_param={"axis": axis, "tiles": tiles}, **fields)


def scalar(name: str, bottom: str, value: float, lr_mult: Any = 1, decay_mult: int = 1, **fields: Any) -> Message:
    """A Scale layer of one learned factor that starts at `value`."""
    param = [{"lr_mult": lr_mult, "decay_mult": decay_mult}]
    scale_param = {"num_axes": 0, "filler": {**CONSTANT, "value": value}, "bias_term": False}
    return layer("Scale", name, [bottom], param=param, scale_param=scale_param, **fields)


def negative_exp(name: str, bottom: str) -> Message:
    return layer("Exp", name, [bottom], exp_param={"scale": -1})


def distances(name: str, bottom: str, geometry: Message, **fields: Any) -> Message:
    """L1 distances between each position's vector and those of its window."""
    return layer("Im2dist", name, [bottom], convolution_param=geometry, im2dist_param={"norm": Word("L1")}, **fields)


def softmax_loss(name: str, scores: str, labels: str, **fields: Any) -> Message:
    return layer("SoftmaxWithLoss", name, [scores, labels], [], **fields, loss_param=VOID)


def mat_files(name: str, bottom: str, folder: str, **fields: Any) -> Message:
    """Writes one .mat file an image of the test set."""
    mat_write_param = {
        "prefix": f"${{FEATURE_DIR}}/${{TEST_SET}}/{folder}/",
        "source": "${EXP}/list/${TEST_SET}_id.txt",
        "strip": 0,
        "period": 1,
    }
    return layer("MatWrite", name, [bottom], [], **fields, mat_write_param=mat_write_param)


def silence(*bottoms: str) -> Message:
    return layer("Silence", "silence", list(bottoms), [])
