"""Where the embeddings of the street scene network start, and how well one tells classes apart: by pairs of neighbouring pixels.

A pair's distance is the weighted sum of its channels' differences. Logistic regression finds the weights, none of them negative,
that tell pairs of two classes from pairs of one; the channels that count most become an embedding's own, scaled to what the
distance losses ask for.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from config_builders.attention import WIDTH
from config_builders.layers import MEAN_COLOUR
from scipy.stats import rankdata
from torch.nn import functional

from segaware_caffe import Net
from segaware_caffe.data.images import read_image
from segaware_caffe.segmentation import read_labels
from segaware_caffe.voc import VocFolder

OFFSETS = (1, 2, 4, 8)
VOID = 255
#: pairs taken of an image for each offset, each direction, and each answer
SAMPLE = 400
#: steps of the regression, and the pairs of each
STEPS, BATCH, RATE = 400, 8192, 0.02
#: channels that differ so much less than others are dead units of the decoder
DEAD = 1e-3
#: the distance at which a pair becomes one of two classes: between the losses' 0.5 and 2
THRESHOLD = 1.25


def photograph(camvid: VocFolder, name: str, size: tuple[int, int]) -> np.ndarray:
    """(1, 3, *size) float32: blue green red minus the mean, padded with it below and right."""
    pixels = read_image(camvid.image(name)) - np.asarray(MEAN_COLOUR, np.float32)
    blob = np.zeros((1, 3, *size), np.float32)
    blob[0, :, : pixels.shape[0], : pixels.shape[1]] = pixels.transpose(2, 0, 1)
    return blob


def pairs(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """All horizontal and vertical pairs of labelled pixels: their offset, the flat places of the two, and whether classes differ."""
    places = np.arange(labels.size).reshape(labels.shape)
    for offset in OFFSETS:
        for near, far in ((np.s_[:-offset], np.s_[offset:]), (np.s_[:, :-offset], np.s_[:, offset:])):
            known = (labels[near] != VOID) & (labels[far] != VOID)
            yield offset, places[near][known], places[far][known], (labels[near] != labels[far])[known]


def labelled(net: Net, blob: str, camvid: VocFolder, name: str, size: tuple[int, int], shrink: int) -> tuple[np.ndarray, np.ndarray]:
    """`blob` (C, h * w) of an image for the places of its labels (h, w), every `shrink`-th of the image's; and those labels."""
    labels = read_labels(camvid.root / "SegmentationClass" / f"{name}.png")[::shrink, ::shrink]
    vectors = net(data=photograph(camvid, name, size), keep=[blob])[blob][0, :, : labels.shape[0], : labels.shape[1]]
    return vectors.flatten(1).numpy(), labels


def figures(net: Net, blob: str, camvid: VocFolder, names: Iterable[str], size: tuple[int, int], shrink: int) -> dict[int, float]:
    """offset -> how often, in percent, a pair of two classes is farther apart than a pair of one (50: they tell nothing)."""
    distances: dict[int, list[np.ndarray]] = {offset: [] for offset in OFFSETS}
    apart: dict[int, list[np.ndarray]] = {offset: [] for offset in OFFSETS}
    for name in names:
        vectors, labels = labelled(net, blob, camvid, name, size, shrink)
        for offset, near, far, differ in pairs(labels):
            distances[offset].append(np.abs(vectors[:, near] - vectors[:, far]).sum(0))
            apart[offset].append(differ)
    return {offset: area(np.concatenate(distances[offset]), np.concatenate(apart[offset])) for offset in OFFSETS}


def area(values: np.ndarray, positive: np.ndarray) -> float:
    """The area under the ROC curve, in percent."""
    ranks = rankdata(values)
    count = int(positive.sum())
    return float(100 * (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(values) - count)))


def fitted(net: Net, blob: str, camvid: VocFolder, names: Iterable[str], size: tuple[int, int], shrink: int, seed: int) -> torch.Tensor:
    """The weights (E, C, 1, 1) of the 1 x 1 convolution that makes an embedding of the C channels of `blob`."""
    random = np.random.default_rng(seed)
    samples: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for name in names:
        vectors, labels = labelled(net, blob, camvid, name, size, shrink)
        for offset, near, far, differ in pairs(labels):
            for answer in (True, False):
                places = np.flatnonzero(differ == answer)
                chosen = random.choice(places, min(SAMPLE, len(places)), replace=False)
                steps = np.abs(vectors[:, near[chosen]] - vectors[:, far[chosen]]).T
                samples.append((steps, np.full(len(chosen), answer, np.float32), np.full(len(chosen), OFFSETS.index(offset))))
    steps, answers, offsets = (torch.from_numpy(np.concatenate(part)) for part in zip(*samples, strict=True))
    weights, threshold = regression(steps, answers, offsets, seed)
    chosen = (weights * steps.mean(0)).topk(min(WIDTH, len(weights))).indices
    result = torch.zeros(len(chosen), len(weights), 1, 1)
    result[range(len(chosen)), chosen, 0, 0] = weights[chosen] * THRESHOLD / threshold
    return result


def regression(steps: torch.Tensor, answers: torch.Tensor, offsets: torch.Tensor, seed: int) -> tuple[torch.Tensor, float]:
    """Non-negative weights of the channels of `steps` (n, C), and the distance from which pairs are taken for ones of two classes."""
    random = torch.Generator().manual_seed(seed)
    mean = steps.mean(0)
    alive = mean > DEAD * mean.mean()
    scaled = steps / torch.where(alive, mean, torch.inf)
    weights = (alive / alive.sum()).requires_grad_()
    thresholds = torch.ones(len(OFFSETS), requires_grad=True)
    optimizer = torch.optim.Adam([{"params": [weights], "lr": 1 / len(weights)}, {"params": [thresholds], "lr": RATE}])
    for _ in range(STEPS):
        batch = torch.randint(len(answers), (BATCH,), generator=random)
        logits = scaled[batch] @ weights - thresholds[offsets[batch]]
        optimizer.zero_grad()
        functional.binary_cross_entropy_with_logits(logits, answers[batch]).backward()
        optimizer.step()
        weights.data.clamp_(min=0)
    return torch.where(alive, weights.detach() / mean, 0), float(thresholds.detach().mean())
