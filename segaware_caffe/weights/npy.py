"""NumPy's .npy files and the members of .npz: what an array's header claims is compared with what is there before any is read."""

import math
import os
from typing import IO

import numpy as np

from segaware_caffe.errors import FileError
from segaware_caffe.files import open_file


def read_npy(path: str | os.PathLike[str]) -> np.ndarray:
    """The array of numbers in an .npy file; no objects, which could run code. FileError if it holds something else.

    >>> np.save("mean.npy", np.float32([1, 2]))
    >>> read_npy("mean.npy").tolist()
    [1.0, 2.0]
    """
    try:
        with open_file(path) as file:
            needed, stored = needed_and_stored(file, os.fstat(file.fileno()).st_size)
            if needed > stored:
                raise ValueError(f"its array needs {needed} bytes, but {stored} are stored")
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: {error.strerror or error}") from error
    except Exception as error:  # NumPy documents no set of errors
        raise FileError(f"{os.fspath(path)}: not an array of numbers: {error}") from error


def needed_and_stored(file: IO[bytes], size: int) -> tuple[int, int]:
    """How many bytes the array takes whose .npy of `size` bytes begins here, and how many follow its header."""
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.kind not in "biufc" or min(shape, default=0) < 0:
        raise ValueError(f"it holds {dtype} of shape {shape}, not numbers")
    return math.prod(shape) * dtype.itemsize, size - file.tell()
