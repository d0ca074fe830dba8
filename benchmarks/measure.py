"""How the benchmarks measure: contestants in turn in one process, medians, and peak memory in a process of its own."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch


def interleaved(contestants: dict[str, Callable[[], object]], runs: int = 9) -> dict[str, float]:
    """Median seconds of each, run in turn after one warm-up, so that a slow spell of the machine hits all alike."""
    for function in contestants.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, function in contestants.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def resident(field: str = "VmRSS") -> float:
    """This process's memory in MiB: now (VmRSS) or at its largest (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def in_child(script: str, *args: object) -> list[float]:
    """Run `script child ARGS` in a process of its own; the numbers that it prints last."""
    output = subprocess.run([sys.executable, script, "child", *map(str, args)], capture_output=True, text=True, check=True).stdout
    return [float(number) for number in output.split()[-2:]]


def table(header: Sequence[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *rows))


def environment() -> str:
    """Where the numbers come from."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    return (
        f"{model}, {torch.get_num_threads()} threads, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" PyTorch {torch.__version__}; {time.strftime('%Y-%m-%d')}"
    )


def peak_gflops() -> float:
    """What this machine reaches in a large matrix product, in GFLOP/s."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    seconds = interleaved({"matmul": lambda: a @ b}, 5)["matmul"]
    return 2 * 2048**3 / seconds / 1e9
