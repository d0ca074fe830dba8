"""Write docs/results.md and its pictures from what scripts/train_models.py left.

    python scripts/make_results.py --work FOLDER --camvid CamVid [--seeds 0 1 2] [--output docs]

Every trained network predicts CamVid's test images. They are judged by mean IoU, over whole images and in bands round the
outlines (the trimaps of the paper's field): pixels beside one of another class are outline, and so are unlabelled regions.
Predictions and figures that are there are not made again; what was not trained is left out of the tables, which say so.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from config_builders import camvid
from config_builders.attention import COLOURS, EMBEDDING, TRUNK_EMBEDDING
from config_builders.camvid import PLAIN, SEGAWARE, Variant
from config_builders.layers import input_blob
from config_builders.text import network
from fit_embeddings import figures as pair_figures
from fit_embeddings import photograph
from results_page import AWARE, CURVES, TWINS, page
from train_models import FAST, FRAME, FRAME_SIZES, FULL, ROOT, SEEDS, VARIANTS, Seed, photographs, prepare

from segaware_caffe import Net, read_net
from segaware_caffe.cli.common import tracker
from segaware_caffe.files import replacing
from segaware_caffe.models import CAMVID_CLASSES
from segaware_caffe.schema import NetParameter
from segaware_caffe.segmentation import ConfusionMatrix, Predictor, predict, read_labels
from segaware_caffe.segmentation.boundaries import BANDS, Trimap
from segaware_caffe.segmentation.predict import read_entries, unfinished
from segaware_caffe.solver import read_log
from segaware_caffe.voc import VocFolder

CLASSES, VOID = len(CAMVID_CLASSES), 255
FAR = 1000  # between the embeddings of two classes: a mask of 0
PASSES = 9  # forward passes of which the fastest counts


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


@dataclass(frozen=True)
class Way:
    """A way to answer that is judged: a variant of the network, the weights for it, and the blob that it answers with."""

    variant: Variant
    weights: Callable[[Seed], list[Path]]
    answer: str = "half_scores"

    def is_trained(self, seed: Seed) -> bool:
        return all(path.exists() for path in self.weights(seed))

    def network(self) -> NetParameter:
        """From a frame to `scores`."""
        proto = read_net(camvid.deploy(self.variant), variables=FRAME_SIZES)
        proto.layer[-1].bottom[0] = self.answer
        return proto


def trained(name: str) -> Callable[[Seed], list[Path]]:
    """The weights of a variant."""
    return lambda seed: [seed.variant(name).caffemodel]


WAYS = {
    "plain, as it was": Way(PLAIN, lambda seed: [seed.base.caffemodel]),
    "plain, the same steps": Way(PLAIN, trained("plain")),
    "plain, the same time": Way(PLAIN, trained("plain_longer")),
    "segmentation-aware": Way(SEGAWARE, trained("segaware")),
    "segmentation-aware, before its filter": Way(SEGAWARE, trained("segaware"), "coarse"),
    "masks of convolutions": Way(VARIANTS["convolutions"], trained("convolutions")),
    "mean field": Way(VARIANTS["meanfield"], trained("meanfield")),
    "all three together": Way(VARIANTS["together"], trained("together")),
    "segmentation-aware, masks from colours": Way(VARIANTS["colours"], trained("colours")),
    "plain, as it was, a filter added": Way(SEGAWARE, lambda seed: [seed.base.caffemodel, seed.embeddings().caffemodel]),
}
OUTLINES = "plain, as it was, filtered by true outlines"


def judge(seed: Seed, name: str) -> dict[str, Any]:
    """Predict the test images in one of WAYS, and judge them."""
    way, folder = WAYS[name], results_of(seed) / name.replace(", ", "_").replace(" ", "_")
    root, places = str(seed.work / "segaware" / "data" / "camvid"), [seed.work, photographs(seed.work)]
    predictor = Predictor(way.network(), root, "scores", weights=way.weights(seed), allow_paths=places)
    entries = unfinished(read_entries(str(seed.work / "segaware" / "list" / "camvid_test.txt")), folder)
    for _ in tracker(f"{seed.folder.name}: {name}", "img")(predict(predictor, entries, folder), len(entries)):
        pass
    judged = Judge()
    for image in seed.camvid.ids("test"):
        judged.add(truth_of(seed.camvid, image), read_labels(folder / f"{image}.png"))
    return judged.figures()


def filtered_by_outlines(seed: Seed) -> dict[str, Any]:
    """The base's scores, filtered under masks that the true labels make: what an embedding without fault would bring."""
    text = camvid.deploy(SEGAWARE)
    proto = read_net(text, variables=FRAME_SIZES)
    names = [layer.name for layer in proto.layer]
    first, last = names.index(f"{EMBEDDING}_block2"), names.index(EMBEDDING)
    del proto.layer[first : last + 1]
    source = read_net(network({"input": [input_blob(EMBEDDING, 1, CLASSES, *(side // 2 + 1 for side in FRAME))]}, "outlines"))
    proto.layer.insert(0, source.layer[0])
    net, judged = Net(proto, weights=seed.base.caffemodel), Judge()
    for name in seed.camvid.ids("test"):
        truth = truth_of(seed.camvid, name)
        known = np.full(FRAME, VOID, np.uint8)
        known[: truth.shape[0], : truth.shape[1]] = truth
        outlines = FAR * (known[::2, ::2] == np.arange(CLASSES)[:, None, None]).astype(np.float32)
        scores = net(**{"data": photograph(seed.camvid, name, FRAME), EMBEDDING: outlines[None]})["scores"][0]
        judged.add(truth, scores[:, : truth.shape[0], : truth.shape[1]].numpy().argmax(0))
    return judged.figures()


def trivial(camvid: VocFolder) -> dict[str, Any]:
    """A predictor that does not look: for each pixel the class that it has most often in the training labels."""
    counts: np.ndarray | int = 0
    classes = np.arange(CLASSES)[:, None, None]
    for name in camvid.ids("train"):
        counts = counts + (truth_of(camvid, name) == classes).astype(np.int64)
    judged, answer = Judge(), np.asarray(counts).argmax(0).astype(np.uint8)
    for name in camvid.ids("test"):
        judged.add(truth_of(camvid, name), answer)
    return judged.figures()


def truth_of(camvid: VocFolder, name: str) -> np.ndarray:
    """The labels (H, W) of an image."""
    return read_labels(camvid.root / "SegmentationClass" / f"{name}.png")


def results_of(seed: Seed) -> Path:
    return seed.folder / "results"


def remembered(path: Path, compute: Callable[[], Any]) -> Any:
    """What `compute` gives, kept as JSON in `path`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            Path(temporary).write_text(json.dumps(compute()))
    return json.loads(path.read_text())


def separation(seed: Seed) -> dict[str, dict[str, float]]:
    """How well distances tell pairs of two classes from pairs of one, on every third validation image (see fit_embeddings.figures)."""
    names, result = seed.camvid.ids("val")[::3], {}
    files = {"fitted": seed.embeddings().weights[-1], "trained": seed.embeddings().caffemodel}
    for stage, file in files.items():
        net = Net(read_net(camvid.embeddings_deploy(), variables=FRAME_SIZES), weights=[seed.base.caffemodel, file])
        for blob, shrink in ((COLOURS, 2), (EMBEDDING, 2), (TRUNK_EMBEDDING, 4)):
            title = "colours" if blob == COLOURS else f"{blob.replace('_', ' ')}, {stage}"
            if title not in result:
                result[title] = pair_figures(net, blob, seed.camvid, names, FRAME, shrink)
    return {title: {str(offset): value for offset, value in values.items()} for title, values in result.items()}


def factors(seed: Seed, name: str) -> dict[str, float]:
    """The learned factor of each mask of a variant."""
    net = Net(read_net(camvid.deploy(VARIANTS[name]), variables=FRAME_SIZES), weights=seed.variant(name).caffemodel)
    return {layer.removesuffix("_weighted"): abs(float(blobs[0])) for layer, blobs in net.params.items() if layer.endswith("_weighted")}


def costs(seed: Seed) -> dict[str, float]:
    """Seconds of a forward pass of the twins, in turns, the fastest of each."""
    nets = {name: Net(WAYS[name].network(), weights=WAYS[name].weights(seed)) for name in (TWINS[0], AWARE)}
    data, best = np.zeros((1, 3, *FRAME), np.float32), dict.fromkeys(nets, math.inf)
    for _ in range(PASSES):
        for name, net in nets.items():
            begun = time.perf_counter()
            net(data=data)
            best[name] = min(best[name], time.perf_counter() - begun)
    return best


def draw_curves(seeds: list[Seed], output: Path) -> None:
    """Training loss of the base runs, and of the twins trained on from them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, names in zip(figure.subplots(1, 2), (("base",), ("plain", "segaware")), strict=True):
        for index, name in enumerate(names):
            for seed in seeds:
                stage = seed.base if name == "base" else seed.variant(name)
                if stage.log.exists() and (points := read_log(stage.log).get("loss")):
                    axes.plot(*zip(*points, strict=True), color=f"C{index}", alpha=0.7, label=name if seed is seeds[0] else None)
        axes.set(title="base run" if len(names) == 1 else "trained on from it", xlabel="iteration", ylabel="training loss")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(output, dpi=80)


def main() -> None:
    """Predict, judge, draw, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--camvid", type=VocFolder, required=True, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--fast", action="store_true", help="of what `train_models.py --fast` left")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", metavar="FOLDER")
    args = parser.parse_args()
    work = args.work.resolve()
    prepare(work, args.camvid)
    lengths = FAST if args.fast else FULL
    seeds = [seed for seed in (Seed(work, number, lengths, args.camvid) for number in args.seeds) if seed.base.caffemodel.exists()]
    figures: dict[str, list[dict[str, Any]]] = {
        name: [
            remembered(results_of(seed) / f"{name.replace(', ', '_').replace(' ', '_')}.json", partial(judge, seed, name))
            for seed in seeds
            if way.is_trained(seed)
        ]
        for name, way in WAYS.items()
    }
    figures[OUTLINES] = [remembered(results_of(seed) / "outlines.json", partial(filtered_by_outlines, seed)) for seed in seeds]
    figures["trivial"] = [remembered(work / "trivial.json", partial(trivial, args.camvid))]
    aware = [seed for seed in seeds if WAYS[AWARE].is_trained(seed)]
    draw_curves(seeds, args.output / CURVES)
    text = page(
        {name: values for name, values in figures.items() if values},
        pairs=[remembered(results_of(seed) / "pairs.json", partial(separation, seed)) for seed in aware],
        factors=[factors(seed, "segaware") for seed in aware],
        costs=[remembered(results_of(seed) / "costs.json", partial(costs, seed)) for seed in aware],
        base_minutes=[seed.base.seconds / 60 for seed in seeds],
        lengths=lengths,
        missing=[name for name in WAYS if not figures[name]],
    )
    (args.output / "results.md").write_text(text)


if __name__ == "__main__":
    main()
