"""`segaware-caffe run`: programs written for Caffe, as they are. Each runs in a process of its own, as the command does it."""

import os
import subprocess
import sys

import pytest

from segaware_caffe.cli import main
from segaware_caffe.scripting.interpreter import _guarded

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }'

GO = """\
import caffe
net = caffe.Net('net.prototxt', caffe.TEST)
print(net.forward(x=[[1, 2]])['y'].tolist())
"""


def run(*words: str, cwd, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "segaware_caffe", "run", *words]
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)


def test_a_script_sees_what_python_shows_it(tmp_path):
    """argv, __main__, sys.path[0], its own modules, `caffe` however it is imported, and another caffe on sys.path is not taken."""
    folder = tmp_path / "scripts"
    (folder / "python" / "caffe").mkdir(parents=True)
    (folder / "python" / "caffe" / "__init__.py").write_text("raise ImportError('the compiled one')")
    (folder / "beside.py").write_text("import caffe.io\nvalue = caffe.io.Transformer")
    (folder / "script.py").write_text(
        """
import sys, os
sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'python'))
import caffe, beside
import caffe.io, caffe.draw
import caffe_pb2 as alone
from caffe import layers as L, params as P
from caffe.proto import caffe_pb2
import caffe.proto.caffe_pb2 as again
assert beside.value is caffe.io.Transformer and caffe_pb2 is again is alone is caffe.proto.caffe_pb2
assert sys.modules['__main__'].__dict__ is globals() and __name__ == '__main__' and __spec__ is None
assert caffe.io.__spec__.name == 'segaware_caffe.pycaffe.io', 'not a second copy'
print(sys.argv[1:], os.path.basename(sys.argv[0]), os.path.basename(sys.path[1]), caffe.__version__)
print('and this goes to stderr', file=sys.stderr)
sys.exit(7)
"""
    )
    done = run("scripts/script.py", "-x", "--", "--allow-python-layers", cwd=tmp_path)
    assert done.stdout == "['-x', '--', '--allow-python-layers'] script.py scripts 1.0.0\n"
    assert done.stderr == "and this goes to stderr\n" and done.returncode == 7


def test_modules_and_code_run_too_and_an_error_is_shown_as_python_shows_it(tmp_path):
    (tmp_path / "job.py").write_text(
        "import sys\nprint(__name__, sys.argv[1:])\ndef f():\n    import caffe\n    raise KeyError('mine')\nf()\n"
    )
    done = run("-m", "job", "a", cwd=tmp_path)
    assert done.stdout == "__main__ ['a']\n" and done.returncode == 1
    first, second = done.stderr.splitlines()[:2]
    assert first.startswith("Traceback") and second.strip().startswith(f'File "{tmp_path / "job.py"}", line 6')
    assert done.stderr.endswith("KeyError: 'mine'\n") and "scripting" not in done.stderr
    done = run("-c", "import caffe, sys; print(sys.argv, sys.path[0] == ''); sys.exit('bye')", "z", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("['-c', 'z'] True\n", "bye\n", 1)


@pytest.mark.slow
def test_python_layers_need_a_word(tmp_path):
    """By default they are refused; the flag and the variable allow them, in the script's nets and solvers."""
    (tmp_path / "mine.py").write_text(
        "import caffe\nclass Twice(caffe.Layer):\n    def setup(self, b, t): pass\n"
        "    def reshape(self, b, t): t[0].reshape(*b[0].data.shape)\n    def forward(self, b, t): t[0].data[...] = 2 * b[0].data\n"
        "    def backward(self, t, p, b): pass\n"
    )
    layer = 'layer { name: "y" type: "Python" bottom: "x" top: "y" python_param { module: "mine" layer: "Twice" } }'
    (tmp_path / "net.prototxt").write_text(INPUT + layer)
    (tmp_path / "go.py").write_text(GO)
    refused = run("go.py", cwd=tmp_path, SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS="0")
    assert refused.returncode == 1 and "Python" in refused.stderr and "allow" in refused.stderr
    assert run("--allow-python-layers", "go.py", cwd=tmp_path).stdout == "[[2.0, 4.0]]\n"
    assert run("go.py", cwd=tmp_path, SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS="1").stdout == "[[2.0, 4.0]]\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fast", "x.py"], "run has no option --fast"),
        (["missing.py"], "missing.py: cannot be read: No such file"),
        (["-m"], "-m needs what to run after it"),
    ],
)
def test_mistakes(words, message, capsys):
    assert main(["run", *words]) == 2
    assert message in capsys.readouterr().err


def test_help(capsys):
    assert main(["run", "--help"]) == 0 and "usage: segaware-caffe run" in capsys.readouterr().out
    assert main(["run"]) == 2 and "usage: segaware-caffe run" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "status"), [(None, 0), (0, 0), (5, 5), ("no", 1)])
def test_exit_statuses(code, status):
    assert _guarded(lambda: sys.exit(code)) == status


@pytest.mark.slow
def test_the_module_caffe_for_good(tmp_path):
    """scripts/caffe_module installs a package `caffe`, for programs that nobody starts for them."""
    folder = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "caffe_module")
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", folder, source], check=True)  # building leaves traces there
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", tmp_path / "site", source], check=True, capture_output=True)
    code = "import caffe, caffe.io, segaware_caffe.pycaffe as ours; print(caffe is ours, caffe.io is ours.io)"
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
