"""Finds the compiled kernels and loads them, if they are the ones that this package's sources make.

A library that was left from other sources would be called with the wrong arguments. It is refused
with a warning, and PyTorch's operators do its work: slower, but right.
"""

import ctypes
import importlib.util
import os
import warnings
from functools import cache

from segaware_caffe.ops.native.door import FUNCTIONS, MAX_TAPS, Plane, Tap
from segaware_caffe.ops.native.fingerprint import fingerprint

#: 0 forbids the compiled kernels; a path names another build of them
VARIABLE = "SEGAWARE_CAFFE_NATIVE"

REBUILD = (
    "PyTorch's operators do its work, more slowly; build it anew by `python setup.py build_ext --inplace` in a checkout, "
    "or `pip install --force-reinstall segaware-caffe`"
)


@cache
def load() -> ctypes.CDLL | str:
    """The library, or why there is none."""
    choice = os.environ.get(VARIABLE, "")
    if choice == "0":
        return f"{VARIABLE}=0 forbids the compiled kernels"
    spec = importlib.util.find_spec("segaware_caffe.ops.native.kernels")
    path = choice or (spec and spec.origin)
    if not path:
        return "the compiled kernels were not built"
    try:
        library = ctypes.CDLL(path)
        reason = _why_not(library)
    except (OSError, AttributeError) as error:
        reason = f"it cannot be used: {error}"
    if reason is None:
        return library
    warnings.warn(f"{path} is refused: {reason}. {REBUILD}", RuntimeWarning, stacklevel=2)
    return f"the compiled kernels were refused: {reason}"


def _why_not(library: ctypes.CDLL) -> str | None:
    """Why calls would go wrong; None if the library is this package's. Also tells ctypes what its functions return."""
    library.sources.restype = library.set_name.restype = ctypes.c_char_p
    library.size_of.argtypes = [ctypes.c_char_p]
    built, wanted = library.sources().decode(), fingerprint()
    if built != wanted:
        return f"it was built from other sources ({built}) than this package's ({wanted})"
    structures: dict[str, type[ctypes.Structure]] = {
        "Plane": Plane,
        "Tap": Tap,
        **{name: function.job for name, function in FUNCTIONS.items()},
    }
    for name, structure in structures.items():
        theirs, ours = library.size_of(name.encode()), ctypes.sizeof(structure)
        if theirs != ours:
            return f"its {name} takes {theirs} bytes where Python's takes {ours}"
    if library.max_taps() != MAX_TAPS:
        return f"it takes {library.max_taps()} taps where Python says {MAX_TAPS}"
    return None
