"""Scripts in the manner of those that people keep for Caffe (`scripts/`), run by `segaware-caffe run` as they are."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

import segaware_caffe.pycaffe as caffe
from segaware_caffe.schema import Datum

SCRIPTS = Path(__file__).parent / "scripts"
CONV = """layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}"
  convolution_param {{ num_output: {2} kernel_size: {3} pad: {4} }} }}
"""
DATA = 'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 3 dim: {0} dim: {0} }} }} }}\n'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(script: str, *arguments: object, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """What a script says; it must end well."""
    command = [sys.executable, "-m", "segaware_caffe", "run", *flags, str(SCRIPTS / script), *map(str, arguments)]
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


def made(prototxt: str, name: str = "net", seed: int = 0) -> caffe.Net:
    """A net with random weights, its files beside: NAME.prototxt and NAME.caffemodel."""
    Path(f"{name}.prototxt").write_text(prototxt)
    net = caffe.Net(f"{name}.prototxt", caffe.TEST)
    draw = np.random.default_rng(seed)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = draw.uniform(-0.2, 0.3, blob.data.shape)
    net.save(f"{name}.caffemodel")
    return net


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth one in colours, (H, W, 3) uint8."""
    rows, columns = np.mgrid[:height, :width] / 9.0
    waves = [np.sin(rows + seed) * np.cos(columns), np.sin(columns - seed), np.cos(rows * columns / 5)]
    return np.uint8(127 + 120 * np.stack(waves, -1))


@pytest.mark.slow
def test_fcn_trains_on_pictures_of_every_size():
    """Surgery, score and data layers: each step sees the next picture, in its own size, and learns where its square is."""
    os.mkdir("voc")
    for index, size in enumerate([(20, 24), (26, 18), (22, 22), (24, 20)]):
        pixels, label = np.full((*size, 3), 90, np.uint8), np.zeros(size, np.uint8)
        kind = 1 + index % 2
        pixels[4:12, 5:13, kind], label[4:12, 5:13] = 250, kind
        Image.fromarray(pixels).save(f"voc/{index}.jpg", quality=98)
        Image.fromarray(label).save(f"voc/{index}.png")
    Path("voc/train.txt").write_text("0\n1\n2\n3\n")
    Path("voc/val.txt").write_text("0\n1\n2\n")
    run("fcn/net.py", "voc", flags=("--python2",))
    Path("solver.prototxt").write_text(
        'train_net: "train.prototxt" test_net: "val.prototxt" test_iter: 3 test_interval: 999999999 test_initialization: false'
        ' display: 0 base_lr: 0.003 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 max_iter: 100 random_seed: 3'
    )
    ip = 'layer { name: "fc6" type: "InnerProduct" bottom: "conv2_1" top: "fc6" inner_product_param { num_output: 16 } }\n'
    first = CONV.format("conv1_1", "data", 8, 3, 1) + CONV.format("conv2_1", "conv1_1", 16, 3, 1)
    vgg = made(DATA.format(4) + first + ip, "vgg")
    for blob in (blob for blobs in vgg.params.values() for blob in blobs):
        blob.data[...] /= 4
    vgg.save("vgg.caffemodel")
    done = run("fcn/solve.py", "vgg.caffemodel", "vgg.prototxt", "voc/val.txt", flags=("--python2", "--allow-python-layers"))
    assert "coercing fc6 0 from (16, 256) to (16, 16, 4, 4)" in done.stdout and "copying conv1_1" in done.stdout
    losses, scores = ([float(x) for x in re.findall(rf"Iteration \d+ {what} (\S+)", done.stdout)] for what in ("loss", "mean IU"))
    assert len(losses) == len(scores) == 3 and np.isclose(losses[0], np.log(3)), "all classes alike at first"
    assert losses[2] < 0.43, "0.487 is what the share of the classes alone makes of it"
    assert re.search(r"pictures seen: SegDataLayer \(1, 3, \d\d, \d\d\)", done.stdout)
    assert "surgery.py: Python 2; translated in memory" in done.stderr and "score.py: Python 2" in done.stderr


@pytest.mark.slow
def test_faster_rcnn_finds_boxes_in_pictures_of_any_size():
    rpn = CONV.format("conv", "data", 8, 3, 1) + (
        'layer { name: "im_info" type: "Input" top: "im_info" input_param { shape { dim: 1 dim: 3 } } }\n'
        'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }\n'
        'layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 8 stride: 8 pool: AVE } }\n'
        + CONV.format("rpn_cls_score", "pool", 12, 1, 0)
        + CONV.format("rpn_bbox_pred", "pool", 24, 1, 0)
        + 'layer { name: "r1" type: "Reshape" bottom: "rpn_cls_score" top: "r1"\n'
        "  reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } } }\n"
        'layer { name: "p" type: "Softmax" bottom: "r1" top: "p" }\n'
        'layer { name: "r2" type: "Reshape" bottom: "p" top: "r2" reshape_param { shape { dim: 0 dim: 12 dim: -1 dim: 0 } } }\n'
        'layer { name: "proposal" type: "Python" bottom: "r2" bottom: "rpn_bbox_pred" bottom: "im_info" top: "rois"\n'
        '  python_param { module: "proposal_layer" layer: "ProposalLayer" param_str: \'{"feat_stride": 8, "scales": [1, 2]}\' } }\n'
        'layer { name: "roi_pool" type: "ROIPooling" bottom: "conv" bottom: "rois" top: "roi_pool"\n'
        "  roi_pooling_param { pooled_w: 3 pooled_h: 3 spatial_scale: 1 } }\n"
        'layer { name: "cls" type: "InnerProduct" bottom: "roi_pool" top: "cls" inner_product_param { num_output: 4 } }\n'
        'layer { name: "cls_prob" type: "Softmax" bottom: "cls" top: "cls_prob" }\n'
    )
    head, _, tail = rpn.partition('layer { name: "proposal"')
    made(DATA.format(32) + head, "weights")  # the classifier's stay as they are filled
    Path("net.prototxt").write_text(DATA.format(32) + head + 'layer { name: "proposal"' + tail)
    Image.fromarray(picture(48, 64)).save("photo.png")
    arguments = ("--def", "net.prototxt", "--net", "weights.caffemodel", "--image", "photo.png")
    done = run("rcnn/im_detect.py", *arguments, flags=("--allow-python-layers",))
    assert len(re.findall(r"weights: 14 layers, \d boxes of 4 classes, highest", done.stdout)) == 2
    for size in (48, 40):
        found = np.load(f"detections_{size}.npz")
        assert found["scores"].shape == (len(found["boxes"]), 4) and len(found["boxes"]) > 1
        np.testing.assert_allclose(found["scores"].sum(1), 1, rtol=1e-5)


@pytest.mark.slow
def test_deep_dream_climbs():
    text = DATA.format(32) + CONV.format("conv1", "data", 6, 5, 2) + 'layer { name: "r" type: "ReLU" bottom: "conv1" top: "conv1" }\n'
    made(text + CONV.format("conv2", "conv1", 8, 3, 1), "dream")
    Image.fromarray(picture(40, 36)).save("photo.png")
    done = run("deepdream.py", "dream.prototxt", "dream.caffemodel", "photo.png")
    assert re.findall(r"(\d) conv2 \((\d+), (\d+)\) (\w+)", done.stdout) == [
        ("0", "21", "19", "True"),
        ("1", "29", "26", "True"),
        ("2", "40", "36", "True"),
    ]
    dream, before = np.asarray(Image.open("dream.png")).astype(int), picture(40, 36).astype(int)
    assert dream.shape == before.shape and 1 < np.abs(dream - before).mean() < 90


@pytest.mark.slow
def test_batch_normalization_is_merged():
    norm = (
        'layer {{ name: "bn{0}" type: "BatchNorm" bottom: "conv{0}" top: "conv{0}" }}\n'
        'layer {{ name: "scale{0}" type: "Scale" bottom: "conv{0}" top: "conv{0}" scale_param {{ bias_term: true }} }}\n'
    )
    body = CONV.format("conv1", "data", 5, 3, 1) + norm.format(1) + 'layer { name: "relu" type: "ReLU" bottom: "conv1" top: "conv1" }\n'
    body += CONV.format("conv2", "conv1", 4, 1, 0).replace("num_output", "bias_term: false num_output") + norm.format(2)
    net = made(DATA.format(8) + body)
    for name in ("bn1", "bn2"):
        net.params[name][1].data[...] = np.linspace(0.5, 2, net.params[name][1].data.size)
        net.params[name][2].data[...] = 2
    net.save("net.caffemodel")
    done = run("merge_bn.py", "net.prototxt", "net.caffemodel", "merged.prototxt", "merged.caffemodel")
    assert done.stdout.splitlines() == ["conv2 True True", "['Input', 'Convolution', 'ReLU', 'Convolution']"]
    merged = caffe.Net("merged.prototxt", "merged.caffemodel", caffe.TEST)
    x = np.random.default_rng(1).uniform(-1, 1, (1, 3, 8, 8))
    np.testing.assert_allclose(merged.forward(data=x)["conv2"], net.forward(data=x)["conv2"], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_generated_nets_run():
    with lmdb.open("digits") as environment, environment.begin(write=True) as transaction:
        for index in range(4):
            datum = Datum(channels=1, height=28, width=28, data=bytes([index] * 784), label=index)
            transaction.put(b"%08d" % index, datum.SerializeToString())
    done = run("make_nets.py", "digits")
    lines = done.stdout.splitlines()
    assert lines[0] == "lenet 9 {'loss': ()}"
    assert re.fullmatch(r"resnet \d+ {'Softmax1': \(2, 10\)}", lines[1])
    assert re.fullmatch(r"ssd \d+ {'detection_out': \(1, 1, \d+, 7\)}", lines[2])


@pytest.mark.slow
def test_a_folder_is_classified():
    net = made(
        DATA.format(12)
        + CONV.format("conv", "data", 4, 5, 0)
        + 'layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 } }\n'
        'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }\n'
    )
    net.params["ip"][0].data[...] /= 500
    net.save("net.caffemodel")
    os.mkdir("photos")
    for index in range(3):
        Image.fromarray(picture(12, 12, index)).save(f"photos/{index}.png")
    mean = np.full((3, 2, 2), 100.0)
    np.save("mean.npy", mean)
    Path("labels.txt").write_text("a cat\na dog\na fish\n")
    done = run("classify_folder.py", "net.prototxt", "net.caffemodel", "mean.npy", "labels.txt", "photos")
    assert done.stderr == ""
    x = np.stack([picture(12, 12, index)[..., ::-1].transpose(2, 0, 1) - 100.0 for index in range(3)])
    scores = net.forward_all(data=x)["prob"]
    names = np.array(["a cat", "a dog", "a fish"])
    assert done.stdout.splitlines() == [f"{i}.png {names[scores[i].argmax()]} {scores[i].max():.5f}" for i in range(3)]


def test_a_script_of_python_2():
    net = made(
        DATA.format(8).replace("dim: 1 ", "dim: 2 ")
        + 'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: AVE kernel_size: 4 stride: 4 } }\n'
    )
    for index in range(3):
        Image.fromarray(picture(32, 16, index)).save(f"{index}.png")
    Path("list.txt").write_text("0.png\n1.png\n2.png\n")
    done = run("features_python2.py", "net.prototxt", "net.caffemodel", "list.txt", "features.pkl", flags=("--python2",))
    assert done.stdout.splitlines() == [
        *(f"loaded {i}.png True" for i in range(3)),
        "middle of 3 is 1.png",
        "no such picture",
        "True 3",
    ]
    assert re.search(r"features_python2.py: Python 2; translated in memory: lines [\d, -]+\n", done.stderr) and "(12,)" in done.stderr
    features = pickle.loads(Path("features.pkl").read_bytes())
    assert sorted(features) == ["0.png", "1.png", "2.png"] and net.blobs["pool"].data[0].size == features["0.png"].size


@pytest.mark.slow
def test_nothing_of_python_2_runs_without_the_word():
    command = [sys.executable, "-m", "segaware_caffe", "run", str(SCRIPTS / "features_python2.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "SyntaxError" in done.stderr
