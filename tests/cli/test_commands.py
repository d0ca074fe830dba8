"""The table of subcommands: each has its module, and none is imported that was not asked for."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from segaware_caffe import cli

#: seconds of processor time that --help and render may take more than `python -c pass`
ALLOWANCE = 0.15
RENDER = ["-m", "segaware_caffe", "render", "net.prototxt", "--set", "N=3"]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_line_of_the_table_is_a_module(name, capsys):
    module = import_module(f"segaware_caffe.cli.{name.replace('-', '_')}")
    if hasattr(module, "main"):
        assert cli.main([name, "--help"]) == 0
    else:
        assert list(inspect.signature(module.run).parameters) == ["args"]
        with pytest.raises(SystemExit) as exit:
            cli.main([name, "--help"])
        assert exit.value.code == 0
    assert module.DESCRIPTION.splitlines()[0] in capsys.readouterr().out


def test_help_lists_every_command_with_its_summary(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, summary in cli.COMMANDS.items():
        assert f"{name} {summary}" in shown


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["trian"])
    assert exit.value.code == 2
    assert "invalid choice: 'trian'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["-m", "segaware_caffe", "--help"], ["-m", "segaware_caffe.cli.caffe", "--help"], RENDER])
def test_no_torch_and_no_wait(command, tmp_path):
    (tmp_path / "net.prototxt").write_text("name: '${N}'\n")
    loaded = subprocess.run([sys.executable, "-X", "importtime", *command], cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    modules = {line.rpartition("|")[2].strip() for line in loaded.splitlines()}
    assert "segaware_caffe.errors" in modules
    assert not {name for name in modules if name.split(".")[0] in ("torch", "numpy", "scipy", "PIL")}
    assert least_seconds(command, tmp_path) < least_seconds(["-c", "pass"], tmp_path) + ALLOWANCE


def least_seconds(command: list[str], folder, times: int = 4) -> float:
    """Processor time of a Python command: the least of several runs, as other work on the machine only adds to it."""
    script = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, check=True);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    )
    measure = [sys.executable, "-c", script, *command]
    return min(float(subprocess.run(measure, cwd=folder, capture_output=True, text=True, check=True).stdout) for _ in range(times))
