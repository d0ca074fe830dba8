"""Predictions: to the size of the photograph, resumable, shared out, and all or nothing for each file."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from voc.support import NAMES, contents, run, write_network, write_voc

from segaware_caffe import Net, cli
from segaware_caffe.cli.voc import prediction
from segaware_caffe.data.lists import Entry
from segaware_caffe.data.mat import read_mat, write_mat
from segaware_caffe.data.processes import Process
from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import read_net
from segaware_caffe.segmentation import Predictor, colormap, read_labels, segment
from segaware_caffe.segmentation.predict import Scored, best_labels, read_entries, unfinished
from segaware_caffe.segmentation.workers import ahead
from segaware_caffe.voc.dataset import write_lists


class Work:
    """A VOC folder, its lists, a network, and the command to predict with it."""

    def __init__(self, folder: Path):
        self.folder, self.voc, self.output = folder, write_voc(folder / "voc"), folder / "out"
        write_lists(self.voc, folder / "list")
        self.list = folder / "list" / "all.txt"
        self.list.write_text("".join(f"/JPEGImages/{name}.jpg 0\n" for name in NAMES))
        self.model, self.weights = write_network(folder, self.voc.root)
        self.args = ["voc", "predict", "--model", self.model, "--weights", self.weights, "--list", self.list, "--output", self.output]

    def predict(self, *more: object) -> int:
        return run(*self.args, *more)

    def files(self) -> dict[str, bytes]:
        return contents(self.output)


@pytest.fixture
def work(tmp_path) -> Work:
    return Work(tmp_path)


def test_label_images_have_the_photographs_size_and_vocs_palette_and_are_right(work, capsys):
    assert work.predict() == 0
    assert "5 label images written, 0 were there" in capsys.readouterr().out
    for name in NAMES:
        with Image.open(work.output / f"{name}.png") as image:
            assert (image.format, image.mode) == ("PNG", "P")
            assert np.array_equal(np.reshape(image.getpalette(), (256, 3)), colormap())
            labels = np.asarray(image)
        truth = read_labels(work.voc.labels / f"{name}.png")
        assert labels.shape == truth.shape
        assert labels.max() <= 20
        inside = ndimage.distance_transform_cdt(truth != 255, "chessboard")[:-3, :-3] > 3  # the network is coarse
        assert inside.sum() > 500 and (labels == truth)[:-3, :-3][inside].all()


def test_the_mat_files_of_the_reference_way_give_the_same_label_images(work):
    """caffe test writes score maps of the whole input, gen-preds crops them; predict does both at once."""
    net = Net(work.model, weights=work.weights)
    for _ in range(2):
        net()
    features = work.folder / "features" / "voc_val" / "mycrf"
    assert sorted(path.name for path in features.iterdir()) == ["a_4_blob_0.mat", "a_5_blob_0.mat"]
    assert read_mat(features / "a_4_blob_0.mat").shape == (1, 21, 65, 65)
    assert run("voc", "gen-preds", features, "--voc", work.voc.root, "--output", work.folder / "gen") == 0
    assert work.predict() == 0
    for name in ("a_4", "a_5"):
        assert (work.folder / "gen" / f"{name}.png").read_bytes() == (work.output / f"{name}.png").read_bytes()


def test_gen_preds_keeps_what_is_there_and_takes_the_first_of_two_maps(work):
    net = Net(work.model, weights=work.weights)
    net()
    features = work.folder / "features" / "voc_val" / "mycrf"
    (features / "a_4_blob_1.mat").write_text("never opened")
    assert run("voc", "gen-preds", features, "--voc", work.voc.root, "--output", work.output) == 0
    before = (work.output / "a_4.png").stat().st_mtime_ns
    assert run("voc", "gen-preds", features, "--voc", work.voc.root, "--output", work.output) == 0
    assert (work.output / "a_4.png").stat().st_mtime_ns == before


@pytest.mark.parametrize("list_", ["voc_val.txt", "voc_val_id.txt"])
def test_lists_of_photographs_and_of_ids(work, list_):
    assert work.predict("--list", work.folder / "list" / list_) == 0
    assert sorted(work.files()) == ["a_4.png", "a_5.png"]


def test_list_folder_and_place_come_from_the_network_if_not_given(work, monkeypatch):
    monkeypatch.chdir(work.folder)
    assert run("voc", "predict", "--model", work.model, "--weights", work.weights) == 0
    assert sorted(path.name for path in Path("results/VOC2012/Segmentation/comp6_val_cls").iterdir()) == ["a_4.png", "a_5.png"]


def test_what_is_finished_is_not_done_again_and_what_is_half_done_is(work, capsys):
    assert work.predict() == 0
    done = work.files()
    (work.output / "a_1.png").unlink()
    (work.output / "a_2.png").write_bytes(done["a_2.png"][:-40])  # a copy that was cut off
    (work.output / ".a_3.0123abcd.png").write_bytes(b"half")  # what a SIGKILL leaves behind
    (work.output / ".strange.0123abcd.png").write_bytes(b"of another process")
    times = {name: (work.output / name).stat().st_mtime_ns for name in ("a_3.png", "a_4.png", "a_5.png")}
    capsys.readouterr()
    assert work.predict() == 0
    assert "2 label images written, 3 were there" in capsys.readouterr().out
    assert work.files() == done | {".strange.0123abcd.png": b"of another process"}
    assert times == {name: (work.output / name).stat().st_mtime_ns for name in times}


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(work, threads):
    assert work.predict("--readers", threads, "--writers", threads) == 0
    one = work.files()
    assert work.predict("--output", work.folder / "again") == 0
    assert contents(work.folder / "again") == one


def test_processes_share_the_work(work, monkeypatch, capsys):
    assert work.predict() == 0
    alone = work.files()
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert work.predict("--output", work.folder / f"share{rank}") == 0
    shares = [contents(work.folder / f"share{rank}") for rank in range(2)]
    assert list(map(len, shares)) == [3, 2]
    assert shares[0] | shares[1] == alone
    assert "(2 of process 1 of 2)" in capsys.readouterr().out


def test_every_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    devices = [prediction.process_device("0,3", Process(rank, 4, rank % 2)) for rank in range(4)]
    assert devices == ["cuda:0", "cuda:3", "cuda:0", "cuda:3"]
    assert prediction.process_device("", Process()) == "cpu"


def test_a_network_with_inputs_reads_photographs_as_the_paper_does(work):
    text = read_net(work.model)
    assert work.predict() == 0
    deploy = work.folder / "deploy.prototxt"
    layers = [line for line in work.model.read_text().split("\nlayer ") if "ImageSegData" not in line and "Silence" not in line]
    layers.insert(1, '{ name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 65 dim: 65 } } }')
    deploy.write_text("\nlayer ".join(layers))
    assert len(read_net(deploy).layer) == len(text.layer) - 1
    assert run(*work.args, "--model", deploy, "--root", work.voc.root, "--output", work.folder / "input") == 0
    assert contents(work.folder / "input") == work.files()


def damaged(work: Work, name: str) -> None:
    path = work.voc.image(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def larger(work: Work, name: str) -> None:
    Image.new("RGB", (66, 20)).save(work.voc.image(name))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda work, name: work.voc.image(name).unlink(), "No such file"),
        (damaged, "truncated"),
        (larger, "20 x 66 is larger than the network's input of 65 x 65"),
    ],
    ids=["missing", "truncated", "too large"],
)
def test_a_photograph_that_cannot_be_used_is_named_and_all_before_it_is_kept(work, capsys, spoil, sentence):
    spoil(work, "a_4")
    assert work.predict() == 2
    error = capsys.readouterr().err
    assert sentence in error and "a_4.jpg" in error and "Traceback" not in error
    assert sorted(work.files()) == ["a_1.png", "a_2.png", "a_3.png"]


def test_a_full_disk_is_named_and_all_before_it_is_kept(work, capsys, monkeypatch):
    save = Image.Image.save

    def full(image, path, **options):
        if ".a_3." in str(path):
            Path(path).write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(image, path, **options)

    monkeypatch.setattr(Image.Image, "save", full)
    assert work.predict("--writers", 1) == 2
    assert "a_3.png: cannot be written: No space left on device" in capsys.readouterr().err
    monkeypatch.undo()
    assert {"a_1.png", "a_2.png"} <= set(work.files()) and "a_3.png" not in work.files()
    assert not [name for name in work.files() if name.startswith(".")]
    assert work.predict() == 0
    assert len(work.files()) == 5


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a small tmpfs takes root")
def test_a_disk_that_is_really_full(work, capsys):
    work.output.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=64", "tmpfs", work.output], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        fill = work.output / "fill"
        fill.write_bytes(bytes(3 * 4096))  # one page is left: room for one small PNG or two
        assert work.predict("--writers", 1) == 2
        error = capsys.readouterr().err
        assert "cannot be written: No space left on device" in error and str(work.output) in error
        kept = sorted(name for name in work.files() if name != "fill")
        assert kept and all(read_labels(work.output / name).size for name in kept) and len(kept) < 5
        subprocess.run(["mount", "-o", "remount,size=1m", work.output], check=True)
        assert work.predict() == 0
        assert len(work.files()) == 6
    finally:
        subprocess.run(["umount", work.output], check=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("mirror: false", "mirror: true"), "no two predictions are the same"),
        (("mirror: false", "scale_factors: 0.5 scale_factors: 1"), "no two predictions are the same"),
        (('bottom: "fine"', 'bottom: "coarse"'), "for /JPEGImages/a_1.jpg: the score map is 33 x 33, smaller than"),
    ],
)
def test_networks_that_cannot_predict(work, capsys, change, sentence):
    work.model.write_text(work.model.read_text().replace(*change))
    assert work.predict() == 2
    assert sentence in capsys.readouterr().err


def test_lists_that_would_give_one_file_twice(tmp_path):
    (tmp_path / "list.txt").write_text("/a/x.jpg 0\n/b/x.jpg 0\n")
    with pytest.raises(CaffeError, match=r"list\.txt:2: 'x' was there before \(.*list\.txt:1\)"):
        read_entries(str(tmp_path / "list.txt"))


def scored(scores: list, size: tuple[int, int]) -> Scored:
    return Scored("x", torch.tensor(scores)[:, None], size, "x.mat")


def test_the_best_class_is_the_first_of_equal_ones_and_never_nan():
    nan, inf = float("nan"), float("inf")
    labels = best_labels(scored([[1.0, nan, nan, 2.0, -inf], [1.0, 0.0, nan, inf, -inf], [0.0, 1.0, nan, nan, 0.0]], (1, 5)))
    assert labels.tolist() == [[0, 2, 0, 1, 2]]
    assert best_labels(scored([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], (1, 2))).tolist() == [[0, 1]]
    with pytest.raises(CaffeError, match=r"x\.mat: the score map is 1 x 2, smaller than the image of 1 x 3"):
        best_labels(scored([[1.0, 0.0]], (1, 3)))


def test_mat_files_of_whole_batches_are_refused(work, capsys):
    write_mat(work.folder / "mats" / "a_1_blob_0.mat", np.zeros((2, 21, 65, 65), np.float32))
    assert run("voc", "gen-preds", work.folder / "mats", "--voc", work.voc.root, "--output", work.output) == 2
    assert "a_1_blob_0.mat: holds 2 score maps" in capsys.readouterr().err
    assert run("voc", "gen-preds", work.folder / "mats", "--output", work.output) == 2
    assert "give --voc" in capsys.readouterr().err
    assert run("voc", "gen-preds", work.voc.root, "--voc", work.voc.root, "--output", work.output) == 2
    assert "there are no .mat files" in capsys.readouterr().err


def test_ahead_keeps_the_order_and_finishes_what_it_began():
    finished = []

    def slow(item: int) -> int:
        if item == 3:
            raise CaffeError("three")
        finished.append(item)
        return item

    results = ahead(slow, range(100), threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(CaffeError, match="three"):
        next(results)
    assert max(finished) < 10  # it is never far ahead


@pytest.mark.parametrize("together", [True, False], ids=["as on a GPU", "as on a processor"])
def test_batches_make_the_same_label_images(work, together, monkeypatch):
    assert work.predict() == 0
    one_by_one = work.files()
    shutil.rmtree(work.output)
    monkeypatch.setattr(segment, "is_faster_together", lambda net: together)
    assert work.predict("--batch", 3) == 0
    assert work.files() == one_by_one


def test_a_predictor_takes_a_named_blob_and_another_folder(work):
    predictor = Predictor(read_net(work.model), root=str(work.voc.root) + "/JPEGImages", scores="scores", weights=work.weights)
    loaded = predictor.load(Entry("/a_1.jpg", "", "here"))
    assert loaded.blob.shape == (1, 3, 65, 65) and loaded.size == (40, 65)
    assert not loaded.blob[..., 40:, :].any()
    assert predictor.score(loaded).scores.shape == (21, 65, 65)


def test_unfinished_works_on_names_too(tmp_path):
    assert unfinished(["a", "b"], tmp_path / "nowhere") == ["a", "b"]


def test_torchrun_runs_it(work):
    """Two real processes; each has its share."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "segaware_caffe", *map(str, work.args)]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=work.folder)
    parallel = work.files()
    assert work.predict("--output", work.folder / "alone") == 0
    assert contents(work.folder / "alone") == parallel
