"""The ways out of Caffe: ONNX models, PyTorch source, torch.export programs."""

import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segaware_caffe.errors import CaffeError
from segaware_caffe.extras import optional_import

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch.export import ExportedProgram

    from segaware_caffe.net import Net


def export_onnx(
    net: "Net",
    path: str | os.PathLike[str],
    *,
    outputs: Iterable[str] | None = None,
    dynamic: Iterable[str] | None = None,
    fold: bool = True,
) -> "ModelProto":
    """Write a net as an ONNX model (operator set 13), and return the model. Needs the extra `onnx`.

    Args:
        net: a net of phase TEST, with its weights; its present shapes are those of the model.
        path: file to write.
        outputs: names of the blobs that the model gives; None for the net's outputs. Inputs that they do not need are left out.
        dynamic: what may change from run to run: "batch" (the first axis of the inputs), "size" (height
            and width of images), () for nothing. None takes what the net allows.
        fold: multiply BatchNorm and Scale layers behind convolutions into their weights.

    The blobs keep their names; of a blob that in-place layers write again, the last state does. Data layers that are
    needed become inputs. Recurrent layers without exposed states start from 0 in every run.

    Raises CaffeError for layers that have no ONNX form, all at once; for a `dynamic` that the net does not allow; for
    a model of more than 2 GiB.

    >>> import segaware_caffe
    >>> net = segaware_caffe.Net('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }')
    >>> [output.name for output in export_onnx(net, "net.onnx").graph.output]
    ['y']
    """
    optional_import("onnx", "onnx", path)
    from segaware_caffe.export.onnx import write_model

    return write_model(net, path, outputs=outputs, dynamic=dynamic, fold=fold)


def export_source(net: "Net", path: str | os.PathLike[str], *, outputs: Iterable[str] | None = None) -> str:
    """Write a net as a Python module of plain PyTorch, and its weights beside it; returns the module's text.

    Args:
        net: a net of phase TEST, with its weights; its present shapes stand in the comments.
        path: file to write, `name.py`; the weights go to `name.safetensors` (needs the extra `safetensors`).
        outputs: names of the blobs that the module returns, in this order; None for the net's outputs.

    The module has one class, named after the net, whose `forward` reads as the prototxt does, `load()`, and the helper
    functions that it uses. It needs torch, and safetensors for `load`; it trains by autograd.

    Raises CaffeError for layers that have no form in plain PyTorch, all at once.

    >>> import segaware_caffe
    >>> net = segaware_caffe.Net('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }')
    >>> "functional.relu" in export_source(net, "net.py")
    True
    """
    from segaware_caffe.export.source import write_module

    return write_module(net, path, outputs=outputs)


def export_program(
    net: "Net",
    path: str | os.PathLike[str],
    *,
    outputs: Iterable[str] | None = None,
    dynamic: Iterable[str] | None = None,
    fold: bool = True,
) -> "ExportedProgram":
    """Write a net as a program of `torch.export` in core ATen operators, which runs without this package; returns it.

    Args:
        net: a net of phase TEST, with its weights; it is on the CPU that the program runs, until it is moved.
        path: file to write, `.pt2`; `torch.export.load(path).module()(*inputs)` runs it.
        outputs: names of the blobs that the program returns, in this order; None for the net's outputs.
        dynamic: what may change from run to run, as for `export_onnx`.
        fold: multiply BatchNorm and Scale layers behind convolutions into their weights.

    Takes what `export_source` takes, whose module it is that is traced. Raises CaffeError for other layers, all at once.

    >>> import segaware_caffe, torch
    >>> net = segaware_caffe.Net('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }')
    >>> _ = export_program(net, "net.pt2")
    >>> torch.export.load("net.pt2").module()(torch.tensor([[-1.0, 0.0, 2.0]]))
    tensor([[0., 0., 2.]])
    """
    from segaware_caffe.export.program import write_program

    return write_program(net, path, outputs=outputs, dynamic=dynamic, fold=fold)


#: suffix -> what writes it
FORMATS: dict[str, Callable[..., Any]] = {".onnx": export_onnx, ".pt2": export_program, ".py": export_source}


def export(net: "Net", path: str | os.PathLike[str], **options: Any) -> None:
    """Write a net in the format that the suffix of `path` names; `options` are those of the format's own function."""
    suffix = Path(path).suffix
    if suffix not in FORMATS:
        raise CaffeError(f"{os.fspath(path)}: the suffix must name a format to export to: {', '.join(FORMATS)}")
    write = FORMATS[suffix]
    unknown = [name for name in options if name not in inspect.signature(write).parameters]
    if unknown:
        raise CaffeError(f"{os.fspath(path)}: {unknown[0]} has no meaning for {suffix}")
    write(net, path, **options)


__all__ = ["FORMATS", "export", "export_onnx", "export_program", "export_source"]
