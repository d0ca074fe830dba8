"""The whole way on real images: VOC's through the full-size networks, CamVid's through a small one that is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from full_nets import ROOT, SHARED_NETS, VOC_SAMPLE, variables, with_recipe_weights
from PIL import Image
from published import INSTANCES, published
from voc.support import contents, run

from segaware_caffe import Net, set_random_seed
from segaware_caffe.data.mat import read_mat
from segaware_caffe.schema import parse_text, read_net
from segaware_caffe.schema.templates import render
from segaware_caffe.segmentation import Predictor, colormap, evaluate, predict, read_labels
from segaware_caffe.segmentation.predict import read_entries
from segaware_caffe.voc import VocFolder
from segaware_caffe.voc.augment import augment
from segaware_caffe.voc.check import check
from segaware_caffe.voc.dataset import read_ids, write_lists

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not VOC_SAMPLE.exists(), reason="the real images are in ../shared, which is not there")]
CAMVID = VOC_SAMPLE.parent / "camvid"
NAMES = ["2011_000003", "2011_000006", "2011_000025"]


def test_vocs_images_go_the_whole_way_through_the_resnet(tmp_path):
    """From the dataset to the evaluation, at 513; the photograph of the golden file gives the reference's labels."""
    voc = VocFolder(VOC_SAMPLE)
    report = check(voc, ["val"])
    assert report.counts == {"val": 3} and report.problems == 0
    write_lists(voc, tmp_path / "list", ["val"])
    golden = np.load(SHARED_NETS / "res_test_513.npz")
    proto = read_net(ROOT / "configs" / "res" / "test.prototxt", variables=variables(513))
    predictor = Predictor(proto, root=str(VOC_SAMPLE))
    with_recipe_weights(predictor.net, json.loads(str(golden["gains"])))
    output = tmp_path / "comp6_val_cls"
    assert list(predict(predictor, read_entries(str(tmp_path / "list" / "voc_val.txt")), output)) == NAMES
    for name in NAMES:
        with Image.open(output / f"{name}.png") as image, Image.open(voc.image(name)) as photograph:
            assert (image.format, image.mode, image.size) == ("PNG", "P", photograph.size)
            assert np.array_equal(np.reshape(image.getpalette(), (256, 3)), colormap())
    name, _, top, left = json.loads(str(golden["photo"]))
    labels = read_labels(output / f"{name}.png")
    expected = golden["argmax"][: labels.shape[0], : labels.shape[1]]
    assert (top, left) == (0, 0)
    assert (labels == expected).mean() >= 0.999
    assert evaluate(NAMES, [output], voc.labels).images == 3


#: sizes in the published configs -> small ones that the nets' factors 2, 8 and 16 divide alike
SMALLER = {"513": "65", "385": "49", "257": "33", "321": "65", "161": "33", "65": "9"}
VALUES = {
    "MASK_SIZE": 3, "MASK_PAD": 1, "MASK_DILATION": 1, "MASK2_SIZE": 3, "MASK2_PAD": 1, "MASK2_DILATION": 2,
    "MASK3_SIZE": 3, "MASK3_PAD": 1, "MASK3_DILATION": 5, "FINAL_LR1": 1, "FINAL_LR2": 2, "MAIN_LR2": 2,
    "TRAIN_SET": "voc_trainval_aug", "TEST_SET": "voc_val", "EXP": "segaware", "FEATURE_DIR": "segaware/features/net",
}  # fmt: skip
NETWORKS = [
    f"{family}/{name}" for family in ("embs", "res", "vgg") for name in ("deploy", "test", "train")
] + [name for name in INSTANCES if "solver" not in name]  # fmt: skip


def test_these_are_the_17_networks():
    assert len(NETWORKS) == 17


@pytest.fixture
def voc(tmp_path, monkeypatch) -> VocFolder:
    """VOC's three images as a dataset with raw labels, and all lists that the networks name, beside the present folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("JPEGImages", "SegmentationClass", "ImageSets"):
        (tmp_path / "voc").mkdir(exist_ok=True)
        (tmp_path / "voc" / name).symlink_to(VOC_SAMPLE / name)
    folder = VocFolder(tmp_path / "voc")
    augment(folder, None)
    lists = tmp_path / "segaware" / "list"
    write_lists(folder, lists, ["val"])
    for name in ("voc_train_aug", "voc_trainval_aug", "coco_trainval"):
        (lists / f"{name}.txt").write_bytes((lists / "voc_val.txt").read_bytes())
    (lists / "voc_test.txt").write_text("".join(f"/JPEGImages/{name}.jpg 0\n" for name in NAMES))
    (lists / "voc_test_id.txt").write_bytes((lists / "voc_val_id.txt").read_bytes())
    return folder


def small_net(name: str, voc: VocFolder, phase: str) -> Net:
    """One of configs/ on the images of `voc`, at a small size; with stand-in weights."""
    text = render(published(name), {**variables(513), **VALUES})
    text = re.sub(r'(?<=root_folder: ")[^"]*', str(voc.root), text)
    text = re.sub(r"(?<![\w.])\d+(?![\w.])", lambda number: SMALLER.get(number[0], number[0]), text)
    text = text.replace("batch_size: 20", "batch_size: 2")
    set_random_seed(1)
    return with_recipe_weights(Net(parse_text(text, "NetParameter"), phase), {"emb": 4e-4})


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_runs_on_vocs_images(name, voc):
    training = "train" in name
    net = small_net(name, voc, "TRAIN" if training else "TEST")
    inputs = {}
    if name.endswith("deploy"):
        photograph = np.asarray(Image.open(voc.image(NAMES[0])), np.float32)[:65, :65, ::-1].transpose(2, 0, 1)[None] - 110
        for blob in net.inputs:
            shape = net.shapes[blob]
            inputs[blob] = np.resize(photograph, shape) if shape[1] in (3, 4) else np.zeros(shape, np.float32)
    for _ in range(2):
        loss, blobs = net.forward_loss(**inputs)
        assert all(value.isfinite().all() for value in blobs.values())
        if training:
            assert loss.isfinite() and loss > 0
            net.zero_grad()
            loss.backward()
            gradients = [learned.tensor.grad for learned in net.learned if learned.lr_mult]
            assert gradients and all(gradient is None or gradient.isfinite().all() for gradient in gradients)
            assert any(gradient is not None and gradient.any() for gradient in gradients)
    written = sorted(Path("segaware/features").rglob("*.mat")) if Path("segaware/features").exists() else []
    assert [path.name for path in written] == ([f"{name}_blob_0.mat" for name in NAMES[:2]] if "test" in name else [])
    assert all(read_mat(path).shape == (1, 64 if name.startswith("embs") else 21, 65, 65) for path in written)
    assert all(np.ptp(read_mat(path)) > 0 for path in written)


def test_the_network_that_the_release_cannot_set_up_runs_on_a_padded_image(voc, tmp_path):
    """vgg/test_voc_test at its own size: the crop of 513 is larger than any image, so ImageData pads."""
    proto = read_net(published("vgg/test_voc_test"))
    predictor = Predictor(proto, root=str(voc.root))
    with_recipe_weights(predictor.net, {})
    entries = read_entries("segaware/list/voc_test.txt")[:1]
    assert list(predict(predictor, entries, tmp_path / "out")) == NAMES[:1]
    assert read_labels(tmp_path / "out" / f"{NAMES[0]}.png").shape == (338, 500)
    proto.layer[0].image_data_param.root_folder = str(voc.root)
    data, _ = next(layer for layer in Net(proto).layers if layer.type == "ImageData")()
    assert torch.equal(data, torch.from_numpy(predictor.load(entries[0]).blob))
    assert data.shape == (1, 3, 513, 513) and not data[:, :, 338:].any() and not data[..., 500:].any()


CAMVID_NET = """
name: "camvid"
layer {{
  name: "data" type: "ImageSegData" top: "data" top: "label" top: "data_dim"
  image_data_param {{ root_folder: "{root}" source: "{root}/ImageSets/Segmentation/val.txt" batch_size: 1 label_type: NONE }}
  transform_param {{ mean_value: 104.008 mean_value: 116.669 mean_value: 122.675 crop_size: 481 }}
}}
layer {{
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 16 kernel_size: 5 pad: 2 stride: 2 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{
  name: "classes" type: "Convolution" bottom: "conv" top: "classes"
  convolution_param {{ num_output: 11 kernel_size: 3 pad: 1 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "fine" type: "Interp" bottom: "classes" top: "fine" interp_param {{ zoom_factor: 2 }} }}
layer {{ name: "mat" type: "MatWrite" bottom: "fine" mat_write_param {{ prefix: "nowhere/" }} }}
"""


def until(condition, process: subprocess.Popen, seconds: float = 120) -> None:
    """Wait, while the process runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)


def kill(process: subprocess.Popen) -> None:
    """SIGKILL to the process and all that it started, torchrun's workers too, which have sessions of their own."""
    family = [process.pid]
    for pid in family:
        family += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("processes", [1, 2])
def test_camvid_killed_and_started_again_gives_the_same_files(tmp_path, capsys, processes):
    torch.manual_seed(0)
    model, weights, output = tmp_path / "net.prototxt", tmp_path / "net.caffemodel", tmp_path / "out"
    model.write_text(CAMVID_NET.format(root=CAMVID))
    Net(model).save(weights)
    args = ["voc", "predict", "--model", model, "--weights", weights]
    assert run(*args, "--output", tmp_path / "whole") == 0
    whole = contents(tmp_path / "whole")
    assert len(whole) == 101

    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2"] if processes == 2 else []
    command = [sys.executable, *launcher, "-m", "segaware_caffe", *map(str, args), "--output", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: output.exists() and len(list(output.glob("[!.]*.png"))) >= 20, process)
    kill(process)
    kept = {name: content for name, content in contents(output).items() if not name.startswith(".")}
    assert 20 <= len(kept) < 101
    assert kept.items() <= whole.items()  # what is there is whole

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    written = sum(map(int, re.findall(r"(\d+) label images written", done.stdout)))
    assert written == 101 - len(kept)
    assert contents(output) == whole
    names = read_ids(CAMVID / "ImageSets" / "Segmentation" / "val.txt")
    results = [evaluate(names, [folder], CAMVID / "SegmentationClass", classes=11).as_json() for folder in (tmp_path / "whole", output)]
    assert results[0] == results[1] and results[0]["images"] == 101
