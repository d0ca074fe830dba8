"""The readers under fire: name -> a function that reads bytes as a file of that kind, whole.

Hypothesis, atheris and the mutating runner share this table. A target may raise CaffeError and nothing
else, and answers soon. The seeds of a target are the files in `corpus/<name>`.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock
from zlib import crc32

from fuzz.mutations import with_png_checksums, with_zip_checksums
from google.protobuf.message import DecodeError

from segaware_caffe.data.databases import datum_image, read_datums
from segaware_caffe.data.flo import read_flo
from segaware_caffe.data.hdf5_layers import read_datasets
from segaware_caffe.data.images import decode_image, read_image, read_label_image
from segaware_caffe.data.lists import read_files, read_labelled, read_names, read_pairs
from segaware_caffe.data.mat import read_mat
from segaware_caffe.data.window_layers import read_windows
from segaware_caffe.pycaffe.io import load_image
from segaware_caffe.schema import enum, extend_schema, message_class, messages, read_binary, read_net, read_solver, read_variables
from segaware_caffe.schema.blobproto import read_blobproto
from segaware_caffe.segmentation.bin_matrices import read_bin
from segaware_caffe.segmentation.label_images import read_labels
from segaware_caffe.segmentation.photographs import read_photograph
from segaware_caffe.segmentation.refine import read_features
from segaware_caffe.solver.log import read_log
from segaware_caffe.solver.log_tables import read_tables
from segaware_caffe.voc.augment import read_sbd
from segaware_caffe.voc.dataset import read_ids
from segaware_caffe.weights import read_solverstate, read_weights

CORPUS = Path(__file__).parent / "corpus"
LMDB, LEVELDB = (enum("DataParameter.DB").values_by_name[name].number for name in ("LMDB", "LEVELDB"))
#: between the files of a folder that is kept as one input
MARK = b"\n== file == "


@dataclass(frozen=True)
class Target:
    """How bytes are read, and what makes checksums right again that damage broke."""

    read: Callable[[bytes], object]
    repair: Callable[[bytes], bytes] | None = None


@cache
def folder() -> Path:
    """Where this process keeps the file that it is reading: in memory where that is possible, which is a hundred times as fast."""
    memory = "/dev/shm"
    return Path(tempfile.mkdtemp(prefix="fuzz", dir=memory if os.access(memory, os.W_OK) else None))


def file(name: str, *readers: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A target that reads a file of that name; the input chooses by which of the readers."""

    def read(data: bytes) -> object:
        path = folder() / name
        path.write_bytes(data)
        return readers[crc32(data) % len(readers)](path)

    return read


def all_weights(path: Path) -> None:
    for layer in read_weights(path):
        for blob in layer.blobs:
            if blob is not None:
                blob.numpy().sum()


def whole_state(path: Path) -> None:
    for blob in read_solverstate(path).history:
        blob.numpy().sum()


def all_records(backend: int) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        for _, datum in read_datums(str(path), backend):
            datum_image(datum)

    return read


def lmdb(data: bytes) -> None:
    path = folder() / "lmdb"
    path.mkdir(exist_ok=True)
    (path / "data.mdb").write_bytes(data)
    all_records(LMDB)(path)


def leveldb(data: bytes) -> None:
    """A database whose files are pieces of the input: a name, a line break, what the file holds."""
    path = folder() / "leveldb"
    path.mkdir(exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    for piece in data.split(MARK)[1:]:
        name, _, content = piece.partition(b"\n")
        if name.isascii() and name.decode().replace(".", "").replace("-", "").isalnum():
            (path / name.decode()).write_bytes(content)
    all_records(LEVELDB)(path)


def datum(data: bytes) -> None:
    with suppress(DecodeError):
        datum_image(message_class("Datum").FromString(data))


def proto(path: Path) -> None:
    """All but what cannot be undone: the pool of messages stays as it is."""
    with mock.patch.object(messages, "register"):
        extend_schema(path)


def windows(path: Path) -> None:
    read_windows(message_class("WindowDataParameter")(source=str(path)))


def binary(name: str) -> Callable[[bytes], object]:
    return lambda data: read_binary(data, name)


PICTURES = (read_image, lambda path: read_image(path, False), read_label_image, read_labels, load_image, read_photograph)

TARGETS: dict[str, Target] = {
    "prototxt": Target(file("net.prototxt", read_net)),
    "solver": Target(file("solver.prototxt", read_solver)),
    "variables": Target(file("net.vars", read_variables)),
    "proto": Target(file("words.proto", proto)),
    "net_binary": Target(binary("NetParameter")),
    "solver_binary": Target(binary("SolverParameter")),
    "caffemodel": Target(file("net.caffemodel", all_weights)),
    "binaryproto": Target(file("mean.binaryproto", read_blobproto)),
    "solverstate": Target(file("net.solverstate", whole_state)),
    "hdf5": Target(file("net.caffemodel.h5", all_weights)),
    "hdf5_state": Target(file("net.solverstate.h5", whole_state)),
    "hdf5_data": Target(file("data.h5", lambda path: read_datasets(str(path), ["data", "label"]))),
    "safetensors": Target(file("net.safetensors", all_weights)),
    "npz": Target(file("net.npz", all_weights), with_zip_checksums),
    "torch": Target(file("net.pt", all_weights), with_zip_checksums),
    "mat": Target(file("blob.mat", read_mat)),
    "sbd_mat": Target(file("labels.mat", read_sbd)),
    "npy": Target(file("scores.npy", lambda path: read_features(path, (2, 3)))),
    "png": Target(file("picture.png", *PICTURES), with_png_checksums),
    "jpeg": Target(file("picture.jpg", *PICTURES)),
    "picture": Target(file("picture", *PICTURES)),
    "datum": Target(datum),
    "encoded": Target(lambda data: decode_image(data, None)),
    "flo": Target(file("flow.flo", read_flo)),
    "bin": Target(file("matrix.bin", lambda path: read_bin(path, "f4"))),
    "lmdb": Target(lmdb),
    "leveldb": Target(leveldb),
    "list": Target(file("list.txt", lambda p: read_labelled(str(p)), lambda p: read_pairs(str(p), "labels"), lambda p: read_files(str(p)))),
    "names": Target(file("names.txt", lambda path: read_names(str(path), 2), read_ids)),
    "windows": Target(file("windows.txt", windows)),
    "log": Target(file("train.log", read_log, read_tables)),
}


@cache
def seeds(name: str) -> list[bytes]:
    """The sound files of a target and, once found, the damaged ones that it once could not take."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
