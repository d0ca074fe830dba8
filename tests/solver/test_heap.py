"""Freed memory that is kept needs no new pages."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import torch
from segaware_caffe.solver import keep_freed_memory

if {keep}:
    assert keep_freed_memory()
torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc has this setting")
def test_a_blob_of_64_mb_is_not_faulted_in_again():
    assert faults(keep=True) < faults(keep=False) / 10


def faults(keep: bool) -> int:
    command = [sys.executable, "-c", SCRIPT.format(keep=keep)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_another_malloc_is_left_alone(monkeypatch):
    from segaware_caffe.solver import heap

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not heap.keep_freed_memory()
