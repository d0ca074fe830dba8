"""Write configs/: the paper's networks and solvers, with placeholders and with the published values, and those of our own models.

python scripts/make_configs.py [--output FOLDER]
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from config_builders import camvid, demo, embs, experiments, res, solvers, vgg
from config_builders.text import render

FOLDER = Path(__file__).resolve().parent.parent / "configs"

# file -> what builds its text, and the values of its placeholders (None: it keeps them)
TWINS = {"plain": False, "segaware": True}
FILES: dict[str, tuple[Callable[[], str], dict[str, Any] | None]] = {
    "demo/sharpen": (demo.sharpen, None),
    "embs/train": (embs.train, None),
    "embs/train_coco_trainval": (embs.train, experiments.EMBS_COCO),
    "embs/test": (embs.test, None),
    "embs/test_voc_val": (embs.test, experiments.EMBS_VAL),
    "embs/deploy": (embs.deploy, experiments.EMBS_DEPLOY),
    "embs/solver": (solvers.embs, None),
    "embs/solver_coco_trainval": (solvers.embs, experiments.EMBS_COCO),
    "vgg/train": (vgg.train, None),
    "vgg/train_voc_train_aug": (vgg.train, experiments.VGG),
    "vgg/test": (vgg.test, None),
    "vgg/test_voc_val": (vgg.test, experiments.VGG_VAL),
    "vgg/test_voc_test": (vgg.test_without_labels, experiments.VGG_TEST),
    "vgg/deploy": (vgg.deploy, experiments.VGG),
    "vgg/solver": (solvers.vgg, None),
    "vgg/solver_voc_train_aug": (solvers.vgg, experiments.VGG),
    "res/train": (res.train, None),
    "res/train_voc_trainval_aug": (res.train, experiments.RES),
    "res/test": (res.test, None),
    "res/test_voc_val": (res.test, experiments.RES_VAL),
    "res/test_voc_test": (res.test, experiments.RES_TEST),
    "res/deploy": (res.deploy, experiments.RES_DEPLOY),
    "res/solver": (solvers.res, None),
    "res/solver_voc_trainval_aug": (solvers.res, experiments.RES),
    "bsds500/train": (partial(embs.train, held_out=True), experiments.EMBS_BSDS500),
    "bsds500/deploy": (embs.features, None),
    "bsds500/solver": (solvers.embs_bsds500, None),
    **{f"camvid/{name}_train": (partial(camvid.train, masks), experiments.CAMVID) for name, masks in TWINS.items()},
    **{f"camvid/{name}_deploy": (partial(camvid.deploy, masks), None) for name, masks in TWINS.items()},
    "camvid/solver": (solvers.camvid, None),
    "camvid/embedding_train": (camvid.embedding, experiments.EMBS_CAMVID),
    "camvid/embedding_solver": (solvers.embs_camvid, None),
}


def write_configs(folder: Path) -> None:
    """Write every file under `folder`, making its subfolders."""
    for name, (build, values) in FILES.items():
        text = build() if values is None else render(build(), values)
        path = folder / f"{name}.prototxt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the networks and solvers of configs/.")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER", help="default: configs/")
    write_configs(parser.parse_args().output)
