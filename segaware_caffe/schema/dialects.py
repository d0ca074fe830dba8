"""What the forks of Caffe added to its schema, and what becomes of each word here (spec/dialects.md).

`forks.tsv` beside this module has the facts: every field and enum value that BVLC's Caffe and the
segmentation-aware release lack, with the forks that have it and their numbers. `treatments` says of
each which of four kinds it is; the two together are docs/dialects.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from segaware_caffe.schema import treatments

#: Key of forks.tsv -> the fork's name, and the repository whose schema it stands for.
FORKS = {
    "deeplab-v1": ("DeepLab v1", "TheLegendAli/DeepLab-Context"),
    "segnet": ("SegNet", "alexgkendall/caffe-segnet"),
    "enet": ("ENet", "TimoSaemann/caffe-enet"),
    "pspnet": ("PSPNet", "hszhao/PSPNet"),
    "ssd": ("SSD", "weiliu89/caffe"),
    "r-fcn": ("R-FCN", "daijifeng001/caffe-rfcn"),
    "hed": ("HED", "s9xie/hed"),
    "lrcn": ("LRCN", "LisaAnne/lisa-caffe-public"),
    "nvidia": ("NVIDIA Caffe", "NVIDIA/caffe"),
    "intel": ("Intel Caffe", "intel/caffe"),
    "mobilenet-yolo": ("MobileNet-YOLO", "eric612/MobileNet-YOLO"),
    "flownet2": ("FlowNet2", "lmb-freiburg/flownet2"),
    "crf-rnn": ("CRF-RNN", "torrvision/crfasrnn"),
    "others": ("several forks", ""),
}


_FIRST_V1_TYPE_OF_DEEPLAB = 39


class Kind(Enum):
    """The four things that can become of a foreign word."""

    SAME = "same thing, other word"
    OWN = "own meaning, built here"
    HARMLESS = "harmless here"
    REFUSED = "meaning not built"


@dataclass(frozen=True)
class Word:
    """A field (`message.name`) or enum value of some fork.

    `forks` are keys of FORKS with the number in each (None where unknown), `note` is what happens,
    or for refused words what would be needed.
    """

    sort: str  # "field" or "value"
    message: str
    name: str
    forks: Mapping[str, int | None]
    kind: Kind
    note: str

    @property
    def owners(self) -> str:
        """The names of the forks that have it."""
        return fork_names(self.forks)


class ForeignType(NamedTuple):
    """A layer type that only forks have and that is not built: their names, and what it does."""

    owners: str
    note: str


def fork_names(keys: Iterable[str]) -> str:
    """The forks' names, for a sentence."""
    return ", ".join(FORKS[key][0] if key in FORKS else key for key in keys)


def foreign_type(type_name: str) -> ForeignType | None:
    """What is known of a layer type that some fork has and this package does not build; None for all others."""
    known = treatments.UNBUILT_TYPES.get(type_name)
    return None if known is None else ForeignType(fork_names(known.forks.split()), known.note)


def foreign_field(message: str, name: str) -> Word | None:
    """The foreign field `message.name`; None for a field of BVLC's or the release's, and for one that nobody has."""
    return words().get(("field", message, name))


def foreign_value(enum: str, name: str) -> Word | None:
    """The foreign value `name` of the enum `enum`, e.g. "LossParameter.NormalizationMode"."""
    return words().get(("value", enum, name))


@cache
def words() -> Mapping[tuple[str, str, str], Word]:
    """Every foreign word, by sort ("field" or "value"), message or enum, and name.

    DeepLab v1 called its V1 layers LayerParameter: its fields are there, and in V1LayerParameter.
    """
    found: dict[tuple[str, str, str], Word] = {}
    for line in Path(__file__).with_name("forks.tsv").read_text().splitlines():
        sort, message, name, owners = line.split("\t")
        numbers = dict(owner.split(":") for owner in owners.split())
        forks = {fork: None if number == "-" else int(number) for fork, number in numbers.items()}
        kind, note = treatments.treatment(message, name)
        word = Word(sort, message, name, forks, Kind[kind], note)
        found[sort, message, name] = word
        if _is_of_v1_too(word):
            found.setdefault((sort, f"V1{message}", name), word)
    return found


def _is_of_v1_too(word: Word) -> bool:
    """Whether a word of a layer stands in V1LayerParameter too, where BVLC's lacks it."""
    if word.message == "LayerParameter.LayerType":
        return (word.forks["deeplab-v1"] or 0) >= _FIRST_V1_TYPE_OF_DEEPLAB
    if word.message != "LayerParameter" or word.name in ("layer", "blob_share_mode", "blobs_lr", "weight_decay"):
        return False
    return any(fork in word.forks for fork in ("deeplab-v1", "crf-rnn"))
