"""Nothing reaches for the network at run time: reading, building, running, training and exporting with sockets forbidden."""

import subprocess
import sys
from pathlib import Path

import pytest

#: runs before everything else: whatever opens an Internet socket, or looks a name up, ends the program
GUARD = """
import socket, sys

def forbid(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.bind", "socket.sendto") or (
        event == "socket.__new__" and arguments[1] in (socket.AF_INET, socket.AF_INET6)
    ):
        sys.__stderr__.write(f"the network is asked: {event} {arguments}\\n")
        import os
        os._exit(70)

sys.addaudithook(forbid)
"""
WORK = """
import numpy as np
from PIL import Image
import segaware_caffe as sc
from segaware_caffe.weights import convert

text = '''input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }'''
open("net.prototxt", "w").write(text)
net = sc.Net("net.prototxt")
net(data=np.zeros((1, 3, 8, 8), np.float32))
net.save("net.caffemodel")
for suffix in (".h5", ".npz", ".pt", ".safetensors"):
    convert("net.caffemodel", f"net{suffix}")
    net.load_weights(f"net{suffix}")
open("train.prototxt", "w").write('''layer {
  name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1 } } }
layer { name: "fc" type: "InnerProduct" bottom: "d" top: "fc" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "fc" bottom: "fc" top: "loss" }''')
open("solver.prototxt", "w").write('net: "train.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2 snapshot_prefix: "s" display: 1')
Image.new("RGB", (8, 8)).save("x.png")
from segaware_caffe import cli
commands = ["train --solver solver.prototxt", "inspect train.prototxt", "export net.prototxt --output net.py"]
for command in commands:
    assert cli.main(command.split()) == 0, command
print("done")
"""


def test_the_guard_stops_what_asks_the_network() -> None:
    script = GUARD + "import urllib.request; urllib.request.urlopen('http://localhost:1/')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 70
    assert "the network is asked" in done.stderr


@pytest.mark.slow
def test_a_day_of_work_without_network(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", GUARD + WORK], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["done"]), done.stderr[-2000:]
