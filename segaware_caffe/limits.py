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
from dataclasses import dataclass

from segaware_caffe.errors import CaffeError

PREFIX = "SEGAWARE_CAFFE_MAX_"


@dataclass(frozen=True)
class Limit:
    """The bound `default`, or what the environment variable SEGAWARE_CAFFE_MAX_<name> says; `what` is counted."""

    name: str
    default: int
    what: str

    @property
    def variable(self) -> str:
        """The environment variable that raises the bound, or lowers it."""
        return PREFIX + self.name

    def most(self) -> int:
        """The bound now. CaffeError if the environment says no number."""
        text = os.environ.get(self.variable, "")
        try:
            return int(float(text)) if text else self.default
        except (ValueError, OverflowError):
            raise CaffeError(f"{self.variable} must be a number, not '{text}'") from None

    def check(self, count: int, asked: str, kind: type[CaffeError] = CaffeError) -> None:
        """An error of that kind if `count` is above the bound; `asked` is how its sentence begins: who, and how much."""
        most = self.most()
        if count > most:
            raise kind(f"{asked} {self.what}, more than the {most} that are taken unasked; if they are meant, raise {self.variable}")


#: of an image: decoding one of so many pixels takes less than 1 GB
PIXELS = Limit("PIXELS", 2**26, "pixels")
#: of what a packed file holds, beyond 20 times its own size
UNPACKED = Limit("UNPACKED", 2**30, "bytes unpacked")
#: of a list, of which each becomes an item of some 250 bytes
LINES = Limit("LINES", 2**22, "lines")
