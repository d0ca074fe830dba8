"""Compile proto/caffe.proto (needs grpcio-tools) into what the package has of it under segaware_caffe/schema/.

caffe.binpb is the descriptor set from which the message classes are built; caffe_types.pyi tells type checkers what they hold.
"""

import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "segaware_caffe" / "schema"
HEADER = '"""The messages of proto/caffe.proto for type checkers; written by scripts/make_schema.py."""\n\n'
#: what protoc's stubs say of generated modules, or say twice
NOISE = re.compile(r"^ *(__slots__ = .*|\w+_FIELD_NUMBER: .*|DESCRIPTOR: .*)\n", re.MULTILINE)


def compile_schema(target: Path) -> None:
    """Write the descriptor set of proto/caffe.proto to `target`."""
    _protoc(f"--descriptor_set_out={target}")


def write_stubs(target: Path) -> None:
    """Write the stubs of the message classes to `target`."""
    with tempfile.TemporaryDirectory() as folder:
        _protoc(f"--pyi_out={folder}")
        stubs = (Path(folder) / "caffe_pb2.pyi").read_text()
    target.write_text(HEADER + _plain_enums(NOISE.sub("", stubs)).rstrip() + "\n")


def _plain_enums(stubs: str) -> str:
    """The stubs with `int` for the values of enums, which are plain integers at run time."""
    enums, path = [], []
    for indent, name, bases in re.findall(r"^( *)class (\w+)\((.*)\):", stubs, re.MULTILINE):
        path[len(indent) // 4 :] = [name]
        if bases.startswith("int, "):
            enums.append(".".join(path))
    return re.sub(rf"(?<![\w.])({'|'.join(map(re.escape, enums))})(?=[\],\n])", "int", stubs)


def _protoc(output: str) -> None:
    status = protoc.main(["protoc", f"--proto_path={ROOT / 'proto'}", output, "caffe.proto"])
    if status:
        sys.exit(status)


if __name__ == "__main__":
    compile_schema(SCHEMA / "caffe.binpb")
    write_stubs(SCHEMA / "caffe_types.pyi")
