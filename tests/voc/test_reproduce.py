"""The whole experiment in one command."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from full_nets import full_net
from published import published
from voc.support import NETWORK, contents, run, write_network, write_voc

from segaware_caffe import cli
from segaware_caffe.schema import read_net
from segaware_caffe.voc import VocFolder
from segaware_caffe.voc.fetch import RES_WEIGHTS
from segaware_caffe.voc.reproduce import NETS, PUBLISHED, Outcome, Task, prepare, rendered


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A VOC folder, a network under the name of the ResNet's template, its weights; the present folder."""
    monkeypatch.chdir(tmp_path)
    write_voc(tmp_path / "voc")
    (tmp_path / "configs" / "res").mkdir(parents=True)
    (tmp_path / "configs" / "res" / "test.prototxt").write_text(NETWORK)
    (tmp_path / "scratch").mkdir()
    write_network(tmp_path / "scratch", tmp_path / "voc")
    (tmp_path / "scratch" / "net.caffemodel").rename(tmp_path / "weights.caffemodel")
    return tmp_path


def reproduce(*more: object) -> int:
    return run("voc", "reproduce", "--voc", "voc", "--weights", "weights.caffemodel", "--configs", "configs", *more)


def test_val_is_predicted_evaluated_and_reported(work, capsys):
    assert reproduce("--subset", "val", "--output", "out") == 0
    printed = capsys.readouterr().out
    report = json.loads((work / "out" / "report.json").read_text())
    measured = report["mean_iou_percent"]["measured"]
    assert f"mean IoU measured:  {measured:.3f}%" in printed and f"Average accuracy: {measured:6.3f}%" in printed
    assert "not published for this network and set" in printed
    assert "val has 2 images, published: 1449; its result cannot be compared" in printed
    assert (report["images"], report["predicted"]) == (2, 2)
    assert set(report["seconds"]) == {"check", "loading", "prediction", "evaluation"}
    assert report["facts"]["peak_memory_bytes"] > 1e7
    weights = hashlib.sha256((work / "weights.caffemodel").read_bytes()).hexdigest()
    assert report["facts"]["sha256"]["weights.caffemodel"] == weights
    predictions = work / "out/results/VOC2012/Segmentation/comp6_val_cls"
    assert (
        run(
            "voc",
            "evaluate",
            "--predictions",
            predictions,
            "--labels",
            "voc/SegmentationClass",
            "--list",
            "voc/ImageSets/Segmentation/val.txt",
            "--json",
            "by_hand.json",
        )
        == 0
    )
    assert json.loads((work / "by_hand.json").read_text()) == report["evaluation"]
    page = (work / "out" / "report.html").read_text()
    for text in (f"{measured:.3f} %", "tvmonitor", weights, "data:image/jpeg", "data:image/png", "a_4", "peak memory"):
        assert text in page


def test_test_is_predicted_and_packed(work, capsys):
    assert reproduce() == 0
    printed = capsys.readouterr().out
    assert "mean IoU published: 79.839%" in printed and "upload reproduction_res_test/results.tgz" in printed
    with tarfile.open("reproduction_res_test/results.tgz") as tar:
        assert tar.getnames() == [f"results/VOC2012/Segmentation/comp6_test_cls/t_{k}.png" for k in (1, 2)]
    page = (work / "reproduction_res_test" / "report.html").read_text()
    assert "79.839 %" in page and "known to VOC&#39;s server only" in page


@pytest.mark.slow
@pytest.mark.parametrize(("subset", "names", "headings"), [("val", ["a_4", "a_5"], 6), ("test", ["t_1", "t_2"], 3)])
def test_the_report_opens_in_a_browser(work, browser, subset, names, headings):
    assert reproduce("--subset", subset, "--output", "out") == 0
    browser.get(f"file://{work}/out/report.html")
    shown = {card.get_attribute("data-name") for card in browser.find_elements("css selector", ".card")}
    assert shown == set(names) and len(browser.find_elements("css selector", "h2")) == headings
    assert len(browser.find_elements("css selector", ".card img")) == 2
    assert browser.get_log("browser") == []


def test_started_again_it_goes_on(work):
    assert reproduce("--subset", "val", "--output", "out") == 0
    predictions = work / "out/results/VOC2012/Segmentation/comp6_val_cls"
    first = contents(predictions)
    (predictions / "a_4.png").unlink()
    assert reproduce("--subset", "val", "--output", "out") == 0
    assert contents(predictions) == first
    assert json.loads((work / "out" / "report.json").read_text())["predicted"] == 1


def test_under_torchrun_the_work_is_shared_and_reported_once(work):
    assert reproduce("--subset", "val", "--output", "alone") == 0
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "segaware_caffe", "voc", "reproduce"]
    args = ["--voc", "voc", "--weights", "weights.caffemodel", "--configs", "configs", "--subset", "val", "--output", "out"]
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    done = subprocess.run(command + args, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mean IoU measured") == 1
    predictions = "results/VOC2012/Segmentation/comp6_val_cls"
    assert contents(work / "out" / predictions) == contents(work / "alone" / predictions)
    reports = [json.loads((work / folder / "report.json").read_text()) for folder in ("alone", "out")]
    assert reports[0]["evaluation"] == reports[1]["evaluation"]
    assert (reports[1]["images"], reports[1]["predicted"]) == (2, 1)
    assert "2 processes" in reports[1]["facts"]["machine"]


def test_predictions_of_other_weights_are_not_taken_for_these(work, capsys):
    assert reproduce("--subset", "val", "--output", "out") == 0
    with open("weights.caffemodel", "ab") as file:
        file.write(b"\xf8\x07\x00")  # an unknown field: other weights, as far as anyone can tell
    assert reproduce("--subset", "val", "--output", "out") == 2
    assert "holds predictions of other weights" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_refused(work, capsys):
    (work / "file").write_text("")
    assert reproduce("--subset", "val", "--output", "file/out") == 2
    assert "file/out: nothing can be written there; take another --output" in capsys.readouterr().err


@pytest.mark.parametrize("mistake", ["template", "weights", "other weights", "output"])
def test_what_can_be_refused_is_refused_before_an_image_is_read(work, monkeypatch, capsys, mistake):
    assert reproduce("--subset", "val", "--output", "out") == 0
    capsys.readouterr()
    images = [work / "voc" / "JPEGImages" / f"a_{number}.jpg" for number in (4, 5)]
    for image in images:
        image.write_bytes(b"damaged")
    output = "fresh"
    if mistake == "template":
        (work / "configs" / "res" / "test.prototxt").unlink()
    elif mistake == "weights":
        (work / "weights.caffemodel").write_bytes(b"no weights")
    elif mistake == "other weights":
        with open("weights.caffemodel", "ab") as file:
            file.write(b"\xf8\x07\x00")
        output = "out"
    else:
        output = "weights.caffemodel/out"
    assert reproduce("--subset", "val", "--output", output) == 2
    error = capsys.readouterr().err
    assert "the dataset" not in error and "a_4.jpg" not in error
    assert not (work / "fresh").exists()


def test_weights_of_another_network_are_refused(work, capsys):
    config = work / "configs" / "res" / "test.prototxt"
    more = 'layer { name: "more" type: "Convolution" bottom: "fine" top: "more" convolution_param { num_output: 1 kernel_size: 1 } }'
    config.write_text(config.read_text() + more)
    assert reproduce("--subset", "val") == 2
    error = capsys.readouterr().err
    assert "not the weights of" in error and "they have nothing for more" in error


def test_a_damaged_dataset_is_found_before_anything_is_run(work, capsys):
    (work / "voc" / "JPEGImages" / "a_4.jpg").write_bytes(b"damaged")
    assert reproduce("--subset", "val", "--output", "out") == 2
    assert "a_4.jpg" in capsys.readouterr().err
    assert not (work / "out").exists()


@pytest.mark.parametrize(
    ("args", "wanted", "unwanted"),
    [
        ([], ["VOCtrainval_11-May-2012.tar", "1,999,639,040 bytes", "VOC2012test.tar", "1,850,626,560 bytes", "benchmark.tgz",
              "1,419,539,633 bytes", "train_voc_trainval_aug_iter_5000.caffemodel (537 MB)", "aharley/segaware"], []),
        (["--subset", "val"], ["VOCtrainval_11-May-2012.tar", "train_voc_trainval_aug_iter_5000"], ["VOC2012test.tar"]),
        (["--voc", "voc"], ["no --weights given", "train_voc_trainval_aug_iter_5000"], [".tar"]),
        (["--weights", "weights.caffemodel", "--voc", "nowhere"], ["no test set in nowhere", "VOC2012test.tar"], ["iter_5000"]),
        (["--voc", "voc", "--net", "vgg"], ["scripts/train_vgg.sh"], ["iter_5000"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_where_to_fetch_it_and_its_size(work, capsys, args, wanted, unwanted):
    assert run("voc", "reproduce", *args) == 2
    error = capsys.readouterr().err
    assert all(text in error for text in wanted)
    assert not any(text in error for text in unwanted)


def test_the_published_figure():
    assert PUBLISHED == {("res", "test"): 79.839}


@pytest.mark.parametrize("net", NETS)
def test_the_repositorys_templates_are_filled_completely(work, monkeypatch, net):
    """With the values of the published instances; nothing is run."""
    root = Path(__file__).resolve().parents[2] / "configs"
    task = Task(VocFolder("voc"), work / "weights.caffemodel", work / "out", net, "val", root)
    prepare(Outcome(task), rendered(task))
    ours = read_net(task.config)
    reference = read_net(published(f"{net}/test_voc_val"))
    ours.name = reference.name
    for one, other in zip(ours.layer, reference.layer, strict=True):
        for message, theirs in ((one.image_data_param, other.image_data_param), (one.mat_write_param, other.mat_write_param)):
            for field in ("root_folder", "source", "prefix"):
                if field in message.DESCRIPTOR.fields_by_name and theirs.HasField(field):
                    setattr(message, field, getattr(theirs, field))
    assert ours == reference


def test_the_weights_size_is_that_of_the_networks_blobs():
    net = full_net("res/test", 513, {})
    assert RES_WEIGHTS.size == 4 * sum(blob.numel() for target in net.load_targets() for blob in target.blobs)
