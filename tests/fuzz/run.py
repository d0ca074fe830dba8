"""Fuzz the readers: `make fuzz SECONDS=60`, or

    PYTHONPATH=tests:. python -m fuzz.run --seconds 60 [--targets png,lmdb] [--seed 7] [--report fuzz.jsonl] [--findings folder]

Each target runs in a process of its own, one after the other, for its share of the time. A finding is an input
that a reader crashes or hangs on (10 s), takes more memory for than 1 GB and 20 times its size, or raises something
for that is no CaffeError. Findings are written to a folder, one file for each place in the code; the exit
status is 1 if there are any.
"""

import argparse
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from zlib import crc32

import torch
from fuzz.mutations import MAX_SIZE, mutate
from fuzz.targets import TARGETS, seeds

from segaware_caffe.errors import CaffeError

#: seconds of work, seconds in all (this machine may have other work), bytes: what one input may take
LONGEST = 10
LONGEST_WAIT = 200
MOST_MEMORY = 2**30
#: what protects this machine from a reader that takes it all
MEMORY_GUARD = 6 * 2**30
_HEAD = struct.Struct("<5Q")


@dataclass
class Count:
    """What was done to one target."""

    target: str
    inputs: int = 0
    refused: int = 0
    findings: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


class Slate:
    """What a worker is doing, in memory that its parent sees after the worker's death."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + MAX_SIZE)

    def write(self, data: bytes, inputs: int, refused: int, findings: int, slowest: int) -> None:
        _HEAD.pack_into(self._memory, 0, len(data), inputs, refused, findings, slowest)
        self._memory[_HEAD.size : _HEAD.size + len(data)] = data

    def read(self) -> tuple[bytes, int, int, int, int]:
        size, *numbers = _HEAD.unpack_from(self._memory)
        return (self._memory[_HEAD.size : _HEAD.size + size], *numbers)


class Findings:
    """A folder of inputs, one for each place where something went wrong."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, target: str, place: str, data: bytes, story: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{target}-{crc32(place.encode()):08x}"
        if not path.exists() or path.stat().st_size > len(data):
            path.write_bytes(data)
            path.with_suffix(".txt").write_text(f"{target}: {place}\n{story}\n")
            print(f"FOUND {path}: {place}", flush=True)


def inputs(name: str, random: Random) -> Iterator[bytes]:
    """The seeds as they are, then damaged ones without end; some with checksums that are right again."""
    repair = TARGETS[name].repair
    yield from (seed for seed in seeds(name) if len(seed) <= MAX_SIZE)
    while True:
        data = mutate(random, seeds(name))
        yield repair(data)[:MAX_SIZE] if repair and random.random() < 0.7 else data


def work(name: str, until: float, seed: int, slate: Slate, findings: Findings) -> None:
    """Read inputs until the time is up; ends early, with status 3, after one that took too much memory."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_GUARD, MEMORY_GUARD))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    read = TARGETS[name].read
    done = refused = found = slowest = 0
    for data in inputs(name, Random(f"{name} {seed}")):
        slate.write(data, done, refused, found, slowest)
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT)
        before, start = _peak_memory(), time.perf_counter_ns()
        try:
            read(data)
        except CaffeError:
            refused += 1
        except BaseException as error:
            found += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            findings.add(name, f"{type(error).__name__} at {where.filename}:{where.lineno}", data, traceback.format_exc())
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        done += 1
        slowest = max(slowest, time.perf_counter_ns() - start)
        if _peak_memory() - before > MOST_MEMORY + 20 * len(data):
            findings.add(name, "too much memory", data, f"{(_peak_memory() - before) / 2**20:.0f} MB for {len(data)} bytes")
            slate.write(data, done, refused, found + 1, slowest)
            os._exit(3)
        if time.monotonic() > until:
            break
    slate.write(b"", done, refused, found, slowest)
    os._exit(0)


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def fuzz(name: str, seconds: float, seed: int, findings: Findings) -> Count:
    """Fuzz one target, in new processes where one dies."""
    count, start = Count(name), time.monotonic()
    while (left := start + seconds - time.monotonic()) > 0:
        slate = Slate()
        child = os.fork()
        if not child:
            try:
                work(name, start + seconds, seed + count.inputs, slate, findings)
            finally:
                traceback.print_exc()
                os._exit(4)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        data, done, refused, found, slowest = slate.read()
        if status == 4:
            sys.exit(f"fuzz: {name}: the worker itself failed")
        if status < 0:
            how = (
                "took longer than 10 s"
                if -status in (signal.SIGPROF, signal.SIGALRM)
                else f"ended by signal {signal.Signals(-status).name}"
            )
            findings.add(name, f"{how} {crc32(data) % 16}", data, how)
            found += 1
        count.inputs += done
        count.refused += refused
        count.findings += found
        count.slowest = max(count.slowest, slowest / 1e9)
        if left < 0.01:
            break
    count.seconds = time.monotonic() - start
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="in all (60)")
    parser.add_argument("--targets", default=",".join(TARGETS), help="names, with commas between (all)")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="of the damage (the clock)")
    parser.add_argument("--findings", type=Path, default=Path("fuzz_findings"), help="folder (fuzz_findings)")
    parser.add_argument("--report", type=Path, help="a file to which a JSON line for each target is added")
    args = parser.parse_args()
    names = args.targets.split(",")
    findings = Findings(args.findings)
    print(f"seed {args.seed}")
    counts = []
    for name in names:
        count = fuzz(name, args.seconds / len(names), args.seed, findings)
        counts.append(count)
        print(
            f"{name:14} {count.inputs:9} inputs in {count.seconds:7.1f} s, {count.refused:9} refused,"
            f" slowest {count.slowest:6.3f} s, {count.findings} findings",
            flush=True,
        )
        if args.report:
            with args.report.open("a") as file:
                file.write(json.dumps(asdict(count)) + "\n")
    print(f"{sum(count.inputs for count in counts)} inputs, {sum(count.findings for count in counts)} findings")
    return min(1, sum(count.findings for count in counts))


if __name__ == "__main__":
    sys.exit(main())
