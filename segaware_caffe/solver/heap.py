"""Training frees and takes the same blobs in every iteration: better kept than given back to the system each time.

glibc's malloc takes blocks over 32 MB from the system one by one and returns them when they are freed; at the next use the
system clears every page anew, which cost a third of an iteration of embs/train; keeping them takes up to a quarter more memory
there (docs/results.md). vgg/train, whose blobs are mostly smaller, is as fast either way.
"""

import ctypes
import platform

#: of <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell malloc to keep what this process frees, for its own next blobs; False where malloc is not glibc's."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, LARGEST_INT))
