"""Write docs/pycaffe.md: how old scripts run, and the table of pycaffe's public names, from what is there.

python scripts/make_pycaffe_docs.py [--output FILE]
"""

import argparse
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

from pycaffe_surface import SURFACE

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pycaffe.md"
HEADER = """\
# Old Caffe scripts

Written by `scripts/make_pycaffe_docs.py`; CI checks that it is current.

## Running one

A script of 2015, `edges.py`:

```python
import sys

sys.path.insert(0, "/home/somebody/caffe/python")
import caffe
import numpy as np

caffe.set_mode_cpu()
net = caffe.Net(sys.argv[1], sys.argv[2], caffe.TEST)
for name, blobs in net.params.iteritems():
    print name, blobs[0].data.shape, np.round(blobs[0].data.astype(np.float).std(), 3)
print "%d layers have weights" % len(net.params)
```

runs as it is. `import caffe` is `segaware_caffe.pycaffe`, whatever the script puts on `sys.path`; `--python2` translates it in memory, and
says which lines it changed (it needs the extra `python2`):

```console
$ segaware-caffe run --python2 edges.py net.prototxt net.caffemodel
...
... layers have weights
```

Without `--python2` for scripts in Python 3. `segaware-caffe run -m module` runs a module, `-c "code"` a line.

`sys.argv`, `sys.path[0]`, `__main__` and the exit status are as Python's own. Names that Python, NumPy, scikit-image, scipy, Pillow, h5py,
OpenCV and matplotlib have dropped since (`np.float`, `as_grey`, `scipy.misc.imresize`, `Image.ANTIALIAS`, `collections.Iterable`,
`time.clock`, ...) are there for the script. With `--python2` integers divide as they did, and Python 2's pickles are read.

A program that is started in another way says `segaware_caffe.pycaffe.install()` before its first `import caffe`;
`pip install ./scripts/caffe_module` adds a package `caffe` for good.

Python layers are code that a prototxt names. They run only after `--allow-python-layers`, `install(allow_python_layers=True)` or with
`SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS=1` in the environment.

Files that a prototxt names lie under the current folder, the prototxt's own, or those of `--allow-path FOLDER`,
`install(allow_paths=[...])` and `SEGAWARE_CAFFE_ALLOW_PATH`; `/` allows all, as Caffe does ([SECURITY.md](../SECURITY.md)).

Nets of this module run on the CPU, layer by layer, and keep every blob; `segaware_caffe.Net` is faster, needs less memory, and runs
on GPUs. A solver's `step` trains through the ordinary engine, and fills blobs when a script looks: the first look after a step runs
that step's passes again, from the weights less their diffs; what was looked at, or is held as a view, is kept from then on.
Nets in which the reference's gradient is not the true one (an in-place TanH behind an LRN), recurrent layers, Python layers
with bottoms, and nets that a script runs forward or backward itself are trained layer by layer.

[scripts/examples](../scripts/examples/README.md) has what Caffe's own notebooks show, on pictures that are drawn on the spot.

## Caffe's tools

`convert_imageset`, `compute_image_mean`, `extract_features`, `upgrade_net_proto_text`, `upgrade_net_proto_binary`,
`upgrade_solver_proto_text`, `draw_net`, `classify`, `detect` and `parse_log` are subcommands of `segaware-caffe` and of `caffe-segaware`,
with the flags that they have there; `--help` after the name shows them. Databases and means are the reference's to the byte.
`draw_net` needs the extra `draw`, and Graphviz for pictures; `detect --crop_mode=selective_search` needs Matlab, as it did.

## Every public name

Parameters by the names that pycaffe gives them, or where it gives none, by ours.

| name | parameters | |
|---|---|---|
"""


def document() -> str:
    """The whole page."""
    return HEADER + "".join(_row(name, parameters) for name, parameters in SURFACE.items())


def _row(name: str, parameters: str | None) -> str:
    value = find(name)
    is_documented = callable(value) or inspect.isdatadescriptor(value)
    summary = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ") if is_documented else ""
    call = "" if parameters is None else f"`({parameters})`"
    return f"| `{name.removeprefix('caffe.')}` | {call} | {summary.replace('|', chr(92) + '|')} |\n"


def find(name: str) -> Any:
    """What a dotted name of `caffe` means here; None for attributes that only instances have."""
    words = name.split(".")[1:]
    value: Any = import_module("segaware_caffe.pycaffe")
    for word in words:
        try:
            value = getattr(value, word)
        except AttributeError:
            try:
                value = import_module(f"{value.__name__}.{word}")
            except ImportError:
                return None
    return value


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=TARGET)
    parser.parse_args().output.write_text(document())


if __name__ == "__main__":
    main()
