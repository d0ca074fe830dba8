"""Arguments and helpers that several subcommands share; those that need PyTorch are in `running`."""

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from segaware_caffe import files
from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import extend_schema, parse_assignment, read_variables
from segaware_caffe.schema.read import file_text
from segaware_caffe.schema.templates import placeholders

#: of a 32-bit integer, as Caffe's fields and flags are
LARGEST = 2**31 - 1


def add_command(
    subparsers: Any, name: str, summary: str, description: str, step: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    """A parser for the subcommand `name` of a subcommand, which `step` runs; its description is shown as it is written."""
    parser = subparsers.add_parser(name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(step=step)
    return parser


def add_net_arguments(
    parser: argparse.ArgumentParser, weights_required: bool = False, model_required: bool = True, model_help: str = "the net's definition"
) -> None:
    """--model, --weights, --set, --variables and what else it takes to make a net."""
    parser.add_argument("--model", required=model_required, metavar="PROTOTXT", help=model_help)
    parser.add_argument(
        "--weights",
        required=weights_required,
        metavar="FILE",
        help=".caffemodel, .caffemodel.h5, .safetensors, .npz or .pt; layers are matched by name",
    )
    add_variable_arguments(parser)
    parser.add_argument("--level", type=whole, default=0, help="level for include and exclude rules (default 0)")
    parser.add_argument("--stage", default="", help="comma-separated stages for include and exclude rules")
    parser.add_argument("--allow-python-layers", action="store_true", help="let Python layers run the code that they name")
    parser.add_argument("--gpu", default="", metavar="ID", help="GPU to run on, e.g. 0 (default: the CPU)")
    add_reading_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """--schema and --allow-unknown-fields: what to make of words that the schema lacks; --allow-path: what the text may touch."""
    parser.add_argument(
        "--schema", action=_ExtendSchema, metavar="FILE", help="a piece of .proto with messages and fields of your own (repeatable)"
    )
    parser.add_argument("--allow-unknown-fields", action="store_true", help="warn about unknown fields instead of refusing them")
    parser.add_argument(
        "--allow-path", action="append", default=[], metavar="FOLDER", help="let the prototxt name files there too (repeatable)"
    )


class _ExtendSchema(argparse.Action):
    """Adds the file to the schema at once, before anything is read."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        """Called by argparse for each --schema."""
        extend_schema(values)
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), values])


def allowed_places(args: argparse.Namespace, file: str) -> tuple[str, ...]:
    """What the text of a net or solver in `file` may touch beside the current folder: its own, and those of --allow-path."""
    return AllowedPaths().plus(args.allow_path, file).places


def add_variable_arguments(parser: argparse.ArgumentParser) -> None:
    """--set and --variables for ${NAME} placeholders."""
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="value of a ${NAME} placeholder (repeatable)")
    parser.add_argument("--variables", metavar="FILE", help="file of NAME=VALUE lines for ${NAME} placeholders; --set wins")


def add_shape_argument(parser: argparse.ArgumentParser) -> None:
    """--shape for inputs of another shape than the prototxt's."""
    parser.add_argument("--shape", action="append", default=[], metavar="BLOB=N,C,H,W", help="another shape for an input (repeatable)")


def given_shapes(args: argparse.Namespace) -> dict[str, tuple[int, ...]]:
    """The shapes that --shape gives, by blob."""
    return dict(_shape(text) for text in args.shape)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, numbers = text.partition("=")
    try:
        return name, tuple(int(n) for n in numbers.split(","))
    except ValueError as error:
        raise CaffeError(f"--shape {text}: give it as BLOB=N,C,H,W, e.g. data=1,3,321,321") from error


def positive(text: str) -> int:
    """An option's whole number, 1 or more."""
    return _at_least(1, text)


def not_negative(text: str) -> int:
    """An option's whole number, 0 or more."""
    return _at_least(0, text)


def whole(text: str) -> int:
    """An option's whole number, which may be negative."""
    return _at_least(-LARGEST, text)


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number of {least} or more")
    if value > LARGEST:
        raise argparse.ArgumentTypeError(f"{text} is more than {LARGEST}")
    return value


def finite(text: str) -> float:
    """An option's number, neither infinite nor NaN."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is no finite number")
    return value


def add_json_argument(parser: argparse.ArgumentParser, what: str = "the figures") -> None:
    """--json FILE, or - for standard output."""
    parser.add_argument("--json", metavar="FILE", help=f"write {what} there as JSON; - prints it in place of the text")


def write_json(target: str, content: Any) -> None:
    """Write `content` as JSON into the file `target`, or to standard output if that is "-". NaN and infinity become null."""
    if target == "-":
        sys.stdout.write(files.json_text(content))
    else:
        files.write_json(target, content)


def columns(rows: Sequence[Sequence[str]], numbers: int = 0, limit: int = 48) -> list[str]:
    """Lines of aligned cells, long ones cut; the last `numbers` columns are aligned to the right."""
    rows = [[cell if len(cell) <= limit else cell[: limit - 3] + "..." for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    align = [str.ljust] * (len(widths) - numbers) + [str.rjust] * numbers
    return ["  ".join(place(cell, width) for place, cell, width in zip(align, row, widths, strict=True)).rstrip() for row in rows]


def variables(args: argparse.Namespace, *files: str) -> dict[str, Any]:
    """The placeholders' values that the arguments give, for these files if any; CaffeError for a --set that none has a place for.

    What a file of variables has beside is nothing wrong: several templates share one.
    """
    values = dict(read_variables(args.variables)) if args.variables else {}
    given = dict(parse_assignment(text) for text in args.set)
    if given and files:
        known = set().union(*(placeholders(file_text(file)) for file in files))
        if unknown := [name for name in given if name not in known]:
            there = f"there are {', '.join(sorted(known))}" if known else "there is none"
            where = f"{' or '.join(files)} has no placeholder ${{{unknown[0]}}}; {there}"
            raise CaffeError(f"--set {unknown[0]}={given[unknown[0]]}: {where}")
    return values | given


def at_least(least: int, name: str, value: int) -> int:
    """The value of a flag, in which `caffe-segaware` lets pass every number; CaffeError if it is smaller, or more than 32 bits hold."""
    if not least <= value <= LARGEST:
        raise CaffeError(f"--{name} {value}: give a number from {least} to {LARGEST}")
    return value


def stages(args: argparse.Namespace) -> list[str]:
    """The stages that --stage names."""
    if any("\ud800" <= letter <= "\udfff" for letter in args.stage):
        raise CaffeError(f"--stage {args.stage!r} is not UTF-8 text")
    return [stage for stage in args.stage.split(",") if stage]


@contextmanager
def progress(total: int | None, label: str, unit: str = "it") -> Iterator[Any]:
    """A progress bar on stderr, if that is a terminal; without tqdm (extra `progress`) one line that says where to get it.

    It has `update(n)`, and `write(line)` for what is printed meanwhile.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        if sys.stderr.isatty():
            print(f"{label} ... (for a progress bar: pip install 'segaware-caffe[progress]')", file=sys.stderr)
        yield _NoBar()
        return
    with tqdm(total=total, desc=label, unit=unit, leave=False, dynamic_ncols=True, disable=not sys.stderr.isatty()) as bar:
        yield bar


def tracker(label: str, unit: str) -> Callable[[Iterable[Any], int], Iterator[Any]]:
    """Wraps items, whose number it is told, in a progress bar."""

    def track(items: Iterable[Any], total: int) -> Iterator[Any]:
        with progress(total, label, unit) as bar:
            for item in items:
                yield item
                bar.update()

    return track


class _NoBar:
    def update(self, count: int = 1) -> None:
        """Nothing to draw."""

    def write(self, line: str) -> None:
        """Print the line."""
        print(line)
