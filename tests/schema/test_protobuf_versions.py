"""The schema room works with every protobuf that setup.py allows: the oldest, the newest and some between."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOOR = re.search(r'"protobuf>=([\d.]+)"', (ROOT / "setup.py").read_text())[1]


@pytest.fixture(scope="module", params=[f"protobuf=={FLOOR}", "protobuf<6", "protobuf<7", "protobuf"])
def only_protobuf(request, tmp_path_factory) -> tuple[str, Path]:
    """A requirement, and a folder with what pip installs for it."""
    folder = tmp_path_factory.mktemp("protobuf")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, request.param], check=True)
    return request.param, folder


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_schema_with(only_protobuf, implementation):
    requirement, folder = only_protobuf
    environment = os.environ | {"PYTHONPATH": str(folder), "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    # -S: no other installed package is to be seen
    check = subprocess.run(
        [sys.executable, "-S", Path(__file__).with_name("protobuf_check.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stderr
    version, used = check.stdout.split()
    assert used == implementation
    if "==" in requirement:
        assert version == requirement.split("==")[1]
    if "<" in requirement:
        assert int(version.split(".")[0]) == int(requirement.split("<")[1]) - 1
