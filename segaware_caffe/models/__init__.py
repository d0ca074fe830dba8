"""Trained networks that come with the package. README.md beside this file is their model card."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CAMVID_CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")


@dataclass(frozen=True)
class Model:
    """A deploy network and its weights; `classes` names the channels of its scores, in order."""

    name: str
    classes: tuple[str, ...] = ()

    @property
    def prototxt(self) -> Path:
        return FOLDER / f"{self.name}.prototxt"

    @property
    def weights(self) -> Path:
        return FOLDER / f"{self.name}.caffemodel"


#: street scenes, segmentation-aware; what `segaware-caffe segment` runs if no other model is named
CAMVID_SEGAWARE = Model("camvid_segaware", CAMVID_CLASSES)
#: its twin without attention masks
CAMVID_PLAIN = Model("camvid_plain", CAMVID_CLASSES)
#: a 64-D embedding of every pixel, near for pixels of one object
EMBEDDING = Model("embs_bsds500")

__all__ = ["CAMVID_CLASSES", "CAMVID_PLAIN", "CAMVID_SEGAWARE", "EMBEDDING", "Model"]
