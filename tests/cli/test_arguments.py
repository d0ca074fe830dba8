"""Command lines that nobody meant: never a traceback, but a status and a sentence; Ctrl-C and closed pipes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from segaware_caffe import CaffeError, Net, cli
from segaware_caffe.cli import caffe
from segaware_caffe.cli.ending import CLOSED, INTERRUPTED, MISTAKE, ending, sentence

NET = """
layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 3 dim: ${N} dim: 4 } } }
layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 1 dim: 1 dim: ${N} dim: 4 } } }
layer { name: "fc" type: "Convolution" bottom: "data" top: "fc" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SET = "--set N=4 --variables vars.txt"
#: for every command a line that it takes
COMMANDS = {
    "segment": f"--model net.prototxt --weights w.caffemodel {SET} --scores prob --output out it.png",
    "train": f"--solver solver.prototxt {SET} --gpu= --level 0 --stage a --sigint_effect stop --sighup_effect none --autocast bfloat16",
    "test": f"--model net.prototxt --weights w.caffemodel {SET} --iterations 1 --json out.json --stage a --level 1",
    "time": f"--model net.prototxt {SET} --iterations 1 --phase TEST --json out.json",
    "plot": "log.txt --output out.png",
    "inspect": f"net.prototxt {SET} --weights w.caffemodel --memory --phase TEST --json - --shape data=1,3,4,4",
    "view": f"net.prototxt {SET} --weights w.caffemodel --image it.png --output out.html",
    "convert": "w.caffemodel out.npz",
    "export": f"net.prototxt {SET} --weights w.caffemodel --output out.py --blob fc --shape data=1,3,4,4",
    "convert-db": "db out",
    "run": "--allow-python-layers --allow-path . -c pass it",
    "render": f"net.prototxt {SET} --output out.prototxt",
    "voc": "labels label.png --output out",
    "voc lists": "lists --voc voc --output out",
    "voc augment": "augment --voc voc --output out",
    "voc check": "check --voc voc --json -",
    "voc predict": f"predict --model net.prototxt --weights w.caffemodel {SET} --scores prob --list list.txt --root ./ --output out",
    "voc evaluate": "evaluate --predictions labels --labels labels --list list.txt --classes 21",
    "voc compare": "compare labels labels --classes 21",
    "voc submit": "submit labels --output out.tgz",
    "voc gen-preds": "gen-preds labels --output out --threads 1",
    "voc densecrf": "densecrf --images . --features labels --output out",
    "voc reproduce": "reproduce --voc voc --weights w.caffemodel --output out",
    "convert_imageset": "-resize_height 4 ./ list.txt out",
    "compute_image_mean": "db out.binaryproto",
    "extract_features": "w.caffemodel net.prototxt fc out 1 lmdb",
    "upgrade_net_proto_text": "net.prototxt out.prototxt",
    "upgrade_net_proto_binary": "w.caffemodel out.caffemodel",
    "upgrade_solver_proto_text": "solver.prototxt out.prototxt",
    "draw_net": "net.prototxt out.png",
    "classify": "it.png out.npy --model_def net.prototxt --pretrained_model w.caffemodel",
    "detect": "list.txt out.csv --model_def net.prototxt --pretrained_model w.caffemodel",
    "parse_log": "log.txt .",
}
#: what stands in the place of a word: nothing, no number, a number too small or too large, no UTF-8, no such file, a file of another kind
BAD = [
    "",
    "-1",
    "0",
    "nan",
    "1e99",
    "9" * 30,
    "\udcff",
    "\u00e9",
    "=",
    "N=",
    "N",
    ",",
    "*",
    "--",
    "-",
    "no/such",
    ".",
    "noise",
    "empty",
    "it.png",
]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """A folder with what the command lines name, the current one; what the commands write goes there too."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("it.png")
    Path("labels").mkdir()
    for name in ("label.png", "labels/it.png"):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(name)
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text('net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 solver_mode: CPU')
    Path("list.txt").write_text("it.png 0\n")
    Path("vars.txt").write_text("N=4\nOTHER=5\n")
    Path("log.txt").write_text("I0101 00:00:00.000000 1 solver.cpp:1] Iteration 0, loss = 1\n")
    Path("noise").write_bytes(bytes(range(256)))
    Path("empty").touch()
    Net("net.prototxt", variables={"N": 4}).save("w.caffemodel")


def run(argv: list[str], capsys: pytest.CaptureFixture, main=cli.main) -> tuple[int, str]:
    """The status and what is said of a command line. A status 2 has a sentence; nothing is a traceback."""
    try:
        status = main(argv)
    except SystemExit as exit:
        status = exit.code
    said = capsys.readouterr().err
    assert status in (0, 1, 2), (argv, said)
    assert "Traceback" not in said or argv[0] == "run", (argv, said)
    assert status == 0 or said.strip(), argv
    return status, said


@st.composite
def mistakes(draw: st.DrawFn, line: str) -> list[str]:
    """A line with one or two words missing, doubled or replaced."""
    words = line.split()
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(words) - 1)) if words else 0
        words[place : place + 1] = draw(st.sampled_from([[], words[place : place + 1] * 2, *([bad] for bad in BAD)]))
    return words


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_what_nobody_meant(command, capsys):
    @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(mistakes(COMMANDS[command]))
    def check(words: list[str]) -> None:
        if command != "run" or words[:1] == ["--allow-path"]:  # what it runs is the user's
            run([command.split()[0], *words], capsys)

    check()


MEANT = [
    ("time --model net.prototxt --set N=4 --iterations 0", "--iterations 0: give a number from 1 to 2147483647"),
    ("time --model net.prototxt --set N=4 --iterations -3", "--iterations -3: give a number from 1 to 2147483647"),
    ("test --model net.prototxt --weights w.caffemodel --set N=4 --iterations 99999999999", "--iterations 99999999999: give a number"),
    ("inspect net.prototxt --set M=4 --set N=4", "--set M=4: net.prototxt has no placeholder ${M}; there are N"),
    ("render solver.prototxt --set M=4", "--set M=4: solver.prototxt has no placeholder ${M}; there is none"),
    ("train --solver solver.prototxt --set N=4 --set M=4", "solver.prototxt or net.prototxt has no placeholder ${M}; there are N"),
    ("inspect net.prototxt --set N", "Expected NAME=VALUE, got: 'N'"),
    ("inspect net.prototxt --variables vars.txt --level 99999999999", "argument --level: 99999999999 is more than 2147483647"),
    ("inspect net.prototxt --variables vars.txt --stage \udcff", "--stage '\\udcff' is not UTF-8 text"),
    ("voc evaluate --predictions labels --labels labels --list list.txt --classes 0", "'0' is no whole number of 1 or more"),
    ("run --allow-path", "--allow-path needs a folder after it"),
]


@pytest.mark.parametrize(("line", "words"), MEANT)
def test_what_is_said(line, words, capsys):
    status, said = run(line.split(), capsys)
    assert status == 2 and words in said


def test_the_binarys_flags_too(capsys):
    status, said = run(["time", "-model", "net.prototxt", "-set", "N=4", "-iterations", "0"], capsys, caffe.main)
    assert status == 2 and "--iterations 0: give a number from 1" in said


# -- how it ends ------------------------------------------------------------------------------------


def fails(error: BaseException):
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (CaffeError("a sentence"), MISTAKE, "it: a sentence\n"),
        (FileExistsError(17, "File exists", "out"), MISTAKE, "it: out: File exists\n"),
        (IsADirectoryError(21, "Is a directory", b"photos"), MISTAKE, "it: photos: Is a directory\n"),
        (OSError("odd"), MISTAKE, "it: odd\n"),
        (MemoryError(), MISTAKE, "it: there is not enough memory for this; smaller inputs or a smaller batch need less\n"),
        (KeyboardInterrupt(), INTERRUPTED, "it: interrupted\n"),
    ],
)
def test_endings(error, status, said, capsys):
    assert ending("it", fails(error)) == status
    assert capsys.readouterr().err == said


def test_an_error_of_the_program_is_no_sentence():
    assert sentence(RuntimeError("a shape is wrong")) is None
    with pytest.raises(RuntimeError):
        ending("it", fails(RuntimeError("a shape is wrong")))


def started(line: str, **options) -> subprocess.Popen:
    path = os.pathsep.join([str(Path(cli.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-m", "segaware_caffe", *line.split()]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **options)


def test_a_closed_pipe_is_no_news():
    """More than a pipe holds, to somebody who has gone."""
    Path("long.prototxt").write_text("# a comment\n" * 20000)
    reader, writer = os.pipe()
    os.close(reader)
    process = started("render long.prototxt", stdout=writer)
    os.close(writer)
    assert (process.communicate(timeout=300)[1], process.returncode) == ("", CLOSED)


@pytest.mark.slow  # it waits for PyTorch
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c():
    with started("time --model net.prototxt --set N=4 --iterations 2000000") as process:
        for line in process.stderr:
            if "Iteration: 1 " in line:
                break
        process.send_signal(signal.SIGINT)
        last = process.stderr.read().splitlines()[-1]
    assert (last, process.returncode) == ("segaware-caffe: interrupted", 130)


@pytest.mark.slow
def test_no_progress_bar_without_a_terminal():
    line = f"voc predict --model net.prototxt --weights w.caffemodel {SET} --scores prob --list list.txt --root ./ --output bar"
    process = started(line, stdout=subprocess.PIPE)
    said, error = process.communicate(timeout=300)
    assert (error, said, process.returncode) == ("", "bar: 1 label images written, 0 were there\n", 0)
