"""The text of docs/results.md."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from segaware_caffe.models import CAMVID_CLASSES

CURVES = "results_curves.png"
SHOWN_BANDS = (1, 3, 5, 10, 20, 40)
AWARE, TWINS = "segmentation-aware", ("plain, the same steps", "plain, the same time")
Figures = Mapping[str, Any]


def page(
    figures: Mapping[str, Sequence[Figures]],
    pairs: Sequence[Mapping[str, Mapping[str, float]]],
    factors: Sequence[Mapping[str, float]],
    costs: Sequence[Mapping[str, float]],
    base_minutes: Sequence[float],
    lengths: Any,
    missing: Sequence[str],
) -> str:
    """The page.

    Args:
        figures: for each way to answer that was judged, the figures of every seed (see make_results.Judge).
        pairs: for every seed, how well distances tell pairs of two classes from pairs of one (see make_results.separation).
        factors: the learned factor of each mask, for every seed.
        costs: for every seed, seconds of a forward pass of the twins.
        base_minutes: how long each seed's base run took.
        lengths: of the stages (see train_models.Lengths).
        missing: the ways that no seed was trained for.
    """
    seeds = len(base_minutes)
    parts = [
        "# Results on CamVid",
        "Written by `scripts/results.sh`, which trains ([train_models](../scripts/train_models.py)) and judges"
        " ([make_results](../scripts/make_results.py)) on a processor, without a GPU. The trunk is EfficientNet-Lite0, trained on ImageNet;"
        f" under it a small pyramid decoder learns CamVid's 367 training images: {lengths.decoder} iterations alone, {lengths.base} with the"
        f" upper trunk, {lengths.batch} crops of {lengths.crop} pixels each. From this base run all others go on for {lengths.variant}"
        " iterations of the decoder, the trunk as it is. Factors and lengths were chosen on validation images; test figures of an earlier"
        " design (masks in the decoder's convolutions and one wide filter: 62.3 with seed 0) had been seen by then.",
        _seeds(seeds, base_minutes),
        f"## Plain against segmentation-aware\n\n233 test images, 11 classes, {_count(seeds)}: mean IoU in percent"
        + (", mean ± standard deviation" if seeds > 1 else "")
        + ". The bands hold the pixels within so many pixels of an outline.",
        _scores_table(figures),
    ]
    if AWARE in figures:
        parts += [_verdict(twin, figures) for twin in TWINS if twin in figures]
    parts += [
        "As it was: the base run's end. The same steps, the same time: trained on from there for the iterations, or for the seconds, of the"
        " segmentation-aware network. The segmentation-aware network averages its scores four times under the masks of 5 x 5 windows, at half"
        " the resolution. Masks of convolutions multiply the windows of the decoder's four 3 x 3 convolutions instead, and the mean field"
        " takes the filter's place. A filter added: nothing trained for it but the embedding. Masks from colours are the control. True outlines: masks of 1 inside a class"
        " and 0 across, taken from the labels: what a filter without fault would bring. The trivial predictor answers each pixel with the"
        " class that it has most often in the training labels.",
    ]
    if missing:
        parts.append(f"Not trained yet, and so not in the table: {'; '.join(missing)}. `scripts/results.sh` goes on with them.")
    parts += [f"![Training losses over the iterations]({CURVES})", "### By class\n\nIoU, in percent.", _class_table(figures)]
    if pairs:
        parts += [
            "## The embeddings\n\nHow often, in percent, two pixels of different classes are farther apart than two of one class (50: they tell"
            " nothing), so many pixels of the embedding from each other, on every third validation image. The trunk's embedding has a quarter"
            " of the photograph's resolution, the other half. Fitted: non-negative weights of colours and features, by logistic regression on"
            f" training pixels; trained: from there with the paper's distance losses, {lengths.embeddings} iterations.",
            _pairs_table(pairs),
            "The factor w of the masks exp(-w d), learned with the segmentation, one row a seed, starts at 8, the best of a few on"
            " validation images:",
            table(list(factors[0]), [[f"{value:.3f}" for value in run.values()] for run in factors]),
            "## Time\n\nOf a forward pass of a frame of 385 x 481:",
            _costs_table(costs),
        ]
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows))


def _count(seeds: int) -> str:
    return f"{seeds} seeds" if seeds > 1 else "one seed"


def _seeds(seeds: int, minutes: Sequence[float]) -> str:
    each = ", ".join(f"{value:.0f}" for value in minutes)
    if seeds > 1:
        return f"The base runs took {each} minutes."
    return f"**One seed so far** (its base run took {each} minutes): differences below half a point may be chance. `scripts/results.sh` goes on."


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.2f}" + (f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else "")


def _scores_table(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = []
    for name, runs in figures.items():
        bands = [_spread([run["bands"][str(width)] for run in runs]) for width in SHOWN_BANDS]
        rows.append([name, _spread([run["mean_iou"] for run in runs]), _spread([run["pixel_accuracy"] for run in runs]), *bands])
    return table(["", "mean IoU", "pixel accuracy", *(f"within {width}" for width in SHOWN_BANDS)], rows)


def _verdict(twin: str, figures: Mapping[str, Sequence[Figures]]) -> str:
    """One sentence that says what the table does, whatever it is."""

    def difference(value: Any) -> str:
        pairs = zip(figures[twin], figures[AWARE], strict=False)
        return ", ".join(f"{value(aware) - value(plain):+.2f}" for plain, aware in pairs)

    return (
        f"Against {twin}, the masks change the mean IoU by {difference(lambda run: run['mean_iou'])} over whole images, and by"
        f" {difference(lambda run: run['bands']['3'])} within 3 pixels of an outline."
    )


def _class_table(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = []
    for index, name in enumerate(CAMVID_CLASSES):
        rows.append([name, *(f"{statistics.mean(run['iou'][index] for run in runs):.1f}" for runs in figures.values())])
    return table(["", *figures], rows)


def _pairs_table(pairs: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    offsets = list(next(iter(pairs[0].values())))
    rows = [[name, *(_spread([run[name][offset] for run in pairs]) for offset in offsets)] for name in pairs[0]]
    return table(["", *(f"offset {offset}" for offset in offsets)], rows)


def _costs_table(costs: Sequence[Mapping[str, float]]) -> str:
    best = {name: min(run[name] for run in costs) for name in costs[0]}
    plain, aware = best.values()
    rows = [[name, f"{1000 * seconds:.0f} ms"] for name, seconds in best.items()]
    return table(["", "forward pass"], [*rows, [f"{AWARE} / plain", f"{aware / plain:.2f}x"]])
