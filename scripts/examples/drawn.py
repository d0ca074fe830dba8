"""What the examples share: pictures that are drawn, the network that learns them, and sheets of arrays."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import segaware_caffe.pycaffe as caffe
from segaware_caffe.data.database_writer import database_writer
from segaware_caffe.pycaffe import layers as L
from segaware_caffe.pycaffe import params as P

#: strokes on a grid of 0 to 4 in x and 0 to 6 in y
STROKES = {
    "0": [[(1, 0), (3, 0), (4, 2), (4, 4), (3, 6), (1, 6), (0, 4), (0, 2), (1, 0)]],
    "1": [[(1, 1), (2, 0), (2, 6)], [(1, 6), (3, 6)]],
    "2": [[(0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (0, 6), (4, 6)]],
    "3": [[(0, 0), (4, 0), (2, 3), (4, 4), (3, 6), (0, 6)]],
    "4": [[(3, 6), (3, 0), (0, 4), (4, 4)]],
    "5": [[(4, 0), (0, 0), (0, 3), (3, 3), (4, 4), (3, 6), (0, 6)]],
    "6": [[(4, 0), (1, 1), (0, 4), (1, 6), (3, 6), (4, 4), (3, 3), (0, 4)]],
    "7": [[(0, 0), (4, 0), (1, 6)]],
    "8": [[(2, 3), (0, 2), (1, 0), (3, 0), (4, 2), (2, 3), (0, 4), (1, 6), (3, 6), (4, 4), (2, 3)]],
    "9": [[(4, 2), (1, 3), (0, 1), (1, 0), (3, 0), (4, 2), (3, 6), (1, 6)]],
    "A": [[(0, 6), (2, 0), (4, 6)], [(1, 4), (3, 4)]],
    "E": [[(4, 0), (0, 0), (0, 6), (4, 6)], [(0, 3), (3, 3)]],
    "H": [[(0, 0), (0, 6)], [(4, 0), (4, 6)], [(0, 3), (4, 3)]],
    "N": [[(0, 6), (0, 0), (4, 6), (4, 0)]],
    "Y": [[(0, 0), (2, 3), (4, 0)], [(2, 3), (2, 6)]],
}
DIGITS = "0123456789"
SIDE = 28


def output_folder() -> Path:
    """Where an example puts what it makes: its first argument, or examples_output."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "examples_output")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def draw(sign: str, random: np.random.Generator) -> np.ndarray:
    """A sign of STROKES as (SIDE, SIDE) uint8, white on black: leaning, shifted, thick or thin, and with noise."""
    image = Image.new("L", (4 * SIDE, 4 * SIDE))
    pen = ImageDraw.Draw(image)
    lean, size = random.uniform(-0.25, 0.25), random.uniform(8.5, 11.5)
    left, top = random.uniform(20, 50), random.uniform(15, 35)
    for stroke in STROKES[sign]:
        points = [(left + size * (x + lean * (6 - y)), top + size * y) for x, y in stroke]
        pen.line(points, fill=255, width=int(random.integers(7, 15)), joint="curve")
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)).astype(float)
    return (pixels * random.uniform(0.7, 1) + random.normal(0, 12, pixels.shape)).clip(0, 255).astype(np.uint8)


def write_signs(target: Path, signs: str, count: int, seed: int) -> None:
    """An LMDB of `count` pictures of signs in turn, labelled by their places in `signs`."""
    random = np.random.default_rng(seed)
    with database_writer(target) as database:
        for index in range(count):
            label = index % len(signs)
            datum = caffe.io.array_to_datum(draw(signs[label], random)[None], label)
            database.put(b"%08d" % index, datum.SerializeToString())


def lenet(database: Path | None, batch: int, classes: int = 10, last: str = "score") -> str:
    """A small LeNet as prototxt: on a database with its loss, or without one for use."""
    n = caffe.NetSpec()
    if database:
        n.data, n.label = L.Data(batch_size=batch, backend=P.Data.LMDB, source=str(database), transform_param={"scale": 1 / 256}, ntop=2)
    else:
        n.data = L.Input(shape={"dim": [batch, 1, SIDE, SIDE]})
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=12, weight_filler={"type": "xavier"})
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=24, weight_filler={"type": "xavier"})
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.fc1 = L.InnerProduct(n.pool2, num_output=64, weight_filler={"type": "xavier"})
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n[last] = L.InnerProduct(n.relu1, num_output=classes, weight_filler={"type": "xavier"})
    if database:
        n.loss = L.SoftmaxWithLoss(n[last], n.label)
    else:
        n.prob = L.Softmax(n[last])
    return str(n.to_proto())


def solver_text(train: Path, test: Path, prefix: Path, rate: float = 0.02) -> str:
    """A solver for two nets' files."""
    return f"""
train_net: "{train}" test_net: "{test}" test_iter: 5 test_interval: 100000 test_initialization: false
base_lr: {rate} momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.0001 power: 0.75
max_iter: 10000 snapshot_prefix: "{prefix}" random_seed: 1 solver_mode: CPU
"""


def accuracy(net: caffe.Net, scores: str, batches: int) -> float:
    """The share of items whose highest score is their label's."""
    right = 0
    for _ in range(batches):
        net.forward()
        right += (net.blobs[scores].data.argmax(1) == net.blobs["label"].data).mean()
    return right / batches


def prepare(folder: Path) -> caffe.SGDSolver:
    """The digits' databases, nets and solver, in `folder`."""
    for name, count, seed in (("train", 2000, 0), ("test", 500, 1)):
        if not (folder / f"{name}_lmdb").exists():
            write_signs(folder / f"{name}_lmdb", DIGITS, count, seed)
        (folder / f"{name}.prototxt").write_text(lenet(folder / f"{name}_lmdb", 50 if name == "train" else 100))
    (folder / "solver.prototxt").write_text(solver_text(folder / "train.prototxt", folder / "test.prototxt", folder / "digits"))
    (folder / "deploy.prototxt").write_text(lenet(None, 1))
    return caffe.SGDSolver(str(folder / "solver.prototxt"))


def digits(folder: Path) -> tuple[str, str]:
    """Prototxt and weights of a network that knows digits; trained now if `folder` has none."""
    weights = folder / "digits.caffemodel"
    if not weights.exists():
        solver = prepare(folder)
        solver.step(200)
        solver.net.save(str(weights))
    return str(folder / "deploy.prototxt"), str(weights)


def sheet(arrays: np.ndarray, columns: int, scale: int = 1, gap: int = 1) -> Image.Image:
    """(N, H, W) arrays side by side, each as dark and bright as its values go, in rows of `columns`."""
    count, height, width = arrays.shape
    rows = -(-count // columns)
    page = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), 255, np.uint8)
    for index, array in enumerate(arrays):
        low, high = array.min(), array.max()
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        page[top : top + height, left : left + width] = 255 * (array - low) / ((high - low) or 1)
    return Image.fromarray(page).resize((page.shape[1] * scale, page.shape[0] * scale), Image.Resampling.NEAREST)
