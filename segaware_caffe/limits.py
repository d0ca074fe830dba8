"""How much a file or a small text may ask for: bounds that hold before anything is allocated, and that the user can raise.

Each has an environment variable, which is read when it is asked, so that a script may set it too:

>>> PIXELS.most()
67108864
>>> PIXELS.check(10**10, "photograph.png: 100000 x 100000")
Traceback (most recent call last):
segaware_caffe.errors.CaffeError: photograph.png: 100000 x 100000 pixels, more than the 67108864 that are taken unasked; \
if they are meant, raise SEGAWARE_CAFFE_MAX_PIXELS
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from segaware_caffe.errors import CaffeError

PREFIX = "SEGAWARE_CAFFE_MAX_"


@dataclass(frozen=True)
class Limit:
    """The bound `default` (a number, or what gives one), or what the environment variable SEGAWARE_CAFFE_MAX_<name> says.

    `what` is counted.
    """

    name: str
    default: int | Callable[[], int]
    what: str

    @property
    def variable(self) -> str:
        """The environment variable that raises the bound, or lowers it."""
        return PREFIX + self.name

    def most(self) -> int:
        """The bound now. CaffeError if the environment says no number."""
        text = os.environ.get(self.variable, "")
        try:
            return int(float(text)) if text else self.default() if callable(self.default) else self.default
        except (ValueError, OverflowError):
            raise CaffeError(f"{self.variable} must be a number, not '{text}'") from None

    def check(self, count: int, asked: str, kind: type[CaffeError] = CaffeError) -> None:
        """An error of that kind if `count` is above the bound; `asked` is how its sentence begins: who, and how much."""
        most = self.most()
        if count > most:
            raise kind(f"{asked} {self.what}, more than the {most} that are taken unasked; if they are meant, raise {self.variable}")


def _memory() -> int:
    """Bytes of memory that this machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # Windows
        return 2**36


#: of an image: decoding one of so many pixels takes less than 1 GB
PIXELS = Limit("PIXELS", 2**26, "pixels")
#: of what a packed file holds, beyond 20 times its own size
UNPACKED = Limit("UNPACKED", 2**30, "bytes unpacked")
#: of a list, of which each becomes an item of some 250 bytes
LINES = Limit("LINES", 2**22, "lines")
#: of a net
LAYERS = Limit("LAYERS", 2**14, "layers")
#: of a learned blob, and of a blob that comes from no other; 2 GiB as float32
ELEMENTS = Limit("ELEMENTS", 2**29, "elements")
#: of a net: its learned blobs, and the largest of its steps or all that it gives
MEMORY = Limit("MEMORY", _memory, "bytes of memory")
#: of a kernel: some layers go through them one by one
POSITIONS = Limit("POSITIONS", 2**16, "positions")
#: of what a layer does again and again: iterations, time steps
STEPS = Limit("STEPS", 2**14, "times")
