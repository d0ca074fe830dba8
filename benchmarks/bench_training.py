"""Steps of training: CamVid's twins against each other, and what it brings to keep freed memory; docs/results.md has the tables.

    python benchmarks/bench_training.py

A step is forward and backward; times are medians of interleaved runs, memory the peak of a process of its own.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from measure import environment, in_child, interleaved, resident, table

from segaware_caffe import Net
from segaware_caffe.solver import keep_freed_memory

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
TWINS = {"plain": CONFIGS / "camvid" / "plain_train.prototxt", "segaware": CONFIGS / "camvid" / "segaware_train.prototxt"}
EMBEDDING = CONFIGS / "camvid" / "embeddings_train.prototxt"
CLASSES = 11
RUNS = 9


def step_of(prototxt: Path) -> Callable[[], None]:
    """A training step of a network on random images, fed in place of its data layer."""
    net = Net(prototxt, "TRAIN")
    data, label = torch.randn(net.shapes["data"]) * 50, torch.randint(0, CLASSES, net.shapes["label"]).float()

    def step() -> None:
        net.zero_grad()
        net.forward_loss(data=data, label=label)[0].backward()

    return step


def child(prototxt: str, keep: str) -> tuple[float, float]:
    """Run in a process of its own: seconds a step, and memory at its peak in MiB."""
    if keep == "kept":
        keep_freed_memory()
    step = step_of(Path(prototxt))
    step()
    start = time.perf_counter()
    for _ in range(RUNS):
        step()
    return (time.perf_counter() - start) / RUNS, resident("VmHWM")


def twins_table() -> str:
    """Plain against segmentation-aware."""
    keep_freed_memory()
    seconds = interleaved({name: step_of(path) for name, path in TWINS.items()}, RUNS)
    peaks = {name: in_child(__file__, path, "kept")[1] for name, path in TWINS.items()}
    rows = [[name, f"{1e3 * seconds[name]:.0f} ms", f"{peaks[name]:.0f} MiB"] for name in TWINS]
    ratios = [f"**{values['segaware'] / values['plain']:.2f}x**" for values in (seconds, peaks)]
    return table(["network", "step of 6 crops at 321", "peak memory"], [*rows, ["segaware / plain", *ratios]])


def memory_table() -> str:
    """The embedding network with freed memory given back to the system, and kept."""
    results = {kind: in_child(__file__, EMBEDDING, kind) for kind in ("given back", "kept")}
    rows = [[kind, f"{seconds:.2f} s", f"{peak:.0f} MiB"] for kind, (seconds, peak) in results.items()]
    return table(["freed memory is", "step of 6 crops at 321", "peak memory"], rows)


def page() -> str:
    """Both tables, in Markdown."""
    return f"{environment()}.\n\n{twins_table()}\n\nThe embeddings:\n\n{memory_table()}\n"


def main() -> None:
    """Measure, and print."""
    if sys.argv[1:2] == ["child"]:
        print(*child(*sys.argv[2:]))
        return
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(page())


if __name__ == "__main__":
    main()
