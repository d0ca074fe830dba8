"""The archive for VOC's server, and what it must not hold."""

import tarfile

import numpy as np
import pytest
from PIL import Image
from voc.support import run, write_voc

from segaware_caffe.segmentation import write_label_png
from segaware_caffe.segmentation.label_images import image_size


@pytest.fixture
def work(tmp_path):
    """A VOC folder, and predictions for its test set."""
    voc = write_voc(tmp_path / "voc")
    (tmp_path / "predictions").mkdir()
    for index, name in enumerate(voc.ids("test")):
        write_label_png(tmp_path / "predictions" / f"{name}.png", np.full(image_size(voc.image(name)), index + 3))
    return voc, tmp_path / "predictions", tmp_path / "results.tgz"


def submit(work) -> int:
    return run("voc", "submit", work[1], "--voc", work[0].root, "--output", work[2])


def test_the_archive_is_as_the_server_wants_it(work, capsys):
    assert submit(work) == 0
    assert "2 label images" in capsys.readouterr().out
    with tarfile.open(work[2]) as tar:
        assert tar.getnames() == [f"results/VOC2012/Segmentation/comp6_test_cls/t_{k}.png" for k in (1, 2)]
        for entry in tar:
            assert tar.extractfile(entry).read() == (work[1] / entry.name.rsplit("/")[-1]).read_bytes()


def test_equal_predictions_give_equal_archives(work):
    assert submit(work) == 0
    first = work[2].read_bytes()
    assert submit(work) == 0
    assert work[2].read_bytes() == first


def other_palette(path):
    image = Image.open(path)
    image.putpalette(bytes(range(256)) * 3)
    image.save(path)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: path.unlink(), "missing: 1 of 2 (t_1)"),
        (lambda path: write_label_png(path.with_name("a_1.png"), np.zeros((2, 2))), "not in the list: 1 (a_1)"),
        (lambda path: write_label_png(path, np.zeros((2, 3))), "t_1.png: 2 x 3, its photograph is 60 x 50"),
        (lambda path: write_label_png(path, np.full((60, 50), 255)), "t_1.png: has value 255 (the value should be <= 20)"),
        (lambda path: Image.new("L", (50, 60)).save(path), "t_1.png: no PNG with a palette"),
        (other_palette, "t_1.png: its palette is not VOC's"),
        (lambda path: path.write_bytes(path.read_bytes()[:-60]), "t_1.png"),
    ],
    ids=["missing", "strange", "size", "void", "grey", "palette", "truncated"],
)
def test_what_the_server_would_refuse_is_named_and_nothing_is_packed(work, capsys, spoil, sentence):
    spoil(work[1] / "t_1.png")
    assert submit(work) == 2
    assert sentence in capsys.readouterr().err
    assert not work[2].exists()
