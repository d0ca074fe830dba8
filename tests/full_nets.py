"""The paper's networks at full size, with stand-in weights, on the photographs that the golden files hold."""

import json
from pathlib import Path

import numpy as np
import torch
import weight_recipe

from segaware_caffe import Net, read_net
from segaware_caffe.segmentation import MEAN, without_sinks

ROOT = Path(__file__).resolve().parent.parent
GOLDEN_NETS = ROOT / "tests" / "golden" / "nets"
SHARED_NETS = ROOT.parent / "shared" / "golden" / "nets"
VOC_SAMPLE = ROOT.parent / "shared" / "data" / "voc_sample"


def variables(size: int) -> dict[str, object]:
    """Values for the placeholders of a photograph of that size (spec/pipeline.md 7)."""
    half = (size + 1) // 2
    rates = dict.fromkeys(("MAIN_LR1", "CRF_LR1", "CRF_LR2", "EMBS_LR1", "EMBS_LR2", "EMBS_LR3", "MAINSCALE_LR1", "MAINSCALE_LR2"), 1)
    names = dict.fromkeys(("NET_ID", "DATA_ROOT", "EXP", "TEST_SET", "FEATURE_DIR"), "unused")
    return {**rates, **names, "BATCH_SIZE": 1, "CROP_SIZE": size, "HALF_SIZE": half, "NUM_LABELS": 21, "DATASET": "voc12"}


def full_net(config: str, size: int, gains: dict[str, float], **options: object) -> Net:
    """One of configs/ at an input size, without the layers that write files, with the recipe's weights."""
    proto = without_sinks(read_net(ROOT / "configs" / f"{config}.prototxt", variables=variables(size)))
    for layer in proto.layer:
        if layer.type == "ImageSegData":
            layer.transform_param.crop_size = size
    return with_recipe_weights(Net(proto, **options), gains)


def with_recipe_weights(net: Net, gains: dict[str, float]) -> Net:
    """The net, its learned blobs filled as those of the golden files were."""
    types = {node.name: node.type for node in reversed(net.graph.nodes)}
    with torch.no_grad():
        for learned in net.learned:
            value = weight_recipe.blob(learned.layer, types[learned.layer], learned.index, learned.tensor.shape, gains)
            if value is not None:
                learned.tensor.copy_(torch.from_numpy(value))
    return net


def photograph(golden: np.lib.npyio.NpzFile) -> tuple[np.ndarray, np.ndarray]:
    """The input blob (1, 3, S, S), BGR minus mean, and the label (1, 1, S, S) of a golden file.

    A photograph of VOC, which the golden file does not hold, is cropped and filled up as the README there says.
    """
    if "rgb" in golden.files:
        pixels, label = golden["rgb"][:, :, ::-1] - np.asarray(MEAN), golden["label"]
    else:
        from PIL import Image

        name, size, top, left = json.loads(str(golden["photo"]))
        rgb = np.asarray(Image.open(VOC_SAMPLE / "JPEGImages" / f"{name}.jpg"))[top : top + size, left : left + size]
        truth = np.asarray(Image.open(VOC_SAMPLE / "SegmentationClass" / f"{name}.png"))[top : top + size, left : left + size]
        pixels, label = np.zeros((size, size, 3)), np.full((size, size), 255)
        pixels[: rgb.shape[0], : rgb.shape[1]] = rgb[:, :, ::-1] - np.asarray(MEAN)
        label[: truth.shape[0], : truth.shape[1]] = truth
    return pixels.transpose(2, 0, 1)[None].astype(np.float32), label[None, None].astype(np.float32)


def embedding_input(data: np.ndarray, label: np.ndarray) -> np.ndarray:
    """embs/deploy takes the picture and its label as four channels."""
    return np.concatenate((data, label), 1)
