"""The house: which room may import which, no circles, names that tell apart, tests that mirror it, what loads no torch."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from pathlib import Path

import pytest

import segaware_caffe

PACKAGE = Path(segaware_caffe.__file__).parent
#: room -> the rooms below it that it builds on; what these build on it may import too
BELOW = {
    "configs": (),
    "models": (),
    "apart": (),
    "pages": (),
    "schema": ("configs",),
    "ops": (),
    "weights": ("apart", "schema"),
    "layers": ("ops", "schema"),
    "net": ("layers", "weights"),
    "data": ("layers", "weights"),
    "solver": ("net", "data"),
    "segmentation": ("net", "data"),
    "voc": ("pages", "segmentation"),
    "export": ("net",),
    "view": ("net", "pages", "segmentation"),
    "pycaffe": ("net", "solver"),
    "scripting": ("pycaffe",),
    "cli": ("export", "models", "scripting", "view", "voc"),
}
#: modules at the top level, which every room may import
COMMON = ("", "allowed_paths", "errors", "extras", "files", "limits", "log_lines")
#: places whose modules of one name belong together: the mathematics of a layer or of a pass, how a layer is exported,
#: the subcommand or the pycaffe class of a thing
MIRRORS = [
    {"layers", "ops"},
    {"net.passes", "ops"},
    *({form, place} for form in ("export.onnx", "export.source") for place in ("layers", "ops", "net.passes")),
    {"export.onnx", "export.source"},
    *({front, room} for front in ("cli", "pycaffe") for room in BELOW),
    {"cli.voc", "voc"},
]


def modules() -> dict[str, Path]:
    """Dotted name inside the package -> file; a room itself stands for its `__init__`."""
    paths = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix("__init__").rstrip("."): path for name, path in paths.items()}


@cache
def imports(module: str) -> frozenset[str]:
    """The modules of the package that a module imports, anywhere in it but for `if TYPE_CHECKING`."""
    tree = ast.parse(modules()[module].read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "segaware_caffe":
            base = (node.module or "").partition(".")[2]
            found |= {within if (within := f"{base}.{alias.name}".lstrip(".")) in modules() else base for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2] for alias in node.names if alias.name.split(".")[0] == "segaware_caffe"}
    return frozenset(found)


def room(module: str) -> str:
    return module.split(".")[0]


def allowed(name: str) -> set[str]:
    """The rooms that a room may import: itself, those below it and what is below these."""
    return {name}.union(*(allowed(other) for other in BELOW[name]))


def test_every_room_is_in_the_table():
    assert {room(name) for name in modules()} - set(COMMON) - {"__main__"} <= set(BELOW)


@pytest.mark.parametrize("name", BELOW)
def test_no_arrow_points_up(name):
    wrong = {
        f"{module} imports {other}"
        for module in modules()
        if room(module) == name
        for other in imports(module)
        if room(other) not in {*COMMON, *allowed(name)}
    }
    assert not wrong


def test_no_circle():
    try:
        TopologicalSorter({name: imports(name) - {name} for name in modules()}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_names_tell_apart():
    places = defaultdict(list)
    for module, path in modules().items():
        if path.name != "__init__.py":
            place, _, name = module.rpartition(".")
            places[name].append(place)
    same = {name: pair for name, found in places.items() for pair in combinations(found, 2) if set(pair) not in MIRRORS}
    assert not same


def test_one_module_asks_which_process_this_is():
    asking = {module for module, path in modules().items() if re.search(r"WORLD_SIZE|LOCAL_RANK|get_rank|get_world_size", path.read_text())}
    assert asking == {"data.processes"}


def test_the_top_level_is_few():
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__", *COMMON} - {""}


def test_public_names_are_where_the_package_says():
    public = set(segaware_caffe.__all__) - {"__version__"}
    assert public == set(segaware_caffe._ROOMS)
    for node in ast.walk(ast.parse((PACKAGE / "__init__.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("segaware_caffe."):
            for alias in node.names:
                assert segaware_caffe._ROOMS[alias.name] == node.module.removeprefix("segaware_caffe.")
                public.remove(alias.name)
    assert not public, "named in __all__, but not under TYPE_CHECKING"
    assert set(segaware_caffe.__all__) <= set(dir(segaware_caffe))
    with pytest.raises(AttributeError, match="module 'segaware_caffe' has no attribute 'Nett'"):
        segaware_caffe.Nett  # noqa: B018


def test_the_schema_loads_no_torch():
    script = "import sys, segaware_caffe.schema; print([name for name in ('torch', 'numpy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


#: tests of a whole room, or of what several modules do together
THEMES = {
    "cli": "arguments cli commands json tools_databases tools_texts",
    "data": "golden_data label_map_layers",
    "export": "kinds round_trip",
    "layers": "declarations docs forks not_finite",
    "net": "compile explain full_nets hostile_input launches limits module parallel sequences threads wild zoo",
    "pycaffe": "golden_pycaffe pycaffe scripts sequences surface",
    "schema": "hostile protobuf_versions schema",
    "solver": "golden_logs golden_trajectories kill options",
    "view": "browser curves_browser",
    "voc": "slow",
    "weights": "caffemodel_forks caffemodel_hostile",
}


def test_tests_mirror_the_rooms():
    strange = []
    for name in BELOW:
        known = {part for module in modules() if room(module) == name for part in module.split(".")[1:]}
        known |= set(THEMES.get(name, "").split())
        strange += [str(path) for path in (Path(__file__).parent / name).glob("test_*.py") if path.stem.removeprefix("test_") not in known]
    assert not strange, "name a test file after the module that it tests, or add its theme here"
