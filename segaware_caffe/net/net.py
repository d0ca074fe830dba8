"""The runnable net: an ordinary `torch.nn.Module` made from a prototxt."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Context, Layer, Shape
from segaware_caffe.net.backward import backward_flags, cut_bottoms
from segaware_caffe.net.build import build_graph
from segaware_caffe.net.graph import AUTOMATIC, Graph, Node
from segaware_caffe.net.learned import LearnedBlob, allocate, replacements
from segaware_caffe.net.memory import Memory, predict
from segaware_caffe.net.operations import operations
from segaware_caffe.net.passes import run_passes
from segaware_caffe.net.passes.match import Scope
from segaware_caffe.net.plan import Plan, make_plan
from segaware_caffe.net.recompute import recomputing
from segaware_caffe.schema import filter_net, read_net, write_binary, write_text
from segaware_caffe.weights import ArrayBlob, LayerWeights, LoadReport, LoadTarget, load_weights, write_weights

logger = logging.getLogger(__name__)
Array = torch.Tensor | np.ndarray


class Net(nn.Module):
    """A Caffe net.

    Args:
        prototxt: path or text of a net, or a NetParameter.
        phase: "TEST" or "TRAIN"; decides which layers are there (include, exclude) and how they act.
        weights: a file to load, or several, in turn: .caffemodel, .caffemodel.h5, .safetensors, .npz, .pt.
        variables: values of the prototxt's `${NAME}` placeholders.
        passes: names of the graph passes to apply; None for the default ones, [] to run the
            prototxt literally. The numbers agree to rounding.
        level, stages: the rest of the state that include and exclude rules look at.
        allow_unknown_fields: warn about unknown fields instead of refusing them.
        allow_python_layers: let `Python` layers import and run the code that they name.
        context: which share of the data to read, and where the data layers' seeds come from (all; `set_random_seed`).

    In TEST no learned blob requires a gradient, so that inner blobs are freed as the net runs
    (`net.requires_grad_()` changes that); in TRAIN those with a non-zero lr_mult do.

    Its `state_dict` has the key `<layer>.<blob index>` for each learned blob; what
    `segaware-caffe convert` writes fits `load_state_dict`.
    """

    def __init__(
        self,
        prototxt: str | os.PathLike | Any,
        phase: str = "TEST",
        weights: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
        variables: Mapping[str, Any] | None = None,
        passes: Iterable[str] | None = None,
        *,
        level: int = 0,
        stages: Iterable[str] = (),
        allow_unknown_fields: bool = False,
        allow_python_layers: bool = False,
        context: Context | None = None,
    ):
        super().__init__()
        full = read_net(prototxt, variables=variables, allow_unknown_fields=allow_unknown_fields, phase=phase)
        self.proto = filter_net(full, phase, level=level, stages=stages)
        self.name: str = self.proto.name
        self.phase = "TEST" if self.proto.state.phase else "TRAIN"
        if logger.isEnabledFor(logging.INFO):
            logger.info("Initializing net from parameters: \n%s", write_text(self.proto).rstrip("\n"))
        #: the passes that are applied; None for the default ones
        self.pass_names = None if passes is None else tuple(passes)
        self.graph, shapes = build_graph(self.proto, context or Context(), allow_python_layers)
        self.shapes_of_values: dict[int, Shape] = shapes
        self._plans: dict[Any, Plan] = {}
        #: keep few inner blobs for the backward pass of `forward_loss`, and compute the others again: less memory, more time
        self.recompute = False
        self.learned: list[LearnedBlob] = allocate(node.module for node in self.graph.nodes)
        self.needs_backward = backward_flags(self.graph, self.proto.force_backward)
        self.load_report: LoadReport | None = None
        self.register_buffer("_anchor", torch.empty(0), persistent=False)
        self._register_layers()
        for learned in self.learned:
            learned.tensor.requires_grad_(self.phase == "TRAIN" and learned.lr_mult != 0)
        self._load_and_fill(weights)
        self.train(self.phase == "TRAIN")
        for node in self.graph.nodes:
            if node.proto.HasField("phase"):
                node.module.train(node.proto.phase == 0)
        self._log_result()

    # -- construction ----------------------------------------------------------------------

    def _register_layers(self) -> None:
        """Make the layers submodules under their own names, but for dots and names that are taken."""
        for node in self.graph.nodes:
            key = base = node.name.replace(".", "_") or "_"
            number = 1
            while hasattr(self, key):
                number += 1
                key = f"{base}_{number}"
            self.add_module(key, node.module)
        self.register_load_state_dict_pre_hook(_without_dots)

    def _load_and_fill(self, weights: Any) -> None:
        """Load before filling: a blob that a file holds is never initialised in vain."""
        files = [weights] if isinstance(weights, (str, os.PathLike)) else list(weights or ())
        filled: set[int] = set()
        for file in files:
            self.load_report = load_weights(file, self.load_targets())
            filled |= {tensor.data_ptr() for tensor in self.load_report.written}
        for learned in self.learned:
            if learned.tensor.data_ptr() not in filled:
                learned.spec.fill(learned.tensor)

    def _log_result(self) -> None:
        for node, need in zip(reversed(self.graph.nodes), reversed(self.needs_backward), strict=True):
            logger.info("%s %s backward computation.", node.name, "needs" if need.layer else "does not need")
        for value in self.graph.outputs:
            logger.info("This network produces output %s", self.graph.names[value])
        logger.info("Network initialization done.")

    # -- looking at it ---------------------------------------------------------------------

    @property
    def params(self) -> dict[str, list[torch.Tensor]]:
        """Layer name -> its learned blobs in Caffe's order. Of several layers with a name, the first with blobs."""
        result: dict[str, list[torch.Tensor]] = {}
        for layer in self.layers:
            if layer.specs:
                result.setdefault(layer.name, layer.blobs)
        return result

    @property
    def layers(self) -> list[Layer]:
        """The layers in running order, implicit splits included."""
        return [node.module for node in self.graph.nodes]

    @property
    def inputs(self) -> list[str]:
        """Names of the blobs that Input layers declare."""
        return [self.graph.names[v] for node in self.graph.sources() if node.type == "Input" for v in node.tops]

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads, sorted."""
        return [self.graph.names[v] for v in self.graph.outputs]

    @property
    def shapes(self) -> dict[str, Shape]:
        """Blob name -> shape, for the present input shapes."""
        return {name: self.shapes_of_values[value] for name, value in self.graph.blobs().items()}

    @property
    def loss_weights(self) -> dict[str, float]:
        """Blob name -> loss weight, of the blobs whose weight is not 0."""
        return {
            self.graph.names[value]: weight
            for node in self.graph.nodes
            for value, weight in zip(node.tops, node.loss_weights, strict=True)
            if weight and self.graph.names[value] != AUTOMATIC
        }

    def explain(self) -> str:
        """What the graph passes fused into what, and where and why they could not."""
        return "\n".join(self._passed(()).notes)

    @property
    def operations(self) -> int:
        """Floating-point operations of a forward pass, a multiply-add being two, in the layers that have weights."""
        return operations(self.graph, self.shapes_of_values)

    def memory(self, *inputs: str) -> Memory:
        """What a run will take that is fed these inputs (all, if none is named), for the present shapes."""
        sources = self._sources()
        fed = [self._source(name, sources) for name in inputs or self.inputs]
        plan = self._plan(frozenset(fed), (), losses=False)
        learned = sum(blob.tensor.numel() for blob in self.learned)
        return predict(plan, self.shapes_of_values, {value: self.shapes_of_values[value] for value in fed}, learned)

    def refresh(self) -> None:
        """Forget what was computed from learned blobs before (folded weights).

        Needed only after blobs were changed in few elements and past PyTorch: through numpy or `.data`.
        Changes by PyTorch operations, and changes of whole blobs, are noticed.
        """
        self._plans.clear()

    # -- weights ---------------------------------------------------------------------------

    def load_targets(self) -> list[LoadTarget]:
        """Every layer with its learned blobs, as the weights room wants them."""
        return [LoadTarget(layer.name, layer.blobs) for layer in self.layers]

    def load_weights(self, path: str | os.PathLike) -> LoadReport:
        """Copy the weights of a file into the layers of the same names (spec/pipeline.md 2.9).

        All or nothing: a wrong shape or number of blobs raises CaffeError before anything is copied.
        """
        self.load_report = load_weights(path, self.load_targets())
        return self.load_report

    def share_with(self, other: "Net") -> None:
        """Use the learned blobs of another net's layers of the same names, as a test net uses its train net's.

        Of several layers with one name the first counts; layers that the other net lacks keep their own.
        Raises CaffeError where numbers or shapes of blobs differ.
        """
        shared = replacements(self.layers, other.layers)
        for layer in self.layers:
            for index, tensor in list(layer.named_parameters(recurse=False, remove_duplicate=False)):
                layer.register_parameter(index, shared.get(id(tensor), tensor))
        for learned in self.learned:
            learned.tensor = shared.get(id(learned.tensor), learned.tensor)

    def save(self, path: str | os.PathLike, gradients: bool = False, kind: str | None = None) -> None:
        """Write the weights, in the format that `kind`, or else the path's suffix, names (`weights.write_weights`).

        A .caffemodel holds every layer's definition too, as the reference's snapshots do
        (spec/pipeline.md 2.10). In a .h5 a shared blob is stored with its owner alone. These two
        formats can take the `gradients` that the blobs have (solver field snapshot_diff).
        """
        owned: set[int] = set()
        layers = []
        for node in self.graph.nodes:
            blobs = node.module.blobs
            if (kind or str(path)).endswith(".h5"):
                blobs = [None if blob.data_ptr() in owned else blob for blob in blobs]
                owned |= {blob.data_ptr() for blob in blobs if blob is not None}
            if gradients:
                tensors = (tensor for _, tensor in node.module.named_parameters(recurse=False, remove_duplicate=False))
                blobs = [_with_gradient(blob, tensor) for blob, tensor in zip(blobs, tensors, strict=True)]
            layers.append(LayerWeights(node.name, node.type, blobs, _definition(node)))
        write_weights(path, self.name, layers, kind)

    # -- shapes ----------------------------------------------------------------------------

    def reshape(self, **shapes: Sequence[int]) -> None:
        """Give inputs new shapes, e.g. `net.reshape(data=(1, 3, 353, 353))`, and check every layer against them.

        Feeding an array of another shape does the same.
        """
        sources = self._sources()
        new = dict(self.shapes_of_values)
        for name, shape in shapes.items():
            new[self._source(name, sources)] = tuple(int(d) for d in shape)
        fed = {sources[name] for name in shapes}
        for node in self.graph.nodes:
            if node.bottoms or not fed & set(node.tops):
                tops = node.module.top_shapes(*[new[v] for v in node.bottoms]) if node.bottoms else [new[v] for v in node.tops]
                new.update(zip(node.tops, tops, strict=True))
        self.shapes_of_values = new

    def _sources(self) -> dict[str, int]:
        return {self.graph.names[v]: v for node in self.graph.sources() for v in node.tops}

    def _source(self, name: str, sources: Mapping[str, int]) -> int:
        if name not in sources:
            raise CaffeError(f"net '{self.name}' has no input '{name}'; its inputs and data blobs are: {', '.join(sources) or 'none'}")
        return sources[name]

    # -- running ---------------------------------------------------------------------------

    def forward(self, *, keep: Iterable[str] = (), **inputs: Array) -> dict[str, torch.Tensor]:
        """Run the net; return its output blobs, and the inner ones named in `keep`.

        `inputs` are arrays or tensors for the tops of Input and data layers, by blob name, of any
        shape the layers accept; data layers that are not fed run. Of a blob that in-place layers
        write again, `keep` gives the last state. Every other blob is freed once its last reader has run.
        """
        return self._run(inputs, tuple(keep), losses=False)[0]

    def forward_loss(self, *, keep: Iterable[str] = (), **inputs: Array) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """As `forward`, but (weighted loss, blobs): the loss is the sum over all tops of loss weight times elements."""
        blobs, loss = self._run(inputs, tuple(keep), losses=True)
        return (self._anchor.new_zeros(()) if loss is None else loss), blobs

    def _run(self, inputs: Mapping[str, Array], keep: tuple[str, ...], losses: bool) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        sources = self._sources()
        values = {self._source(name, sources): self._as_blob(name, value) for name, value in inputs.items()}
        if any(tuple(value.shape) != self.shapes_of_values[v] for v, value in values.items()):
            self.reshape(**{name: values[sources[name]].shape for name in inputs})
        return self._plan(frozenset(values), keep, losses).run(values, self._place)

    def _plan(self, fed: frozenset[int], keep: tuple[str, ...], losses: bool) -> Plan:
        key = (fed, keep, losses, self.recompute, self.pass_names, self.training)
        if key not in self._plans:
            blobs = self.graph.blobs()
            unknown = [name for name in keep if name not in blobs]
            if unknown:
                raise CaffeError(f"net '{self.name}' has no blob {', '.join(map(repr, unknown))} to keep")
            kept = tuple(blobs[name] for name in keep)
            wanted = {self.graph.names[v]: v for v in self.graph.outputs} | dict(zip(keep, kept, strict=True))
            plan = make_plan(self._passed(kept), fed, wanted, losses, cut_bottoms)
            self._plans[key] = recomputing(plan, self.shapes_of_values) if self.recompute and losses else plan
        return self._plans[key]

    def _passed(self, kept: tuple[int, ...]) -> Graph:
        """The graph after the passes, which leave the `kept` values alone."""
        scope = Scope(self.shapes_of_values, frozenset(kept) | frozenset(self.graph.outputs), self.training)
        return run_passes(self.graph, scope, self.pass_names)

    def _place(self, value: torch.Tensor) -> torch.Tensor:
        return value.to(device=self._anchor.device, dtype=self._anchor.dtype)

    def _as_blob(self, name: str, value: Array) -> torch.Tensor:
        if isinstance(value, np.ndarray) and not value.flags.writeable:
            value = value.copy()
        try:
            return self._place(torch.as_tensor(value))
        except (TypeError, ValueError, RuntimeError) as error:
            raise CaffeError(f"input '{name}' must be an array or tensor of numbers: {error}") from error

    def extra_repr(self) -> str:
        return f"name={self.name!r}, phase={self.phase!r}"


def _without_dots(net: Net, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Let a layer called "a.b" take the key "a.b.0" that `segaware-caffe convert` writes: PyTorch allows no such module name."""
    for layer in net.layers:
        for index in range(len(layer.specs)):
            key = f"{prefix}{layer.name}.{index}"
            if "." in layer.name and key in state_dict:
                state_dict[f"{prefix}{layer.name.replace('.', '_')}.{index}"] = state_dict.pop(key)


def _with_gradient(blob: torch.Tensor | None, tensor: torch.Tensor) -> ArrayBlob | None:
    """A learned blob as it is stored together with the gradient of the tensor that it is, or is a view of."""
    if blob is None:
        return None
    stored = ArrayBlob(blob)
    if tensor.grad is not None:
        stored.diff = ArrayBlob(tensor.grad.view(blob.shape))
    return stored


def _definition(node: Node) -> bytes:
    """A layer's LayerParameter as a snapshot stores it: phase and loss weights filled in, blobs apart."""
    proto = type(node.proto)()
    proto.CopyFrom(node.proto)
    proto.ClearField("blobs")
    if not proto.HasField("phase"):
        proto.phase = 0 if node.module.training else 1
    if any(node.loss_weights):
        proto.loss_weight[:] = node.loss_weights
    return write_binary(proto)
