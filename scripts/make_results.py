"""Write docs/results.md and its pictures from what scripts/train_models.py left: CamVid's twins against each other.

    python scripts/make_results.py --work FOLDER --camvid CamVid [--seeds 1 2 3]

Every trained network predicts CamVid's test images. They are judged by mean IoU, over whole images and in bands round the
outlines (the trimaps of the paper's field): pixels beside one of another class are outline, and so are unlabelled regions.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from demo import MODEL, padded, pixels_of, scaled, street
from drawing import beside, marked, mask_sheet, telling_pixels
from PIL import Image
from results_page import CURVES, MASKS, SETS, page
from scipy.stats import rankdata
from train_models import CONFIGS, ROOT, SEEDS, TWINS, Run, embeddings_of, runs_of

from segaware_caffe import Net, read_net, set_random_seed
from segaware_caffe.cli.common import tracker
from segaware_caffe.models import CAMVID_CLASSES
from segaware_caffe.schema import NetParameter
from segaware_caffe.segmentation import ConfusionMatrix, Predictor, predict, read_labels, read_photograph
from segaware_caffe.segmentation.boundaries import BANDS, Trimap
from segaware_caffe.segmentation.predict import read_entries, unfinished
from segaware_caffe.solver import read_log
from segaware_caffe.voc import VocFolder

CLASSES, VOID = len(CAMVID_CLASSES), 255
FRAME = {"HEIGHT": 361, "WIDTH": 481}
MASKED = "filter"
#: how much smaller its masks are than the photograph, and how far they reach in it
SHRUNK, REACH = 2, 16
EMBEDDING_BLOB = "weighted_avg"
# the filter's w for the tuned embedding, whose distances are smaller: of 0.8, 1.6 and 3.2 the best on a third of the validation
# images (seed 1)
TUNED_FACTOR = 0.8
FAR = 1000  # between the embeddings of two classes: a mask of 0


class Judge:
    """Figures of one set of predictions."""

    def __init__(self) -> None:
        self.confusion, self.trimap = ConfusionMatrix(CLASSES), Trimap(CLASSES)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Judge an image, (H, W) labels each."""
        self.confusion.update(truth, prediction)
        self.trimap.update(outlined(truth), prediction)

    def figures(self) -> dict[str, Any]:
        """Percentages; those of bands by their width in pixels."""
        scores = self.confusion.compute()
        bands = {width: self.trimap.within(width).compute().mean_iou for width in range(1, BANDS + 1)}
        return {"mean_iou": scores.mean_iou, "pixel_accuracy": scores.pixel_accuracy, "iou": list(scores.iou), "bands": bands}


def outlined(truth: np.ndarray) -> np.ndarray:
    """The labels with VOC's habit that outlines are void: the pixels that have one of another class among their four neighbours."""
    edge = np.zeros(truth.shape, bool)
    down, right = truth[1:] != truth[:-1], truth[:, 1:] != truth[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return np.where(edge, VOID, truth)


def judge_run(run: Run, way: str, camvid: VocFolder) -> dict[str, Any]:
    """Predict the test images with a trained network in one of the ways of SETS, and judge them."""
    added = way.endswith("filter added")
    twin = "segaware" if added else run.name.removeprefix("camvid_")
    proto = read_net(CONFIGS / "camvid" / f"{twin}_deploy.prototxt", variables=FRAME)
    if way == "unfiltered":
        proto.layer[-1].bottom[0] = "coarse"
    weights = [run.caffemodel]
    if added:
        embedding, tuned = embeddings_of(run.work)
        weights.append((tuned if way.startswith("tuned") else embedding).caffemodel)
        set_masks(proto, "mask", 0)  # the convolutions' become plain: exp(-0) = 1
        if way.startswith("tuned"):
            set_masks(proto, MASKED, TUNED_FACTOR)
    folder = run.work / "segaware" / "results" / f"{run.name}_{run.prefix.name}_{way.replace(' ', '_')}"
    predictor = Predictor(proto, str(run.work / "segaware" / "data" / "camvid"), "scores", weights=weights)
    entries = unfinished(read_entries(str(run.work / "segaware" / "list" / "camvid_test.txt")), folder)
    for _ in tracker(folder.name, "img")(predict(predictor, entries, folder), len(entries)):
        pass
    judge = Judge()
    for name in camvid.ids("test"):
        judge.add(read_labels(camvid.root / "SegmentationClass" / f"{name}.png"), read_labels(folder / f"{name}.png"))
    return judge.figures()


def set_masks(proto: NetParameter, prefix: str, factor: float) -> None:
    """Give all masks whose names begin so the same w in exp(-|w d|)."""
    for layer in proto.layer:
        if layer.type == "Scale" and layer.name.startswith(prefix):
            layer.scale_param.filler.value = factor


def oracle(run: Run, camvid: VocFolder) -> dict[str, Any]:
    """The plain twin's scores, filtered under masks that the true labels make: what an embedding without fault would bring."""
    proto = read_net(CONFIGS / "camvid" / "segaware_deploy.prototxt", variables=FRAME)
    set_masks(proto, "mask", 0)
    names = [layer.name for layer in proto.layer]
    first, last = names.index("half_data"), names.index(EMBEDDING_BLOB)
    del proto.layer[first : last + 1]
    half = f"dim: 1 dim: {CLASSES} dim: {FRAME['HEIGHT'] // 2 + 1} dim: {FRAME['WIDTH'] // 2 + 1}"
    source = read_net(f'layer {{ name: "{EMBEDDING_BLOB}" type: "Input" top: "{EMBEDDING_BLOB}" input_param {{ shape {{ {half} }} }} }}')
    proto.layer.insert(0, source.layer[0])
    net, judge = Net(proto, weights=run.caffemodel), Judge()
    for name in camvid.ids("test"):
        truth = read_labels(camvid.root / "SegmentationClass" / f"{name}.png")
        height, width = truth.shape
        with Image.open(camvid.image(name)) as image:
            blob = np.zeros((1, 3, *FRAME.values()), np.float32)
            blob[:, :, :height, :width] = pixels_of(np.asarray(image.convert("RGB")))
        known = np.pad(truth, ((0, 1), (0, 1)), constant_values=VOID)[::2, ::2]
        embedding = FAR * (known == np.arange(CLASSES)[:, None, None]).astype(np.float32)
        scores = net(**{"data": blob, EMBEDDING_BLOB: embedding[None]})["scores"][0]
        judge.add(truth, scores[:, :height, :width].numpy().argmax(0))
    return judge.figures()


def trivial(camvid: VocFolder) -> dict[str, Any]:
    """A predictor that does not look: for each pixel the class that it has most often in the training labels."""
    counts, judge = np.zeros((CLASSES, 360, 480), np.int64), Judge()
    classes = np.arange(CLASSES)[:, None, None]
    for name in camvid.ids("train"):
        counts += read_labels(camvid.root / "SegmentationClass" / f"{name}.png") == classes
    for name in camvid.ids("test"):
        judge.add(read_labels(camvid.root / "SegmentationClass" / f"{name}.png"), counts.argmax(0).astype(np.uint8))
    return judge.figures()


def remembered(path: Path, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `compute` gives, kept as JSON beside the predictions."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(compute()))
    return json.loads(path.read_text())


def sharpness(run: Run) -> dict[str, float]:
    """The learned factor of each convolution's masks."""
    net = Net(read_net(CONFIGS / "camvid" / "segaware_deploy.prototxt", variables=FRAME), weights=run.caffemodel)
    factors = {name.removesuffix("_weighted"): abs(float(blobs[0])) for name, blobs in net.params.items() if name.endswith("_weighted")}
    return {name: value for name, value in factors.items() if name != MASKED}


def separation(embeddings: dict[str, Run], camvid: VocFolder) -> dict[str, float]:
    """How often the distance between two neighbouring pixels of different classes is larger than that between two of one class (50 %:
    they tell nothing): for `embeddings` and colours at half size, over every twentieth validation image."""
    proto = read_net(CONFIGS / "camvid" / "segaware_deploy.prototxt", variables=FRAME)
    nets = {name: Net(proto, weights=run.caffemodel) for name, run in embeddings.items()}
    distances: dict[str, list[np.ndarray]] = {name: [] for name in (*nets, "colours")}
    across: list[np.ndarray] = []
    for name in camvid.ids("val")[::20]:
        with Image.open(camvid.image(name)) as image:
            rgb = np.pad(np.asarray(image.convert("RGB")), ((0, 1), (0, 1), (0, 0)), mode="edge")
        data = pixels_of(rgb)
        values = {name: net(data=data, keep=[EMBEDDING_BLOB])[EMBEDDING_BLOB][0].numpy() for name, net in nets.items()}
        values["colours"] = rgb[::2, ::2].transpose(2, 0, 1).astype(np.float32)
        truth = read_labels(camvid.root / "SegmentationClass" / f"{name}.png")[::2, ::2]
        height, width = truth.shape
        known = (truth[:, 1:] != VOID) & (truth[:, :-1] != VOID)
        across.append((truth[:, 1:] != truth[:, :-1])[known])
        for name, vectors in values.items():
            steps = np.abs(np.diff(vectors[:, :height, :width], axis=2)).sum(0)
            distances[name].append(steps[known])
    apart = np.concatenate(across)
    return {name: _area(np.concatenate(steps), apart) for name, steps in distances.items()}


def _area(values: np.ndarray, positive: np.ndarray) -> float:
    """The area under the ROC curve, in percent."""
    ranks = rankdata(values)
    count = int(positive.sum())
    return 100 * (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(values) - count))


def draw_masks(run: Run, photograph: Path, output: Path) -> None:
    """The masks of the same pixels from the embedding before its training and after."""
    rgb = read_photograph(photograph)
    rgb = scaled(rgb, min(1, MODEL.side / min(rgb.shape[:2])))
    data = padded(rgb)
    set_random_seed(1)
    proto = read_net(CONFIGS / "camvid" / "segaware_deploy.prototxt", variables={"HEIGHT": data.shape[2], "WIDTH": data.shape[3]})
    untrained, trained = Net(proto), Net(proto, weights=run.caffemodel)
    untrained.params[f"{MASKED}_weighted"][0].copy_(trained.params[f"{MASKED}_weighted"][0])
    masks = {title: net(data=data, keep=[MASKED])[MASKED][0].numpy() for title, net in (("before", untrained), ("after", trained))}
    small = telling_pixels(masks["after"], REACH)
    sheets = {title: mask_sheet(mask, small, len(rgb)) for title, mask in masks.items()}
    beside({"photograph": marked(rgb, [(row * SHRUNK, column * SHRUNK) for row, column in small], REACH), **sheets}).save(output)


def draw_curves(runs: list[Run], output: Path) -> None:
    """Loss and accuracy of all runs over the iterations, a colour for each twin."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = dict(zip(("loss", "test0/accuracy"), figure.subplots(1, 2), strict=True))
    for run in runs:
        curves = read_log(run.log)
        for name, axes in panels.items():
            axes.plot(
                *zip(*curves[name], strict=True),
                color=f"C{TWINS.index(run.name.removeprefix('camvid_'))}",
                alpha=0.7,
                label=run.name if run.seed == runs[0].seed else None,
            )
            axes.set(title={"loss": "training loss, over 40 iterations"}.get(name, "accuracy on held-out crops"), xlabel="iteration")
            axes.grid(alpha=0.3)
            axes.legend()
    figure.savefig(output, dpi=80)


def main() -> None:
    """Predict, judge, draw, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--camvid", type=VocFolder, required=True, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--photograph", type=Path, metavar="FILE", help="for the masks (default: the demo's)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", metavar="FOLDER")
    args = parser.parse_args()
    results = args.work / "segaware" / "results"
    work = args.work.resolve()
    runs, (embedding, tuned) = runs_of(work, args.seeds), embeddings_of(work)

    def judged(run: Run, way: str) -> dict[str, Any]:
        path = results / f"{run.name}_{run.prefix.name}_{way.replace(' ', '_')}.json"
        return remembered(path, partial(judge_run, run, way, args.camvid))

    figures = {name: [judged(run, way) for run in runs if run.name == f"camvid_{twin}"] for name, (twin, way) in SETS.items()}
    figures["plain, filtered by true outlines"] = [
        remembered(results / f"{run.name}_{run.prefix.name}_oracle.json", partial(oracle, run, args.camvid))
        for run in runs
        if run.name == "camvid_plain"
    ]
    figures["trivial"] = [remembered(results / "trivial.json", partial(trivial, args.camvid))]
    aware = [run for run in runs if run.name == "camvid_segaware"]
    draw_masks(aware[0], args.photograph or street(args.work), args.output / MASKS)
    draw_curves(runs, args.output / CURVES)
    steps = subprocess.run([sys.executable, ROOT / "benchmarks" / "bench_training.py"], capture_output=True, text=True, check=True).stdout
    known = separation({"embedding": embedding, "tuned": tuned}, args.camvid)
    text = page(figures, read_log(embedding.log), [sharpness(run) for run in aware], known, steps)
    (args.output / "results.md").write_text(text)


if __name__ == "__main__":
    main()
