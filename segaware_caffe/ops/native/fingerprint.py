"""What the compiled kernels were made from: `setup.py` compiles it into the library, `loading` compares it when it loads one.

It imports nothing of the package, so that `setup.py` can run it before PyTorch is there.
"""

import hashlib
from pathlib import Path


def fingerprint() -> str:
    """A hash of the C++ sources that lie beside this file."""
    sources = sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".cpp", ".inl"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]


if __name__ == "__main__":
    print(fingerprint())
