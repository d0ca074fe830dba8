"""The Triton kernels, in a process that interprets them; see `interpreted_kernels`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_in_the_interpreter_they_do_what_pytorch_does():
    pytest.importorskip("triton", reason="Triton is for Linux alone; the extra `dev` brings it there")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", Path(__file__).with_name("interpreted_kernels.py")]
    child = subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stdout + child.stderr
