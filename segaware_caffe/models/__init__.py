"""Trained networks that come with the package. README.md beside this file is their model card."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CAMVID_CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
#: what a picture shows them in, as 0xRRGGBB: near to what they look like, and apart from each other
CAMVID_COLOURS = (0x7FBEEB, 0x9B6B5B, 0xFF8C1A, 0x6B6577, 0xDB9CCB, 0x4E9A34, 0xFFD60A, 0xC9B37E, 0x2347C5, 0xE3173E, 0x00B3A4)


@dataclass(frozen=True)
class Model:
    """A deploy network and its weights.

    `classes` names the channels of its scores, in order, and `colours` gives each 0xRRGGBB. The network takes photographs whose
    sides are 1 more than a multiple of `stride`, and knows best those whose shorter side has `side` pixels.
    """

    name: str
    classes: tuple[str, ...] = ()
    colours: tuple[int, ...] = ()
    side: int = 361
    stride: int = 32

    @property
    def prototxt(self) -> Path:
        return FOLDER / f"{self.name}.prototxt"

    @property
    def weights(self) -> Path:
        return FOLDER / f"{self.name}.caffemodel"


#: street scenes, segmentation-aware; what `segaware-caffe segment` runs if no other model is named
CAMVID_SEGAWARE = Model("camvid", CAMVID_CLASSES, CAMVID_COLOURS)
#: its twin without attention masks
CAMVID_PLAIN = Model("camvid_plain", CAMVID_CLASSES, CAMVID_COLOURS)
#: what `segaware-caffe segment --model` takes by name; the first is the default
MODELS = {"camvid": CAMVID_SEGAWARE, "camvid-plain": CAMVID_PLAIN}

__all__ = ["CAMVID_CLASSES", "CAMVID_COLOURS", "CAMVID_PLAIN", "CAMVID_SEGAWARE", "MODELS", "Model"]
