"""Train the street scene networks that come with the package: EfficientNet-Lite0 from ImageNet under a decoder that learns CamVid.

    python scripts/train_models.py --camvid CamVid --work FOLDER [--seeds 0 1 2] [--ship]

For each seed, in FOLDER/seedN: the decoder alone, then with the upper trunk (`base`); from there two embeddings, and then every
variant of VARIANTS, with the trunk and the embeddings as they are. The dataset lies as VOC's does:
JPEGImages, SegmentationClass, and ImageSets/Segmentation. A stage that is finished is not done again; one that was stopped goes
on from its last snapshot. On two cores a base run takes about 45 minutes, and each variant 4 to 10.
"""

import argparse
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import make_trunk
import numpy as np
import torch
from config_builders import camvid, solvers
from config_builders.attention import EMBEDDING, TRUNK_EMBEDDING
from config_builders.camvid import PLAIN, SEGAWARE, Variant
from config_builders.experiments import CAMVID
from fit_embeddings import fitted
from PIL import Image

from segaware_caffe import Net, Solver, models, read_net
from segaware_caffe.files import replacing
from segaware_caffe.log_lines import PACKAGE, GlogFormatter
from segaware_caffe.models import Model
from segaware_caffe.schema import NetParameter, read_solver
from segaware_caffe.voc import VocFolder

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (0, 1, 2)
#: what a frame of CamVid, 360 x 480, is padded to
FRAME = (385, 481)
FRAME_SIZES = dict(zip(("HEIGHT", "WIDTH"), FRAME, strict=True))
#: what is trained on from the base, for the same steps; "plain, longer" for the time of "segaware"
VARIANTS = {
    "plain": PLAIN,
    "segaware": SEGAWARE,
    "plain_longer": PLAIN,
    "convolutions": Variant(convolutions=True),
    "meanfield": Variant(meanfield=True),
    "together": Variant(convolutions=True, filter=True, meanfield=True),
    "colours": Variant(filter=True, colours=True),
}
#: learned embeddings, and those of colours alone
EMBEDDINGS = {"embeddings": False, "colour_embeddings": True}
SHIPPED_AS = {models.CAMVID_SEGAWARE: "segaware", models.CAMVID_PLAIN: "plain"}


@dataclass(frozen=True)
class Lengths:
    """How long the stages are, in iterations, and what they see at a time."""

    decoder: int = 300
    base: int = 3000
    embeddings: int = 200
    variant: int = 300
    batch: int = CAMVID["BATCH_SIZE"]
    crop: int = CAMVID["CROP_SIZE"]
    #: every so many of the training images give pairs to the embeddings' start
    pairs_of: int = 12

    @property
    def variables(self) -> dict[str, int]:
        return {"BATCH_SIZE": self.batch, "CROP_SIZE": self.crop}


FULL = Lengths()
#: tells whether everything runs, in a minute or two; the networks learn nothing
FAST = Lengths(decoder=2, base=2, embeddings=2, variant=2, batch=1, crop=97, pairs_of=100)


@dataclass(frozen=True)
class Stage:
    """One training in `folder`: the network `text` from `weights` on, for `iterations`, by Adam at a rate that falls to 0."""

    folder: Path
    name: str
    text: str = field(repr=False)
    weights: tuple[Path, ...]
    iterations: int
    rate: float
    seed: int

    @property
    def caffemodel(self) -> Path:
        """The trained weights."""
        return self.folder / f"{self.name}_iter_{self.iterations}.caffemodel"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def seconds(self) -> float:
        """The processor time that the training took, all its parts together; what else runs on the machine does not count."""
        return json.loads(self._clock.read_text())["seconds"] if self._clock.exists() else 0.0

    @property
    def _clock(self) -> Path:
        return self.folder / f"{self.name}.json"

    def train(self, variables: dict[str, float]) -> None:
        """Train to the end, from the last snapshot if there is one."""
        if self.caffemodel.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        states = sorted(self.folder.glob(f"{self.name}_iter_*.solverstate"), key=_iteration)
        print(f"{self.log}: {f'on from {states[-1].name}' if states else 'begins'}", flush=True)
        with logged(self.log):
            solver = self._solver(_iteration(states[-1]) if states else 0, variables, () if states else self.weights)
            solver.net.to(memory_format=torch.channels_last)  # twice as fast where kernels have a channel each
            clock = Clock(self._clock, self.seconds if states else 0)
            solver.watchers.append(lambda _: clock.tick())
            solver.solve(states[-1] if states else None)

    def _solver(self, done: int, variables: dict[str, float], weights: tuple[Path, ...]) -> Solver:
        interval = max(self.iterations // 15, 1)
        values = {
            "LEARNING_RATE": self.rate,
            "ITERS": self.iterations,
            "SNAP": interval,
            "DISPLAY": min(10, interval),
            "PREFIX": str(self.folder / self.name),
            "SEED": 100000 * self.seed + done,  # a resumed run goes on with other images than it began with
        }
        param = read_solver(solvers.camvid(), variables=values)
        param.train_net_param.CopyFrom(read_net(self.text, variables=variables))
        return Solver(param, weights=weights, allow_paths=photographs(self.folder.parent))


class Clock:
    """Adds the processor's time to a number of seconds in a file, so that a kill loses little of it."""

    def __init__(self, path: Path, seconds: float):
        self._path, self._begun = path, time.process_time() - seconds

    def tick(self) -> None:
        self._path.write_text(json.dumps({"seconds": time.process_time() - self._begun}))


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Append the package's log to a file, as Caffe's tools write it."""
    handler, logger = logging.FileHandler(path), logging.getLogger(PACKAGE)
    handler.setFormatter(GlogFormatter())
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]


class Seed:
    """All trainings of one seed, in order; each begins with what those before it left."""

    def __init__(self, work: Path, seed: int, lengths: Lengths, camvid: VocFolder):
        self.work, self.seed, self.lengths, self.camvid = work, seed, lengths, camvid
        self.folder = work / f"seed{seed}"

    @property
    def decoder(self) -> Stage:
        """The stage that trains the decoder, the trunk as ImageNet made it."""
        return self._stage("decoder", camvid.train(), (self.work / f"{make_trunk.NAME}.caffemodel",), self.lengths.decoder, 1e-3)

    @property
    def base(self) -> Stage:
        """The stage that trains decoder and upper trunk."""
        return self._stage("base", camvid.train(), (self.decoder.caffemodel,), self.lengths.base, 1e-3)

    def embeddings(self, name: str = "embeddings") -> Stage:
        """The stage that trains the embeddings, from where `fit` starts them."""
        weights = (self.base.caffemodel, self.folder / f"{name}_fitted.caffemodel")
        return self._stage(name, camvid.embeddings(EMBEDDINGS[name]), weights, self.lengths.embeddings, 1e-3)

    def variant(self, name: str) -> Stage:
        """The stage that trains a variant on from the base."""
        variant, iterations = VARIANTS[name], self.lengths.variant
        if name == "plain_longer":
            plain, aware = (self.variant(twin).seconds for twin in ("plain", "segaware"))
            iterations = max(iterations, round(iterations * aware / plain))
        weights = (self.base.caffemodel,)
        if variant.embeddings:
            weights += (self.embeddings("colour_embeddings" if variant.colours else "embeddings").caffemodel,)
        return self._stage(name, camvid.train(variant), weights, iterations, 3e-4)

    def train(self, names: list[str]) -> None:
        """All that is not done yet for the variants `names`."""
        for stage, rate in ((self.decoder, 0), (self.base, CAMVID["TRUNK_LR"])):
            stage.train(self.lengths.variables | {"TRUNK_LR": rate})
        for name in EMBEDDINGS:
            if name == "embeddings" or any(VARIANTS[variant].colours for variant in names):
                self.fit(name)
                self.embeddings(name).train(self.lengths.variables)
        for name in names:
            self.variant(name).train(self.lengths.variables | {"TRUNK_LR": 0})

    def fit(self, name: str) -> None:
        """Write the weights that the embeddings start from, if they are not there."""
        target = self.embeddings(name).weights[-1]
        if target.exists():
            return
        text = camvid.embeddings_deploy(EMBEDDINGS[name])
        net = Net(read_net(text, variables=FRAME_SIZES), weights=self.base.caffemodel)
        names = self.camvid.ids("train")[:: self.lengths.pairs_of]
        for embedding, shrink in ((EMBEDDING, 2), (TRUNK_EMBEDDING, 4)):
            weights = fitted(net, f"{embedding}_parts", self.camvid, names, FRAME, shrink, self.seed)
            net.params[embedding][0].data.copy_(weights)
            net.params[embedding][1].data.zero_()
        net.save(target)

    def _stage(self, name: str, text: str, weights: tuple[Path, ...], iterations: int, rate: float) -> Stage:
        return Stage(self.folder, name, text, weights, iterations, rate, self.seed)


def photographs(work: Path) -> Path:
    """Where the link to CamVid's photographs in `work` leads."""
    return (work / "segaware" / "data" / "camvid" / "JPEGImages").resolve()


def _iteration(state: Path) -> int:
    return int(re.findall(r"_iter_(\d+)", state.name)[-1])


def prepare(work: Path, camvid: VocFolder) -> None:
    """Trunk, lists, and label images without palette: the networks read labels as grey pictures (spec/pipeline.md 6.13)."""
    folder, lists = work / "segaware" / "data" / "camvid", work / "segaware" / "list"
    for made in (folder / "labels", lists):
        made.mkdir(parents=True, exist_ok=True)
    if not (folder / "JPEGImages").exists():
        (folder / "JPEGImages").symlink_to((camvid.root / "JPEGImages").resolve())
    for subset in ("train", "val", "test"):
        names = camvid.ids(subset)
        (lists / f"camvid_{subset}.txt").write_text("".join(f"/JPEGImages/{name}.jpg /labels/{name}.png\n" for name in names))
        for name in names:
            label = folder / "labels" / f"{name}.png"
            if not label.exists():
                Image.fromarray(np.asarray(Image.open(camvid.root / "SegmentationClass" / label.name))).save(label)
    trunk = work / f"{make_trunk.NAME}.caffemodel"
    if not trunk.exists():
        make_trunk.make(make_trunk.installed_weights()).save(trunk)


def ship(stage: Stage, model: Model, variant: Variant) -> None:
    """Lay a trained network into the package: its deploy prototxt, and the weights in half precision, as NVIDIA's Caffe stores it."""
    text = camvid.deploy(variant, model.name)
    for name, value in FRAME_SIZES.items():
        text = text.replace(f"${{{name}}}", str(value))
    model.prototxt.write_text(text)
    net = Net(text, weights=stage.caffemodel)
    proto = NetParameter(name=net.name)
    for layer in net.layers:
        if layer.blobs:
            made = proto.layer.add(name=layer.name, type=layer.type)
            for blob in layer.blobs:
                values = blob.detach().numpy().astype("<f2")
                made.blobs.add(shape={"dim": values.shape}, raw_data=values.tobytes(), raw_data_type="FLOAT16")
    with replacing(model.weights) as temporary:
        temporary.write_bytes(proto.SerializeToString())


def main() -> None:
    """Prepare the data, train what is not trained yet, and ship it if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camvid", type=VocFolder, required=True, metavar="FOLDER")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--fast", action="store_true", help="a few iterations each: to see whether all of it runs")
    parser.add_argument("--ship", action="store_true", help="put those of the first seed into segaware_caffe/models")
    args = parser.parse_args()
    work = args.work.resolve()
    prepare(work, args.camvid)
    os.chdir(work)  # the networks name their files from there
    seeds = [Seed(work, seed, FAST if args.fast else FULL, args.camvid) for seed in args.seeds]
    for seed in seeds:
        seed.train(args.variants)
    if args.ship:
        for model, name in SHIPPED_AS.items():
            ship(seeds[0].variant(name), model, VARIANTS[name])


if __name__ == "__main__":
    main()
