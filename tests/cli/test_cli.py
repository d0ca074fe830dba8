"""The command line: what it prints, what it writes, and one sentence for a user's mistake."""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from log_lines import assert_same_lines, messages
from PIL import Image
from tqdm import tqdm

from segaware_caffe import Net, cli, read_net
from segaware_caffe.cli import caffe
from segaware_caffe.cli.running import layer_progress
from segaware_caffe.models import CAMVID_CLASSES
from segaware_caffe.segmentation import colormap, without_sinks
from segaware_caffe.weights import read_weights

LOGS = Path(__file__).resolve().parents[1] / "golden" / "logs"

SEGMENTER = """
name: "threshold"
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 33 dim: 33 } } }
layer { name: "classes" type: "Convolution" bottom: "data" top: "classes" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "write" type: "MatWrite" bottom: "classes" mat_write_param { prefix: "/nowhere/" } }
"""


def run(*args: object) -> int:
    return cli.main([str(arg) for arg in args])


def fails(capsys, *args: object) -> str:
    """The one sentence that a wrong command line gives."""
    try:
        status = run(*args)
    except SystemExit as exit_:
        status = exit_.code
    captured = capsys.readouterr()
    assert status == 2
    assert "Traceback" not in captured.err
    return captured.err


@pytest.fixture
def segmenter(tmp_path):
    """A net that says class 1 where a pixel is red, and its weights."""
    model = tmp_path / "net.prototxt"
    model.write_text(SEGMENTER)
    net = Net(str(model))
    net.params["classes"][0][1, 2] = 1.0
    net.save(tmp_path / "net.caffemodel")
    return model, tmp_path / "net.caffemodel"


def photograph(path: Path, height: int, width: int) -> Path:
    """The left half red, the right half black."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("size", [(20, 30), (33, 33), (66, 50)], ids=["smaller", "equal", "larger"])
def test_segment_writes_labels_of_the_photographs_size_with_vocs_palette(segmenter, tmp_path, capsys, size):
    model, weights = segmenter
    image = photograph(tmp_path / "photo.png", *size)
    assert run("segment", image, "--model", model, "--weights", weights, "--output", tmp_path / "out", "--mat") == 0
    with Image.open(tmp_path / "out" / "photo.png") as labels, Image.open(tmp_path / "out" / "photo_overlay.png") as overlay:
        assert labels.mode == "P" and labels.size == overlay.size == size[::-1]
        labels.load()
    assert np.array_equal(np.reshape(labels.getpalette(), (-1, 3)), colormap())
    truth = np.zeros(size, np.uint8)
    truth[:, : size[1] // 2] = 1
    assert (np.asarray(labels) == truth).mean() > 0.97
    stored = scipy.io.loadmat(tmp_path / "out" / "photo_blob_0.mat")["data"]
    assert stored.shape[:3] == (size[1], size[0], 2)
    assert "class 1 " in capsys.readouterr().out


@pytest.mark.parametrize("orientation", range(1, 9))
def test_segment_turns_photographs_upright(segmenter, tmp_path, orientation):
    """A telephone stores what its sensor saw and how the photograph has to be turned."""
    model, weights = segmenter
    photograph(tmp_path / "upright.png", 20, 30)
    with Image.open(tmp_path / "upright.png") as image:
        upright = image.copy()
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that undoes the turn
    stored = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "photo.png", exif=exif)
    assert run("segment", tmp_path / "photo.png", "--model", model, "--weights", weights, "--output", tmp_path / "out") == 0
    with Image.open(tmp_path / "out" / "photo.png") as labels:
        assert labels.size == (30, 20)
        values = np.asarray(labels)
    assert (values[:, :14] == 1).all() and (values[:, 16:] == 0).all()


def test_a_progress_bar_that_redraws_changes_no_blob(segmenter, monkeypatch):
    """tqdm's update returns True when it draws; a hook's result would replace the layer's output."""
    monkeypatch.setattr(tqdm, "update", lambda bar, n: True)
    net = Net(without_sinks(read_net(segmenter[0])))
    with layer_progress(net, 1, "net"):
        assert net(data=np.zeros((1, 3, 33, 33), np.float32))["classes"].shape == (1, 2, 33, 33)


def test_without_a_model_segment_runs_the_one_that_comes_with_the_package(tmp_path, capsys):
    image = photograph(tmp_path / "photo.png", 120, 200)
    assert run("segment", image, "--output", tmp_path / "out") == 0
    line = capsys.readouterr().out
    assert all(word.split()[0] in CAMVID_CLASSES for word in line.split(".png  ")[1].split(", "))
    with Image.open(tmp_path / "out" / "photo.png") as labels:
        assert labels.size == (200, 120) and np.asarray(labels).max() < len(CAMVID_CLASSES)
    assert "--weights mine.caffemodel needs --model" in fails(capsys, "segment", image, "--weights", "mine.caffemodel")


def test_test_prints_the_lines_of_caffe_test(capsys, monkeypatch):
    monkeypatch.chdir(LOGS)
    assert run("test", "--model", "net.prototxt", "--weights", "tiny_iter_12.caffemodel", "--iterations", 3) == 0
    assert_same_lines(messages(capsys.readouterr().err), messages((LOGS / "test.log").read_text()))


def test_inspect_shows_layers_shapes_and_what_a_weight_file_would_load(segmenter, tmp_path, capsys):
    model, weights = segmenter
    assert run("inspect", model, "--weights", weights, "--shape", "data=1,3,65,65") == 0
    out = capsys.readouterr().out
    assert re.search(r"classes +Convolution +data +classes +1x2x65x65 +2x3x1x1  2", out)
    assert "parameters: 8 " in out
    assert "1 layers loaded, 0 missing, 0 unused" in out


def test_a_schema_of_ones_own(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.proto").write_text("extend LayerParameter { optional string of_the_command_line = 5050; }")
    text = SEGMENTER.replace('name: "classes"', 'name: "classes" of_the_command_line: "x"')
    Path("net.prototxt").write_text(text.replace("/nowhere/", "features/"))  # a run writes there
    assert "has no field named" in fails(capsys, "inspect", "net.prototxt")
    Path("wrong.proto").write_text("message {")
    assert "wrong.proto:1:9: Expected a name, found {" in fails(capsys, "inspect", "net.prototxt", "--schema", "wrong.proto")
    assert run("inspect", "net.prototxt", "--schema", "own.proto") == 0
    assert caffe.main(["time", "-model", "net.prototxt", "-schema=own.proto", "-iterations=1"]) == 0


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt", ".caffemodel.h5", ".caffemodel"])
def test_convert_loses_nothing(segmenter, tmp_path, suffix):
    _, weights = segmenter
    assert run("convert", weights, tmp_path / f"there{suffix}") == 0
    assert run("convert", tmp_path / f"there{suffix}", tmp_path / "back.caffemodel") == 0
    first, second = (
        [(layer.name, [b.numpy().tolist() for b in layer.blobs]) for layer in read_weights(path) if layer.blobs]
        for path in (weights, tmp_path / "back.caffemodel")
    )
    assert first == second and first


def test_placeholders_are_set_on_the_command_line_and_from_a_file(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(SEGMENTER.replace("dim: 33 dim: 33", "dim: ${SIZE} dim: ${SIZE}"))
    (tmp_path / "values").write_text("# sizes\nSIZE=9\n")
    assert run("inspect", tmp_path / "net.prototxt", "--variables", tmp_path / "values") == 0
    assert "1x3x9x9" in capsys.readouterr().out
    assert run("inspect", tmp_path / "net.prototxt", "--variables", tmp_path / "values", "--set", "SIZE=11") == 0
    assert "1x3x11x11" in capsys.readouterr().out
    assert "SIZE" in fails(capsys, "inspect", tmp_path / "net.prototxt")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["inspect", "nowhere.prototxt"], "nowhere.prototxt"),
        (["inspect", "{model}", "--shape", "data=1,x"], "--shape data=1,x: give it as BLOB=N,C,H,W"),
        (["inspect", "{model}", "--weights", "{model}"], "net.prototxt"),
        (["segment", "{model}", "--model", "{model}"], "not an image"),
        (["segment", "{photo}", "--model", "{model}", "--scores", "clases"], "clases"),
        (["segment", "{photo}", "--model", "{model}", "--input-blob", "image"], "has no input 'image'"),
        (["convert", "{weights}", "{weights}.doc"], ".safetensors"),
        (["convert", "nowhere.caffemodel", "x.npz"], "nowhere.caffemodel"),
        (["test", "--model", "{model}"], "--weights"),
        (["bogus"], "invalid choice"),
        ([], "required"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_status_2(segmenter, tmp_path, capsys, args, sentence):
    model, weights = segmenter
    photo = photograph(tmp_path / "photo.png", 20, 20)
    assert sentence in fails(capsys, *(arg.format(model=model, weights=weights, photo=photo) for arg in args))


@pytest.mark.parametrize("command", ["segment", "test", "inspect", "convert"])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        run(command, "--help")
    assert exit_.value.code == 0
    assert f"segaware-caffe {command}" in capsys.readouterr().out
