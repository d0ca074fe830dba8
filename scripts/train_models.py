"""Train the models that come with the package: the embedding on BSDS500, then CamVid's twins, plain and segmentation-aware; and,
to compare, the embedding on from there on CamVid's labels.

    python scripts/train_models.py --bsds500 BSDS500 --camvid CamVid --work FOLDER [--jobs 2]

Both datasets lie as VOC's does: JPEGImages, SegmentationObject or SegmentationClass, and ImageSets/Segmentation. In FOLDER the
layout is the experiment scripts': segaware/list, config, model, log. A run that is finished is not done again; one that was
stopped goes on from its last snapshot. With --jobs 2 two networks train at a time, each on its share of the processor's cores.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from segaware_caffe import Net, models, set_random_seed
from segaware_caffe.models import Model

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
#: dataset -> the folder of its labels
LABELS = {"bsds500": "SegmentationObject", "camvid": "SegmentationClass"}
#: sides of the photographs that the shipped networks take
SIZE = 481
#: batches that settle the statistics
SETTLING = 100
EMBEDDING, TUNED, TWINS, SEEDS = "embs_bsds500", "embs_camvid", ("plain", "segaware"), (1, 2, 3)
#: embeddings -> their network and solver
EMBEDDINGS = {EMBEDDING: ("bsds500/train", "bsds500/solver"), TUNED: ("camvid/embedding_train", "camvid/embedding_solver")}


@dataclass(frozen=True)
class Run:
    """One training: the network `name`, seeded, in `work`."""

    work: Path
    name: str
    seed: int = 1
    weights: Path | None = None

    @property
    def solver(self) -> Path:
        return CONFIGS / f"{EMBEDDINGS[self.name][1] if self.name in EMBEDDINGS else 'camvid/solver'}.prototxt"

    @property
    def prefix(self) -> Path:
        return self.work / "segaware" / "model" / self.name / ("run" if self.name in EMBEDDINGS else f"seed{self.seed}")

    @property
    def log(self) -> Path:
        return self.work / "segaware" / "log" / f"{self.name}_{self.prefix.name}.log"

    @property
    def trained(self) -> Path:
        """What the last iteration leaves."""
        return self.snapshot(int(re.search(r"max_iter: (\d+)", self.solver.read_text()).group(1)), "caffemodel")

    @property
    def caffemodel(self) -> Path:
        """The finished weights: as trained, the twins' with settled statistics."""
        return self.trained if self.name in EMBEDDINGS else self.prefix.with_name(f"{self.prefix.name}_settled.caffemodel")

    def snapshot(self, iteration: int, suffix: str) -> Path:
        return self.prefix.with_name(f"{self.prefix.name}_iter_{iteration}.{suffix}")

    def train(self, threads: int) -> None:
        """Train to the end, from the last snapshot if there is one."""
        if self.trained.exists():
            print(f"{self.trained} is there")
            return
        command = [
            sys.executable,
            "-m",
            "segaware_caffe",
            "train",
            f"--solver={self.solver}",
            "--set",
            f"NET_ID={self.name}",
            "--set",
            f"SEED={self.seed}",
        ]
        states = sorted(self.prefix.parent.glob(f"{self.prefix.name}_iter_*.solverstate"), key=lambda path: int(path.stem.split("_")[-1]))
        if states:
            command.append(f"--snapshot={states[-1]}")
        elif self.weights:
            command.append(f"--weights={self.weights}")
        for folder in (self.prefix.parent, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        print(f"{self.name}, seed {self.seed}: {self.log}", flush=True)
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
        with self.log.open("a") as log:
            subprocess.run(command, cwd=self.work, env=environment, stderr=log, check=True)

    def settle(self) -> None:
        """Take BatchNorm's statistics anew, over batches of the trained network: those that training leaves are averages over its
        last thousand iterations, whose weights were others."""
        if self.caffemodel.exists():
            return
        set_random_seed(self.seed)
        net = Net(self.work / "segaware" / "config" / self.name / "train.prototxt", "TRAIN", weights=self.trained)
        for layer in net.layers:
            if layer.type == "BatchNorm":
                for blob in layer.blobs:
                    blob.zero_()
        with torch.no_grad():
            for _ in range(SETTLING):
                net.forward_loss()
        net.save(self.caffemodel)


def prepare(work: Path, dataset: str, source: Path) -> None:
    """Lists, and label images without palette: the networks read labels as grey pictures (spec/pipeline.md 6.13)."""
    folder, lists = work / "segaware" / "data" / dataset, work / "segaware" / "list"
    for made in (folder / "labels", lists):
        made.mkdir(parents=True, exist_ok=True)
    if not (folder / "JPEGImages").exists():
        (folder / "JPEGImages").symlink_to((source / "JPEGImages").resolve())
    for subset in ("train", "val", "test"):
        names = (source / "ImageSets" / "Segmentation" / f"{subset}.txt").read_text().split()
        (lists / f"{dataset}_{subset}.txt").write_text("".join(f"/JPEGImages/{name}.jpg /labels/{name}.png\n" for name in names))
        for name in names:
            label = folder / "labels" / f"{name}.png"
            if not label.exists():
                Image.fromarray(np.asarray(Image.open(source / LABELS[dataset] / label.name))).save(label)


def configure(work: Path, name: str, config: Path) -> None:
    """Lay the network where its solver looks for it."""
    target = work / "segaware" / "config" / name / "train.prototxt"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(config.read_text())


def embeddings_of(work: Path) -> tuple[Run, Run]:
    """The embedding's training, and its tuning."""
    embedding = Run(work, EMBEDDING)
    return embedding, Run(work, TUNED, weights=embedding.caffemodel)


def runs_of(work: Path, seeds: list[int]) -> list[Run]:
    """The twins' trainings, the longer ones first."""
    embedding, _ = embeddings_of(work)
    return [
        Run(work, f"camvid_{twin}", seed, embedding.caffemodel if twin == "segaware" else None)
        for twin in reversed(TWINS)
        for seed in seeds
    ]


def ship(run: Run, model: Model, deploy: Path) -> None:
    """Lay a trained network into the package: its deploy prototxt for photographs that fit SIZE, and the weights."""
    text = deploy.read_text().replace("${HEIGHT}", str(SIZE)).replace("${WIDTH}", str(SIZE))
    model.prototxt.write_text(text)
    Net(text, weights=run.caffemodel).save(model.weights)


def main() -> None:
    """Prepare the data, train the embedding, then the twins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for dataset in LABELS:
        parser.add_argument(f"--{dataset}", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=1, help="networks that train at a time (default 1)")
    parser.add_argument("--ship", action="store_true", help="put those of the first seed into segaware_caffe/models")
    args = parser.parse_args()
    work = args.work.resolve()
    for dataset in LABELS:
        prepare(work, dataset, getattr(args, dataset))
    os.chdir(work)  # the networks name their files from there
    for name, (network, _) in EMBEDDINGS.items():
        configure(work, name, CONFIGS / f"{network}.prototxt")
    for twin in TWINS:
        configure(work, f"camvid_{twin}", CONFIGS / "camvid" / f"{twin}_train.prototxt")
    cores = os.cpu_count() or 1
    embedding, tuned = embeddings_of(work)
    twins = runs_of(work, args.seeds)
    for run in (embedding, tuned):
        run.train(cores)
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(lambda run: run.train(max(1, cores // args.jobs)), twins))
    for run in twins:
        run.settle()
    if args.ship:
        ship(embedding, models.EMBEDDING, CONFIGS / "bsds500" / "deploy.prototxt")
        for model, twin in ((models.CAMVID_PLAIN, "plain"), (models.CAMVID_SEGAWARE, "segaware")):
            run = next(run for run in twins if run.name == f"camvid_{twin}")
            ship(run, model, CONFIGS / "camvid" / f"{twin}_deploy.prototxt")


if __name__ == "__main__":
    main()
