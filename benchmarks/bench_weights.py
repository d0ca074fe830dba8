"""Time and memory of loading a .caffemodel, against numpy.fromfile of the same bytes and against protobuf.

The file is synthetic: blobs of VGG-16's and ResNet's sizes until it holds --megabytes. All
contestants run in turn in one process and the medians are compared; the file is in the page cache.
Memory is measured in fresh processes. Exit status 1 if a target is missed:

    load into new tensors       <= 2 x numpy.fromfile
    load into existing tensors  <= 2 x numpy.fromfile
    load into existing tensors  >= 10 x faster than protobuf's parse and numpy.array(blob.data)
                                (with protobuf 7; before it the arrays alone took some 20 s)
    load into new tensors       the same, though the system must clear their memory first
    peak memory                 <= the weights once + 10 %

A net that was built has existing tensors: its fillers have written to them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from segaware_caffe.schema.messages import NetParameter
from segaware_caffe.weights import load_weights, read_caffemodel, write_caffemodel

Shapes = list[tuple[str, list[tuple[int, ...]]]]


def network_shapes(values: int) -> Shapes:
    """Layers with the blob sizes of a VGG-16 and of ResNet blocks, together about `values` values."""
    return list(_take(_layers(), values))


def _layers() -> Iterator[list[tuple[int, ...]]]:
    while True:
        for inputs, outputs in ((3, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512)):
            yield [(outputs, inputs, 3, 3), (outputs,)]
        yield [(4096, 512, 7, 7), (4096,)]
        for width in (64, 128, 256, 512):
            for _ in range(3):
                yield [(width, 4 * width, 1, 1)]
                yield [(width,), (width,), (1,)]
                yield [(width, width, 3, 3)]
                yield [(width,), (width,), (1,)]
                yield [(4 * width, width, 1, 1)]


def _take(layers: Iterator[list[tuple[int, ...]]], values: int) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    for number, shapes in enumerate(layers):
        if values <= 0:
            return
        values -= sum(int(np.prod(shape)) for shape in shapes)
        yield f"layer{number}", shapes


def write_file(path: Path, shapes: Shapes) -> None:
    """Random weights of these shapes."""
    random = np.random.default_rng(0)
    write_caffemodel(path, "bench", ((name, "Convolution", [random.random(s, np.float32) for s in blobs]) for name, blobs in shapes))


def new_tensors(shapes: Shapes) -> list[tuple[str, list[torch.Tensor]]]:
    """Tensors without values, as a net that is being built has them."""
    return [(name, [torch.empty(shape) for shape in blobs]) for name, blobs in shapes]


def by_protobuf(path: Path) -> list[np.ndarray]:
    """What a reader on the generated classes does."""
    net = NetParameter()
    net.ParseFromString(path.read_bytes())
    return [np.array(blob.data, np.float32).reshape(tuple(blob.shape.dim)) for layer in net.layer for blob in layer.blobs]


def contestants(path: Path, shapes: Shapes) -> dict[str, Callable[[], object]]:
    """Everything that is timed, by name."""
    existing = new_tensors(shapes)
    return {
        "numpy.fromfile": lambda: np.fromfile(path, np.uint8),
        "index only": lambda: read_caffemodel(path),
        "load into new tensors": lambda: load_weights(path, new_tensors(shapes)),
        "load into existing tensors": lambda: load_weights(path, existing),
        "protobuf": lambda: by_protobuf(path),
    }


def measure_times(path: Path, shapes: Shapes, runs: int, slow_runs: int) -> dict[str, float]:
    """Median seconds of each contestant, run in turn; protobuf takes part in the first rounds only."""
    todo = contestants(path, shapes)
    times: dict[str, list[float]] = {name: [] for name in todo}
    for round_number in range(-1, runs):  # round -1 warms up
        for name, run in todo.items():
            if name == "protobuf" and round_number >= slow_runs:
                continue
            start = time.perf_counter()
            result = run()
            if round_number >= 0:
                times[name].append(time.perf_counter() - start)
            del result
    return {name: statistics.median(values) for name, values in times.items()}


def measure_memory(path: Path, shapes: Shapes) -> float:
    """Growth of a fresh process's peak memory by loading, as a multiple of the weights."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(shapes, file)
        file.flush()
        child = subprocess.run([sys.executable, __file__, "--child", path, file.name], check=True, capture_output=True, text=True)
    return float(child.stdout)


def child(path: Path, shapes_file: Path) -> None:
    """In the fresh process: load; print the growth of the peak, relative to the weights."""
    shapes = json.loads(shapes_file.read_text())
    weights = 4 * sum(int(np.prod(shape)) for _, blobs in shapes for shape in blobs)
    before = peak_memory()
    tensors = new_tensors(shapes)
    load_weights(path, tensors)
    print((peak_memory() - before) / weights)


def peak_memory() -> int:
    """Peak resident bytes of this program (VmHWM; ru_maxrss would begin with that of the process that started it)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main() -> int:
    """Run, print the table, compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the file (default %(default)s)")
    parser.add_argument("--runs", type=int, default=9, help="timed rounds (default %(default)s)")
    parser.add_argument("--protobuf-runs", type=int, default=5, help="rounds in which protobuf takes part (default %(default)s)")
    parser.add_argument("--folder", help="where to put the file (default: the temporary folder)")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return 0
    shapes = network_shapes(arguments.megabytes * 10**6 // 4)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "bench.caffemodel"
        write_file(path, shapes)
        print(f"{os.path.getsize(path) / 1e6:.0f} MB, {len(shapes)} layers, {sum(len(b) for _, b in shapes)} blobs; {os.cpu_count()} cores")
        times = measure_times(path, shapes, arguments.runs, arguments.protobuf_runs)
        memory = measure_memory(path, shapes)
    return report(times, memory)


def report(times: dict[str, float], memory: float) -> int:
    """Print the table; 0 if all targets are met."""
    base = times["numpy.fromfile"]
    print(f"{'':28}{'ms':>9}{'x numpy.fromfile':>18}")
    for name, seconds in times.items():
        print(f"{name:28}{seconds * 1e3:9.1f}{seconds / base:18.2f}")
    faster = times["protobuf"] / times["load into new tensors"]
    faster_existing = times["protobuf"] / times["load into existing tensors"]
    print(f"faster than protobuf: {faster:.1f} x into new tensors, {faster_existing:.1f} x into existing ones")
    print(f"peak memory: {memory:.3f} x the weights")
    targets = {
        "new tensors <= 2 x numpy.fromfile": times["load into new tensors"] <= 2 * base,
        "existing tensors <= 2 x numpy.fromfile": times["load into existing tensors"] <= 2 * base,
        "existing tensors >= 10 x faster than protobuf": faster_existing >= 10,
        "new tensors >= 10 x faster than protobuf": faster >= 10,
        "peak memory <= weights + 10 %": memory <= 1.1,
    }
    for target, met in targets.items():
        print(f"{'met   ' if met else 'MISSED'} {target}")
    return 0 if all(targets.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
