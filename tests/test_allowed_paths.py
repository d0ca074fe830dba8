"""A net is data: for every layer and command that touches a file, what leads outside is refused, and allowed where the user says so."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from segaware_caffe import CaffeError, Net, Solver, cli, pycaffe
from segaware_caffe.allowed_paths import VARIABLE, AllowedPaths
from segaware_caffe.cli import caffe
from segaware_caffe.data.database_writer import database_writer
from segaware_caffe.data.imageset import image_datum, write_mean
from segaware_caffe.data.mat import write_mat
from segaware_caffe.schema.messages import LayerParameter
from segaware_caffe.weights import SolverState, write_solverstate

OUTSIDE = "is outside the folders that a net may use"

# -- files that a layer can use -------------------------------------------------------------


def picture(path: Path) -> None:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path, "PNG")


def lmdb(path: Path) -> None:
    picture(path.with_name("pixel.png"))
    with database_writer(path) as writer:
        writer.put(b"0", image_datum(str(path.with_name("pixel.png"))).SerializeToString())


def hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["top0"] = np.zeros((1, 2), np.float32)


def flow(path: Path) -> None:
    path.write_bytes(np.float32(202021.25).tobytes() + np.int32([1, 1]).tobytes() + np.zeros(2, np.float32).tobytes())


def mat(path: Path) -> None:
    write_mat(path, np.zeros((1, 1, 2, 2), np.float32))


def mean(path: Path) -> None:
    write_mean(path, np.zeros((3, 4, 4), np.float32))


def gain(path: Path) -> None:
    write_mean(path, np.eye(2, dtype=np.float32)[None])


def text(words: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(words)


class Case(NamedTuple):
    """A layer whose text, or whose list.txt inside, names `{}`; outside is a file there that the layer could read, or None to write."""

    layer: str
    outside: Callable[[Path], None] | None
    listed: str = ""
    #: of the file outside, and what the text leaves to the layer to add to it
    file: str = "it"
    added: str = ""
    bottoms: int = 0


def images(kind: str, message: str = "image_data_param", fields: str = "", tops: int = 2) -> dict[str, Case]:
    """The cases of a layer that reads images by a list: the list, an image in it, the label image beside one."""
    top = " ".join(f'top: "top{i}"' for i in range(tops))
    layer = f'type: "{kind}" {top} {message} {{ source: "%s" {fields} }}'
    second = "pixel.png" if kind != "ImageData" else "0"
    cases = {
        f"{kind}: source": Case(layer % "{}", text(f"pixel.png {second}\n")),
        f"{kind}: image": Case(layer % "list.txt", picture, f"{{}} {second}\n"),
        f"{kind}: root_folder": Case(
            layer.replace("source", 'root_folder: "{}" source') % "list.txt", picture, f"t {second.replace('pixel.png', 't')}\n", added="t"
        ),
    }
    if kind != "ImageData":
        cases[f"{kind}: labels"] = Case(layer % "list.txt", picture, "pixel.png {}\n")
    return cases


WINDOWS = "# 0\n%s\n3\n4\n4\n1\n1 0.1 0 0 3 3\n"
WINDOW_DATA = 'type: "WindowData" top: "top0" top: "top1" window_data_param { source: "%s" batch_size: 1 fg_fraction: 0 %s } '
CROP = "transform_param { crop_size: 2 }"
HDF5_DATA = 'type: "HDF5Data" top: "top0" hdf5_data_param { source: "%s" batch_size: 1 }'
MAT_READ = 'type: "MatRead" top: "top0" mat_read_param { source: "%s" prefix: "%s" batch_size: 1 }'
MAT_WRITE = 'type: "MatWrite" bottom: "x" mat_write_param { prefix: "%s" source: "%s" }'
FLO_DATA = 'type: "FloData" top: "top0" image_data_param { source: "%s" root_folder: "%s" }'
MEAN = 'transform_param { mean_file: "{}" }'
DATA = 'type: "Data" top: "top0" data_param { source: "%s" backend: LMDB batch_size: 1 } '

CASES = {
    **images("ImageData"),
    **images("ImageSegData", fields="label_type: PIXEL", tops=3),
    **images("TwoImageData"),
    **images("DenseImageData", "dense_image_data_param", "batch_size: 1"),
    **images("ImageLabelmapData"),
    "ImageData: mean_file": Case(
        f'type: "ImageData" top: "a" top: "b" image_data_param {{ source: "list.txt" }} {MEAN}', mean, "pixel.png 0"
    ),
    "DenseImageData: mean_file": Case(
        f'type: "DenseImageData" top: "a" top: "b" dense_image_data_param {{ source: "list.txt" batch_size: 1 }} {MEAN}',
        mean,
        "pixel.png pixel.png",
    ),
    "WindowData: source": Case(WINDOW_DATA % ("{}", "") + CROP, text(WINDOWS % "pixel.png")),
    "WindowData: image": Case(WINDOW_DATA % ("list.txt", "") + CROP, picture, WINDOWS % "{}"),
    "WindowData: root_folder": Case(WINDOW_DATA % ("list.txt", 'root_folder: "{}"') + CROP, picture, WINDOWS % "t", added="t"),
    "WindowData: mean_file": Case(WINDOW_DATA % ("list.txt", "") + MEAN.replace("{ ", "{ crop_size: 2 "), mean, WINDOWS % "pixel.png"),
    "Data: source": Case(DATA % "{}", lmdb),
    "Data: mean_file": Case(DATA % "lmdb" + MEAN, mean),
    "FloData: source": Case(FLO_DATA % ("{}", ""), text("flow.flo")),
    "FloData: flow": Case(FLO_DATA % ("list.txt", ""), flow, "{}"),
    "FloData: root_folder": Case(FLO_DATA % ("list.txt", "{}"), flow, "t", added="t"),
    "HDF5Data: source": Case(HDF5_DATA % "{}", text("here.h5")),
    "HDF5Data: file": Case(HDF5_DATA % "list.txt", hdf5, "{}"),
    "MatRead: source": Case(MAT_READ % ("{}", ""), text("here")),
    "MatRead: name": Case(MAT_READ % ("list.txt", ""), mat, "{}", "it_blob_0.mat", "_blob_0.mat"),
    "MatRead: prefix": Case(MAT_READ % ("list.txt", "{}"), mat, "t", "it_blob_0.mat", "t_blob_0.mat"),
    "MatWrite: source": Case(MAT_WRITE % ("", "{}"), text("out")),
    "MatWrite: name": Case(MAT_WRITE % ("", "list.txt"), None, "{}", "it_blob_0.mat", "_blob_0.mat"),
    "MatWrite: prefix": Case(MAT_WRITE % ("{}", "list.txt"), None, "t", "it_blob_0.mat", "t_blob_0.mat"),
    "MatWrite: prefix without source": Case(MAT_WRITE % ("{}", ""), None, "", "iter_0_blob_0.mat", "iter_0_blob_0.mat"),
    "HDF5Output: file_name": Case('type: "HDF5Output" bottom: "x" bottom: "x" hdf5_output_param { file_name: "{}" }', None),
    "SoftmaxWithLoss: weight_source": Case(
        'type: "SoftmaxWithLoss" bottom: "x" bottom: "y" softmaxloss_param { weight_source: "{}" }', text("1 1")
    ),
    "InfogainLoss: source": Case('type: "InfogainLoss" bottom: "x" bottom: "y" infogain_loss_param { source: "{}" }', gain),
}
INPUT = """
    layer { name: "x" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 1 dim: 2 } shape { dim: 1 } } }
"""

# -- ways to lead outside -------------------------------------------------------------------


def absolute(outside: Path) -> str:
    return str(outside)


def upwards(outside: Path) -> str:
    return f"../outside/{outside.name}"


def down_and_upwards(outside: Path) -> str:
    Path("sub").mkdir(exist_ok=True)
    return f"sub/../../outside/{outside.name}"


def link_to_folder(outside: Path) -> str:
    Path("linked").symlink_to(outside.parent)
    return f"linked/{outside.name}"


def link_to_file(outside: Path) -> str:
    Path(outside.name).symlink_to(outside)
    return outside.name


WAYS = [absolute, upwards, down_and_upwards, link_to_folder, link_to_file]


@pytest.fixture
def outside(tmp_path, monkeypatch) -> Path:
    """The folder outside; the current one is beside it, and has something to read of each kind."""
    monkeypatch.delenv(VARIABLE)
    for name in ("here", "outside"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    picture(Path("pixel.png"))
    flow(Path("flow.flo"))
    mat(Path("here_blob_0.mat"))
    return tmp_path / "outside"


def net_of(case: Case, path: str, **options: object) -> Net:
    named = path.removesuffix(case.added) if case.added else path
    if case.listed:
        Path("list.txt").write_text(case.listed.replace("{}", named))
    if "lmdb" in case.layer:
        lmdb(Path("lmdb"))
    if "here.h5" not in case.layer and "HDF5Data" in case.layer:
        hdf5(Path("here.h5"))
    return Net(f'{INPUT if "bottom" in case.layer else ""} layer {{ name: "it" {case.layer.replace("{}", named)} }}', **options)


def made(case: Case, outside: Path) -> Path:
    """The file outside."""
    file = outside / (f"it{case.added}" if case.added else case.file)
    if case.outside:
        case.outside(file)
    return file


#: every way for every case, one of each case's five in the tests of every day
ATTACKS = [
    pytest.param(name, way, marks=[] if number == index % len(WAYS) else [pytest.mark.slow])
    for index, name in enumerate(CASES)
    for number, way in enumerate(WAYS)
]


@pytest.mark.parametrize(("name", "way"), ATTACKS)
def test_what_leads_outside_is_refused(name, way, outside):
    path = way(made(CASES[name], outside))
    before = stamps(outside)
    with pytest.raises(CaffeError, match=rf"layer 'it' \({name.split(':')[0]}\): .*{OUTSIDE}") as error:
        net_of(CASES[name], path)()
    assert VARIABLE in str(error.value) and f"allow_paths=['{outside}" in str(error.value)
    assert stamps(outside) == before, "something was written"


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("name", CASES)
def test_what_the_user_names_is_allowed(name, outside):
    file = made(CASES[name], outside)
    net_of(CASES[name], str(file), allow_paths=[outside])()
    assert file.exists(), "it was read, or written"


def test_every_field_of_that_kind_is_looked_at():
    """Fields whose name says file, folder, source or prefix: a case has them, or no code of the package reads them."""
    tested = {re.split(r"\W+", name)[1] for name in CASES} | {"prefix", "name"}
    code = "\n".join(path.read_text() for path in Path(cli.__file__).parents[1].rglob("*.py"))
    fields = {
        field.name
        for message in LayerParameter.DESCRIPTOR.file.message_types_by_name.values()
        for field in message.fields
        if field.type == field.TYPE_STRING and re.search("file|folder|source|prefix|path|directory", field.name)
    }
    assert {"source", "mean_file", "weight_source", "file_name", "root_folder", "prefix"} <= fields
    read = {name for name in fields - tested if re.search(rf"(param|options)\.{name}\b", code)}
    # the solver's is tested below; DetectionOutput warns that the other has no effect
    assert read == {"snapshot_prefix", "output_directory"}


# -- what leads to other files from inside a file -----------------------------------------------


def test_a_database_whose_file_is_a_link(outside):
    lmdb(outside / "db")
    Path("db").mkdir()
    Path("db/data.mdb").symlink_to(outside / "db" / "data.mdb")
    with pytest.raises(CaffeError, match=rf"layer 'it' \(Data\): source 'db/data.mdb' {OUTSIDE}, it leads to '{outside}/db/data.mdb'"):
        Net(f'layer {{ name: "it" {DATA % "db"} }}')


@pytest.mark.parametrize("kind", ["link", "group", "external", "virtual"])
def test_a_dataset_in_another_file(kind, outside):
    h5py = pytest.importorskip("h5py")
    with h5py.File(outside / "it.h5", "w") as file:
        file["top0"] = file["g/top0"] = np.zeros((1, 2), np.float32)
    name = "g/top0" if kind == "group" else "top0"
    with h5py.File("here.h5", "w") as file:
        if kind == "external":
            file.create_dataset("top0", (1, 2), "f4", external=[(str(outside / "it.h5"), 0, 8)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((1, 2), "f4")
            layout[:] = h5py.VirtualSource(outside / "it.h5", "top0", (1, 2))
            file.create_virtual_dataset("top0", layout)
        else:
            file[name.partition("/")[0]] = h5py.ExternalLink(outside / "it.h5", name.partition("/")[0])
    Path("list.txt").write_text("here.h5")
    with pytest.raises(CaffeError, match=f"here.h5: dataset {name} lies in another file"):
        Net(f'layer {{ name: "it" {(HDF5_DATA % "list.txt").replace("top0", name)} }}')


# -- what a user says -----------------------------------------------------------------------------

NET = """
    layer { name: "x" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 1 dim: 2 } shape { dim: 1 } } }
    layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" inner_product_param { num_output: 2 } }
    layer { name: "it" type: "SoftmaxWithLoss" bottom: "fc" bottom: "y" top: "loss" softmaxloss_param { weight_source: "FILE" } }
"""


def place(outside: Path, template: str = NET, file: str = "weights.txt") -> str:
    """A net whose loss reads a file outside, as a text."""
    (outside / "weights.txt").write_text("1 1")
    return template.replace("FILE", str(outside / file))


def test_the_folder_of_the_prototxt(outside):
    (outside / "net.prototxt").write_text(place(outside))
    Net(outside / "net.prototxt")
    Net(str(outside / "net.prototxt")).save("net.safetensors")
    with pytest.raises(CaffeError, match=OUTSIDE):
        Net((outside / "net.prototxt").read_text())
    with pytest.raises(CaffeError, match=OUTSIDE):
        Net.from_file("net.safetensors")
    Net.from_file("net.safetensors", allow_paths=outside)


def test_values_of_placeholders_are_the_users(outside):
    text = place(outside).replace(str(outside), "${ROOT}")
    Net(text, variables={"ROOT": str(outside), "SIZE": 3})
    with pytest.raises(CaffeError, match=OUTSIDE):
        Net(text.replace("${ROOT}", "${ROOT}/.."), variables={"ROOT": str(outside / "deeper")})


@pytest.mark.parametrize("value", ["{outside}", "/", "/no/such:{outside}:"])
def test_the_variable(value, outside, monkeypatch):
    monkeypatch.setenv(VARIABLE, value.format(outside=outside))
    Net(place(outside))
    pycaffe.Net(place(outside), pycaffe.TEST)


def test_a_folder_is_no_prefix_of_a_name(outside):
    (outside.parent / "outside2").mkdir()
    with pytest.raises(CaffeError, match=OUTSIDE):
        Net(place(outside.parent / "outside2"), allow_paths=str(outside))


@pytest.mark.parametrize("name", ["a\0b", "\udcff\ud800"])
def test_what_is_no_name(name):
    with pytest.raises(CaffeError, match=r"source '.*' is no file's name"):
        AllowedPaths().check(name, "source")


def test_the_current_folder_is_the_one_of_the_moment(outside, monkeypatch):
    paths = AllowedPaths()
    monkeypatch.chdir(outside)
    assert paths.check(str(outside / "x"), "source")


# -- solvers --------------------------------------------------------------------------------------

SOLVER = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 1 solver_mode: CPU '
INNER = 'net_param { layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 } } } }'


@pytest.mark.parametrize("maker", [Solver, pycaffe.SGDSolver, pycaffe.get_solver])
@pytest.mark.parametrize(
    ("field", "rest"),
    [
        ("net", 'net: "FILE"'),
        ("net", 'train_net: "FILE"'),
        ("net", f'{INNER} test_net: "FILE" test_iter: 1 test_interval: 1'),
        ("weights", f'{INNER} weights: "FILE"'),
        ("snapshot_prefix", f'{INNER} snapshot_prefix: "FILE"'),
        ("snapshot_prefix", f'{INNER} snapshot_prefix: "FILE" snapshot: 5'),
        ("weight_source", f"net_param {{ {NET} }} snapshot_after_train: false"),
    ],
)
def test_what_a_solver_names(maker, field, rest, outside):
    (outside / "net.prototxt").write_text(NET.replace("FILE", str(outside / "weights.txt")))
    Net(INNER.removeprefix("net_param {").removesuffix("}")).save(outside / "net.caffemodel")
    name = {"weights": "net.caffemodel", "net": "net.prototxt", "weight_source": "weights.txt"}.get(field, "it")
    Path("solver.prototxt").write_text(place(outside, SOLVER + rest, name))
    before = stamps(outside)
    with pytest.raises(CaffeError, match=f"{field} '{outside}/.*{OUTSIDE}"):
        maker("solver.prototxt").solve()
    assert stamps(outside) == before
    maker("solver.prototxt", allow_paths=[outside]).solve()


def test_the_folder_of_the_solver(outside):
    (outside / "solver.prototxt").write_text(SOLVER + INNER)
    for maker in (Solver, pycaffe.SGDSolver):
        maker(outside / "solver.prototxt").snapshot()
        (outside / "solver_iter_0.caffemodel").unlink()


def test_the_weights_that_a_solver_state_names(outside):
    Net(INNER.removeprefix("net_param {").removesuffix("}")).save(outside / "it.caffemodel")
    write_solverstate("it.solverstate", SolverState(1, str(outside / "it.caffemodel"), 0, [], 0, 0.0))
    with pytest.raises(CaffeError, match=f"it.solverstate: learned_net '{outside}/it.caffemodel' {OUTSIDE}"):
        Solver(SOLVER + INNER).restore("it.solverstate")
    Solver(SOLVER + INNER, allow_paths=outside).restore("it.solverstate")


# -- commands --------------------------------------------------------------------------------------

MODEL = """
    layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
    layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 1 dim: 1 dim: 4 dim: 4 } } }
    layer { name: "fc" type: "Convolution" bottom: "data" top: "fc" convolution_param { num_output: 2 kernel_size: 1 } }
    layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
    layer { name: "it" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" softmaxloss_param { weight_source: "FILE" } }
"""
COMMANDS = [
    "train --solver solver.prototxt",
    "test --model net.prototxt --weights net.caffemodel --iterations 1",
    "time --model net.prototxt --iterations 1",
    "inspect net.prototxt",
    "export net.prototxt --weights net.caffemodel --output out.py",
    "convert net.prototxt --weights net.caffemodel out.safetensors",
    "view net.prototxt --output out.html",
    "segment --model net.prototxt --weights net.caffemodel --scores prob pixel.png --output out",
    "voc predict --model net.prototxt --weights net.caffemodel --scores prob --list pixels.txt --root . --output out",
    "extract_features net.caffemodel net.prototxt fc out 1 lmdb",
]


@pytest.fixture
def files(outside) -> Path:
    """What the commands above name, in the current folder; the net's loss names a file outside."""
    text = place(outside, MODEL)
    Path("net.prototxt").write_text(text)
    Path("solver.prototxt").write_text(SOLVER + 'net: "net.prototxt"')
    Path("pixels.txt").write_text("/pixel.png\n")
    Net(text, allow_paths=outside).save("net.caffemodel")
    return outside


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.partition(" -")[0].split(" net")[0])
def test_commands(command, files, capsys):
    words = command.split()
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert f"layer 'it' (SoftmaxWithLoss): weight_source '{files}/weights.txt' {OUTSIDE}" in error
    assert not list(Path().glob("out*")), "something was written"
    status = cli.main([*words, "--allow-path", str(files)])
    error = capsys.readouterr().err
    assert status == 0 or (words[0] == "export" and "'data' (DummyData) makes numbers of its own" in error), error


def test_the_stand_in_for_the_binary(files, capsys):
    assert caffe.main(["train", "-solver", "solver.prototxt"]) == 2
    assert OUTSIDE in capsys.readouterr().err
    assert caffe.main(["train", "-solver", "solver.prototxt", "-allow_path", str(files)]) == 0


@pytest.mark.slow  # it starts Python three times
def test_scripts(files):
    def run(*options: str, **environment: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "segaware_caffe", "run", *options, "-c", "import caffe; caffe.SGDSolver('solver.prototxt')"]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})

    refused = run()
    assert refused.returncode == 1 and OUTSIDE in refused.stderr.splitlines()[-1]
    assert run("--allow-path", str(files)).returncode == 0
    assert run(**{VARIABLE: "/"}).returncode == 0


def test_the_list_of_predictions_names_photographs_inside(files, capsys):
    picture(files / "pixel.png")
    Path("pixels.txt").write_text(f"{files}/pixel.png\n")
    command = [*COMMANDS[-2].split(), "--root"]
    weights = ["--allow-path", str(files / "weights.txt")]
    assert cli.main([*command, "", *weights]) == 2
    assert f"image '{files}/pixel.png' {OUTSIDE}" in capsys.readouterr().err
    assert cli.main([*command, "", *weights, "--allow-path", str(files)]) == 0
