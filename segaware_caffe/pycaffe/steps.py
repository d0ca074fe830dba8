"""One layer on its blobs, forward and backward, as Caffe runs it: reshape, compute, write into the blobs' memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from segaware_caffe.layers import Layer
from segaware_caffe.layers.base import attribute
from segaware_caffe.layers.fillers import filler
from segaware_caffe.net.backward import NeedsBackward
from segaware_caffe.net.graph import Node
from segaware_caffe.net.plan import Step as CoreStep
from segaware_caffe.net.run import Observer, run_on
from segaware_caffe.pycaffe.blobs import Blob, BlobVector
from segaware_caffe.pycaffe.gradients import formula, kept


class Step:
    """A layer with the blobs that it reads, writes and learns."""

    def __init__(self, node: Node, need: NeedsBackward, bottoms: Sequence[Blob], tops: Sequence[Blob], params: BlobVector):
        self.node, self.need = node, need
        self.module: Layer = node.module
        self.bottoms, self.tops, self.params = BlobVector(bottoms), BlobVector(tops), params
        self.core = CoreStep.of(node)
        self.in_place = any(top is bottom for top in tops for bottom in bottoms)
        #: what the formula of the layer's gradient wants of the last forward
        self.kept: torch.Tensor | None = None
        self._formula = formula(self.module)
        self._trace: Trace | None = None
        self._backs = need.layer and bool(bottoms or params)
        self.fill_loss_diffs()

    def reshape(self) -> None:
        """Give the tops the shapes that follow from the bottoms'."""
        if self.bottoms:
            self._shape_tops(self.module.top_shapes(*[bottom.shape for bottom in self.bottoms]))

    def forward(self, observers: Sequence[Observer] = ()) -> float:
        """Run the layer while observers look on; returns its weighted loss."""
        self.reshape()
        self.kept = kept(self) if self._backs else None
        if self._formula or not self._backs:
            with torch.no_grad():
                tops = run_on(self.core, [torch.from_numpy(bottom.data) for bottom in self.bottoms], observers)
        else:
            self._trace, tops = Trace.run(self, observers)
        self._shape_tops([tuple(top.shape) for top in tops])
        for blob, top in zip(self.tops, tops, strict=True):
            blob.assign(top)
        return self.loss()

    def backward(self) -> None:
        """Overwrite the bottoms' diffs and add to the learned blobs', where the net needs them."""
        if not self._backs:
            return
        if self._formula:
            self._formula(self)
            return
        if self._trace is None or not self._trace.fits(self):
            self._trace = _traced_again(self)
        self._trace.backward(self)

    def forget(self) -> None:
        """Forget the forward: what it looked at is elsewhere now."""
        self._trace = None

    def fill_loss_diffs(self) -> None:
        """The diff of a top with a loss weight is that weight."""
        for top, weight in zip(self.tops, self.node.loss_weights, strict=True):
            if weight:
                top.diff[...] = weight

    def has_loss_diffs(self) -> bool:
        """Whether those diffs are what they were made."""
        return all(bool((top.diff == np.float32(w)).all()) for top, w in zip(self.tops, self.node.loss_weights, strict=True) if w)

    def loss(self) -> float:
        """Data times diff of the tops that have a loss weight."""
        return sum(
            float((torch.from_numpy(top.data) * torch.from_numpy(top.diff)).sum())
            for top, weight in zip(self.tops, self.node.loss_weights, strict=True)
            if weight
        )

    def _shape_tops(self, shapes: Sequence[tuple[int, ...]]) -> None:
        changed = [top.shape for top in self.tops] != list(shapes)
        for top, shape in zip(self.tops, shapes, strict=True):
            top.reshape(*shape)
        if changed:
            self.fill_loss_diffs()


class Trace:
    """What autograd remembers of a layer's forward.

    It looks at the blobs' own memory, so that what a script writes there counts, as in the
    reference. An in-place layer is traced on a copy.
    """

    def __init__(self, bottoms: list[torch.Tensor], shared: list[Any], edges: list[Any]):
        self._bottoms, self._shared, self._edges = bottoms, shared, edges

    @classmethod
    def run(cls, step: Step, observers: Sequence[Observer] = ()) -> tuple["Trace", list[torch.Tensor]]:
        """Run a step's layer and remember; the tops' values."""
        shared = [bottom.data for bottom in step.bottoms]
        bottoms = [
            torch.from_numpy(bottom.data.copy() if bottom in step.tops else bottom.data).requires_grad_(flag)
            for bottom, flag in zip(step.bottoms, step.need.bottoms, strict=True)
        ]
        with torch.enable_grad():
            tops = run_on(step.core, bottoms, observers)
        edges = [torch.autograd.graph.get_gradient_edge(top) if top.requires_grad else None for top in tops]
        return cls(bottoms, shared, edges), [top.detach() for top in tops]

    def fits(self, step: Step) -> bool:
        """Whether the blobs are still where they were."""
        return all(bottom.data is shared for bottom, shared in zip(step.bottoms, self._shared, strict=True))

    def backward(self, step: Step) -> None:
        """Write the diffs of a step's bottoms and learned blobs."""
        tops = [(edge, torch.from_numpy(top.diff)) for edge, top in zip(self._edges, step.tops, strict=True) if edge is not None]
        inputs = [bottom for bottom in self._bottoms if bottom.requires_grad]
        learned = [(tensor, blob) for tensor, blob in zip(learned_tensors(step.module), step.params, strict=True) if tensor.requires_grad]
        wanted = inputs + [tensor for tensor, _ in learned]
        if not wanted:
            return
        if tops:
            edges, diffs = zip(*tops, strict=True)
            results: Sequence[torch.Tensor | None] = torch.autograd.grad(edges, wanted, diffs, allow_unused=True, retain_graph=True)
        else:
            results = (None,) * len(wanted)
        gradients = {id(tensor): gradient for tensor, gradient in zip(wanted, results, strict=True)}
        for blob, bottom in zip(step.bottoms, self._bottoms, strict=True):
            if bottom.requires_grad:
                gradient = gradients[id(bottom)]
                blob.diff[...] = 0 if gradient is None else gradient.numpy()
        for tensor, blob in learned:
            found = gradients.pop(id(tensor), None)
            if found is not None:
                blob.diff[...] += found.numpy().reshape(blob.shape)


class Sharing(Step):
    """Split, Flatten, Reshape, and Concat or Slice of one: the tops are the bottom, in its memory."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self._share_diff = self.node.type not in ("Split", "Flatten")
        self.reshape()

    def reshape(self) -> None:
        super().reshape()
        for top in self.tops:
            top.share_data(self.bottoms[0])
            if self._share_diff:
                top.share_diff(self.bottoms[0])

    def forward(self, observers: Sequence[Observer] = ()) -> float:
        self.reshape()
        return self.loss()

    def backward(self) -> None:
        if self.need.layer and self.need.bottoms[0] and not self._share_diff:
            bottom = self.bottoms[0]
            bottom.diff[...] = sum(top.diff.reshape(bottom.shape) for top in self.tops)


class Dummy(Step):
    """DummyData: constants are there from the start and a script may change them; the rest is drawn at every forward."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        given = list(self.module.options.data_filler) or [None]
        self._fillers = given * (len(self.tops) // len(given))
        self._fill(constant=True)

    def forward(self, observers: Sequence[Observer] = ()) -> float:
        self._fill(constant=False)
        return self.loss()

    def _fill(self, constant: bool) -> None:
        for top, message in zip(self.tops, self._fillers, strict=True):
            if constant == (message is None or message.type == "constant"):
                filler(message, top.shape, self.module.fail)(torch.from_numpy(top.data))


class Input(Step):
    """An Input layer: its tops are what a script has written into them."""

    def forward(self, observers: Sequence[Observer] = ()) -> float:
        return 0.0


class User(Step):
    """A Python layer: the user's methods, on the net's own blobs."""

    def reshape(self) -> None:
        self.instance.reshape(self.bottoms, self.tops)

    def forward(self, observers: Sequence[Observer] = ()) -> float:
        self.reshape()
        self.instance.forward(self.bottoms, self.tops)
        return self.loss()

    def backward(self) -> None:
        if self.need.layer:
            self.instance.backward(self.tops, list(self.need.bottoms), self.bottoms)

    @property
    def instance(self) -> Any:
        """The user's object."""
        module: Any = self.module
        return module.instance


def make_step(node: Node, *args: Any) -> Step:
    """The step that runs a node."""
    kinds: dict[str, type[Step]] = {"DummyData": Dummy, "Input": Input, "Python": User}
    sharing = node.type in ("Split", "Flatten", "Reshape") or (
        node.type in ("Concat", "Slice") and len(node.bottoms) == len(node.tops) == 1
    )
    return (Sharing if sharing else kinds.get(node.type, Step))(node, *args)


def _traced_again(step: Step) -> Trace:
    """A trace of the blobs as they are, for a backward without its forward; statistics stay as they are."""
    before = [blob.data.copy() for blob in step.params]
    trace, _ = Trace.run(step)
    for blob, data, spec in zip(step.params, before, step.module.specs, strict=True):
        if spec.fixed:
            blob.data[...] = data
    return trace


def learned_tensors(module: Layer) -> list[torch.nn.Parameter]:
    """The tensors of a layer's learned blobs, in Caffe's order; a shared one is its owner's, of the owner's shape."""
    return [module.get_parameter(attribute(index)) for index in range(len(module.specs))]
