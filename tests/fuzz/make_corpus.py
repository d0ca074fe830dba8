"""Write `corpus/<target>/<seed>`: small sound files of every kind that is read, from which the fuzzers start.

    PYTHONPATH=tests:. python -m fuzz.make_corpus

What stands there under other names was found by fuzzing, and stays.
"""

import gzip
import io
import tempfile
from pathlib import Path

import h5py
import lmdb
import numpy as np
import plyvel
import scipy.io
from fuzz.targets import CORPUS, MARK
from PIL import Image

from segaware_caffe.data.mat import write_mat
from segaware_caffe.schema import BlobProto, Datum, NetParameter, SolverParameter, parse_text, write_binary
from segaware_caffe.segmentation.bin_matrices import write_bin
from segaware_caffe.weights import SolverState, write_solverstate, write_weights

NET = """name: "n" # a comment
input: "data" input_shape { dim: 1 dim: [3, 0x10] dim: 16 }
layer { name: 'c' type: "Convolution" bottom: "data" top: "c" param { lr_mult: 1. } param < lr_mult: 2e0 >
  convolution_param { num_output: 010 kernel_size: [3, 5]; weight_filler { type: "gaussian" std: .01 } } include: { phase: TRAIN } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" relu_param { negative_slope: -inf engine: CAFFE } propagate_down: true }
layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1 } } }
"""
OLD_NET = """name: "old" input: "data" input_dim: 1 input_dim: 1 input_dim: 8 input_dim: 8
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 blobs_lr: 2 weight_decay: 1
  convolution_param { num_output: 4 kernel_size: 3 } }
layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { pool: MAX kernel_size: 2 } }
"""
OLDEST_NET = """name: "oldest" input: "data" input_dim: 1 input_dim: 1 input_dim: 8 input_dim: 8
layers { layer { name: "c" type: "conv" num_output: 4 kernelsize: 3 } bottom: "data" top: "c" }
layers { layer { name: "p" type: "pool" pool: MAX kernelsize: 2 } bottom: "c" top: "p" }
"""
SOLVER = """net: "net.prototxt" test_iter: 10 test_interval: 100 base_lr: 1e-3 lr_policy: "multistep" stepvalue: [10, 20] gamma: .5
max_iter: 30 display: 1 momentum: 0.9 weight_decay: 5e-4 snapshot: 10 snapshot_prefix: "snap" solver_mode: CPU solver_type: ADAM
"""
PROTO = """syntax = "proto2"; package caffe; // words of our own
message FuzzedParameter { enum Kind { SOFT = 0; HARD = 1; } optional Kind kind = 1 [default = HARD];
  repeated float value = 2 [packed = true]; optional string name = 3 [default = "a\\n"]; optional FuzzedParameter inner = 4; }
extend LayerParameter { optional FuzzedParameter fuzzed_param = 7001; } /* the end */
"""
VARIABLES = "# variables\nROOT=/data\nNAME='a b' # quoted\nSIZE=321\n"
LOG = """I0102 10:11:12.123456  7 solver.cpp:280] Solving net
I0102 10:11:12.223456  7 solver.cpp:338] Iteration 0, Testing net (#0)
I0102 10:11:13.123456  7 solver.cpp:406]     Test net output #0: accuracy = 0.25
I0102 10:11:14.123456  7 solver.cpp:229] Iteration 0, loss = 1.5
I0102 10:11:14.123456  7 solver.cpp:245]     Train net output #0: loss = 1.5e-1 (* 1 = 1.5 loss)
I0102 10:11:14.123456  7 sgd_solver.cpp:106] Iteration 0, lr = 0.001
I0103 10:11:15.123456  7 solver.cpp:229] Iteration 10 (3.5 iter/s, 2.8s/10 iters), loss = nan
"""
WINDOWS = "# 0\na.jpg\n3\n40\n50\n2\n1 0.7 0 0 10 10\n0 0.1 5 5 20 20\n# 1\nb.jpg\n3\n40\n50\n0\n"

LAYERS = [
    ("conv", "Convolution", [np.arange(12, dtype=np.float32).reshape(2, 2, 1, 3), np.zeros(2, np.float32)]),
    ("relu", "ReLU", []),
    ("fc", "InnerProduct", [np.ones((2, 3), np.float64), np.zeros(2, np.float32)]),
]
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 9, 4), np.uint8)


def written(suffix: str, write) -> bytes:
    """What `write` writes to a path that ends in `suffix`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file{suffix}")
        write(path)
        return path.read_bytes()


def weights(suffix: str) -> bytes:
    return written(suffix, lambda path: write_weights(path, "net", [each for each in LAYERS if each[2] or suffix == ".caffemodel"]))


def state(suffix: str) -> bytes:
    return written(suffix, lambda p: write_solverstate(p, SolverState(10, "net.caffemodel", 1, [np.ones((2, 3), np.float32)], 3, 0.5)))


def hdf5(fill) -> bytes:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        fill(file)
    return memory.getvalue()


def reference_weights(file: h5py.File) -> None:
    file["data/a/0"], file["data/b/0"] = np.ones((2, 3), np.float32), np.float64(3)


def packed_weights(file: h5py.File) -> None:
    file.create_dataset("data/a/0", data=np.arange(64, dtype=np.float32).reshape(8, 8), chunks=(4, 4), compression="gzip", shuffle=True)
    file.create_dataset("data/a/1", data=np.arange(6, dtype=">i2"), maxshape=(None,), fletcher32=True)
    file["data/a"].attrs["type"] = "Convolution"


def rows(file: h5py.File) -> None:
    file["data"], file["label"] = np.ones((3, 2, 2), np.float32), np.arange(3, dtype=np.int32)


def packed_rows(file: h5py.File) -> None:
    file.create_dataset("data", data=np.ones((3, 4)), chunks=(1, 4), compression="gzip")
    file.create_dataset("label", data=np.arange(3, dtype=np.uint8))


def latest(fill) -> bytes:
    """The same in the library's newest form."""
    return written(".h5", lambda path: _fill_latest(path, fill))


def _fill_latest(path: Path, fill) -> None:
    with h5py.File(path, "w", libver="latest", track_order=True) as file:
        fill(file)


def picture(form: str, mode: str, **options) -> bytes:
    memory = io.BytesIO()
    image = Image.fromarray(PIXELS, "RGBA").convert(mode) if mode != "I;16" else Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)
    image.save(memory, form, **options)
    return memory.getvalue()


def npz(**options) -> bytes:
    memory = io.BytesIO()
    arrays = {"conv.0": np.ones((2, 3), np.float32), "conv.1": np.zeros(2, np.float64)}
    (np.savez_compressed if options else np.savez)(memory, **arrays)
    return memory.getvalue()


def npy(array: np.ndarray) -> bytes:
    memory = io.BytesIO()
    np.save(memory, array)
    return memory.getvalue()


def records() -> dict[bytes, bytes]:
    raw = Datum(channels=3, height=2, width=2, data=bytes(range(12)), label=1)
    floats = Datum(channels=1, height=1, width=2, float_data=[0.5, 1], label=2)
    encoded = Datum(encoded=True, data=picture("PNG", "RGB"), label=3)
    return {f"{key:08d}".encode(): each.SerializeToString() for key, each in enumerate((raw, floats, encoded))}


def lmdb_file(count: int, size: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with lmdb.open(folder, map_size=2**20) as database, database.begin(write=True) as transaction:
            for key in range(count):
                for name, value in records().items():
                    transaction.put(b"%d%s" % (key, name), value + b"\x7a%c" % size + bytes(size) if size else value)
        return Path(folder, "data.mdb").read_bytes()


def leveldb_files(reopen: bool) -> bytes:
    """The files of a database, in its log (as it is written) or in tables (once it was opened again)."""
    with tempfile.TemporaryDirectory() as folder:
        database = plyvel.DB(folder, create_if_missing=True)
        for key, value in records().items():
            database.put(key, value)
        database.close()
        if reopen:
            database = plyvel.DB(folder)
            database.compact_range()
            database.close()
        files = [path for path in sorted(Path(folder).iterdir()) if path.name not in ("LOCK", "LOG", "LOG.old")]
        return b"".join(MARK + path.name.encode() + b"\n" + path.read_bytes() for path in files)


def blob() -> BlobProto:
    result = BlobProto(data=range(6))
    result.shape.dim.extend((1, 2, 3))
    return result


def net_message(text: str) -> bytes:
    return write_binary(parse_text(text, "NetParameter"))


def corpus() -> dict[str, dict[str, bytes]]:
    """Target -> name -> a sound file."""
    flo = np.float32(202021.25).tobytes() + np.int32([2, 3]).tobytes() + np.arange(12, dtype=np.float32).tobytes()
    mat = written(".mat", lambda path: write_mat(path, np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)))
    sbd = {"GTcls": {"Segmentation": np.zeros((3, 4), np.uint8), "Boundaries": 1.5}}
    double = written(".mat", lambda path: scipy.io.savemat(path, {"other": "x", "data": np.ones((2, 3))}, do_compression=True))
    torch_legacy = written(".pt", lambda path: _save_legacy(path))
    return {
        "prototxt": {"net": NET.encode(), "old": OLD_NET.encode(), "oldest": OLDEST_NET.encode()},
        "solver": {"solver": SOLVER.encode(), "nested": b'net_param { layer { name: "a" type: "ReLU" } } base_lr: 1 lr_policy: "fixed"'},
        "variables": {"variables": VARIABLES.encode()},
        "proto": {"words": PROTO.encode(), "field": b"message LayerParameter { optional float fuzzed_scale = 7003 [default = 1e-3]; }"},
        "net_binary": {"net": net_message(NET), "old": net_message(OLD_NET), "oldest": net_message(OLDEST_NET)},
        "solver_binary": {"solver": SolverParameter(net_param=NetParameter(name="n"), base_lr=1, stepvalue=[1, 2]).SerializeToString()},
        "caffemodel": {"net": weights(".caffemodel"), "old": _old_caffemodel(), "oldest": _oldest_caffemodel()},
        "binaryproto": {
            "mean": blob().SerializeToString(),
            "old": BlobProto(num=1, channels=2, height=1, width=1, data=[1, 2]).SerializeToString(),
        },
        "solverstate": {"state": state(".solverstate")},
        "hdf5": {
            "net": weights(".h5"),
            "reference": hdf5(reference_weights),
            "packed": hdf5(packed_weights),
            "latest": latest(packed_weights),
        },
        "hdf5_state": {"state": state(".solverstate.h5")},
        "hdf5_data": {"rows": hdf5(rows), "packed": hdf5(packed_rows), "latest": latest(packed_rows)},
        "safetensors": {"net": weights(".safetensors")},
        "npz": {"net": npz(), "packed": npz(packed=True)},
        "torch": {"net": weights(".pt"), "legacy": torch_legacy},
        "mat": {"single": mat, "double": double},
        "sbd_mat": {
            f"sbd{packed:d}": written(".mat", lambda path, packed=packed: scipy.io.savemat(path, sbd, do_compression=packed))
            for packed in (False, True)
        },
        "npy": {"scores": npy(np.ones((2, 2, 3), np.float32)), "columns": npy(np.asfortranarray(np.ones((1, 2, 2, 3))))},
        "png": {mode.replace(";", ""): picture("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")},
        "jpeg": {mode: picture("JPEG", mode) for mode in ("RGB", "L", "CMYK")} | {"progressive": picture("JPEG", "RGB", progressive=True)},
        "picture": {form.lower(): picture(form, "RGB") for form in ("BMP", "PPM", "TIFF", "WEBP", "GIF", "JPEG2000")}
        | {
            "tiff_packed": picture("TIFF", "L", compression="tiff_lzw"),
            "pgm": picture("PPM", "L"),
            "gz": gzip.compress(picture("PPM", "L"), mtime=0),
        },
        "datum": {name.decode(): record for name, record in records().items()},
        "encoded": {"png": picture("PNG", "P"), "jpeg": picture("JPEG", "RGB"), "bmp": picture("BMP", "RGB")},
        "flo": {"flow": flo},
        "bin": {"matrix": written(".bin", lambda path: write_bin(path, np.ones((2, 3, 2), np.float32)))},
        "lmdb": {"leaf": lmdb_file(1, 0), "branches": lmdb_file(12, 120)},
        "leveldb": {"log": leveldb_files(False), "tables": leveldb_files(True)},
        "list": {"labels": b"a.jpg 1\nfolder/b c.jpg 2\n\xef\xbb\xbfd.png -3\n", "pairs": b"a.jpg a.png\nb.jpg b.png 3 4\n"},
        "names": {"names": b"abc\ndef.png x\n"},
        "windows": {"windows": WINDOWS.encode()},
        "log": {"log": LOG.encode()},
    }


def _save_legacy(path: Path) -> None:
    import torch

    torch.save({"fc.0": torch.ones(2, 3), "fc.1": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)


def _old_caffemodel() -> bytes:
    net = parse_text(OLD_NET, "NetParameter")
    net.layers[0].blobs.add(num=1, channels=1, height=2, width=2, data=[1, 2, 3, 4], diff=[0, 0, 0, 0])
    return net.SerializeToString()


def _oldest_caffemodel() -> bytes:
    net = parse_text(OLDEST_NET, "NetParameter")
    net.layers[0].layer.blobs.add(num=1, channels=1, height=1, width=1, double_data=[1])
    return net.SerializeToString()


if __name__ == "__main__":
    for target, files in corpus().items():
        for name, content in files.items():
            CORPUS.joinpath(target).mkdir(parents=True, exist_ok=True)
            CORPUS.joinpath(target, name).write_bytes(content)
