"""How long it takes to export whole networks: a table of user CPU time, a row a network, a column a format.

Each export runs in a process of its own. Counted is the user time of its threads from a built network to the written
file, without the imports of torch and of the format's own packages, so that other work on the machine does not
count. The files are written to a temporary folder. Exit status 1 if one takes longer than 10 s.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from networks import STANDARD

from segaware_caffe import Net
from segaware_caffe.export import export
from segaware_caffe.models import FOLDER

#: seconds that no export should exceed
TARGET = 10.0
SUFFIXES = (".onnx", ".py", ".pt2")


#: those that come with the package
SHIPPED = {weights.stem: weights for weights in sorted(FOLDER.glob("*.caffemodel"))}
NETWORKS = (*STANDARD, *SHIPPED)


def built(name: str) -> Net:
    if name in STANDARD:
        return Net(STANDARD[name]())
    return Net(SHIPPED[name].with_suffix(".prototxt"), weights=SHIPPED[name])


def measured(name: str, suffix: str) -> dict[str, float]:
    """Seconds of user time and megabytes of one export, in this process."""
    import onnx  # noqa: F401
    import torch.export  # noqa: F401

    net = built(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"net{suffix}"
        before = os.times().user
        export(net, path)
        seconds = os.times().user - before
        return {"seconds": seconds, "megabytes": sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6}


def in_a_process(name: str, suffix: str) -> dict[str, float]:
    found = subprocess.run([sys.executable, __file__, "--one", name, suffix], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS], metavar="NETWORK", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "SUFFIX"), help="measure in this process and print JSON")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured(*args.one)))
        return 0
    print(f"| seconds of user CPU time | {' | '.join(SUFFIXES)} |\n|---|{'---|' * len(SUFFIXES)}")
    late = False
    for name in args.networks or NETWORKS:
        seconds = [in_a_process(name, suffix)["seconds"] for suffix in SUFFIXES]
        late |= max(seconds) > TARGET
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in seconds)} |", flush=True)
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
