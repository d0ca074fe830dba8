"""The text of docs/results.md."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from segaware_caffe.models import CAMVID_CLASSES

CURVES, MASKS = "results_curves.png", "results_masks.png"
#: what is judged: which twin, and which way
SETS = {
    "plain": ("plain", "as trained"),
    "segmentation-aware": ("segaware", "as trained"),
    "segmentation-aware, before its filter": ("segaware", "unfiltered"),
    "plain, the filter added": ("plain", "filter added"),
    "plain, the filter added, its embedding tuned": ("plain", "tuned filter added"),
}
SHOWN_BANDS = (1, 3, 5, 10, 20, 40)
Figures = Mapping[str, Any]


def page(
    figures: Mapping[str, Sequence[Figures]],
    embedding: Mapping[str, Sequence[tuple[int, float]]],
    sharpness: Sequence[Mapping[str, float]],
    separation: Mapping[str, float],
    steps: str,
) -> str:
    """The page.

    Args:
        figures: for each of SETS and for "trivial", the figures of every seed (see make_results.Judge).
        embedding: the curves in the log of the embedding's training.
        sharpness: the learned factor of each mask, for every seed.
        separation: how well distances tell pixels of two classes from those of one (see make_results.separation).
        steps: what benchmarks/bench_training.py prints.
    """
    seeds = len(figures["plain"])
    return (
        "\n\n".join(
            [
                "# Results on CamVid",
                "Written by `scripts/make_results.py` from networks that `scripts/train_models.py` trained on two cores of a processor, without"
                " a GPU and without weights from elsewhere. The twins have the same layers, learned weights (but for the masks' six factors),"
                " seeds and schedule; one multiplies its convolutions' windows with attention masks and averages its scores under them"
                " ([configs/camvid](../configs/camvid)), the other does not. They saw 4800 crops each, in a few minutes: the"
                " figures compare the two, and are not what CamVid allows.",
                f"## Plain against segmentation-aware\n\n233 test images, 11 classes, {seeds} seeds each: mean ± standard deviation, in percent."
                " The bands hold the pixels within so many pixels of an outline.",
                _scores_table(figures),
                _verdict(figures),
                "The filter added: the plain twin's own weights, its scores averaged under the masks, without training. Its embedding tuned: the"
                " same, with an embedding that learned from CamVid's training labels too, and the filter's factor chosen for it on a third of the"
                " validation images. By true outlines: the"
                " same, with masks of 1 inside a class and 0 across, taken from the labels. The trivial predictor answers each pixel with the"
                " class that it has most often in the training labels.",
                _reasons(separation, figures),
                f"![Training loss and held-out accuracy over the iterations, for all runs]({CURVES})",
                "The accuracies on the right were taken while training, with BatchNorm's running statistics, which lag behind the weights; all"
                " figures above are with statistics taken anew after the last iteration (`train_models.Run.settle`).",
                "### By class\n\nIoU, in percent, means over the seeds.",
                _class_table(figures),
                "## The embedding\n\nTrained on BSDS500's segments as `embs/train` is published (three distance losses, Adam), but for crops of 129"
                " and a falling rate. Losses on centre crops of the 100 validation images, none of which it was trained on:",
                _embedding_table(embedding),
                f"![A photograph, and the attention masks of five of its pixels before the embedding's training and after]({MASKS})",
                "The windows (9 x 9 with dilation 2, at half the resolution) are those of the last filter; white is 1, black 0.",
                "The factor w of each mask exp(-w d) of the convolutions, learned with the segmentation: one row a seed; all start at 0.005; a"
                " mask's name says scale and dilation. Near 0 a mask lets everything through.",
                _sharpness_table(sharpness),
                "They start nearly open because sharp masks keep fresh weights from learning. That, and the filter's fixed factor, were settled by"
                " a few short trials, on training loss, validation crops and a look at pictures (one of them a test frame; no test figure was"
                " taken before the end): in trials of 240 iterations (seed 1, the rate"
                " falling to zero) the training loss came down to 0.60 without masks, to 0.58 with the filter alone, and to 0.69 with the"
                " convolutions' factors held at 0.02 besides. The paper adds its masks to weights that were trained without them.",
                f"## Time and memory of a step\n\n{steps.strip()}",
            ]
        )
        + "\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows))


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.2f}" + (f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else "")


def _scores_table(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = []
    for name, runs in figures.items():
        bands = [_spread([run["bands"][str(width)] for run in runs]) for width in SHOWN_BANDS]
        rows.append([name, _spread([run["mean_iou"] for run in runs]), _spread([run["pixel_accuracy"] for run in runs]), *bands])
    return table(["", "mean IoU", "pixel accuracy", *(f"mean IoU within {width}" for width in SHOWN_BANDS)], rows)


def _verdict(figures: Mapping[str, Sequence[Figures]]) -> str:
    """One sentence that says what the table does, whatever it is."""

    def difference(value: Any) -> list[float]:
        return [value(aware) - value(plain) for plain, aware in zip(figures["plain"], figures["segmentation-aware"], strict=True)]

    whole, band = difference(lambda run: run["mean_iou"]), difference(lambda run: run["bands"]["3"])
    return (
        f"Seed by seed the masks change the mean IoU by {_signed(whole)} over whole images, and by {_signed(band)} within 3 pixels"
        " of an outline."
    )


def _reasons(separation: Mapping[str, float], figures: Mapping[str, Sequence[Figures]]) -> str:
    def gain(way: str, value: Any) -> float:
        pairs = zip(figures["plain"], figures[f"plain, {way}"], strict=True)
        return statistics.mean(value(filtered) - value(plain) for plain, filtered in pairs)

    def gains(way: str) -> str:
        whole, near = gain(way, lambda run: run["mean_iou"]), gain(way, lambda run: run["bands"]["3"])
        return f"the plain twin's mean IoU by {whole:+.1f}, and within 3 pixels of an outline by {near:+.1f}"

    return (
        "**Why.** A mask is worth what its embedding knows. For neighbouring pixels of CamVid, the distance between two of different"
        f" classes is larger than that between two of one class in {separation['embedding']:.1f} % of the cases for the embedding, which"
        f" learned for minutes from 200 photographs of BSDS500, and in {separation['colours']:.1f} % for plain colours (50 %: no"
        " knowledge). So its masks often close at texture inside objects, and the convolutions lose context there: small and thin classes"
        " suffer most."
        " The filter helps the scores that were trained with it (second row against third: flat regions get one class), but not those"
        " of the plain twin, which follow outlines by themselves. It is not the mechanism: under masks of the true outlines the same filter"
        f" changes {gains('filtered by true outlines')}. What is missing is a better embedding. Tuned for nine more minutes to the labels"
        f" of CamVid's training images ([embedding_train](../configs/camvid/embedding_train.prototxt)), it is right in"
        f" {separation['tuned']:.1f} % of the cases, and the filter changes {gains('the filter added, its embedding tuned')}. The paper's"
        " learned from COCO, and its masks were added to networks that had been trained before."
    )


def _signed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:+.2f}" for value in values)


def _class_table(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = []
    for index, name in enumerate(CAMVID_CLASSES):
        rows.append([name, *(f"{statistics.mean(run['iou'][index] for run in runs):.1f}" for runs in figures.values())])
    return table(["", *figures], rows)


def _embedding_table(curves: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    windows = {"3 x 3": "test0/loss_avg", "dilation 2": "test0/loss_avg2", "dilation 5": "test0/loss_avg3"}
    iterations = [iteration for iteration, _ in curves[windows["3 x 3"]]]
    rows = [[window, *(f"{value:.1f}" for _, value in curves[curve])] for window, curve in windows.items()]
    return table(["window", *(f"iteration {iteration}" for iteration in iterations)], rows)


def _sharpness_table(sharpness: Sequence[Mapping[str, float]]) -> str:
    return table(list(sharpness[0]), [[f"{value:.3f}" for value in run.values()] for run in sharpness])
