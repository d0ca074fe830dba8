"""Nets and solvers from a path, a text or a message: rendered, parsed and in the present form."""

import os
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from google.protobuf.message import Message

from segaware_caffe.configs import resolve
from segaware_caffe.errors import CaffeError, FileError, ParseError
from segaware_caffe.files import open_file
from segaware_caffe.schema.binary import read_binary
from segaware_caffe.schema.filter import phase_number
from segaware_caffe.schema.foreign import apply_rule
from segaware_caffe.schema.legacy import upgrade_net, upgrade_solver
from segaware_caffe.schema.messages import NetParameter, SolverParameter
from segaware_caffe.schema.templates import Value, render
from segaware_caffe.schema.text import MAX_TEXT_SIZE, parse_located

M = TypeVar("M", NetParameter, SolverParameter)

#: Tells a text from the path of a file that is not there.
_TEXT_SIGN = re.compile(r"[\n{:]")
_STRING_OR_COMMENT = re.compile(rb"""\"(?:\\.|[^"\\\n])*+"?|'(?:\\.|[^'\\\n])*+'?|\#[^\n]*""")
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_net(
    path_or_text: str | os.PathLike[str] | NetParameter,
    variables: Mapping[str, Value] | None = None,
    allow_unknown_fields: bool = False,
    phase: str | int | None = None,
) -> NetParameter:
    """The net of a prototxt, its `${NAME}` placeholders filled in, its legacy forms and dialects brought to the present one.

    `path_or_text` is a path (`configs/...` names one of the project's own networks, in any folder), the
    text itself (a str with a line break, "{" or ":" that is no file's name), or a NetParameter (of any
    `caffe_pb2`), which is copied. With a `phase`, layers that it leaves out may say what is not built.
    Raises CaffeError: no such file, not a text, a variable without a value, a mistake in the text (see
    `parse_text`), words of other forks whose meaning is not built (all of them, with their places;
    docs/dialects.md), an upgrade that would lose something.

    >>> net = read_net('layer { name: "${NAME}" type: "ReLU" bottom: "x" top: "x" }', {"NAME": "relu1"})
    >>> net.layer[0].name
    'relu1'
    >>> read_net("configs/vgg/deploy.prototxt").layer[0].type
    'Input'
    """
    number = None if phase is None else phase_number(phase)
    return _read(path_or_text, NetParameter, variables, allow_unknown_fields, lambda net, path: upgrade_net(net), number)


def read_solver(
    path_or_text: str | os.PathLike[str] | SolverParameter,
    variables: Mapping[str, Value] | None = None,
    allow_unknown_fields: bool = False,
) -> SolverParameter:
    """The solver of a prototxt; arguments and errors as for `read_net`.

    The old `solver_type` becomes `type`, and the name of the file completes `snapshot_prefix`. Nets
    inside the solver stay as they are written: `read_net` upgrades them.

    >>> solver = read_solver('net: "lenet.prototxt" base_lr: 0.01 lr_policy: "fixed" solver_type: ADAM')
    >>> solver.type, round(solver.base_lr, 6)
    ('Adam', 0.01)
    """
    return _read(path_or_text, SolverParameter, variables, allow_unknown_fields, upgrade_solver)


def _read(
    given: str | os.PathLike[str] | M,
    kind: type[M],
    variables: Mapping[str, Value] | None,
    allow_unknown_fields: bool,
    upgrade: Callable[[M, str | None], None],
    phase: int | None = None,
) -> M:
    name = kind.DESCRIPTOR.name
    path, places = None, None
    message: M
    if isinstance(given, Message) and given.DESCRIPTOR.full_name == kind.DESCRIPTOR.full_name:
        if isinstance(given, kind):
            message = kind()
            message.CopyFrom(given)
        else:  # one of pycaffe's, or of another caffe_pb2
            message = read_binary(given.SerializePartialToString(), name)
        source = f"the {name}"
    else:
        path, text = _text_of(given, name)
        source = "<text>" if path is None else path
        text = render(text, variables or {}, source)
        message, places = parse_located(text.removeprefix("\ufeff"), name, source, allow_unknown_fields)
    apply_rule(message, source, places.before if places else lambda _: "", phase)
    try:
        upgrade(message, path)
    except CaffeError as error:
        raise type(error)(f"{source}: {error}") from None
    return message


def _text_of(given: object, name: str) -> tuple[str | None, str]:
    """The path that `given` is, None for a text, and the text."""
    if isinstance(given, os.PathLike):
        path = os.fspath(given)
        return path, file_text(path)
    if not isinstance(given, str):
        raise CaffeError(f"Expected a path, a text or a {name}, got {type(given).__name__}")
    is_file = "\n" not in given and os.path.exists(given)
    return (given, file_text(given)) if is_file or not _TEXT_SIGN.search(given) else (None, given)


def file_text(path: str | os.PathLike[str]) -> str:
    """The text of a prototxt, or of one of the project's own (see `configs`). Raises CaffeError if it is no text, or not there."""
    try:
        with open_file(resolve(path), pipes=True) as file:
            data = file.read(MAX_TEXT_SIZE + 1)
    except FileNotFoundError:
        raise FileError(f"File not found: {path}") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_TEXT_SIZE:
        raise ParseError(f"{path}: longer than the {MAX_TEXT_SIZE} bytes that a prototxt may have")
    if data.startswith(_HDF5_SIGNATURE) or b"\0" in data:
        raise ParseError(f"{path}: a binary file, not a prototxt; if it holds weights, give it as weights")
    try:
        return _decoded(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ParseError(f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8 text") from None


def _decoded(data: bytes) -> str:
    """The text; in comments, which nothing reads, bytes that are not UTF-8 are allowed and become question marks."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _STRING_OR_COMMENT.sub(_readable, data).decode()


def _readable(match: re.Match[bytes]) -> bytes:
    piece = match.group()
    return piece if piece[:1] != b"#" else piece.decode("ascii", "replace").replace("\ufffd", "?").encode()
