"""Python 2 read as Python 3, in memory: fissix (extra `python2`) translates the grammar, this module what it leaves.

What changes is said on stderr, line by line. Integers divide as they did (`/` rounds down), pickles
of Python 2 are read, and text files opened for them too.
"""

import ast
import builtins
import difflib
import functools
import math
import operator
import pickle
import string
import sys
import sysconfig
import tokenize
from collections.abc import Callable, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from io import BytesIO
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from segaware_caffe.extras import optional_import

DIVIDE, DIVIDE_IN_PLACE = "__python2_div__", "__python2_idiv__"
#: where modules lie that are Python 3 already
_INSTALLED = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_PACKAGE = Path(__file__).resolve().parent.parent


def install() -> None:
    """Translate modules that are not installed, and give back what Python 2 had in its own."""
    optional_import("fissix", "python2", "--python2")
    setattr(builtins, DIVIDE, _divider(operator.truediv, operator.floordiv))
    setattr(builtins, DIVIDE_IN_PLACE, _divider(operator.itruediv, operator.ifloordiv))
    for name, function in _BUILTINS.items():
        setattr(builtins, _PREFIX + name, function)
    for name in ("find", "lower", "replace", "split", "strip", "upper", "zfill"):
        setattr(string, name, getattr(str, name))
    string.join = lambda words, sep=" ": sep.join(words)
    string.atoi, string.atof, string.maketrans = int, float, str.maketrans
    sys.maxint = sys.maxsize
    sys.setdefaultencoding = lambda name: None
    pickle.load, pickle.loads, pickle.dump = _load, _loads, _dump
    sys.meta_path.insert(0, _Finder())


def compile_source(source: bytes, path: str, is_script: bool = False) -> CodeType:
    """The code of a Python 2 source; says on stderr what was changed. SyntaxError if it is neither Python 2 nor 3."""
    text = _decode(source)
    translated = translate(text, path, is_script)
    tree = ast.parse(translated, path)
    divisions: list[int] = []
    if not _has_true_division(text):
        tree = _Divisions(divisions).visit(tree)
    tree = ast.fix_missing_locations(_OldBuiltins(tree).visit(tree))
    _report(path, changed_lines(text, translated), divisions)
    return compile(tree, path, "exec", dont_inherit=True)


def translate(text: str, path: str = "<string>", is_script: bool = True) -> str:
    """Python 2 as Python 3, line for line where that can be; in modules of packages `import` looks beside them first."""
    text = "".join(line if line.lstrip(" \t") == line else _untabbed(line) for line in text.splitlines(keepends=True))
    text = text if text.endswith("\n") else text + "\n"
    from fissix.pgen2.parse import ParseError
    from fissix.pgen2.tokenize import TokenError

    try:
        return str(_tool(is_script).refactor_string(text, path))
    except (ParseError, TokenError) as error:
        try:  # print is a function there
            return str(_tool(is_script, "print").refactor_string(text, path))
        except (ParseError, TokenError):
            raise SyntaxError(f"{path}: not Python 2: {error}") from error


def changed_lines(before: str, after: str) -> list[int]:
    """The numbers of the lines of `before` that are not the same in `after`."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    changed: list[int] = []
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind != "equal":
            changed += range(start + 1, max(end, start + 1) + 1)
    return changed


@cache
def _tool(is_script: bool, *left_out: str) -> Any:
    """fissix with its fixers, but for those left out."""
    from fissix.refactor import RefactoringTool, get_fixers_from_package

    skip = {f"fissix.fixes.fix_{name}" for name in (*left_out, *(("import",) if is_script else ()))}
    fixers = [name for name in get_fixers_from_package("fissix.fixes") if name not in skip]
    return RefactoringTool(fixers, {"print_function": "print" in left_out})


def _decode(source: bytes) -> str:
    """By the coding line or as UTF-8; what is neither, as old editors wrote it."""
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(source).readline)
        text = source.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        text = source.decode("latin-1")
    return text.replace("\r\n", "\n")


def _untabbed(line: str) -> str:
    body = line.lstrip(" \t")
    return line[: len(line) - len(body)].expandtabs(8) + body


def _report(path: str, lines: list[int], divisions: list[int]) -> None:
    if lines:
        print(f"{path}: Python 2; translated in memory: lines {_ranges(lines)}", file=sys.stderr)
    if divisions:
        print(f"{path}: / divides integers as in Python 2: lines {_ranges(divisions)}", file=sys.stderr)


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in spans)


# -- division ------------------------------------------------------------------------------


def _has_true_division(text: str) -> bool:
    return any(line.startswith("from __future__") and "division" in line for line in text.splitlines())


class _Divisions(ast.NodeTransformer):
    """`a / b` becomes a call that looks at the types."""

    def __init__(self, lines: list[int]):
        self._lines = lines

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._call(DIVIDE, node, node.left, node.right) if isinstance(node.op, ast.Div) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.copy_location(ast.Assign([node.target], self._call(DIVIDE_IN_PLACE, node, read, node.value)), node)

    def _call(self, name: str, node: Any, *operands: ast.expr) -> ast.Call:
        self._lines.append(node.lineno)
        return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), list(operands), []), node)


def _divider(true: Callable[[Any, Any], Any], floor: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def divide(left: Any, right: Any) -> Any:
        return floor(left, right) if _is_integer(left) and _is_integer(right) else true(left, right)

    return divide


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu")


# -- builtins ------------------------------------------------------------------------------


def _cmp(left: Any, right: Any) -> int:
    return (left > right) - (left < right)


def _round(number: float, ndigits: int = 0) -> float:
    """A float, halves away from zero."""
    scale = 10.0**ndigits
    return math.copysign(math.floor(abs(number) * scale + 0.5) / scale, number)


def _sorted(items: Any, cmp: Callable[[Any, Any], int] | None = None, key: Any = None, reverse: bool = False) -> list[Any]:
    if cmp is not None:
        by = functools.cmp_to_key(cmp)
        return sorted(items, key=by if key is None else lambda item: by(key(item)), reverse=reverse)
    return sorted(items, key=key, reverse=reverse)


_PREFIX = "__python2_"
_BUILTINS: dict[str, Any] = {"buffer": memoryview, "cmp": _cmp, "file": open, "round": _round, "sorted": _sorted}


class _OldBuiltins(ast.NodeTransformer):
    """Functions that are gone, or mean something else now, unless a module has names of its own for them."""

    def __init__(self, tree: ast.AST):
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        named |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        named |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        named |= {name.asname or name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
        self._old = set(_BUILTINS) - named

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(_PREFIX + node.id, node.ctx), node) if node.id in self._old else node


# -- pickles -------------------------------------------------------------------------------

_load_pickle, _loads_pickle, _dump_pickle = pickle.load, pickle.loads, pickle.dump


def _load(file: Any, **options: Any) -> Any:
    return _load_pickle(getattr(file, "buffer", file), **({"encoding": "latin1"} | options))


def _loads(data: Any, **options: Any) -> Any:
    return _loads_pickle(data.encode("latin-1") if isinstance(data, str) else data, **({"encoding": "latin1"} | options))


def _dump(obj: Any, file: Any, *args: Any, **options: Any) -> None:
    _dump_pickle(obj, getattr(file, "buffer", file), *args, **options)


# -- modules -------------------------------------------------------------------------------


class _Finder(MetaPathFinder):
    """Finds source files that are not installed, to be translated."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or type(spec.loader) is not SourceFileLoader or _is_installed(Path(spec.origin)):
            return None
        spec.loader = _Loader(fullname, spec.origin)
        spec.cached = None
        return spec


def _is_installed(path: Path) -> bool:
    path = path.resolve()
    return any(folder in path.parents for folder in (*_INSTALLED, _PACKAGE))


class _Loader(SourceFileLoader):
    def source_to_code(self, data: bytes, path: str, **options: Any) -> CodeType:
        return compile_source(bytes(data), path)

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)
