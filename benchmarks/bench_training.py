"""Steps of training: standard networks against the same written by hand in PyTorch, masked against plain, and what `recompute` and
kept memory bring; docs/performance.md and docs/results.md have the tables.

    python benchmarks/bench_training.py [--starts N] [--networks LeNet GoogLeNet ...] [--autocast]

A step is forward, backward and the update. Every contestant runs in a process of its own, in turn, several times; a time is the median
over these starts of a start's median step, in seconds of processor time of one thread, which a busy machine distorts least; beside it is
the spread, from the fastest to the slowest start. Memory is the peak of the process beside what imports and weights take.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import handwritten
import networks
import torch
from measure import environment, in_child, resident, table

from segaware_caffe import Net
from segaware_caffe.schema import SolverParameter, read_net, read_solver
from segaware_caffe.solver import Solver, keep_freed_memory

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
SOLVER = (
    'base_lr: 0.001 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" max_iter: 1000000 snapshot_after_train: false solver_mode: CPU'
)
#: batches of the standard networks
BATCHES = {"LeNet": 64, "GoogLeNet": 8, "ResNet-50": 4, "VGG-16": 2}
#: masked against plain
TWINS = {"plain": CONFIGS / "camvid" / "plain_train.prototxt", "segaware": CONFIGS / "camvid" / "segaware_train.prototxt"}
EMBEDDING = CONFIGS / "camvid" / "embeddings_train.prototxt"
CLASSES = 11
#: steps of one start, after a first one
STEPS = 5

Step = Callable[[], object]


def solver_of(name: str, **options: object) -> Step:
    """A step of our solver on a standard network and random images."""
    batch = BATCHES[name]
    prototxt = networks.training(name, batch)
    param: SolverParameter = read_solver(SOLVER)
    param.net_param.CopyFrom(read_net(prototxt))
    solver = Solver(param, **options)
    data = torch.rand(solver.net.shapes["data"])
    label = torch.randint(0, 10, (batch,)).float()
    return lambda: solver.step(1, data=data, label=label)


def handwritten_of(name: str, kind: str) -> Step:
    """A step of the same network written in PyTorch, with torch.optim's SGD of that kind (foreach or fused)."""
    batch = BATCHES[name]
    network, size = handwritten.NETWORKS[name]
    return handwritten.step_of(network().train(), torch.rand(batch, *size), torch.randint(0, 10, (batch,)), kind)


def net_of(prototxt: Path) -> Step:
    """Forward and backward of one of configs/ on random images, fed in place of its data layer."""
    net = Net(prototxt, "TRAIN")
    data, label = torch.randn(net.shapes["data"]) * 50, torch.randint(0, CLASSES, net.shapes["label"]).float()

    def step() -> None:
        net.zero_grad()
        net.forward_loss(data=data, label=label)[0].backward()

    return step


def contestant(kind: str, name: str) -> Step:
    """The step that the words of a child's command line name."""
    if kind == "ours":
        return solver_of(name)
    if kind == "recompute":
        return solver_of(name, recompute=True)
    if kind == "bfloat16":
        return solver_of(name, autocast="bfloat16")
    if kind in ("foreach", "fused"):
        return handwritten_of(name, kind)
    return net_of(Path(name))


def child(kind: str, name: str) -> tuple[float, float]:
    """Run in a process of its own: seconds of processor time a step, and memory at its peak beside the start, in MiB."""
    torch.set_num_threads(1)
    if kind != "given back":
        keep_freed_memory()
    before = resident()
    step = contestant(kind, name)
    step()
    seconds = []
    for _ in range(STEPS):
        start = time.process_time()
        step()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), resident("VmHWM") - before


def started(kinds: Sequence[str], name: object, starts: int) -> dict[str, tuple[list[float], float]]:
    """Of each kind the seconds of its starts, which take turns, and the largest peak."""
    found: dict[str, tuple[list[float], float]] = {kind: ([], 0.0) for kind in kinds}
    for _ in range(starts):
        for kind in kinds:
            seconds, peak = in_child(__file__, kind, name)
            found[kind] = [*found[kind][0], seconds], max(found[kind][1], peak)
    return found


def time_of(seconds: Sequence[float]) -> str:
    """The median in ms, and the spread."""
    return f"{1e3 * statistics.median(seconds):.1f} ({1e3 * min(seconds):.1f} to {1e3 * max(seconds):.1f})"


def standard_table(names: Sequence[str], starts: int, autocast: bool) -> str:
    """Standard networks: ours, and others as ratios of ours to theirs."""
    kinds = ["ours", "foreach", "fused", "recompute", *(["bfloat16"] if autocast else [])]
    rows = []
    for name in names:
        found = started(kinds, name, starts)
        medians = {kind: statistics.median(seconds) for kind, (seconds, _) in found.items()}
        rows.append([
            f"{name}, batch {BATCHES[name]}",
            *(time_of(found[kind][0]) for kind in kinds),
            *(f"**{medians['ours'] / medians[kind]:.2f}x**" for kind in ("foreach", "fused")),
            *(f"{found[kind][1]:.0f}" for kind in ("ours", "foreach", "fused", "recompute")),
        ])  # fmt: skip
    header = ["network", *(f"{kind}, ms" for kind in kinds), "ours / foreach", "ours / fused"]
    return table([*header, "ours, MiB", "foreach, MiB", "fused, MiB", "recompute, MiB"], rows)


def twins_table(starts: int) -> str:
    """Plain against segmentation-aware: forward and backward."""
    found = {name: started(["kept"], path, starts)["kept"] for name, path in TWINS.items()}
    rows = [[name, time_of(seconds), f"{peak:.0f} MiB"] for name, (seconds, peak) in found.items()]
    times, peaks = ({name: pick(value) for name, value in found.items()} for pick in (lambda v: statistics.median(v[0]), lambda v: v[1]))
    ratios = [f"**{values['segaware'] / values['plain']:.2f}x**" for values in (times, peaks)]
    return table(["network", "step of 6 crops at 321, ms", "peak memory"], [*rows, ["segaware / plain", *ratios]])


def memory_table(starts: int) -> str:
    """The embedding network with freed memory given back to the system, and kept."""
    found = started(["given back", "kept"], EMBEDDING, starts)
    rows = [[kind, time_of(seconds), f"{peak:.0f} MiB"] for kind, (seconds, peak) in found.items()]
    return table(["freed memory is", "step of 6 crops at 321, ms", "peak memory"], rows)


def main() -> None:
    """Measure, and print."""
    if sys.argv[1:2] == ["child"]:
        print(*child(*sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5, help="processes of each contestant (5)")
    parser.add_argument("--networks", nargs="*", default=list(BATCHES), choices=list(BATCHES), help="standard networks (all)")
    parser.add_argument("--autocast", action="store_true", help="ours in bfloat16 too: slow where the processor has none")
    parser.add_argument("--standard-only", action="store_true", help="leave out the two tables of this project's networks")
    args = parser.parse_args()
    print(f"{environment()}.\n\n{standard_table(args.networks, args.starts, args.autocast)}")
    if not args.standard_only:
        print(f"\n{twins_table(args.starts)}\n\nThe embedding network ({EMBEDDING.parent.name}):\n\n{memory_table(args.starts)}")


if __name__ == "__main__":
    main()
