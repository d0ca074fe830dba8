"""`segaware-caffe segment`: folders that go on where they were stopped, nothing half written, nothing written over."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segaware_caffe import Net, cli
from segaware_caffe.files import replacing
from segaware_caffe.models import MODELS
from segaware_caffe.segmentation import colormap, read_labels, results
from segaware_caffe.segmentation.palette import palette

#: says class 1 where a pixel is red
RED = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 33 dim: 33 } } }
layer { name: "classes" type: "Convolution" bottom: "data" top: "classes" convolution_param { num_output: 2 kernel_size: 1 } }
"""


class Work:
    """Photographs, half red, half black, and the command to segment them."""

    def __init__(self, folder: Path):
        self.folder, self.photographs, self.output = folder, folder / "photographs", folder / "out"
        self.photographs.mkdir()
        for number in range(1, 13):
            self.photograph(f"{number}.jpg", 20 + number)
        self.model, self.weights = folder / "red.prototxt", folder / "red.caffemodel"
        self.model.write_text(RED)
        net = Net(RED)
        net.params["classes"][0][1, 2] = 1.0
        net.save(self.weights)

    def photograph(self, name: str, side: int) -> Path:
        pixels = np.zeros((side, side, 3), np.uint8)
        pixels[:, : side // 2, 0] = 255
        Image.fromarray(pixels).save(self.photographs / name, quality=95)
        return self.photographs / name

    def segment(self, *words: object) -> int:
        words = (*(words or [self.photographs]), "--model", self.model, "--weights", self.weights, "--output", self.output)
        return cli.main(["segment", *map(str, words)])

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.output.iterdir()}


@pytest.fixture
def work(tmp_path, monkeypatch) -> Work:
    monkeypatch.chdir(tmp_path)
    return Work(tmp_path)


@pytest.mark.parametrize("options", [[], ["--batch", 4], ["--readers", 1, "--writers", 1, "--mat"]], ids=str)
def test_every_photograph_of_a_folder_has_its_results(work, options, capsys):
    assert work.segment(work.photographs, *options) == 0
    assert capsys.readouterr() == (f"{work.output}: 12 photographs segmented, 0 were there\n", "")
    ends = ["_overlay.png", ".png", *(["_blob_0.mat"] if "--mat" in options else [])]
    assert {path.name for path in work.output.iterdir()} == {f"{number}{end}" for number in range(1, 13) for end in ends}
    for number in range(1, 13):
        labels = read_labels(work.output / f"{number}.png")
        truth = np.zeros((20 + number, 20 + number), np.uint8)
        truth[:, : (20 + number) // 2] = 1
        assert labels.shape == truth.shape and (labels == truth).mean() > 0.9  # JPEG's colours are coarse


def test_a_folder_goes_on_where_it_was_stopped(work, capsys):
    assert work.segment() == 0
    whole = work.files()
    (work.output / "3.png").unlink()
    (work.output / "5.png").write_bytes(whole["5.png"][:40])
    (work.output / "7_overlay.png").unlink()
    for left in (".4.0123abcd.png", ".9_overlay.0123abcd.png"):
        (work.output / left).write_bytes(b"half")
    (work.output / ".mine.png").write_bytes(b"not ours")
    kept = (work.output / "8.png").stat().st_mtime_ns
    capsys.readouterr()
    assert work.segment() == 0
    assert "3 photographs segmented, 9 were there" in capsys.readouterr().out
    assert work.files() == whole | {".mine.png": b"not ours"}
    assert (work.output / "8.png").stat().st_mtime_ns == kept
    assert work.segment(work.photographs, "--overwrite") == 0
    assert "12 photographs segmented, 0 were there" in capsys.readouterr().out


def test_a_photograph_that_is_named_is_always_made_again(work, capsys):
    for _ in range(2):
        assert work.segment("photographs/1[12].jpg") == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines] == ["photographs/11.jpg", "photographs/12.jpg"]
        assert "class 1 " in lines[0]


def test_labels_are_the_last_that_is_written_and_whole(work, monkeypatch):
    """So that a kill leaves no sound labels without their overlay."""
    targets: list[str] = []

    def watched(path):
        targets.append(Path(path).name)
        return replacing(path)

    for module in ("results", "palette"):
        monkeypatch.setattr(f"segaware_caffe.segmentation.{module}.replacing", watched)
    assert work.segment(work.photographs / "1.jpg") == 0
    assert targets == ["1_overlay.png", "1.png"]


def test_damaged_photographs_stop_no_others(work, capsys):
    for name in ("2.jpg", "10.jpg"):
        (work.photographs / name).write_bytes((work.photographs / name).read_bytes()[:300])
    assert work.segment() == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[0] for line in said[:2]] == [
        f"segaware-caffe: Could not load {work.photographs}/2.jpg",
        f"Could not load {work.photographs}/10.jpg",
    ]
    assert said[2:] == ["10 others are segmented"]
    assert len(list(work.output.glob("*_overlay.png"))) == 10


MISTAKES = {
    "output is a file": (["photographs", "--output", "red.prototxt"], "red.prototxt: is a file; name a folder for the results"),
    "output in a file": (["photographs", "--output", "red.prototxt/out"], "red.prototxt/out: cannot be made"),
    "output is the source": (["photographs", "--output", "photographs/"], "results would lie among the photographs"),
    "a result would be a source": (["1.png", "--output", "."], "1.png: results of 1.png would be written over this photograph"),
    "two of a name": (["photographs/1.jpg", "1.png"], "photographs/1.jpg and 1.png: both would become out/1_overlay.png"),
    "no such file": (["nowhere.jpg"], "nowhere.jpg: there is no such photograph"),
    "no such pattern": (["*.bmp"], "*.bmp: no file is called so"),
    "no image": (["red.prototxt"], "Could not load red.prototxt: not an image of a known format"),
    "no name": ([""], "'': there is no such photograph"),
    "batch": (["1.png", "--batch", "0"], "argument --batch: '0' is no whole number of 1 or more"),
    "side": (["1.png", "--side", "-1"], "argument --side: '-1' is no whole number of 0 or more"),
    "mean": (["1.png", "--mean", "1", "nan", "3"], "argument --mean: 'nan' is no finite number"),
    "model": (["1.png", "--model", "camvit"], "camvit"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence_and_writes_nothing(case, work, capsys):
    Image.new("RGB", (9, 9)).save("1.png")
    before = sorted(work.folder.rglob("*"))
    words, sentence = MISTAKES[case]
    model = [] if "--model" in words else ["--model", "red.prototxt"]
    output = [] if "--output" in words else ["--output", "out"]
    try:
        status = cli.main(["segment", *words, *model, *output])
    except SystemExit as exit_:
        status = exit_.code
    said = capsys.readouterr().err
    assert status == 2 and sentence in said and "Errno" not in said
    assert len(said.splitlines()) == 1 or said.startswith("usage:")
    assert sorted(work.folder.rglob("*")) == before


def test_a_full_disk_names_the_file_and_leaves_nothing_half_written(work, monkeypatch, capsys):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results.Image.Image, "save", full)
    assert work.segment() == 2
    assert "_overlay.png: cannot be written: No space left on device" in capsys.readouterr().err
    assert not list(work.output.iterdir())


@pytest.mark.parametrize("name", MODELS)
def test_the_packages_networks_have_colours_of_their_own(name, tmp_path):
    model = MODELS[name]
    Image.new("RGB", (60, 40), (90, 140, 220)).save(tmp_path / "photo.jpg")
    assert cli.main(["segment", str(tmp_path / "photo.jpg"), "--model", name, "--output", str(tmp_path / "out")]) == 0
    with Image.open(tmp_path / "out" / "photo.png") as image:
        stored = np.reshape(image.getpalette(), (256, 3))
    assert np.array_equal(stored[11:], colormap()[11:]) and len({*map(tuple, stored[:11])}) == 11
    assert np.array_equal(stored, palette(model.colours))
