"""What a file is by its first bytes, whatever its name says."""

import os
import zipfile
from pathlib import Path

from segaware_caffe.errors import WeightsError
from segaware_caffe.weights.mapped import MappedFile

HEAD = 512
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
TORCH_LEGACY_SIGNATURE = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
MARKUP = (b"<!doctype", b"<html", b"<?xml")

#: What is found instead of weights, and what to do about it.
FOREIGN = {
    "git-lfs": "it is a git-lfs pointer, not the weights themselves; fetch them with `git lfs pull`",
    "html": "it is a web page, so the download went wrong",
    "gzip": "it is compressed with gzip; unpack it first",
    "zip": "it is a zip archive that is neither .npz nor a PyTorch file",
    "text": "it is a text file (a prototxt?), but weights are binary",
}


def file_kind(file: MappedFile) -> str:
    """ "hdf5", "safetensors", "npz", "torch", a key of FOREIGN, or "caffemodel" for everything else."""
    head = file.data[:HEAD]
    if head.startswith(HDF5_SIGNATURE):
        return "hdf5"
    if head.startswith(TORCH_LEGACY_SIGNATURE):
        return "torch"
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(file.path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= file.size - 8:
        return "safetensors"
    if head.startswith(b"version https://git-lfs"):
        return "git-lfs"
    if head.lstrip().lower().startswith(MARKUP):
        return "html"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "text" if _is_text(head) else "caffemodel"


def open_as(path: str | os.PathLike[str], wanted: str) -> MappedFile:
    """Open a file; CaffeError if there is none, if it is empty or not of the `wanted` kind."""
    file = MappedFile(path)
    kind = file_kind(file)
    if kind != wanted:
        reason = FOREIGN.get(kind, f"its content is that of a {kind} file")
        raise WeightsError(f"{path}: not a {wanted} file: {reason}")
    return file


def _zip_kind(path: str | os.PathLike[str]) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise WeightsError(f"{path}: a damaged zip archive (.npz or PyTorch file): {error}") from error
    if any(Path(name).name == "data.pkl" for name in names):
        return "torch"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


def _is_text(head: bytes) -> bool:
    """Printable ASCII throughout, and more than a short message's worth of it."""
    return len(head) >= 16 and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head)
