"""Weights as a flat dictionary of arrays, key `<layer>.<blob index>`: .safetensors, .npz and PyTorch's .pt.

Only .safetensors keeps the net's name, its prototxt and the layers' types. Nothing that is read is executed.
"""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from segaware_caffe.errors import CaffeError, WeightsError
from segaware_caffe.extras import optional_import
from segaware_caffe.files import replacing
from segaware_caffe.limits import UNPACKED
from segaware_caffe.weights.blobs import Array, ArrayBlob, BlobRef, LayerWeights, Weights, Writable, as_blob, check_shape
from segaware_caffe.weights.npy import needed_and_stored
from segaware_caffe.weights.sniff import open_as

#: safetensors metadata: the net's name, [[layer, type, number of blobs], …] in order as JSON, and the net's definition
NET_NAME, LAYERS, PROTOTXT = "net_name", "layers", "prototxt"


def read_safetensors(path: str | os.PathLike[str]) -> Weights:
    """The layers of a .safetensors file; in the order of its metadata, else of its keys."""
    safetensors = optional_import("safetensors", "safetensors", path)
    open_as(path, "safetensors")
    with _damage(path), safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        blobs = {key: _checked(file.get_tensor(key), path, key) for key in file.offset_keys()}
        layers = _described_layers(json.loads(metadata[LAYERS]), blobs) if LAYERS in metadata else _layers(path, blobs)
    return Weights(os.fspath(path), "safetensors", metadata.get(NET_NAME, ""), layers, metadata.get(PROTOTXT, ""))


def write_safetensors(path: str | os.PathLike[str], net_name: str, layers: Iterable[Writable], prototxt: str = "") -> None:
    """Write layers to a .safetensors file, with their order, types, the net's name and its definition, if given, as metadata."""
    numpy = optional_import("safetensors.numpy", "safetensors", path)
    complete: list[LayerWeights[Any]] = [LayerWeights(*layer) for layer in layers]
    described = [[layer.name, layer.type, len(layer.blobs)] for layer in complete]
    metadata = {"format": "pt", NET_NAME: net_name, LAYERS: json.dumps(described)} | ({PROTOTXT: prototxt} if prototxt else {})
    blobs = {key: np.require(blob.numpy(), requirements="C") for key, blob in _keyed(path, complete).items()}
    with replacing(path) as temporary:
        numpy.save_file(blobs, temporary, metadata)


def read_npz(path: str | os.PathLike[str]) -> Weights:
    """The layers of a .npz file, in the order of its members."""
    open_as(path, "npz")
    with _damage(path):
        _check_members(path)
        with np.load(path, allow_pickle=False) as archive:
            blobs = {key: _checked(archive[key], path, key) for key in archive.files}
    return Weights(os.fspath(path), "npz", layers=_layers(path, blobs))


def write_npz(path: str | os.PathLike[str], net_name: str, layers: Iterable[Writable]) -> None:
    """Write layers to a .npz file; only those with blobs, without types and `net_name`."""
    blobs = _keyed(path, layers)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        arrays: dict[str, Any] = {key: blob.numpy() for key, blob in blobs.items()}
        np.savez(file, **arrays)


def read_torch(path: str | os.PathLike[str]) -> Weights:
    """The layers of a state dict that torch.save wrote; only tensors are unpickled, never code."""
    open_as(path, "torch")
    with _damage(path):
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise WeightsError(f"{path}: holds a {type(state).__name__}, not a state dict with names as keys")
    return Weights(os.fspath(path), "torch", layers=_layers(path, {key: _checked(v, path, key) for key, v in state.items()}))


def write_torch(path: str | os.PathLike[str], net_name: str, layers: Iterable[Writable]) -> None:
    """Write layers as a state dict with torch.save; only those with blobs, without types and `net_name`."""
    state = {}
    for key, blob in _keyed(path, layers).items():
        state[key] = torch.from_numpy(np.empty(blob.shape, blob.dtype))
        blob.read_into(state[key])
    with replacing(path) as temporary:
        torch.save(state, temporary)


def _keyed(path: str | os.PathLike[str], layers: Iterable[Writable]) -> dict[str, BlobRef]:
    blobs: dict[str, BlobRef] = {}
    complete: list[LayerWeights[Any]] = [LayerWeights(*layer) for layer in layers]
    for layer in complete:
        for index, values in enumerate(layer.blobs):
            key = f"{layer.name}.{index}"
            if key in blobs:
                raise WeightsError(
                    f"{path}: several layers are named '{layer.name}', so blob '{key}' would be stored twice; write a .caffemodel"
                )
            blobs[key] = as_blob(values, layer.name, index)
    return blobs


def _layers(path: str | os.PathLike[str], blobs: Mapping[str, BlobRef]) -> list[LayerWeights[BlobRef]]:
    """The layers that the keys tell of, in the order in which the keys first name them."""
    layers: dict[str, dict[str, BlobRef]] = {}
    for key, blob in blobs.items():
        layer, dot, index = key.rpartition(".")
        if not dot or not (index.isascii() and index.isdigit()):
            raise WeightsError(f"{path}: key '{key}' is not of the form <layer>.<blob index>, as in conv1.0")
        layers.setdefault(layer, {})[index] = blob
    for layer, indexed in layers.items():
        if set(indexed) != {str(index) for index in range(len(indexed))}:
            raise WeightsError(f"{path}: the blobs of layer '{layer}' are numbered {', '.join(sorted(indexed))}, not 0, 1, …")
    return [LayerWeights(layer, "", [indexed[str(index)] for index in range(len(indexed))]) for layer, indexed in layers.items()]


def _described_layers(described: list[Any], blobs: Mapping[str, BlobRef]) -> list[LayerWeights[BlobRef]]:
    """The layers as the metadata lists them; KeyError or ValueError if that is not what is there."""
    layers = []
    left = dict(blobs)
    for name, kind, count in described:
        if not (isinstance(name, str) and isinstance(kind, str) and isinstance(count, int)):
            raise ValueError(f"metadata {LAYERS!r} has the entry {[name, kind, count]}")
        layers.append(LayerWeights(name, kind, [left.pop(f"{name}.{index}") for index in range(count)]))
    if left:
        raise ValueError(f"metadata {LAYERS!r} does not tell of {', '.join(left)}")
    return layers


def _checked(values: Array, path: str | os.PathLike[str], key: str) -> ArrayBlob:
    """A blob of plain numbers whose values are all there."""
    if isinstance(values, torch.Tensor):
        numbers = values.layout is torch.strided and not (values.dtype.is_complex or values.is_quantized or values.dtype is torch.bool)
        there = numbers and values.numel() * values.element_size() <= values.untyped_storage().nbytes()
    else:
        numbers = there = isinstance(values, np.ndarray) and values.dtype.kind in "fiu"
    if not numbers:
        raise WeightsError(f"{path}: '{key}' holds {getattr(values, 'dtype', type(values).__name__)}, not an array of numbers")
    problem = check_shape(values.shape) if there else f"its shape {tuple(values.shape)} is more than the values stored"
    if problem:
        raise WeightsError(f"{path}: '{key}': {problem}")
    return ArrayBlob(values)


def _check_members(path: str | os.PathLike[str]) -> None:
    """Compare what the arrays of a .npz file claim to hold with what is there, before any is read."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
        UNPACKED.check(unpacked - 20 * os.path.getsize(path), f"{path}: it holds {unpacked}", WeightsError)
        for info in archive.infolist():
            with archive.open(info) as member:
                needed, stored = needed_and_stored(member, info.file_size)
            if needed != stored:
                raise WeightsError(f"{path}: '{info.filename}' needs {needed} bytes, but {stored} are stored")


def _check_stored(path: str | os.PathLike[str]) -> None:
    """torch.save packs nothing, so that what is packed, or lies in a file twice, was made to fill memory."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    packed = next((info.filename for info in members if info.compress_type != zipfile.ZIP_STORED), None)
    if packed is not None:
        raise WeightsError(f"{path}: '{packed}' is compressed, as no member of a PyTorch file is")
    if sum(info.file_size for info in members) > os.path.getsize(path):
        raise WeightsError(f"{path}: its members are larger than the file: they overlap")


@contextmanager
def _damage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever a library says about a file that it cannot read becomes one CaffeError."""
    try:
        yield
    except CaffeError:
        raise
    except Exception as error:  # the libraries document no set of errors; the cause is kept
        raise WeightsError(f"{path}: damaged, or not readable as what it seems to be: {error}") from error
