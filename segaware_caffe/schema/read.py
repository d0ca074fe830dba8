"""Nets and solvers from a path, a text or a message: rendered, parsed and in the present form."""

import os
import re
from collections.abc import Callable, Mapping

from google.protobuf.message import Message

from segaware_caffe.configs import resolve
from segaware_caffe.errors import CaffeError, FileError, ParseError
from segaware_caffe.schema.binary import read_binary
from segaware_caffe.schema.legacy import upgrade_net, upgrade_solver
from segaware_caffe.schema.messages import NetParameter, SolverParameter
from segaware_caffe.schema.templates import Value, render
from segaware_caffe.schema.text import MAX_TEXT_SIZE, parse_text

#: Tells a text from the path of a file that is not there.
_TEXT_SIGN = re.compile(r"[\n{:]")
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_net(
    path_or_text: str | os.PathLike | NetParameter,
    variables: Mapping[str, Value] | None = None,
    allow_unknown_fields: bool = False,
) -> NetParameter:
    """The net of a prototxt, its `${NAME}` placeholders filled in, its legacy forms upgraded.

    `path_or_text` is a path (`configs/...` names one of the project's own networks, in any folder), the
    text itself (a str with a line break, "{" or ":" that is no file's name), or a NetParameter (of any `caffe_pb2`), which is copied.
    Raises CaffeError: no such file, not a text, a variable without a value, a mistake in the text
    (see `parse_text`), an upgrade that would lose something.
    """
    return _read(path_or_text, NetParameter, variables, allow_unknown_fields, lambda net, path: upgrade_net(net))


def read_solver(
    path_or_text: str | os.PathLike | SolverParameter,
    variables: Mapping[str, Value] | None = None,
    allow_unknown_fields: bool = False,
) -> SolverParameter:
    """The solver of a prototxt; arguments and errors as for `read_net`.

    The old `solver_type` becomes `type`, and the name of the file completes `snapshot_prefix`. Nets
    inside the solver stay as they are written: `read_net` upgrades them.
    """
    return _read(path_or_text, SolverParameter, variables, allow_unknown_fields, upgrade_solver)


def _read(
    given: str | os.PathLike | Message,
    kind: type[Message],
    variables: Mapping[str, Value] | None,
    allow_unknown_fields: bool,
    upgrade: Callable[[Message, str | None], None],
) -> Message:
    name = kind.DESCRIPTOR.name
    path = None
    if isinstance(given, Message) and given.DESCRIPTOR.full_name == kind.DESCRIPTOR.full_name:
        if isinstance(given, kind):
            message = kind()
            message.CopyFrom(given)
        else:  # one of pycaffe's, or of another caffe_pb2
            message = read_binary(given.SerializePartialToString(), name)
        source = f"the {name}"
    else:
        path = _as_path(given, name)
        source = "<text>" if path is None else path
        text = render(given if path is None else file_text(path), variables or {}, source)
        message = parse_text(text.removeprefix("\ufeff"), name, source, allow_unknown_fields)
    try:
        upgrade(message, path)
    except CaffeError as error:
        raise type(error)(f"{source}: {error}") from None
    return message


def _as_path(given: str | os.PathLike, name: str) -> str | None:
    """The path that `given` is, or None for a text."""
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    if not isinstance(given, str):
        raise CaffeError(f"Expected a path, a text or a {name}, got {type(given).__name__}")
    is_file = "\n" not in given and os.path.exists(given)
    return given if is_file or not _TEXT_SIGN.search(given) else None


def file_text(path: str | os.PathLike) -> str:
    """The text of a prototxt, or of one of the project's own (see `configs`). Raises CaffeError if it is no text, or not there."""
    try:
        with open(resolve(path), "rb") as file:
            data = file.read(MAX_TEXT_SIZE + 1)
    except FileNotFoundError:
        raise FileError(f"File not found: {path}") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from None
    if len(data) > MAX_TEXT_SIZE:
        raise ParseError(f"{path}: longer than the {MAX_TEXT_SIZE} bytes that a prototxt may have")
    if data.startswith(_HDF5_SIGNATURE) or b"\0" in data:
        raise ParseError(f"{path}: a binary file, not a prototxt; if it holds weights, give it as weights")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ParseError(f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8 text") from None
