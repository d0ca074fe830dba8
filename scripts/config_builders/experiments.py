"""The values that the published experiments gave to the placeholders, a table for the networks and solver of each.

Those that templates are rendered with are written beside them, as `configs/FAMILY/SET.vars`. The folders of data are those of
the authors' machines, as published: `--set DATA_ROOT=...` gives your own.
"""

from typing import Any

VOC = "datasets/VOC2012"
RATES = {"EMBS_LR1": 1, "EMBS_LR2": 2, "MAINSCALE_LR1": 1, "MAINSCALE_LR2": 2}


def experiment(name: str, **values: Any) -> dict[str, Any]:
    """The values of the experiment `name`, with those that all of them share."""
    return {"NET_ID": name, "EXP": "segaware", "FEATURE_DIR": f"segaware/features/{name}", "BATCH_SIZE": 1} | values


EMBS_COCO = experiment(
    "logpolar_embs_coco",
    DATA_ROOT="/opt/home/aharley/datasets/MSCOCO",
    TRAIN_SET="coco_trainval",
    CROP_SIZE=161,
    BATCH_SIZE=20,
    LEARNING_RATE=0.001,
    MASK_SIZE=3,
    MASK_PAD=1,
    MASK_DILATION=1,
    MASK2_SIZE=3,
    MASK2_PAD=1,
    MASK2_DILATION=2,
    MASK3_SIZE=3,
    MASK3_PAD=1,
    MASK3_DILATION=5,
)
EMBS_VAL = experiment(
    "embs_31_L1_coco",
    DATA_ROOT=f"/opt/home/aharley/{VOC}",
    TEST_SET="voc_val",
    CROP_SIZE=513,
    MASK_SIZE=5,
    MASK_PAD=6,
    MASK_DILATION=3,
)
EMBS_DEPLOY = experiment("31_L1_coco", CROP_SIZE=321, MASK_SIZE=5, MASK_PAD=6, MASK_DILATION=3)

VGG = experiment(
    "segaware-all-largeFOV",
    DATA_ROOT=f"/opt/home/aharley/{VOC}",
    TRAIN_SET="voc_train_aug",
    DATASET="voc12",
    NUM_LABELS=21,
    CROP_SIZE=321,
    **RATES,
    LEARNING_RATE=0.0001,
    STEP=120000,
    ITERS=360000,
    SNAP=60000,
    SOLVER_MODE="GPU",
)
VGG_VAL = {**VGG, "TEST_SET": "voc_val", "CROP_SIZE": 513}
VGG_TEST = {**VGG, "TEST_SET": "voc_test", "CROP_SIZE": 513}

RES = experiment(
    "supergiven_9",
    DATA_ROOT=f"/zfsauton/home/aharley/{VOC}",
    TRAIN_SET="voc_trainval_aug",
    CROP_SIZE=321,
    HALF_SIZE=161,
    MAIN_LR1=0,
    FINAL_LR1=0,
    FINAL_LR2=0,
    EMBS_LR1=1,
    EMBS_LR2=2,
    CRF_LR1=1,
    CRF_LR2=1,
    LEARNING_RATE=0.00025,
    ITERS=5000,
    ITER_SIZE=10,
    SNAP=5000,
)
RES_RATES = {"HALF_SIZE": 257, "MAIN_LR1": 1, "EMBS_LR3": 2, "CRF_LR1": 0, "CRF_LR2": 0}
RES_VAL = experiment("supergiven_17", DATA_ROOT=f"/home/aharley/{VOC}", TEST_SET="voc_val", **RES_RATES)
RES_TEST = experiment("res", DATA_ROOT=f"/home/aharley/{VOC}", TEST_SET="voc_test", **RES_RATES)
RES_DEPLOY = experiment("res_given", **RES_RATES)

# the base run of the networks that come with the package, by scripts/train_models.py
CAMVID = {"BATCH_SIZE": 6, "CROP_SIZE": 321, "TRUNK_LR": 0.2}


def deeplab(name: str, **values: Any) -> dict[str, Any]:
    """DeepLab's: trained on VOC's augmented training set and judged on its validation set, where its papers judge them."""
    shared = {"NUM_LABELS": 21, "DATASET": "voc12", "CROP_SIZE": 321, "MAIN_LR1": 1, "ITER_SIZE": 1}
    return experiment(name, DATA_ROOT=VOC, TRAIN_SET="voc_train_aug", TEST_SET="voc_val", **shared) | values


def crf(pos_w: float, pos_xy_std: float, bi_w: float, bi_xy_std: float, bi_rgb_std: float) -> dict[str, Any]:
    """The kernels of the fully connected CRF: weight and standard deviation of the spatial one, then of the bilateral one."""
    values = {"POS_W": pos_w, "POS_XY_STD": pos_xy_std, "BI_W": bi_w, "BI_XY_STD": bi_xy_std, "BI_RGB_STD": bi_rgb_std}
    return {f"CRF_{name}": value for name, value in values.items()}


# mini-batches and rates are those of the papers; kernels those of the release's script run_densecrf.sh for LargeFOV, and for v2 those that
# reimplementations which load its weights use. The papers give the range that was searched, not what was found.
DEEPLAB = {
    "largefov_v1": deeplab("DeepLab-LargeFOV", BATCH_SIZE=20, LEARNING_RATE=0.001),
    "vgg16": deeplab("DeepLabv2-VGG16", BATCH_SIZE=10, LEARNING_RATE=0.001),
    "resnet101": deeplab("DeepLabv2-ResNet101", BATCH_SIZE=1, ITER_SIZE=10, LEARNING_RATE=0.00025),
    "largefov_v1_val": deeplab("DeepLab-LargeFOV", CROP_SIZE=513, **crf(3, 3, 4, 49, 5)),
    "vgg16_val": deeplab("DeepLabv2-VGG16", CROP_SIZE=513, **crf(2, 2, 4, 65, 3)),
    "resnet101_val": deeplab("DeepLabv2-ResNet101", CROP_SIZE=513, **crf(3, 1, 4, 67, 3)),
}
