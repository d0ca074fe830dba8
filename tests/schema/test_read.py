"""From a path, a text or a message to a net in the present form; the paper's networks among them."""

from pathlib import Path

import pytest
from published import published

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter, filter_net, parse_text, read_net, read_solver

TEXT = 'name: "n" layer { name: "${NAME}" type: "ReLU" }'

NUMBERS = (
    "BATCH_SIZE CRF_LR1 CRF_LR2 CROP_SIZE EMBS_LR1 EMBS_LR2 EMBS_LR3 FINAL_LR1 FINAL_LR2 HALF_SIZE ITERS ITER_SIZE"
    " LEARNING_RATE MAIN_LR1 MAINSCALE_LR1 MAINSCALE_LR2 MASK_DILATION MASK_PAD MASK_SIZE MASK2_DILATION MASK2_PAD"
    " MASK2_SIZE MASK3_DILATION MASK3_PAD MASK3_SIZE NUM_LABELS SNAP STEP"
)
WORDS = "DATASET DATA_ROOT EXP FEATURE_DIR NET_ID TEST_SET TRAIN_SET"
VARIABLES = dict.fromkeys(NUMBERS.split(), 3) | dict.fromkeys(WORDS.split(), "word") | {"SOLVER_MODE": "CPU"}

#: network: layers kept in TRAIN and in TEST (spec/pipeline.md 10)
LAYERS = {
    "embs/deploy": (33, 33),
    "embs/test": (23, 23),
    "embs/test_voc_val": (23, 23),
    "embs/train": (28, 27),
    "embs/train_coco_trainval": (28, 27),
    "res/deploy": (1390, 1390),
    "res/test": (1407, 1409),
    "res/test_voc_test": (1407, 1409),
    "res/test_voc_val": (1407, 1409),
    "res/train": (1403, 1397),
    "res/train_voc_trainval_aug": (1403, 1397),
    "vgg/deploy": (156, 156),
    "vgg/test": (129, 129),
    "vgg/test_voc_test": (129, 129),
    "vgg/test_voc_val": (129, 129),
    "vgg/train": (156, 156),
    "vgg/train_voc_train_aug": (156, 156),
}
#: solver: type, base_lr and max_iter where they are no placeholders
SOLVERS = {
    "embs/solver": ("Adam", None, 24000),
    "embs/solver_coco_trainval": ("Adam", 0.001, 24000),
    "res/solver": ("SGD", None, None),
    "res/solver_voc_trainval_aug": ("SGD", 2.5e-4, 5000),
    "vgg/solver": ("SGD", None, None),
    "vgg/solver_voc_train_aug": ("SGD", 1e-4, 360000),
}


def check_network(prototxt: Path | str, name: str) -> None:
    net = read_net(prototxt, VARIABLES)
    assert tuple(len(filter_net(net, phase).layer) for phase in ("TRAIN", "TEST")) == LAYERS[name]


def check_solver(prototxt: Path | str, name: str) -> None:
    kind, base_lr, max_iter = SOLVERS[name]
    solver = read_solver(prototxt, VARIABLES)
    assert solver.type == kind
    assert solver.base_lr == pytest.approx(3 if base_lr is None else base_lr)
    assert solver.max_iter == (3 if max_iter is None else max_iter)


@pytest.mark.parametrize("name", LAYERS)
def test_our_networks(name):
    check_network(published(name), name)


@pytest.mark.parametrize("name", SOLVERS)
def test_our_solvers(name):
    check_solver(published(name), name)


def test_original_networks_and_solvers(shared):
    for name in LAYERS:
        check_network(shared / "reference" / "configs" / f"{name}.prototxt", name)
    for name in SOLVERS:
        check_solver(shared / "reference" / "configs" / f"{name}.prototxt", name)


def test_networks_of_the_zoo(shared):
    paths = sorted((shared / "reference" / "zoo").glob("*.prototxt"))
    assert paths
    for path in paths:
        if "solver" in path.name:
            assert read_solver(path).base_lr > 0
        else:
            assert all(layer.type for layer in read_net(path).layer)


@pytest.mark.parametrize("as_path", [str, Path])
def test_path(tmp_path, as_path):
    path = tmp_path / "net.prototxt"
    path.write_text(TEXT)
    assert read_net(as_path(path), {"NAME": "a"}).layer[0].name == "a"


@pytest.mark.parametrize("text", [TEXT, "\n", "name: 'n'", "state { }", "\ufeffname: 'n'"])
def test_text(text):
    assert read_net(text, {"NAME": "a"}) == parse_text(text.replace("${NAME}", "a").lstrip("\ufeff"), "NetParameter")


def test_a_file_whose_name_looks_like_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("name:{x}").write_text("name: 'from the file'")
    assert read_net("name:{x}").name == "from the file"


def test_message_is_copied_and_upgraded():
    given = NetParameter(name="n")
    given.layers.add(name="a", type=18)
    read = read_net(given)
    assert read == parse_text("name: 'n' layer { name: 'a' type: 'ReLU' }", "NetParameter")
    assert len(given.layers) == 1


def test_byte_order_mark(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b"\xef\xbb\xbfname: 'n'\r\n")
    assert read_net(path).name == "n"


@pytest.mark.parametrize("missing", ["net.prototxt", "", "/no/such/net.prototxt", Path("a:b{c")])
def test_file_not_found(missing):
    with pytest.raises(CaffeError) as error:
        read_net(missing)
    assert str(error.value) == f"File not found: {missing}"


def test_folder(tmp_path):
    with pytest.raises(CaffeError, match="cannot be read: "):
        read_net(tmp_path)


@pytest.mark.parametrize("given", [None, 3, b"name: 'n'"])
def test_neither_path_nor_text(given):
    with pytest.raises(CaffeError, match=r"^Expected a path, a text or a NetParameter, got "):
        read_net(given)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x0a\x04PNet\xa2\x06\x00\x00", ": a binary file, not a prototxt; if it holds weights, give it as weights"),
        (b"\x89HDF\r\n\x1a\n rest", ": a binary file, not a prototxt"),
        (b"# \xe9\nname: 'n\xe9'\n", ":2: byte 0xe9 is not UTF-8 text"),
    ],
)
def test_not_a_text(tmp_path, content, says):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(content)
    with pytest.raises(CaffeError) as error:
        read_net(path)
    assert str(error.value).startswith(f"{path}{says}")


def test_mistake_in_a_file_names_it(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text("nam: 'n'")
    with pytest.raises(CaffeError) as error:
        read_net(path)
    assert str(error.value).startswith(f"Failed to parse NetParameter file: {path}\n  {path}:1:1: nam: ")


def test_variable_without_a_value_names_the_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(TEXT)
    with pytest.raises(CaffeError) as error:
        read_net(path, {"OTHER": 1})
    assert str(error.value) == f"{path}: variables without a value (given: OTHER):\n  ${{NAME}} (first in line 1)"


def test_upgrade_that_fails_names_the_file(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text("input: 'a' input_dim: 1")
    with pytest.raises(CaffeError) as error:
        read_net(path)
    assert str(error.value).startswith(f"{path}: 1 input fields need 4 input_dim values")


def test_unknown_fields_on_request():
    with pytest.warns(UserWarning, match=r"^<text>:1:1: nam: .* \(skipped\)$") as caught:
        assert read_net("nam: 'n' name: 'm'", allow_unknown_fields=True).name == "m"
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="bas_lr"):
        assert read_solver("bas_lr: 1 max_iter: 2", allow_unknown_fields=True).max_iter == 2
