"""A net is data: which files it may name. SECURITY.md says what is promised.

What a caller passes as an argument is the caller's own. What the text of a net, a solver or a list says leads only to
places that the caller named: whatever reads or writes a file of that kind asks `AllowedPaths.check` first.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from segaware_caffe.errors import FileError

#: the variable that names more places, separated as those of PATH are; "/" allows everything, for old scripts
VARIABLE = "SEGAWARE_CAFFE_ALLOW_PATH"
Place = str | os.PathLike[str]


@dataclass(frozen=True)
class AllowedPaths:
    """The places that texts may name: files, and folders with all that is under them.

    Allowed beside `places` are the current folder, as it is at the time of asking, and what SEGAWARE_CAFFE_ALLOW_PATH names.

    >>> paths = AllowedPaths().plus(["/data/voc"])
    >>> paths.check("/data/voc/JPEGImages/1.jpg", "source"), paths.check("lists/train.txt", "source")
    ('/data/voc/JPEGImages/1.jpg', 'lists/train.txt')
    >>> try:
    ...     paths.check("/data/voc/../secret", "source")
    ... except FileError as error:
    ...     print(str(error).partition(":")[0])
    source '/data/voc/../secret' is outside the folders that a net may use
    """

    places: tuple[str, ...] = ()

    def plus(self, places: Place | Iterable[Place] = (), file: Any = None, variables: Iterable[Any] = ()) -> "AllowedPaths":
        """These and more: places by name, the folder of a `file` if it is one, and values of placeholders, which may be places."""
        places = [places] if isinstance(places, (str, os.PathLike)) else list(places)
        if isinstance(file, (str, os.PathLike)) and "\n" not in os.fspath(file) and os.path.isfile(file):
            places.append(os.path.dirname(os.path.abspath(file)))
        places += [value for value in variables if isinstance(value, (str, os.PathLike)) and os.fspath(value)]
        return AllowedPaths(tuple(dict.fromkeys((*self.places, *(os.path.realpath(place) for place in places if os.fspath(place))))))

    def check(self, path: str, field: str) -> str:
        """`path`, which `field` names, with all links followed; FileError, what would be right included, if it leads elsewhere."""
        try:
            real = os.path.realpath(path)
        except ValueError:  # a zero byte, or what has no bytes in the file system's encoding
            raise FileError(f"{field} {path!r} is no file's name") from None
        named = (place for place in os.environ.get(VARIABLE, "").split(os.pathsep) if place)
        here = os.getcwd()
        if not any(_is_within(real, place) for place in (here, *self.places, *map(os.path.realpath, named))):
            known = ", ".join(map(repr, dict.fromkeys((os.path.realpath(here), *self.places))))
            leads = "" if real == path else f", it leads to {real!r}"
            raise FileError(
                f"{field} {path!r} is outside the folders that a net may use{leads}: these are the current one and the net's own ({known})."
                f" If it is meant: allow_paths=[{os.path.dirname(real)!r}], --allow-path on the command line, or the variable {VARIABLE}"
            )
        return path

    def check_database(self, path: str, field: str) -> str:
        """As `check`, for a folder and the files in it, which may be links."""
        self.check(path, field)
        for name in os.listdir(path) if os.path.isdir(path) else ():
            self.check(os.path.join(path, name), field)
        return path


def _is_within(real: str, place: str) -> bool:
    real, place = os.path.normcase(real), os.path.normcase(place)
    return real == place or real.startswith(place.rstrip(os.sep) + os.sep)
