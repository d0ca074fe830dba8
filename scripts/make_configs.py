"""Write configs/: the paper's networks and solvers as templates, the published values beside them, and those of our own models.

`segaware-caffe render configs/res/test.prototxt --variables configs/res/voc_val.vars` makes a published network of them.

python scripts/make_configs.py [--output FOLDER]
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from config_builders import camvid, deeplab, demo, embs, experiments, res, solvers, text, v1, vgg

FOLDER = Path(__file__).resolve().parent.parent / "configs"

CAMVID = {"plain": camvid.PLAIN, "segaware": camvid.SEGAWARE}
# DeepLab's VGG-16 networks, and in which words
DEEPLAB = {
    "largefov_v1": (deeplab.largefov, v1.network),
    "largefov": (deeplab.largefov, text.network),
    "msc_v1": (deeplab.multi_scale, v1.network),
    "aspp": (deeplab.pyramid, text.network),
}
# prototxt -> what builds its text, and the values of its placeholders (None: a template, which keeps them)
FILES: dict[str, tuple[Callable[[], str], dict[str, Any] | None]] = {
    "demo/sharpen": (demo.sharpen, None),
    "embs/train": (embs.train, None),
    "embs/test": (embs.test, None),
    "embs/deploy": (embs.deploy, experiments.EMBS_DEPLOY),
    "embs/solver": (solvers.embs, None),
    "vgg/train": (vgg.train, None),
    "vgg/test": (vgg.test, None),
    "vgg/test_unlabelled": (vgg.test_unlabelled, None),
    "vgg/deploy": (vgg.deploy, experiments.VGG),
    "vgg/solver": (solvers.vgg, None),
    "res/train": (res.train, None),
    "res/test": (res.test, None),
    "res/deploy": (res.deploy, experiments.RES_DEPLOY),
    "res/solver": (solvers.res, None),
    **{f"deeplab/{name}_train": (partial(deeplab.vgg_train, build(), write), None) for name, (build, write) in DEEPLAB.items()},
    **{f"deeplab/{name}_test": (partial(deeplab.vgg_test, build(), write), None) for name, (build, write) in DEEPLAB.items()},
    **{f"deeplab/{name}_crf": (partial(deeplab.vgg_test, build(), write, crf=True), None) for name, (build, write) in DEEPLAB.items()},
    "deeplab/resnet101_train": (deeplab.resnet_train, None),
    "deeplab/resnet101_test": (deeplab.resnet_test, None),
    "deeplab/resnet101_crf": (partial(deeplab.resnet_test, crf=True), None),
    "deeplab/solver_step": (deeplab.step_solver, None),
    "deeplab/solver_poly": (deeplab.poly_solver, None),
    **{f"camvid/{name}_train": (partial(camvid.train, variant, f"camvid_{name}"), experiments.CAMVID) for name, variant in CAMVID.items()},
    **{f"camvid/{name}_deploy": (partial(camvid.deploy, variant, f"camvid_{name}"), None) for name, variant in CAMVID.items()},
    "camvid/embeddings_train": (camvid.embeddings, experiments.CAMVID),
    "camvid/solver": (solvers.camvid, None),
}
# variables file -> the values of a published experiment, for the templates beside it
VARIABLES: dict[str, dict[str, Any]] = {
    "embs/coco_trainval": experiments.EMBS_COCO,
    "embs/voc_val": experiments.EMBS_VAL,
    **{f"deeplab/{name}": values for name, values in experiments.DEEPLAB.items()},
    "vgg/voc_train_aug": experiments.VGG,
    "vgg/voc_val": experiments.VGG_VAL,
    "vgg/voc_test": experiments.VGG_TEST,
    "res/voc_trainval_aug": experiments.RES,
    "res/voc_val": experiments.RES_VAL,
    "res/voc_test": experiments.RES_TEST,
}


def write_configs(folder: Path) -> None:
    """Write every file under `folder`, making its subfolders."""
    files = {f"{name}.vars": text.variables(values) for name, values in VARIABLES.items()}
    for name, (build, values) in FILES.items():
        files[f"{name}.prototxt"] = build() if values is None else text.render(build(), values)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the networks and solvers of configs/.")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER", help="default: configs/")
    write_configs(parser.parse_args().output)
