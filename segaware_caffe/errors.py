"""The one error that this package raises for bad input."""


class CaffeError(ValueError):
    """A prototxt, weight file, blob or argument that cannot be used.

    The message is one sentence (or a list under one) that names the file, line or layer, the
    field and the value, and says what would be right. Where the reference has a CHECK, the
    wording is the reference's, so that a Caffe user can search for it.
    """
