"""The shipped segmentation-aware network as it runs where no C++ compiler built the kernels.

    python benchmarks/bench_without_kernels.py [--runs 5]

Without the kernels it must not take twice as long as its literal form does.
"""

import argparse
import os
from collections.abc import Callable

import torch
from measure import interleaved, table

from segaware_caffe import Net
from segaware_caffe.models import CAMVID_SEGAWARE
from segaware_caffe.ops.native.loading import VARIABLE, load

#: of the photograph; the network was trained at 481
SIZES = (65, 161, 321, 481)
#: the engine without kernels takes at most this much of the literal network's time
TARGET = 2.0


def run_of(size: int, gradients: bool, kernels: bool, **options: object) -> Callable[[], None]:
    """Forward, or forward and backward to the image."""
    net = Net(CAMVID_SEGAWARE.prototxt, "TEST", CAMVID_SEGAWARE.weights, **options)
    image = torch.rand(1, 3, size, size) * 255 - 120

    def run() -> None:
        os.environ[VARIABLE] = "" if kernels else "0"
        load.cache_clear()
        with torch.set_grad_enabled(gradients):
            tops = net(data=image.clone().requires_grad_(gradients))
            if gradients:
                sum(top.sum() for top in tops.values()).backward()

    return run


def row(size: int, gradients: bool, runs: int) -> list[str]:
    seconds = interleaved(
        {
            "with": run_of(size, gradients, True),
            "without": run_of(size, gradients, False),
            "literal": run_of(size, gradients, False, passes=[]),
        },
        runs,
    )
    times = [f"{1e3 * value:.0f} ms" for value in seconds.values()]
    slower, of_literal = seconds["without"] / seconds["with"], seconds["without"] / seconds["literal"]
    what = "forward and backward" if gradients else "forward"
    return [f"{size}, {what}", *times, f"{slower:.1f}x", f"**{of_literal:.2f}x**", f"{TARGET:g}x"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    columns = ["image", "with kernels", "without", "literal, without", "without / with", "without / literal", "target"]
    print(table(columns, [row(size, gradients, args.runs) for size in SIZES for gradients in (False, True)]))


if __name__ == "__main__":
    main()
