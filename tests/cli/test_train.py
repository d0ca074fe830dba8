"""Training from the command line: the live line, the extras, log files, and one sentence for a user's mistake."""

import io
import logging
import re
import sys
import types

import pytest
import torch
from log_lines import messages
from PIL import Image

from segaware_caffe import cli
from segaware_caffe.cli import caffe, glog, live_page, train
from segaware_caffe.errors import FileError
from segaware_caffe.solver import read_log
from segaware_caffe.view import read_curves
from segaware_caffe.view.curves import standing

NET = """
name: "tiny"
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 4 dim: 2 } shape { dim: 4 }
        data_filler { value: 1 } data_filler { value: 0 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: ${CLASSES} } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }
layer { name: "only" type: "Power" bottom: "ip" top: "only" include { stage: "extra" min_level: 2 } }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 lr_policy: "step" gamma: 0.5 stepsize: 4 max_iter: 8 display: 2 snapshot: 4 solver_mode: CPU
test_iter: 1 test_interval: 4 random_seed: 1
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return tmp_path


def run(*args: object) -> int:
    return cli.main(["train", "--solver", "solver.prototxt", "--set", "CLASSES=3", *map(str, args)])


def test_it_trains_and_names_its_files_after_the_solver(here, capsys):
    assert run() == 0
    log = capsys.readouterr().err
    assert messages(log)[-1] == "Optimization Done."
    assert sorted(path.name for path in here.glob("solver_iter*")) == [
        f"solver_iter_{n}.{kind}" for n in (4, 8) for kind in ("caffemodel", "solverstate")
    ]
    for line in log.splitlines():
        assert re.match(r"I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.py:\d+\] ", line) or not line.startswith("I"), line


def test_snapshot_weights_level_and_stage(here, capsys):
    assert run() == 0
    capsys.readouterr()
    assert run("--snapshot", "solver_iter_4.solverstate", "--level", 2, "--stage", "extra,more") == 0
    lines = messages(capsys.readouterr().err)
    assert lines.index("Resuming from solver_iter_4.solverstate") < lines.index("Starting Optimization")
    assert "This network produces output only" in lines
    assert "Iteration 2, lr = 0.1" not in lines and any(line.startswith("Iteration 4, loss") for line in lines)
    assert run("--weights", "solver_iter_4.caffemodel,solver_iter_8.caffemodel") == 0
    lines = messages(capsys.readouterr().err)
    assert [line for line in lines if line.startswith("Fine")] == [f"Finetuning from solver_iter_{n}.caffemodel" for n in (4, 8)]


@pytest.mark.parametrize("options", [["--autocast", "bfloat16"], ["--recompute"]], ids=lambda options: options[0])
def test_options_reach_the_solver(here, options):
    assert run(*options) == 0


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--snapshot", "a", "--weights", "b"], "Give a snapshot to resume training or weights to finetune but not both."),
        (["--snapshot", "nowhere.solverstate"], "File not found: nowhere.solverstate"),
        (["--weights", "nowhere.caffemodel"], "File not found: nowhere.caffemodel"),
        (["--solver", "nowhere.prototxt"], "File not found: nowhere.prototxt"),
        (["--sigint_effect", "halt"], 'Invalid signal effect "halt" was specified'),
        (["--set", "CLASSES="], "net.prototxt"),
        (["--autocast", "int8"], "invalid choice: 'int8'"),
        (["--view", "curves.png"], "--view curves.png: the page is written to a name that ends in .html"),
        (["--view", "nowhere/curves.html"], "nowhere/curves.html: cannot be written"),
        (["--tensorboard", "board"], "pip install 'segaware-caffe[tensorboard]'"),
        pytest.param(
            ["--gpu", "0"],
            "--gpu 0: PyTorch sees no CUDA device here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_a_users_mistake_is_one_sentence_and_status_2(here, capsys, monkeypatch, args, sentence):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    try:
        status = run(*args)
    except SystemExit as exit_:
        status = exit_.code
    errors = capsys.readouterr().err
    assert status == 2 and "Traceback" not in errors
    assert sentence in errors.splitlines()[-1]


def test_several_gpus_need_several_processes(here, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert run("--gpu", "1,3") == 2
    assert "torchrun --nproc-per-node 2 -m segaware_caffe train" in capsys.readouterr().err
    assert run("--gpu", "7") == 2
    assert "--gpu 7: give numbers from 0 to 3" in capsys.readouterr().err


# -- the live line -------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(text: str) -> list[str]:
    """What stands on each line of a terminal when it moves on, and at the end."""
    return [line.rpartition("\x1b[K")[2].replace("\r", "") for line in text.split("\n")]


def test_a_live_line_shows_how_far_it_is_and_never_runs_into_log_lines(here, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(train, "REFRESH", 0)
    assert run() == 0
    text = sys.stderr.getvalue()
    assert re.search(r"iteration 7/8  loss \d\S*  lr 0\.05  \S+ images/s  0:00:00 left", text)
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    assert run() == 0

    def steady(log: str) -> list[str]:
        lines = [re.sub(r"^(\w)\S+ \S+ +\d+ ", r"\1 ", line) for line in log.splitlines()]
        return [re.sub(r"\(\S+ iter/s, \S+s/", "(", line) for line in lines]

    assert steady("\n".join(shown(text))) == steady(plain.getvalue())


def test_where_stderr_is_no_terminal_there_is_no_live_line(here, capsys):
    assert run() == 0
    log = capsys.readouterr().err
    assert "\r" not in log and "images/s" not in log


# -- log files, TensorBoard, curves --------------------------------------------------------


def test_glog_log_dir_takes_the_log_too(here, capsys, monkeypatch):
    (here / "logs").mkdir()
    monkeypatch.setenv(glog.LOG_DIR, "logs")
    monkeypatch.setattr(sys, "argv", ["/usr/bin/caffe"])
    assert run() == 0
    (link,) = here.glob("logs/caffe.INFO")
    assert link.is_symlink() and link.read_text() == capsys.readouterr().err


def test_tensorboard_gets_the_values_in_the_log(here, monkeypatch):
    written = []

    class SummaryWriter:
        def __init__(self, folder):
            written.append(folder)

        def add_scalar(self, *values):
            written.append(values)

        def close(self):
            written.append("closed")

    monkeypatch.setitem(sys.modules, "tensorboard", types.ModuleType("tensorboard"))
    board = types.ModuleType("torch.utils.tensorboard")
    board.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    assert run("--tensorboard", "board") == 0
    assert written[0] == "board" and written[-1] == "closed"
    assert ("lr", 0.1, 2) in written and ("lr", 0.05, 4) in written
    assert {value[0] for value in written if isinstance(value, tuple)} == {"loss", "lr", "train/loss", "test0/loss"}


@pytest.mark.parametrize("count", [1, 2])
def test_plot_draws_the_curves_of_logs(here, capsys, count):
    assert run() == 0
    for number in range(count):
        (here / f"{number}.log").write_text(capsys.readouterr().err if number == 0 else (here / "0.log").read_text())
    assert cli.main(["plot", *(f"{number}.log" for number in range(count)), "--output", "curves.png"]) == 0
    with Image.open(here / "curves.png") as image:
        assert image.size == (900, 1200), "loss, learning rate, training outputs, test outputs"
    assert set(read_log("0.log")) == {"loss", "lr", "train/loss", "test0/loss"}


def test_plot_writes_a_page_of_logs_by_their_names(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (here / "other").mkdir()
    for name in ("a.log", "b.log", "other/a.log"):
        (here / name).write_text("I x] Iteration 0, loss = 1\nI x] Iteration 1, loss = nan\n")
    for logs, runs in (
        (["a.log", "b.log"], ["a.log", "b.log"]),
        (["a.log", "other/a.log"], ["a.log", "other/a.log"]),
        (["other/a.log"], ["a.log"]),
    ):
        assert cli.main(["plot", *logs, "--output", "curves.html"]) == 0
        assert list(read_curves("curves.html")) == runs


# -- the live page ---------------------------------------------------------------------------


def test_view_writes_the_curves_of_the_log(here, capsys):
    assert run("--view", "curves.html") == 0
    (here / "train.log").write_text(capsys.readouterr().err)
    assert read_curves("curves.html") == {"solver.prototxt": {name: standing(points) for name, points in read_log("train.log").items()}}
    assert '"refresh":null' in (here / "curves.html").read_text()


def test_view_is_written_while_training_goes_on(here, monkeypatch):
    seen = []
    monkeypatch.setattr(live_page, "REFRESH", 0)
    monkeypatch.setattr(live_page, "SHARE", 0)
    monkeypatch.setattr(
        live_page, "write_curves", lambda runs, path, title, live: seen.append((live, len(runs.get(title, {}).get("loss", ()))))
    )
    assert run("--view", "curves.html") == 0
    assert seen[0] == (True, 0) and seen[-1] == (False, 5) and {(True, 1), (True, 2), (True, 3)} <= set(seen)
    assert len(seen) < 10, "only when there is something new"


def test_a_resumed_training_goes_on_with_its_page(here, capsys):
    assert run("--view", "curves.html") == 0
    whole = read_curves("curves.html")
    assert run("--view", "curves.html", "--snapshot", "solver_iter_4.solverstate") == 0
    again = read_curves("curves.html")
    assert [point[0] for point in again["solver.prototxt"]["loss"]] == [0, 2, 4, 6, 8]
    assert again["solver.prototxt"]["lr"] == whole["solver.prototxt"]["lr"]
    assert run("--view", "new.html", "--snapshot", "solver_iter_4.solverstate") == 0
    assert [point[0] for point in read_curves("new.html")["solver.prototxt"]["loss"]] == [4, 6, 8]
    (here / "other.html").write_text("mine")
    capsys.readouterr()
    assert run("--view", "other.html", "--snapshot", "solver_iter_4.solverstate") == 2
    assert "other.html: it is no page of curves" in capsys.readouterr().err and (here / "other.html").read_text() == "mine"


def test_a_disk_that_is_full_does_not_end_training(here, capsys, monkeypatch):
    calls = []

    def write(*args, **kwargs):
        calls.append(args)
        if len(calls) > 1:
            raise FileError("curves.html: cannot be written: No space left on device")

    monkeypatch.setattr(live_page, "write_curves", write)
    monkeypatch.setattr(live_page, "REFRESH", 0)
    assert run("--view", "curves.html") == 0
    log = capsys.readouterr().err
    assert log.count("No space left on device; training goes on without") == 1 and messages(log)[-1] == "Optimization Done."


def test_a_log_file_that_cannot_be_made_is_told_and_training_goes_on(here, capsys, monkeypatch):
    monkeypatch.setenv(glog.LOG_DIR, "net.prototxt/logs")
    assert run() == 0
    assert capsys.readouterr().err.startswith("COULD NOT CREATE LOGFILE 'net.prototxt/logs/")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["nowhere.log", "--output", "x.png"], "nowhere.log: cannot be read"),
        (["net.prototxt", "--output", "x.png"], "net.prototxt: no lines of a training run"),
        (["some.log", "--output", "x.doc"], "--output x.doc: curves are written to a name that ends in .html, .png, .pdf or .svg"),
        (["empty.log", "--output", "x.html"], "empty.log: no lines of a training run"),
        (["some.log", "empty.log", "--output", "x.html"], "empty.log: no lines of a training run"),
        (["some.log", "--output", "nowhere/x.html"], "nowhere/x.html: cannot be written"),
        (["some.log", "--output", "nowhere/x.png"], "nowhere/x.png: cannot be written"),
    ],
)
def test_what_plot_refuses(here, capsys, args, sentence):
    (here / "some.log").write_text("I x] Iteration 0, loss = 1\n")
    (here / "empty.log").write_text("")
    assert cli.main(["plot", *args]) == 2
    assert sentence in capsys.readouterr().err
    assert not list(here.glob("x.*"))


# -- the stand-in for caffe's binary -------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words", "flags"),
    [
        ("train -solver s.prototxt", ["train"], {"solver": "s.prototxt"}),
        ("train --solver s.prototxt", ["train"], {"solver": "s.prototxt"}),
        ("-solver=s.prototxt train", ["train"], {"solver": "s.prototxt"}),
        ("--solver=a=b train", ["train"], {"solver": "a=b"}),
        ("test -iterations 7 --gpu=0,1", ["test"], {"iterations": 7, "gpu": "0,1"}),
        (
            "time --compile -norecompute --allow-python-layers=yes",
            ["time"],
            {"compile": True, "recompute": False, "allow_python_layers": True},
        ),
        ("train --set A=1 --set=B=2", ["train"], {"set": ["A=1", "B=2"]}),
        ("train -- -solver", ["train", "-solver"], {}),
        ("test -weights -x", ["test"], {"weights": "-x"}),
    ],
)
def test_flags_are_read_as_gflags_does(line, words, flags):
    found, values = caffe.parse(line.split(), caffe.FLAGS)
    assert found == words
    assert values == {name: default for name, (default, _) in caffe.FLAGS.items()} | flags


@pytest.mark.parametrize(
    ("line", "status", "sentence"),
    [
        ("test --bogus 3", 1, "ERROR: unknown command line flag 'bogus'"),
        ("test --nobogus", 1, "ERROR: unknown command line flag 'nobogus'"),
        ("test --iterations", 1, "ERROR: flag 'iterations' is missing its argument; flag description: "),
        ("test --iterations many", 1, "ERROR: illegal value 'many' specified for int32 flag 'iterations'"),
        ("test --compile=maybe", 1, "ERROR: illegal value 'maybe' specified for bool flag 'compile'"),
        ("train", 2, "Check failed: FLAGS_solver.size() > 0 (0 vs. 0) Need a solver definition to train."),
        ("time", 2, "Check failed: FLAGS_model.size() > 0 (0 vs. 0) Need a model definition to time."),
        ("test", 2, "Check failed: FLAGS_model.size() > 0 (0 vs. 0) Need a model definition to score."),
        ("time --model nowhere.prototxt", 2, "File not found: nowhere.prototxt"),
        ("frobnicate", 2, "Unknown action: frobnicate"),
        pytest.param(
            "device_query -gpu 0",
            2,
            "PyTorch sees no CUDA device here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_mistakes_have_gflags_words_and_a_status(capsys, line, status, sentence):
    assert caffe.main(line.split()) == status
    errors = capsys.readouterr().err
    assert sentence in errors and "Traceback" not in errors


@pytest.mark.parametrize("line", ["", "train test", "--help", "--help train"])
def test_anything_else_shows_how_to_use_it(capsys, line):
    assert caffe.main(line.split()) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: caffe-segaware <command> <flags>") and all(f"  {name} " in text for name in caffe.FLAGS)


def test_both_commands_log_the_same(here, capsys):
    assert run() == 0
    first = messages(capsys.readouterr().err)
    assert caffe.main(["train", "-solver", "solver.prototxt", "-set", "CLASSES=3"]) == 0
    assert messages(capsys.readouterr().err) == first


def test_device_query_prints_what_is_known(capsys, monkeypatch):
    known = types.SimpleNamespace(major=9, minor=0, name="a GPU", total_memory=2**30, multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: known)
    assert caffe.main(["device_query", "-gpu", "1"]) == 0
    lines = messages(capsys.readouterr().err)
    assert lines[0] == "Querying GPUs 1"
    assert lines[1] == "Device id:                     1" and lines[4] == "Name:                          a GPU"


def test_the_log_is_quiet_again_afterwards(here, capsys):
    logger = logging.getLogger(glog.PACKAGE)
    before = logger.handlers[:], logger.level, logger.propagate
    assert run() == 0
    assert (logger.handlers, logger.level, logger.propagate) == before
