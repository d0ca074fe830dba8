"""A script, module or line of code as `__main__`, as the Python interpreter runs it, in a process that knows `caffe`."""

import builtins
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from segaware_caffe.errors import FileError
from segaware_caffe.pycaffe.alias import install
from segaware_caffe.scripting import dropped_names, python2

#: what a shell sees of a program that Ctrl-C ended
INTERRUPTED = 130


def run_script(
    path: str, arguments: Sequence[str] = (), *, allow_python_layers: bool = False, allow_paths: Sequence[str] = (), translate: bool = False
) -> int:
    """Run a script; the exit status is the script's.

    Its `sys.argv`, `sys.path[0]` and `__main__` are as Python sets them. `translate` takes it, and
    modules that are not installed, for Python 2. This process is the script's from then on: what is
    changed for it stays changed. FileError if it cannot be read.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    _prepare([path, *arguments], str(Path(path).resolve().parent), allow_python_layers, allow_paths, translate)
    main = _main_module(path)
    main.__loader__ = SourceFileLoader("__main__", path)

    return _guarded(lambda: exec(_compiled(source, path, translate), main.__dict__))


def run_module(
    name: str, arguments: Sequence[str] = (), *, allow_python_layers: bool = False, allow_paths: Sequence[str] = (), translate: bool = False
) -> int:
    """Run a module by its name, as `python -m` does; see `run_script`."""
    _prepare(["-m", *arguments], str(Path.cwd()), allow_python_layers, allow_paths, translate)
    return _guarded(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def run_code(
    code: str, arguments: Sequence[str] = (), *, allow_python_layers: bool = False, allow_paths: Sequence[str] = (), translate: bool = False
) -> int:
    """Run code, as `python -c` does; see `run_script`."""
    _prepare(["-c", *arguments], "", allow_python_layers, allow_paths, translate)
    main = _main_module(None)
    return _guarded(lambda: exec(_compiled(code.encode(), "<string>", translate), main.__dict__))


def _prepare(argv: list[str], folder: str, allow_python_layers: bool, allow_paths: Sequence[str], translate: bool) -> None:
    install(allow_python_layers, allow_paths)
    dropped_names.give_back()
    if translate:
        python2.install()
    sys.argv = argv
    if sys.flags.safe_path:
        sys.path.insert(0, folder)
    else:
        sys.path[0] = folder


def _compiled(source: bytes, path: str, translate: bool) -> CodeType:
    return python2.compile_source(source, path, True) if translate else compile(source, path, "exec", dont_inherit=True)


def _main_module(path: str | None) -> ModuleType:
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __spec__=None, __package__=None, __annotations__={})
    if path is not None:
        main.__file__ = path
    sys.modules["__main__"] = main
    return main


def _guarded(run: Callable[[], object]) -> int:
    """Run, and make an exit status of how it ends; an error is shown as Python shows it, without the frames of this room."""
    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        error = error.with_traceback(_of_the_script(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return 0


def _of_the_script(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the first frame that is neither this module's nor runpy's."""
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        trace = trace.tb_next
    return trace
