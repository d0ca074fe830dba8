"""Files that were made, or found by fuzzing, to make a reader crash, hang, take all memory or run code: one sentence each.

The files beside this one were found by `tests/fuzz`; each began as a crash, a hang or an error that was no CaffeError. Those
below are made here. A file of a line that is read, and no more, has no sentence.
"""

import gzip
import io
import os
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from fuzz.make_corpus import hdf5, picture, rows
from fuzz.targets import TARGETS, folder, seeds

from segaware_caffe import apart
from segaware_caffe.data.lists import read_labelled
from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import file_text

FOLDER = Path(__file__).parent
HDF5_2 = h5py.version.hdf5_version_tuple >= (2,)
CRASHED = "damaged: the library that reads such files crashed on it, or asked for more than 1 s or 1024 MB"

#: file: the target that reads it, what is said ("" for what is read)
FOUND = {
    # of the newest form, so that HDF5 1 refuses them where HDF5 2 loops
    "hdf5_loops_while_an_attribute_is_read": ("hdf5", CRASHED if HDF5_2 else "a damaged HDF5 file"),
    "hdf5_loops_2": ("hdf5", CRASHED if HDF5_2 else "a damaged HDF5 file"),
    "hdf5_data_rings_mismatch": ("hdf5_data", "a damaged HDF5 file: Unable to synchronously check link existence (ring type mismatch"),
    "lmdb_pages_beyond_the_end": ("lmdb", CRASHED),
    "lmdb_pages_beyond_the_end_2": ("lmdb", CRASHED),
    "log_number_with_two_points": ("log", ""),
    "npy_64_gib_claimed": ("npy", "not an array of numbers: its array needs 68719476704 bytes, but 101 are stored"),
    "npy_empty": ("npy", "not an array of numbers: EOF: reading magic string"),
    "npy_header_without_an_end": ("npy", "not an array of numbers: "),
    "npy_more_than_a_machine_word": ("npy", "its array needs 26666666666666666666666666666666666666664 bytes, but 111 are stored"),
    "png_of_many_pixels": ("png", "9 x 8323079 pixels, more than the 67108864 that are taken unasked; if they are meant, raise SEGAWARE"),
    "proto_ends_after_syntax": ("proto", 'words.proto:1:8: Expected "=", found the end of the text'),
    "proto_number_below_32_bits": ("proto", "words.proto:1:56: -2147483649 is no number of 32 bits"),
    "proto_number_of_40_digits": ("proto", "words.proto:2:46: 1111111111111111111111111111111111111111 is no number of 32 bits"),
    "picture_tiff_with_a_fraction_of_an_offset": ("picture", "Could not load"),
    "sbd_mat_crashes_scipy": ("sbd_mat", "Error reading MAT file"),
}


def test_every_file_is_in_the_table() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.suffix != ".py" and path.is_file()} == set(FOUND)


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 1)
    target, sentence = FOUND[name]
    check(target, (FOLDER / name).read_bytes(), sentence)


def check(target: str, data: bytes, sentence: str) -> None:
    """Reading costs a sentence, and in this process no more memory than a small file may."""
    tracemalloc.start()
    try:
        if not sentence:
            TARGETS[target].read(data)
            return
        with pytest.raises(CaffeError) as error:
            TARGETS[target].read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sentence in str(error.value)
    assert len(str(error.value)) < 1000
    assert peak < 64 * 2**20 + 20 * len(data)


# -- made here -----------------------------------------------------------------------------


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG; `rows` are its bytes, packed here."""
    chunks = [(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def scans(count: int) -> bytes:
    """A progressive JPEG of 16384 x 4096 pixels in `count` scans of the same coefficients."""
    data = bytearray(picture("JPEG", "L", progressive=True))
    start = data.index(b"\xff\xc2")
    struct.pack_into(">2H", data, start + 5, 4096, 16384)
    first = data.index(b"\xff\xda")
    return bytes(data[:first]) + bytes(data[first:-2]) * count + b"\xff\xd9"


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return memory.getvalue()


def npy(shape: str, content: bytes = b"", dtype: str = "<f4") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


class Code:
    """Pickled, a call that makes a folder."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(folder() / "code_ran"),)


class Filled:
    """Pickled, 2^33 bytes."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return bytearray, (2**33,)


def torch_file(data: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """What torch.save writes, with another pickle in it."""
    memory = io.BytesIO()
    torch.save({"a.0": torch.zeros(1)}, memory)
    with zipfile.ZipFile(memory) as file:
        members = {name: file.read(name) for name in file.namelist()}
    return archive({name: data if name.endswith("data.pkl") and data else content for name, content in members.items()}, compression)


def overlapping() -> bytes:
    """An archive whose directory names one member a hundred times."""
    one = archive({"a/data.pkl": bytes(4000)})
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    directory = one[start:end]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 100, 100, 100 * len(directory), start, 0)
    return one[:start] + directory * 100 + tail


def mat(name: str, unpacked: bytes) -> bytes:
    packed = zlib.compress(unpacked, 9)
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM") + struct.pack("<2I", 15, len(packed)) + packed


def safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + bytes(4)


def flow(*size: int) -> bytes:
    return np.float32(202021.25).tobytes() + np.int32(size).tobytes()


def circle() -> bytes:
    """An LMDB whose root page is a branch whose only child is itself."""
    data = bytearray(seeds("lmdb")[0])
    roots = [struct.unpack_from("<Q", data, meta + 16 + 24 + 48 + 40)[0] for meta in (0, 4096)]
    root = max(root for root in roots if root < 2**63)
    place = root * 4096
    struct.pack_into("<H", data, place + 10, 1)  # a branch page
    for node in range(struct.unpack_from("<H", data, place + 12)[0] // 2 - 8):
        (offset,) = struct.unpack_from("<H", data, place + 16 + 2 * node)
        struct.pack_into("<2HH", data, place + offset, root & 0xFFFF, root >> 16, 0)
    return bytes(data)


def cyclic_group(file) -> None:
    file["data/a/0"] = np.ones(2, np.float32)
    file["data/data"] = file["data"]


MADE = {
    "PNG bomb": ("png", lambda: png(9000, 9000, bytes(10**6)), "9000 x 9000 pixels, more than the 67108864"),
    "PNG of no width": ("png", lambda: png(0, 5, b""), "Could not load"),
    "JPEG of 200 scans": ("jpeg", lambda: scans(200), "scans, each of 67108864 pixels, takes too long to decode"),
    "PostScript, for which Pillow starts a program": (
        "picture",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(%pipe%id) (w) file\n",
        "not an image of a known format",
    ),
    "npz bomb": ("npz", lambda: archive({"a.0.npy": npy("(536870912,)", bytes(2**21))}, zipfile.ZIP_DEFLATED), "needs 2147483648 bytes"),
    "npz with pickled code": ("npz", lambda: archive({"a.0.npy": npy("()", pickle.dumps(Code()), "|O")}), "it holds object of shape ()"),
    "npy with pickled code": ("npy", lambda: npy("(1,)", pickle.dumps([Code()]), "|O"), "it holds object of shape (1,), not numbers"),
    "npz of negative size": ("npz", lambda: archive({"a.0.npy": npy("(-1,)", bytes(4))}), "not numbers"),
    "PyTorch file with code": ("torch", lambda: torch_file(pickle.dumps(Code())), "damaged, or not readable"),
    "PyTorch file, packed": ("torch", lambda: torch_file(b"", zipfile.ZIP_DEFLATED), "is compressed, as no member of a PyTorch file is"),
    "zip whose members overlap": ("torch", overlapping, "its members are larger than the file: they overlap"),
    "mat bomb": ("mat", lambda: mat("data", bytes(2**21)), "it has no variable 'data'"),
    "safetensors of 2^60 bytes of header": ("safetensors", lambda: struct.pack("<Q", 2**60) + b"{}", "not of this kind"),
    "safetensors that lies about its shape": (
        "safetensors",
        lambda: (
            (text := b'{"a.0":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4]}}')
            and struct.pack("<Q", len(text)) + text + bytes(4)
        ),
        "damaged, or not readable",
    ),
    "HDF5 group that holds itself": ("hdf5", lambda: hdf5(cyclic_group), "it has no group 'data' in '/data'"),
    "HDF5 data under the name of a pickle": ("torch", lambda: hdf5(rows), "it has no group 'data'"),
    "LMDB that is a circle": ("lmdb", circle, "cannot read LMDB"),
    "LevelDB whose manifest is missing": ("leveldb", lambda: b"\n== file == CURRENT\nMANIFEST-000099\n", "cannot open LevelDB"),
    "flow of 2^31 pixels": (
        "flo",
        lambda: np.float32(202021.25).tobytes() + np.int32([2**16, 2**15]).tobytes(),
        "do not hold a flow of 65536 x 32768",
    ),
    "flow of negative size": (
        "flo",
        lambda: np.float32(202021.25).tobytes() + np.int32([-2, -2]).tobytes() + bytes(32),
        "do not hold a flow",
    ),
    "matrix of 2^62": ("bin", lambda: np.int32([2**31 - 1, 2**31 - 1, 1]).tobytes(), "12 bytes are no matrix"),
    "a million messages in each other": ("proto", lambda: b"message A { " * 10**4, "Messages are nested deeper than 32"),
    "comments without an end": ("proto", lambda: b"/*" * 2**15, "Expected message, enum or extend"),
    "strings without an end": ("proto", lambda: b'option a = "' + rb"\"" * 2**15, "Expected more, found the end of the text"),
    "iteration of 5000 digits": ("log", lambda: b"x] Iteration " + b"1" * 5000 + b", loss = 1\n", "no"),
    "log line of a million brackets": ("log", lambda: b"] Iteration 1 (" * 2**16, "no"),
}


@pytest.mark.parametrize("name", MADE)
def test_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 1)
    target, make, sentence = MADE[name]
    check(target, make(), sentence)
    assert not (folder() / "code_ran").exists()


@pytest.mark.parametrize("target", TARGETS)
def test_an_empty_file_and_a_packed_one_are_refused_or_read(target: str) -> None:
    for data in (b"", gzip.compress(seeds(target)[0])):
        try:
            TARGETS[target].read(data)
        except CaffeError:
            continue


def test_a_label_of_5000_digits(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.jpg " + b"1" * 5000)
    with pytest.raises(CaffeError, match="is no label; the line must be a file name and an integer"):
        read_labelled(str(tmp_path / "list.txt"))


def test_a_pipe_a_device_and_a_link_in_a_circle_are_no_files(tmp_path: Path) -> None:
    """The files of these targets; a pipe has no writer and would be waited for for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    for place in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "circle", tmp_path):
        for read in (file_text, lambda path: read_labelled(str(path)), *readers()):
            with pytest.raises(CaffeError) as error:
                read(place)
            assert str(place) in str(error.value)


def readers() -> list:
    """The functions that read files, by their paths."""
    from segaware_caffe.data.flo import read_flo
    from segaware_caffe.data.images import read_image
    from segaware_caffe.data.mat import read_mat
    from segaware_caffe.schema import extend_schema, read_variables
    from segaware_caffe.schema.blobproto import read_blobproto
    from segaware_caffe.solver.log import read_log
    from segaware_caffe.voc.dataset import read_ids
    from segaware_caffe.weights import read_solverstate, read_weights
    from segaware_caffe.weights.npy import read_npy

    return [
        read_flo,
        read_image,
        read_mat,
        extend_schema,
        read_variables,
        read_blobproto,
        read_log,
        read_ids,
        read_solverstate,
        read_weights,
        read_npy,
    ]
