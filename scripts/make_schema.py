"""Compile proto/caffe.proto into segaware_caffe/schema/caffe.binpb (needs grpcio-tools)."""

import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def compile_schema(target: Path) -> None:
    """Write the descriptor set of proto/caffe.proto to `target`."""
    status = protoc.main(["protoc", f"--proto_path={ROOT / 'proto'}", f"--descriptor_set_out={target}", "caffe.proto"])
    if status:
        sys.exit(status)


if __name__ == "__main__":
    compile_schema(ROOT / "segaware_caffe" / "schema" / "caffe.binpb")
