"""Threads and forks: one net in several threads, several nets in threads, a fork after use, an exit while batches are read ahead."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from segaware_caffe import Net

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 dim: 12 dim: 12 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param {
        num_output: 8 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "d" type: "Convolution" bottom: "c" top: "d" convolution_param { num_output: 3 kernel_size: 3 pad: 2 dilation: 2
        weight_filler { type: "xavier" } } }
layer { name: "p" type: "Softmax" bottom: "d" top: "p" }
"""
THREADS = 4


def in_threads(work: Callable[[int], None]) -> None:
    """`work` of the numbers of the threads, all at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


@pytest.mark.parametrize("passes", [None, []])
def test_one_net_in_several_threads(passes):
    """Each feeds shapes of its own, in turn with others', so that plans are made while others run."""
    torch.manual_seed(0)
    net = Net(NET, passes=passes)
    feeds = [torch.randn(1, 4, side, 9 + side) for side in range(8, 8 + 3 * THREADS)]
    expected = [Net.__call__(net, x=feed)["p"] for feed in feeds]
    fresh = Net(NET, passes=passes)
    fresh.load_state_dict(net.state_dict())

    def work(number: int) -> None:
        for turn in range(30):
            index = (number * 3 + turn) % len(feeds)
            torch.testing.assert_close(fresh(x=feeds[index])["p"], expected[index], rtol=1e-5, atol=1e-6)

    in_threads(work)


def test_several_nets_in_threads():
    torch.manual_seed(0)
    feed = torch.randn(2, 4, 20, 20)
    state = Net(NET).state_dict()

    def work(number: int) -> None:
        net = Net(NET, passes=None if number % 2 else [])
        net.load_state_dict(state)
        results.append(net(x=feed)["p"])

    results: list[torch.Tensor] = []
    in_threads(work)
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=1e-4, atol=1e-5)


DATA = """
import os, sys, time
import numpy as np, torch
from PIL import Image
from segaware_caffe import Net
from segaware_caffe.data.database_writer import database_writer
from segaware_caffe.data.imageset import image_datum

torch.set_num_threads(2)
Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("it.png")
open("list.txt", "w").write("it.png 0\\n" * 3)
with database_writer("db") as writer:
    writer.put(b"0", image_datum("it.png").SerializeToString())
texts = [
    'layer { name: "i" type: "ImageData" top: "x" top: "y" image_data_param { source: "list.txt" } }',
    'layer { name: "d" type: "Data" top: "x" data_param { source: "db" backend: LMDB batch_size: 1 } }',
    'layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 dim: 16 dim: 64 dim: 64 } } }'
    'layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 32 kernel_size: 3 } }',
]
nets = [Net(text) for text in texts]
for net in nets:
    net()
"""
FORK = """
child = os.fork()
for _ in range(20):
    for net in nets:
        net()
if not child:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print("both ran")
"""
HANGING = """
from segaware_caffe.data import prefetch
def hang():
    yield 1
    time.sleep(1000)
prefetch.PATIENCE = 0.1
reader = prefetch.Prefetcher(hang(), 2)
assert next(reader) == 1
print("both ran")
"""


@pytest.mark.slow  # each starts Python
@pytest.mark.parametrize("end", [FORK, HANGING, 'print("both ran")'], ids=["fork", "a reader that hangs", "readers that wait"])
def test_how_a_program_with_readers_ends(end, tmp_path):
    """After a fork both processes compute and read on; an exit waits for no batch."""
    pytest.importorskip("lmdb")
    if end is FORK and not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", DATA + end]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "both ran\n", "")
