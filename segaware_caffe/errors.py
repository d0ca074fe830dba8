"""The errors that this package raises for bad input: one class, and its kinds for scripts that tell them apart."""

from collections.abc import Iterator
from contextlib import contextmanager


class CaffeError(ValueError):
    """A prototxt, weight file, blob or argument that cannot be used.

    The message is one sentence (or a list under one) that names the file, line or layer, the
    field and the value, and says what would be right. Where the reference has a CHECK, the
    wording is the reference's, so that a Caffe user can search for it.

    Most are of a kind, a subclass; what is of none is an argument of a call or an option.

    >>> import segaware_caffe
    >>> try:
    ...     segaware_caffe.read_net("lenet.prototxt")
    ... except segaware_caffe.CaffeError as error:
    ...     print(type(error).__name__, error, sep=": ")
    FileError: File not found: lenet.prototxt
    """


class ParseError(CaffeError):
    """A text or binary message that is no net, solver or list of variables: it names the line and column."""


class UnknownLayerError(CaffeError):
    """A layer type that no class runs."""


class GraphError(CaffeError):
    """Layers that cannot be connected: an unknown bottom, a top made twice, a wrong number of bottoms or tops."""


class FieldError(CaffeError):
    """A field of a layer, a solver or one of their parts with a value that cannot be used."""


class ShapeError(CaffeError):
    """Blobs, learned blobs or images whose shapes do not fit a layer or each other."""


class FileError(CaffeError):
    """A file, folder or database that is not there, cannot be read or written, or does not hold what it should."""


class WeightsError(FileError):
    """A file of weights or solver state that is damaged, or belongs to another net."""


@contextmanager
def of_kind(kind: type[CaffeError]) -> Iterator[None]:
    """A CaffeError that is raised inside and is of no kind yet becomes one of this kind."""
    try:
        yield
    except CaffeError as error:
        if type(error) is not CaffeError:
            raise
        raise kind(*error.args).with_traceback(error.__traceback__) from error.__cause__
