"""The runnable net: an ordinary `torch.nn.Module` made from a prototxt."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.errors import CaffeError, WeightsError
from segaware_caffe.layers import Context, Layer, Shape, dims
from segaware_caffe.net.backward import backward_flags
from segaware_caffe.net.build import build_graph
from segaware_caffe.net.explain import explanation
from segaware_caffe.net.graph import AUTOMATIC, Node
from segaware_caffe.net.learned import LearnedBlob, allocate, replacements
from segaware_caffe.net.memory import Cost, Memory, costs, predict
from segaware_caffe.net.packs import Packs
from segaware_caffe.net.passes import COUNTED_PASSES, TRACED_PASSES, run_passes
from segaware_caffe.net.passes.match import is_hooked
from segaware_caffe.net.plan import Plan, Plans, Step, make_plan, unsettled_values
from segaware_caffe.net.recompute import recomputing
from segaware_caffe.net.run import Observer, add_losses, run_plan, run_step
from segaware_caffe.net.scope import Scope
from segaware_caffe.net.signature import NamesInputs
from segaware_caffe.ops.watched import is_watched
from segaware_caffe.schema import filter_net, read_net, write_binary, write_text
from segaware_caffe.weights import ArrayBlob, LayerWeights, LoadReport, LoadTarget, load_weights, read_weights, write_weights

logger = logging.getLogger(__name__)
Array = torch.Tensor | np.ndarray


class Request(NamedTuple):
    """What a run is asked for, and how the net stands: whatever a plan depends on beside shapes."""

    fed: frozenset[int]
    keep: tuple[str, ...]
    losses: bool
    passes: tuple[str, ...] | None
    recompute: bool
    #: of every layer, whether it trains and whether somebody hooked it
    layers: tuple[tuple[bool, bool], ...]


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
        allow_paths: folders that the prototxt may name files in, beside the current one, its own, and the values of variables.
        context: which share of the data to read, and where the data layers' seeds come from (all; `set_random_seed`).

    In TEST no learned blob requires a gradient, so that inner blobs are freed as the net runs
    (`net.requires_grad_()` changes that); in TRAIN those with a non-zero lr_mult do.

    Its `state_dict` has the key `<layer>.<blob index>` for each learned blob; what
    `segaware-caffe convert` writes fits `load_state_dict`. As attributes they are `<layer>.blob<index>`.
    A layer that carries a hook or a parametrisation runs by itself. In a half net statistics stay float32.

    >>> import torch
    >>> net = Net('''
    ...     layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
    ...     layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
    ...     layer { name: "relu" type: "ReLU" bottom: "conv" top: "relu" }
    ... ''')
    >>> blobs = net(data=torch.zeros(1, 3, 8, 8), keep=["conv"])
    >>> {name: tuple(blob.shape) for name, blob in blobs.items()}
    {'relu': (1, 4, 6, 6), 'conv': (1, 4, 6, 6)}
    >>> [tuple(blob.shape) for blob in net.params["conv"]]
    [(4, 3, 3, 3), (4,)]
    """

    _anchor: torch.Tensor

    def __init__(
        self,
        prototxt: str | os.PathLike[str] | Any,
        phase: str = "TEST",
        weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        variables: Mapping[str, Any] | None = None,
        passes: Iterable[str] | None = None,
        *,
        level: int = 0,
        stages: Iterable[str] = (),
        allow_unknown_fields: bool = False,
        allow_python_layers: bool = False,
        allow_paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
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
        context = context or Context()
        #: where the files lie that the prototxt may name
        self.allowed_paths = context.paths.plus(allow_paths, prototxt, (variables or {}).values())
        self.graph, shapes = build_graph(self.proto, replace(context, paths=self.allowed_paths), allow_python_layers)
        self.shapes_of_values: dict[int, Shape] = shapes
        self._unsettled = unsettled_values(self.graph)
        self._forget_plans()
        #: who looks at every step of every run; see `observed_by`
        self.observers: tuple[Observer, ...] = ()
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

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], phase: str = "TEST", **options: Any) -> "Net":
        """The net of a .safetensors file that holds its definition too, as `save` and `segaware-caffe convert NET --weights` write it.

        `options` are those of `Net`. Raises CaffeError for a file without a definition.

        >>> Net('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }').save("net.safetensors")
        >>> Net.from_file("net.safetensors").outputs
        ['y']
        """
        text = read_weights(path).prototxt
        if not text:
            raise WeightsError(f"{path}: holds no prototxt, only weights: give both, as in Net('net.prototxt', weights='{path}')")
        allowed = AllowedPaths().plus(options.pop("allow_paths", ()), path)
        return cls(text, phase, path, allow_paths=allowed.places, **options)

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
        self.register_load_state_dict_pre_hook(_by_layer_name)

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
        """How a run that is fed all inputs goes, for the present shapes: which layers are fused into what, and why others are not,
        and which steps cannot take their fastest way, and why (no compiled kernels, say)."""
        *_, plan = self._planned_for(self.inputs)
        return explanation(plan, self.shapes_of_values, self._anchor)

    @property
    def operations(self) -> int:
        """Floating-point operations of a forward pass, a multiply-add being two, in the layers that have weights."""
        shapes = self.shapes_of_values
        return sum(node.module.operations(*([shapes[v] for v in vs] for vs in (node.bottoms, node.tops))) for node in self.graph.nodes)

    def memory(self, *inputs: str) -> Memory:
        """What a run will take that is fed these inputs (all, if none is named), for the present shapes."""
        learned = sum(blob.tensor.numel() for blob in self.learned)
        fed, first, plan = self._planned_for(inputs or self.inputs)
        return predict([*first, *plan.steps], self.shapes_of_values, fed, learned, self._anchor.element_size())

    def costs(self, *inputs: str, losses: bool = False) -> list[Cost]:
        """What each step of such a run takes, in turn, data layers first; with `losses` of a run of `forward_loss`."""
        fed, first, plan = self._planned_for(inputs or self.inputs, losses)
        return list(costs([*first, *plan.steps], self.shapes_of_values, fed, self._anchor.element_size()))

    def _planned_for(self, inputs: Iterable[str], losses: bool = False) -> tuple[list[int], tuple[Step, ...], Plan]:
        """Of a run that is fed these inputs: their values, the steps that run first, and the plan of the rest."""
        sources = self._sources()
        fed = [self._source(name, sources) for name in inputs]
        first = self._first_steps(frozenset(fed), (), losses)
        made = [value for step in first for value in step.tops]
        return fed, first, self._planned(frozenset(fed + made), (), losses, self.pass_names)

    def refresh(self) -> None:
        """Forget what was computed from learned blobs before: folded and packed weights.

        Needed after blobs were changed past PyTorch, through numpy or `.data`. Changes by PyTorch's
        operations are noticed, and what this package writes it tells the net itself.
        """
        self._packs.clear()

    def _forget_plans(self) -> None:
        self._plans = Plans()
        self._packs = Packs()
        self._first: dict[Any, tuple[Step, ...]] = {}
        self._ready: dict[Any, tuple[dict[str, tuple[int, Shape]], Plan]] = {}

    def _apply(self, *args: Any, **kwargs: Any) -> "Net":
        super()._apply(*args, **kwargs)  # `.to`, `.half` and their like write past the version counters
        self.refresh()
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles leave plans and what is packed behind; they are made again."""
        left = ("_plans", "_packs", "_first", "_ready", "observers")
        return {key: value for key, value in super().__getstate__().items() if key not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._forget_plans()
        self.observers = ()

    # -- weights ---------------------------------------------------------------------------

    def load_targets(self) -> list[LoadTarget]:
        """Every layer with its learned blobs, as the weights room wants them."""
        return [LoadTarget(layer.name, layer.blobs, layer.proto.strict_dim) for layer in self.layers]

    def load_weights(self, path: str | os.PathLike[str]) -> LoadReport:
        """Copy the weights of a file into the layers of the same names (spec/pipeline.md 2.9).

        All or nothing: a wrong shape or number of blobs raises CaffeError before anything is copied.
        """
        self.load_report = load_weights(path, self.load_targets())
        self.refresh()
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
        self._forget_plans()

    def save(self, path: str | os.PathLike[str], gradients: bool = False, kind: str | None = None) -> None:
        """Write the weights, in the format that `kind`, or else the path's suffix, names (`weights.write_weights`).

        A .caffemodel holds every layer's definition too, as the reference's snapshots do
        (spec/pipeline.md 2.10). In a .h5 a shared blob is stored with its owner alone. These two
        formats can take the `gradients` that the blobs have (solver field snapshot_diff). A .safetensors
        holds the prototxt of this phase too; see `from_file`.
        """
        owned: set[int] = set()
        layers = []
        for node in self.graph.nodes:
            blobs = node.module.blobs
            if (kind or str(path)).endswith(".h5"):
                blobs = [None if blob.data_ptr() in owned else blob for blob in blobs]
                owned |= {blob.data_ptr() for blob in blobs if blob is not None}
            if gradients:
                tensors = (node.module.registered(index) for index in range(len(blobs)))
                blobs = [_with_gradient(blob, tensor) for blob, tensor in zip(blobs, tensors, strict=True)]
            layers.append(LayerWeights(node.name, node.type, blobs, _definition(node)))
        write_weights(path, self.name, layers, kind, write_text(self.proto))

    # -- shapes ----------------------------------------------------------------------------

    def reshape(self, **shapes: Sequence[int]) -> None:
        """Give inputs new shapes, e.g. `net.reshape(data=(1, 3, 353, 353))`, and check every layer against them.

        Feeding an array of another shape does the same.
        """
        sources = self._sources()
        self._settle({self._source(name, sources): tuple(int(d) for d in shape) for name, shape in shapes.items()})

    def _settle(self, found: Mapping[int, Shape]) -> None:
        """Give tops of sources the shapes that they are `found` to have, and all others what follows."""
        if all(self.shapes_of_values[value] == shape for value, shape in found.items()):
            return
        new = {**self.shapes_of_values, **found}
        for node in self.graph.nodes:
            if node.bottoms:
                new.update(zip(node.tops, node.module.top_shapes(*(new[v] for v in node.bottoms)), strict=True))
        self.shapes_of_values = new

    def _sources(self) -> dict[str, int]:
        return {self.graph.names[v]: v for node in self.graph.sources() for v in node.tops}

    def _source(self, name: str, sources: Mapping[str, int]) -> int:
        if name not in sources:
            raise CaffeError(f"net '{self.name}' has no input '{name}'; its inputs and data blobs are: {', '.join(sources) or 'none'}")
        return sources[name]

    # -- running ---------------------------------------------------------------------------

    @NamesInputs
    def forward(self, *first: Array, keep: Iterable[str] = (), **inputs: Array) -> dict[str, torch.Tensor]:
        """Run the net; return its output blobs, and the inner ones named in `keep`.

        `net(x)` feeds x into the net's first input. `inputs` are arrays or tensors for the tops of Input
        and data layers, by blob name, of any shape the layers accept; data layers that are not fed run.
        Of a blob that in-place layers write again, `keep` gives the last state. Every other blob is
        freed once its last reader has run.
        """
        return self.run(self._with_first(first, inputs), keep=keep)[0]

    def forward_loss(self, *first: Array, keep: Iterable[str] = (), **inputs: Array) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """As `forward`, but (weighted loss, blobs): the loss is the sum over all tops of loss weight times elements."""
        blobs, loss = self.run(self._with_first(first, inputs), keep=keep, losses=True)
        return (self._anchor.new_zeros(()) if loss is None else loss), blobs

    def _with_first(self, first: Sequence[Array], inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """The inputs by name, with the one that is given by its place."""
        if not first:
            return inputs
        name = next(iter(self._sources()), "data")
        if len(first) > 1 or name in inputs:
            raise CaffeError(f"net '{self.name}' takes one input by place, {name}; feed the others by name, as in net(x, label=y)")
        return {name: first[0], **inputs}

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        keep: Iterable[str] = (),
        losses: bool = False,
        passes: Iterable[str] | None = None,
        observers: Sequence[Observer] = (),
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """What `forward` and `forward_loss` do: the blobs, and with `losses` the weighted loss (None if there is none).

        `passes` are applied instead of the net's own; `observers` look at every step, data layers' too.
        Data layers run first, as only then the shapes of what they read are known; the plan for
        the shapes then runs all the rest.
        """
        keep, observers = tuple(keep), (*self.observers, *observers)
        if torch.compiler.is_compiling():
            return self._run_traced(inputs, keep, losses, observers)
        sources = self._sources()
        values = {self._source(name, sources): self._as_blob(name, value) for name, value in inputs.items()}
        loss = None
        for step in self._first_steps(frozenset(values), keep, losses):
            tops = [self._place(top) for top in run_step(step, values, observers)]
            values.update(zip(step.tops, tops, strict=True))
            loss = add_losses(loss, step, tops)
        self._settle({value: tuple(blob.shape) for value, blob in values.items()})
        passes = self.pass_names if passes is None else tuple(passes)
        if is_watched():
            passes = self._those_of(COUNTED_PASSES)
        plan = self._planned(frozenset(values), keep, losses, passes)
        return run_plan(plan, values, observers, loss)

    def _run_traced(
        self, inputs: Mapping[str, Array], keep: tuple[str, ...], losses: bool, observers: Sequence[Observer]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """What `run` does, for PyTorch's compiler and `torch.export` to look into; the sizes of the inputs may be symbols.

        Planning is not theirs to see: it happens beside the trace, for the net's present shapes. The sizes of
        batches and images change no number, whatever the plan; numbers of axes and of channels are checked.
        """
        self._make_ready(tuple(inputs), keep, losses, self.training)
        fed, plan = self._ready[tuple(inputs), keep, losses, self.training]
        values = {}
        for name, (value, shape) in fed.items():
            blob = self._as_blob(name, inputs[name])
            if blob.ndim != len(shape) or (len(shape) == 4 and blob.shape[1] != shape[1]):
                raise CaffeError(f"input '{name}' is compiled for blobs such as {dims(shape)}: call net.reshape before that")
            values[value] = blob
        return run_plan(plan, values, observers)

    @torch.compiler.assume_constant_result
    def _make_ready(self, names: tuple[str, ...], keep: tuple[str, ...], losses: bool, training: bool) -> None:
        """Run for real when a run is traced: the plan that the trace then finds in `_ready`."""
        sources = self._sources()
        fed = {name: self._source(name, sources) for name in names}
        plan = self._new_plan(Request(frozenset(fed.values()), keep, losses, self._those_of(TRACED_PASSES), False, ()))
        self._ready[names, keep, losses, training] = {name: (v, self.shapes_of_values[v]) for name, v in fed.items()}, plan

    def _those_of(self, passes: Iterable[str]) -> tuple[str, ...]:
        """Those of the passes that this net may apply."""
        return tuple(name for name in passes if self.pass_names is None or name in self.pass_names)

    @contextmanager
    def observed_by(self, observer: Observer) -> Iterator[None]:
        """Let an observer look at every step of this net's runs in a `with` block."""
        self.observers += (observer,)
        try:
            yield
        finally:
            self.observers = tuple(other for other in self.observers if other is not observer)

    def next_batch(self, inputs: Mapping[str, Array]) -> dict[str, torch.Tensor]:
        """What the data layers read next, by blob name, and `inputs`; a layer that one of them replaces does not run."""
        sources = self._sources()
        batch = {name: self._as_blob(name, value) for name, value in inputs.items()}
        fed = frozenset(self._source(name, sources) for name in batch)
        for step in self._data_steps(fed):
            tops = run_step(step, {}, self.observers)
            batch.update(zip((self.graph.names[value] for value in step.tops), map(self._place, tops), strict=True))
        return batch

    def _data_steps(self, fed: frozenset[int]) -> Iterator[Step]:
        """Those of all sources that read data, where none of their tops is fed; not what learns."""
        for node in self.graph.sources():
            if node.type != "Input" and not node.module.specs and not fed.intersection(node.tops):
                yield Step.of(node)

    def _first_steps(self, fed: frozenset[int], keep: tuple[str, ...], losses: bool) -> tuple[Step, ...]:
        """The steps of a run that read nothing but data."""
        key = fed, keep, losses
        if key not in self._first:
            if len(self._first) >= Plans.LIMIT:
                self._first.clear()
            self._first[key] = self._new_first_steps(fed, keep, losses)
        return self._first[key]

    @torch.compiler.disable
    def _new_first_steps(self, fed: frozenset[int], keep: tuple[str, ...], losses: bool) -> tuple[Step, ...]:
        plan = make_plan(self.graph, fed, self._wanted(keep), losses, self._unsettled)
        return tuple(step for step in plan.steps if not step.bottoms)

    def _planned(self, fed: frozenset[int], keep: tuple[str, ...], losses: bool, passes: tuple[str, ...] | None) -> Plan:
        """The plan of a run, for the present shapes."""
        layers = tuple((layer.training, is_hooked(layer)) for layer in self.layers)
        request = Request(fed, keep, losses, passes, self.recompute and losses, layers)
        plan = self._plans.find(request, self.shapes_of_values)
        if plan is None:
            plan = self._new_plan(request)
            self._plans.add(request, plan, self.shapes_of_values)
        return plan

    @torch.compiler.disable
    def _new_plan(self, request: Request) -> Plan:
        """Not for PyTorch's compiler to trace: a net that has run once is compiled whole."""
        wanted = self._wanted(request.keep)
        fixed = frozenset(wanted.values()) | frozenset(self.graph.outputs)
        scope = Scope(self.shapes_of_values, fixed, self.training, self._packs, self._unsettled)
        graph = run_passes(self.graph, scope, request.passes)
        plan = make_plan(graph, request.fed, wanted, request.losses, self._unsettled)
        plan = recomputing(plan, scope) if request.recompute else plan
        return replace(plan, guards=tuple(scope.guards))

    def _wanted(self, keep: tuple[str, ...]) -> dict[str, int]:
        """The blobs that a run returns, and the values that they are."""
        blobs = self.graph.blobs()
        unknown = [name for name in keep if name not in blobs]
        if unknown:
            raise CaffeError(f"net '{self.name}' has no blob {', '.join(map(repr, unknown))} to keep")
        return {self.graph.names[v]: v for v in self.graph.outputs} | {name: blobs[name] for name in keep}

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


def _by_layer_name(net: Net, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Let every layer take the keys "<name>.0" that `segaware-caffe convert` writes, though PyTorch or the net itself may not
    allow its name for a module ("a.b", "forward")."""
    for module_name, layer in net.named_children():
        if isinstance(layer, Layer) and layer.name not in net._modules:
            for index in range(len(layer.specs)):
                if f"{prefix}{layer.name}.{index}" in state_dict:
                    state_dict[f"{prefix}{module_name}.{index}"] = state_dict.pop(f"{prefix}{layer.name}.{index}")


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
