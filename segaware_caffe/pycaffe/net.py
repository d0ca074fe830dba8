"""`caffe.Net` as pycaffe scripts use it.

Layers run one by one on blobs in memory, as in Caffe: every blob keeps its data and diff, any
range of layers runs forward or backward, a script may change blobs in between. That is for
scripts and for comparing numbers; `segaware_caffe.Net` is faster and needs a fraction of the memory.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from segaware_caffe import net as core
from segaware_caffe.errors import CaffeError
from segaware_caffe.net.learned import replacements
from segaware_caffe.pycaffe.blobs import Blob, BlobVector
from segaware_caffe.pycaffe.mode import paths_allowed, python_layers_allowed
from segaware_caffe.pycaffe.steps import Step, User
from segaware_caffe.pycaffe.wiring import connect, share
from segaware_caffe.weights.formats import WRITERS

TRAIN, TEST = 0, 1
Arrays = dict[str, np.ndarray]
FilePath = str | bytes | os.PathLike[str]


class LayerView:
    """`net.layers[i]`: the type and the learned blobs. Of a Python layer it is the user's own object instead."""

    def __init__(self, step: Step):
        self._step = step
        self.name, self.type = step.node.name, step.node.type

    @property
    def blobs(self) -> BlobVector:
        return self._step.params

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the layer against bottoms: the net has set it up."""
        self._step.module.top_shapes(*[blob.shape for blob in bottom])

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the blobs in `top` the shapes that follow from those in `bottom`."""
        for blob, shape in zip(top, self._step.module.top_shapes(*[blob.shape for blob in bottom]), strict=True):
            blob.reshape(*shape)


class Net:
    """A Caffe net with all its blobs in memory.

    `Net(file, phase, level, stages, weights)`, or `Net(file, weights, phase)` as it used to be;
    everything but the file may be a keyword, and other keywords are those of `segaware_caffe.Net`.
    Paths are str, bytes or os.PathLike[str]. Python layers run if `allow_python_layers`, or else the
    process (`install`, SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS), allows them; their prototxts may name files under
    `allow_paths` and what the process allows (`install`, SEGAWARE_CAFFE_ALLOW_PATH).
    """

    def __init__(
        self,
        network_file: Any,
        *args: Any,
        phase: int | None = None,
        level: int = 0,
        stages: Iterable[str] | None = None,
        weights: FilePath | None = None,
        **options: Any,
    ):
        if args and not isinstance(args[0], int):
            weights, args = args[0], args[1:]
        given: tuple[Any, ...] = (*args, *(phase, level, stages, weights)[len(args) :])
        phase, level, stages, weights = given
        if phase not in (TRAIN, TEST):
            raise CaffeError(f"phase must be caffe.TRAIN (0) or caffe.TEST (1), not {phase!r}")
        options["allow_python_layers"] = options.get("allow_python_layers") or python_layers_allowed()
        options["allow_paths"] = paths_allowed(options.get("allow_paths", ()))
        stages = [_text(stage) for stage in stages or ()]
        self._net = core.Net(
            _text(network_file), ("TRAIN", "TEST")[phase], _text(weights), passes=[], level=level, stages=stages, **options
        )
        self._wiring = wiring = connect(self._net)
        self._steps = wiring.steps
        self.name: str = self._net.name
        self.inputs: list[str] = self._net.inputs
        self.outputs: list[str] = self._net.outputs
        self.layers: list[Any] = [step.instance if isinstance(step, User) else LayerView(step) for step in self._steps]
        self._layer_names = [step.node.name for step in self._steps]
        self._blob_names = wiring.names
        self._blobs = BlobVector(wiring.blobs)
        self._blob_loss_weights = wiring.loss_weights
        self.blobs: OrderedDict[str, Blob] = wiring.named(wiring.blobs)
        self.blob_loss_weights: OrderedDict[str, float] = wiring.named(wiring.loss_weights)
        self.layer_dict = OrderedDict(zip(self._layer_names, self.layers, strict=True))
        #: layer name -> learned blobs; of several layers with one name, the last
        self.params = OrderedDict((name, layer.blobs) for name, layer in zip(self._layer_names, self.layers, strict=True) if layer.blobs)
        self.top_names = self._by_layer(self._top_ids)
        self.bottom_names = self._by_layer(self._bottom_ids)
        #: of a solver's net that the ordinary engine trains (lazy.Watch)
        self._watch: Any = None
        self._hooks: dict[str, list[Callable[[int], Any]]] = {}

    # -- looking at it ---------------------------------------------------------------------

    @property
    def _inputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.inputs]

    @property
    def _outputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.outputs]

    def _bottom_ids(self, layer: int) -> list[int]:
        """The numbers, in `_blob_names`, of what a layer reads."""
        return self._wiring.bottoms[layer]

    def _top_ids(self, layer: int) -> list[int]:
        """The numbers, in `_blob_names`, of what a layer writes."""
        return self._wiring.tops[layer]

    def _by_layer(self, ids: Callable[[int], list[int]]) -> "OrderedDict[str, list[str]]":
        return OrderedDict((name, [self._blob_names[i] for i in ids(layer)]) for layer, name in enumerate(self._layer_names))

    # -- parameters ------------------------------------------------------------------------

    def clear_param_diffs(self) -> None:
        """Set the diffs of all learned blobs to zero."""
        self._settle()
        for blob in self._wiring.learned.values():
            blob.diff[...] = 0

    def copy_from(self, weights: FilePath) -> None:
        """Load a weight file of any kind by layer name."""
        self._settle()
        self._net.load_weights(_text(weights))

    load_hdf5 = copy_from

    def save(self, path: FilePath) -> None:
        """Write the weights: as the suffix says if it is one of ours, else a .caffemodel under whatever name."""
        suffix = Path(_text(path)).suffix.lower()
        self._net.save(_text(path), kind=suffix if suffix in WRITERS else ".caffemodel")

    def save_hdf5(self, path: FilePath, write_diff: bool = False) -> None:
        """Write the weights, and with `write_diff` their diffs, to an HDF5 file."""
        if write_diff:
            for learned in self._net.learned:
                learned.tensor.grad = self._wiring.gradient(learned.tensor)
        self._net.save(_text(path), gradients=write_diff, kind=".h5")

    def share_with(self, other: "Net") -> None:
        """Use the data of another net's learned blobs in the layers of the same names; diffs stay apart."""
        self._settle()
        share(self._wiring, replacements(self._net.layers, other._net.layers), other._wiring)

    # -- running ---------------------------------------------------------------------------

    def reshape(self) -> None:
        """Carry the input blobs' shapes through all layers."""
        self._settle()
        for step in self._steps:
            step.reshape()

    def forward(self, blobs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: Any) -> Arrays:
        """Run from layer `start` to layer `end` (both included), after setting the input blobs in `kwargs`.

        Returns the data, not copied, of the output blobs (or the tops of `end`) and those named in `blobs`.
        """
        first, last = self._index(start, 0), self._index(end, len(self.layers) - 1)
        wanted = [*(self.outputs if end is None else self.top_names[end]), *(blobs or ())]
        self._set("Input blob arguments do not match net inputs", "Input", self.inputs, {n: b.data for n, b in self.blobs.items()}, kwargs)
        self._settle(for_good=True)
        self._forward(first, last)
        return {name: self.blobs[name].data for name in wanted}

    def backward(self, diffs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: Any) -> Arrays:
        """Run backward from layer `start` down to layer `end`, after setting the output diffs in `kwargs`.

        Returns the diffs, not copied, of the inputs (or the bottoms of `end`) and of the blobs named in `diffs`.
        """
        first, last = self._index(start, len(self.layers) - 1), self._index(end, 0)
        wanted = [*(self.inputs if end is None else self.bottom_names[end]), *(diffs or ())]
        self._set("Top diff arguments do not match net outputs", "Diff", self.outputs, {n: b.diff for n, b in self.blobs.items()}, kwargs)
        self._settle(for_good=True)
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in wanted}

    def forward_all(self, blobs: Iterable[str] | None = None, **kwargs: np.ndarray) -> Arrays:
        """Run any number of items, batch by batch; the last one is filled up with zeros, of which nothing is returned."""
        gathered: dict[str, list[np.ndarray]] = {}
        for batch in self._batch(kwargs):
            _gather(gathered, self.forward(blobs=blobs, **batch))
        return _joined(gathered, kwargs)

    def forward_backward_all(
        self, blobs: Iterable[str] | None = None, diffs: Iterable[str] | None = None, **kwargs: np.ndarray
    ) -> tuple[Arrays, Arrays]:
        """As `forward_all`, with a backward after every forward; `kwargs` are inputs and diffs of outputs."""
        inputs = self._batch({name: kwargs[name] for name in self.inputs if name in kwargs})
        tops = self._batch({name: kwargs[name] for name in self.outputs if name in kwargs})
        data: dict[str, list[np.ndarray]] = {}
        diff: dict[str, list[np.ndarray]] = {}
        nothing: dict[str, Any] = {}
        for batch, top_diffs in zip_longest(inputs, tops, fillvalue=nothing):
            _gather(data, self.forward(blobs=blobs, **batch))
            _gather(diff, self.backward(diffs=diffs, **top_diffs))
        return _joined(data, kwargs), _joined(diff, kwargs)

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Let the MemoryData layer that the net begins with serve these items, and their labels, from now on."""
        first = self._steps[0]
        if first.node.type != "MemoryData":
            raise CaffeError("set_input_arrays may only be called if the first layer is a MemoryDataLayer")
        first.module.set_arrays(data, labels)  # type: ignore[operator]

    def before_forward(self, hook: Callable[[int], Any]) -> None:
        """Call `hook` with the number of each layer before its forward."""
        self._hooks.setdefault("before_forward", []).append(hook)

    def after_forward(self, hook: Callable[[int], Any]) -> None:
        """Call `hook` with the number of each layer after its forward."""
        self._hooks.setdefault("after_forward", []).append(hook)

    def before_backward(self, hook: Callable[[int], Any]) -> None:
        """Call `hook` with the number of each layer before its backward."""
        self._hooks.setdefault("before_backward", []).append(hook)

    def after_backward(self, hook: Callable[[int], Any]) -> None:
        """Call `hook` with the number of each layer after its backward."""
        self._hooks.setdefault("after_backward", []).append(hook)

    def _settle(self, for_good: bool = False) -> None:
        """Bring the blobs of a solver's net up to date before a script goes on with them; `for_good` if it runs the net itself."""
        if self._watch is not None:
            self._watch.settle()
            self._watch.literal |= for_good

    def _call(self, when: str, layer: int) -> None:
        for hook in self._hooks.get(when, ()):
            hook(layer)

    def _forward(self, start: int, end: int) -> float:
        """Run layers start..end; return their weighted loss."""
        loss = 0.0
        for index in range(start, end + 1):
            self._call("before_forward", index)
            loss += self._steps[index].forward(self._net.observers)
            self._call("after_forward", index)
        return loss

    def _backward(self, start: int, end: int) -> None:
        """Run the backward of layers start..end, downwards: bottom diffs are overwritten, parameter diffs added to."""
        for index in range(start, end - 1, -1):
            self._call("before_backward", index)
            self._steps[index].backward()
            self._call("after_backward", index)

    def _index(self, name: str | None, default: int) -> int:
        if name is None:
            return default
        if name not in self._layer_names:
            raise CaffeError(f"net '{self.name}' has no layer '{name}'")
        return self._layer_names.index(name)

    def _set(self, mismatch: str, kind: str, names: list[str], arrays: Mapping[str, np.ndarray], given: Mapping[str, Any]) -> None:
        """Copy all of the named arrays, or none, from keyword arguments."""
        if given and set(given) != set(names):
            raise CaffeError(f"{mismatch}: {sorted(given)}, but the net has {names}")
        for name, value in given.items():
            if np.shape(value)[:1] != arrays[name].shape[:1]:
                raise CaffeError(f"{kind} is not batch sized: '{name}' has shape {np.shape(value)}, the blob {arrays[name].shape}")
            arrays[name][...] = value

    def _batch(self, blobs: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
        """Arrays of one length cut into batches of the first blob's size; the last is filled up with zeros."""
        size = next(iter(self.blobs.values())).shape[0]
        for first in range(0, min(map(len, blobs.values()), default=0), size):
            parts = {name: np.asarray(value[first : first + size]) for name, value in blobs.items()}
            yield {
                name: np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]))]) if len(part) < size else part
                for name, part in parts.items()
            }


def _gather(lists: dict[str, list[np.ndarray]], arrays: Arrays) -> None:
    for name, array in arrays.items():
        lists.setdefault(name, []).extend(np.atleast_1d(array).copy())


def _joined(lists: dict[str, list[np.ndarray]], given: Mapping[str, np.ndarray]) -> Arrays:
    """The gathered items without those that filled up the last batch."""
    count = len(next(iter(given.values())))
    return {name: np.asarray(items)[:count] for name, items in lists.items()}


def _text(path: Any) -> Any:
    return os.fsdecode(path) if isinstance(path, bytes) else path
