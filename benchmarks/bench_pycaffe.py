"""A training step through pycaffe's solver against one of `segaware_caffe.Solver`: time and memory; docs/performance.md says what came out.

    python benchmarks/bench_pycaffe.py

Each run is a process of its own, and the two take turns; times are medians, memory is the peak.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from measure import environment, in_child, resident, table
from networks import googlenet, resnet50

from segaware_caffe import Solver, pycaffe
from segaware_caffe.solver import keep_freed_memory

NETWORKS = {"GoogLeNet": googlenet, "ResNet-50": resnet50}
BATCH = 4
STEPS = 3
RUNS = 3


def training_net(network: str) -> str:
    """The network with labels and a loss, for a batch of images at 224 x 224."""
    text = NETWORKS[network]().replace("input_dim: 1 ", f"input_dim: {BATCH} ", 1)
    head, _, last = text.rpartition("layer {")
    bottom = last.split('bottom: "')[1].split('"')[0]
    label = f'layer {{ name: "label" type: "Input" top: "label" input_param {{ shape {{ dim: {BATCH} }} }} }}\n'
    loss = f'layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "{bottom}" bottom: "label" top: "loss" }}\n'
    return head + label + loss


def child(network: str, kind: str) -> tuple[float, float]:
    """Run in a process of its own: seconds a step, and memory at its peak in MiB."""
    keep_freed_memory()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        net, solver_file = Path(folder, "net.prototxt"), Path(folder, "solver.prototxt")
        net.write_text(training_net(network))
        solver_file.write_text(f'net: "{net}" base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005 max_iter: 100')
        images = torch.randn(BATCH, 3, 224, 224)
        if kind == "pycaffe":
            scripted = pycaffe.SGDSolver(str(solver_file))
            scripted.net.blobs["data"].data[...] = images

            def step() -> None:
                scripted.step(1)
        else:
            solver = Solver(solver_file)

            def step() -> None:
                solver.step(1, data=images, label=torch.zeros(BATCH))

        step()
        times = []
        for _ in range(STEPS):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
    return statistics.median(times), resident("VmHWM")


def page() -> str:
    """The table, in Markdown."""
    rows = []
    for network in NETWORKS:
        runs: dict[str, list[list[float]]] = {"segaware_caffe.Solver": [], "pycaffe": []}
        for _ in range(RUNS):
            for kind, measured in runs.items():
                measured.append(in_child(__file__, network, kind))
        solver, scripted = ([statistics.median(values) for values in zip(*measured, strict=True)] for measured in runs.values())
        times = [f"{solver[0]:.2f} s", f"{scripted[0]:.2f} s", f"**{scripted[0] / solver[0]:.2f}x**"]
        peaks = [f"{solver[1]:.0f} MiB", f"{scripted[1]:.0f} MiB", f"**{scripted[1] / solver[1]:.2f}x**"]
        rows.append([network, *times, *peaks])
    header = [f"a step, batch {BATCH}", "Solver", "pycaffe", "", "peak memory of Solver", "of pycaffe", ""]
    return f"{environment()}.\n\n{table(header, rows)}\n"


def main() -> None:
    """Measure, and print."""
    if sys.argv[1:2] == ["child"]:
        print(*child(*sys.argv[2:]))
        return
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(page())


if __name__ == "__main__":
    main()
