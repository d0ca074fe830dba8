"""What an experiment needs that cannot come with this package: where to fetch it, and how large it is."""

from collections.abc import Iterable
from typing import NamedTuple


class Download(NamedTuple):
    """A file to fetch: its size in bytes, and its SHA-256 where that is known."""

    what: str
    addresses: tuple[str, ...]
    size: int
    sha256: str = ""
    note: str = ""

    def __str__(self) -> str:
        lines = [f"{self.what} ({self.size / 1e6:,.0f} MB)", *self.addresses, f"{self.size:,} bytes" if self.sha256 else ""]
        lines += [f"SHA-256 {self.sha256}" if self.sha256 else "", self.note]
        return "\n    ".join(line for line in lines if line)


TRAINVAL = Download(
    "VOC2012, training and validation images and labels",
    ("http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",),
    1_999_639_040, "e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
    "unpack it: VOCdevkit/VOC2012 in it is the folder for --voc",
)  # fmt: skip
TEST = Download(
    "VOC2012, test images",
    ("http://host.robots.ox.ac.uk:8080/eval/downloads/VOC2012test.tar (after registering there)", "http://pjreddie.com/media/files/VOC2012test.tar"),
    1_850_626_560, "f08582b1935816c5eab3bbb1eb6d06201a789eaa173cdf1cf400c26f0cac2fb3",
    "unpack it over the first archive",
)  # fmt: skip
SBD = Download(
    "SBD, more labels, for training only",
    ("https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz",),
    1_419_539_633, "6a5a2918d5c73ce032fdeba876574d150d9d04113ab87540a1304cbcc715be53",
    "unpack it, then: segaware-caffe voc augment VOC2012 --sbd benchmark_RELEASE/dataset",
)  # fmt: skip
#: the size is that of the network's blobs, each layer's own as a caffemodel holds them
RES_WEIGHTS = Download(
    "the authors' trained network, train_voc_trainval_aug_iter_5000.caffemodel",
    ("https://github.com/aharley/segaware (README, Replicating the segmentation results)",
     "https://drive.google.com/file/d/0B37FFJE7o45TbmVhT1AwVzR3bmM/view"),
    536_910_732, note="about this size; give the file as --weights",
)  # fmt: skip
#: network -> its weights
WEIGHTS: dict[str, Download | str] = {
    "res": RES_WEIGHTS,
    "vgg": "weights of the VGG network: the authors published none; scripts/train_vgg.sh trains them",
}


def wanted(downloads: Iterable[Download | str]) -> str:
    """The downloads as a list for the user."""
    return "\n".join(f"  - {download}" for download in downloads)
