"""Command lines as gflags reads them, and Caffe's tools, which are written that way."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segaware_caffe.cli.ending import ending
from segaware_caffe.cli.glog import LOG_DIR, TO_STDERR, log_like_caffe
from segaware_caffe.log_lines import MIN_LEVEL

logger = logging.getLogger(__name__)

#: name -> (default, what it is for); the type of the default is the flag's, None stands for an int that may be left out
Flags = Mapping[str, tuple[Any, str]]

#: what every program takes
LOGGING: dict[str, tuple[Any, str]] = {
    "log_dir": ("", "folder for log files, as is the variable GLOG_log_dir"),
    "logtostderr": (False, "to stderr alone, whatever log_dir says; as is GLOG_logtostderr"),
    "alsologtostderr": (False, "always so"),
    "minloglevel": (0, "leave out lines below this severity, 1 warning, 2 error, 3 fatal; as does GLOG_minloglevel"),
    "version": (False, "show the version"),
    "help": (False, "show this text"),
}
TRUE, FALSE = ("1", "t", "true", "y", "yes"), ("0", "f", "false", "n", "no")
VERSION = "1.0.0"


class FlagError(Exception):
    """A command line that gflags would not take."""


def parse(argv: Sequence[str], known: Flags) -> tuple[list[str], dict[str, Any]]:
    """The words and the flags of a command line, in any order, as gflags reads them."""
    words: list[str] = []
    flags = {name: list(default) if isinstance(default, list) else default for name, (default, _) in known.items()}
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            words += rest
            break
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, has_value, value = argument.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if not has_value and name.startswith("no") and isinstance(known.get(name[2:], ("",))[0], bool):
            name, has_value, value = name[2:], "=", "false"
        if name not in known:
            raise FlagError(f"unknown command line flag '{name}'")
        default, purpose = known[name]
        if not has_value and isinstance(default, bool):
            value = "true"
        elif not has_value:
            if not rest:
                raise FlagError(f"flag '{name}' is missing its argument; flag description: {purpose}")
            value = rest.pop(0)
        flags[name] = _value(name, value, default, flags[name])
    return words, flags


def _value(name: str, text: str, default: Any, before: Any) -> Any:
    """A flag's value from its text."""
    if isinstance(default, list):
        return [*before, text]
    if isinstance(default, bool):
        if text.lower() not in TRUE + FALSE:
            raise FlagError(f"illegal value '{text}' specified for bool flag '{name}'")
        return text.lower() in TRUE
    if isinstance(default, str):
        return text
    kind = float if isinstance(default, float) else int
    try:
        return kind(text)
    except ValueError:
        word = "double" if kind is float else "int32"
        raise FlagError(f"illegal value '{text}' specified for {word} flag '{name}'") from None


def describe(flags: Flags) -> str:
    """A line for each flag."""
    return "\n".join(f"  {name:20} {text}" + (f" (default {default})" if default else "") for name, (default, text) in flags.items())


def set_logging(flags: Mapping[str, Any]) -> None:
    """Let the flags of LOGGING have their effect."""
    if flags["log_dir"]:
        os.environ[LOG_DIR] = flags["log_dir"]
    if flags["logtostderr"]:
        os.environ[TO_STDERR] = "1"
    if flags["minloglevel"]:
        os.environ[MIN_LEVEL] = str(flags["minloglevel"])


def version_line(program: str) -> str:
    """What -version says: Caffe's, for scripts that ask, and ours."""
    from segaware_caffe import __version__

    return f"{program} version {VERSION} (segaware_caffe {__version__})"


def fatal(error: str) -> None:
    """The line with which the reference's programs end."""
    with log_like_caffe():
        logger.critical(error)
    print("*** Check failure stack trace: ***", file=sys.stderr)


def run_tool(
    argv: Sequence[str],
    name: str,
    usage: str,
    flags: Flags,
    counts: range,
    action: Callable[[list[str], dict[str, Any]], None],
) -> int:
    """Run one of Caffe's tools; the exit status: 0 well, 1 a command line that it does not take, 2 another mistake, 130 interrupted.

    `counts` is how many words it takes beside its flags; `action` gets both.
    """
    known = {**flags, **LOGGING}
    try:
        words, values = parse(argv, known)
    except FlagError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    if values["version"]:
        print(version_line(name))
        return 0
    if values["help"] or len(words) not in counts:
        own = f"\n\nflags:\n{describe(flags)}" if flags else ""
        print(f"{usage}{own}", file=sys.stdout if values["help"] else sys.stderr)
        return 0 if values["help"] else 1
    set_logging(values)

    def run() -> None:
        with log_like_caffe():
            action(words, values)

    return ending(name, run, fatal)
