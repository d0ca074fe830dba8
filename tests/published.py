"""The published networks and solvers: a template of configs/ and the variables file beside it, rendered."""

from pathlib import Path

from segaware_caffe.configs import FOLDER
from segaware_caffe.schema import file_text, read_variables, render

#: published file -> template, variables file
INSTANCES = {
    "embs/train_coco_trainval": ("train", "coco_trainval"),
    "embs/solver_coco_trainval": ("solver", "coco_trainval"),
    "embs/test_voc_val": ("test", "voc_val"),
    "res/train_voc_trainval_aug": ("train", "voc_trainval_aug"),
    "res/solver_voc_trainval_aug": ("solver", "voc_trainval_aug"),
    "res/test_voc_val": ("test", "voc_val"),
    "res/test_voc_test": ("test", "voc_test"),
    "vgg/train_voc_train_aug": ("train", "voc_train_aug"),
    "vgg/solver_voc_train_aug": ("solver", "voc_train_aug"),
    "vgg/test_voc_val": ("test", "voc_val"),
    "vgg/test_voc_test": ("test_unlabelled", "voc_test"),
}


def published(name: str) -> str:
    """The text of a published file, or of the template of that name."""
    if name not in INSTANCES:
        return file_text(FOLDER / f"{name}.prototxt")
    template, values = INSTANCES[name]
    family = FOLDER / name.partition("/")[0]
    return render(file_text(family / f"{template}.prototxt"), read_variables(family / f"{values}.vars"), name)


def write_published(name: str, folder: Path) -> Path:
    """The same as a file under `folder`."""
    path = folder / f"{name}.prototxt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(published(name))
    return path
