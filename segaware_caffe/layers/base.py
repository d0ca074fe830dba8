"""What every layer is: a module that declares its bottoms, tops, fields, blobs and shape rule.

A subclass says, as class attributes, how many bottoms and tops it takes, which `*_param` message
it reads and whether it has a gradient; `setup` checks the message and declares learned blobs;
`reshape` is the shape rule; `forward` computes. The net (net/build.py) owns everything else:
wiring, allocation and sharing of blobs, loss weights, which gradients flow.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import torch
from torch import nn

from segaware_caffe.errors import CaffeError, FieldError, FileError, GraphError, ShapeError, of_kind
from segaware_caffe.layers.context import Context
from segaware_caffe.layers.fillers import filler
from segaware_caffe.layers.runnable import Runnable
from segaware_caffe.limits import ELEMENTS, Limit
from segaware_caffe.ops.device import stops
from segaware_caffe.schema.plain import plain
from segaware_caffe.schema.shapes import Shape as Shape
from segaware_caffe.schema.shapes import dims as dims

Count = int | tuple[int, int | None]
Kind = type[CaffeError]

#: The reference's own limit for any blob.
MAX_ELEMENTS = 2**31 - 1
EMPTY = "it must not be empty or negative"


@dataclass(frozen=True)
class BlobSpec:
    """A learned blob that a layer declares: its shape and how it is initialised.

    A `fixed` blob holds statistics: its lr_mult and decay_mult are 0 whatever the prototxt says.
    """

    shape: Shape
    fill: Callable[[torch.Tensor], None]
    fixed: bool = False


class Layer(Runnable):
    """One Caffe layer.

    Attributes of an instance: `proto` (its LayerParameter, as `schema.plain` copies it), `name`, `num_tops`,
    `options` (the message named by `param_field`, with its defaults), `context`, `specs` (its learned blobs).

    >>> from segaware_caffe import Net
    >>> net = Net('input: "x" input_shape { dim: 1 dim: 3 } layer { name: "fc" type: "InnerProduct" bottom: "x" top: "y" '
    ...           'inner_product_param { num_output: 2 } }')
    >>> layer = net.layers[-1]
    >>> layer.name, layer.type, layer.options.num_output, [tuple(blob.shape) for blob in layer.blobs]
    ('fc', 'InnerProduct', 2, [(2, 3), (2,)])
    """

    type: ClassVar[str] = ""  # type: ignore[assignment]  # Caffe's word; torch has a method of the name, for dtypes
    #: where the type is specified; both are set by `register`
    source: ClassVar[str] = ""
    #: number of bottoms and tops: an int, or (least, most) with None for no limit
    bottoms: ClassVar[Count] = 1
    tops: ClassVar[Count] = 1
    #: as many tops as bottoms
    paired: ClassVar[bool] = False
    #: tops missing from the prototxt are added, unnamed (loss layers)
    auto_tops: ClassVar[bool] = False
    #: the top counts as loss with weight 1 unless the prototxt says otherwise
    default_loss_weight: ClassVar[float] = 0.0
    #: the field of LayerParameter that this type reads
    param_field: ClassVar[str | None] = None
    #: whether a gradient flows from the tops to any bottom or learned blob
    differentiable: ClassVar[bool] = True
    #: bottoms that `force_backward` does not reach (labels)
    no_forced_gradient: ClassVar[tuple[int, ...]] = ()
    #: whether a bottom without any elements (a batch of none) has an answer
    takes_empty: ClassVar[bool] = True
    #: runs though nobody reads its tops (it writes files)
    effects: ClassVar[bool] = False

    def __init__(self, proto: Any, num_tops: int | None = None):
        super().__init__()
        self.proto = plain(proto)
        self.name: str = self.proto.name
        self.num_tops = len(self.proto.top) if num_tops is None else num_tops
        self.options: Any = getattr(self.proto, self.param_field) if self.param_field else None
        #: given by the net that is built, before `setup`
        self.context = Context()
        self.specs: list[BlobSpec] = []
        #: whether the gradient of each learned blob is computed (its own lr_mult is not 0)
        self.learns: list[bool] = []
        self._last_shapes: tuple[tuple[Shape, ...], list[Shape]] | None = None

    # -- what a layer type defines ---------------------------------------------------------

    def setup(self, *bottoms: Any) -> None:
        """Check the fields against the bottoms' shapes; declare learned blobs. Called once."""

    def reshape(self, *bottoms: Any) -> Shape | list[Shape]:
        """The shape of the one top, or a list with a shape for each top.

        The shape rule alone: it leaves nothing behind for `forward`, which may be given other bottoms.
        """
        raise NotImplementedError

    def forward(self, *bottoms: Any) -> torch.Tensor | Sequence[torch.Tensor] | None:
        """The one top, or a sequence with a tensor for each top (None for no top)."""
        raise NotImplementedError

    # -- what a layer type uses ------------------------------------------------------------

    def add_blob(self, shape: Sequence[int], fill: Any = None, fixed: bool = False) -> None:
        """Declare the next learned blob. `fill`: a FillerParameter (None: constant 0) or a function."""
        shape = tuple(int(d) for d in shape)
        count = math.prod(shape)
        what = f"learned blob {len(self.specs)} would have shape {dims(shape)}"
        self.check(count > 0, f"{what}: {EMPTY}")
        self.check_limit(ELEMENTS, count, f"{what}:")
        if not callable(fill):
            fill = filler(fill, shape, self.fail)
        self.specs.append(BlobSpec(shape, fill, fixed))
        self.learns.append(True)

    def blob(self, index: int) -> torch.Tensor:
        """Learned blob `index` as forward uses it: in this layer's shape, cut off where it does not learn."""
        value = self.registered(index)
        if value.shape != self.specs[index].shape:  # PERMISSIVE sharing: same count, other shape
            value = value.view(self.specs[index].shape)
        return value if self.learns[index] and not self.specs[index].fixed else value.detach()

    @property
    def blobs(self) -> list[torch.Tensor]:
        """The learned blobs in Caffe's order."""
        return [
            value if value.shape == spec.shape else value.view(spec.shape)
            for value, spec in ((self.registered(i), s) for i, s in enumerate(self.specs))
        ]

    def registered(self, index: int) -> torch.Tensor:
        """Learned blob `index` as it is registered: a shared one has its owner's shape."""
        name = attribute(index)
        value = self._parameters.get(name)  # at every step of a run: an attribute of a module takes ten times as long
        return getattr(self, name) if value is None else value  # a parametrization computes it

    def axis(self, value: int, ndim: int, field: str = "axis") -> int:
        """A canonical axis: negative values count from the end (spec/layers.md 1.1)."""
        if not -ndim <= value < ndim:
            self.fail(f"{field} {value} is out of range for a bottom of {ndim} axes")
        return value % ndim

    def check(self, condition: bool, message: str, kind: Kind = CaffeError) -> None:
        """`fail` unless `condition` holds."""
        if not condition:
            self.fail(message, kind)

    def allowed_path(self, path: str, field: str) -> str:
        """`path`, which the prototxt names in `field`; FileError if the net may not use it (`allowed_paths`)."""
        try:
            return self.context.paths.check(path, field)
        except FileError as error:
            self.fail(str(error), FileError)

    def check_limit(self, limit: Limit, count: int, what: str) -> None:
        """`fail` if a bound, which the user can raise, is below `count`; `what` is the beginning of the sentence."""
        with of_kind(FieldError):
            limit.check(count, f"layer '{self.name}' ({self.type}): {what} {count}")

    def check_indices(self, indices: torch.Tensor, size: int, what: str, hint: str = "") -> None:
        """Raise CaffeError for an index outside [0, size); a GPU stops at it by itself, later (`ops.device.stops`).

        Not while the net is compiled or exported: a traced program cannot branch on values.
        """
        if torch.compiler.is_compiling():
            return
        wrong = (indices < 0) | (indices >= size)
        if stops(wrong.any(), self.message(f"{what} is out of range [0, {size}){hint}")):
            self.fail(f"{what} {indices[wrong][0].item()} is out of range [0, {size}){hint}")

    def check_not_in_place(self) -> None:
        """The reference's check of layers whose top may not be their bottom."""
        self.check(self.proto.bottom[:1] != self.proto.top[:1], f"{self.type} Layer does not allow in-place computation.")

    def fail(self, message: str, kind: Kind = CaffeError) -> NoReturn:
        """Raise CaffeError with this layer's name and type in front.

        Without a `kind` it is a FieldError in `setup`, and a ShapeError in `reshape` of bottoms.
        """
        raise kind(self.message(message))

    def message(self, words: str) -> str:
        """What errors say, with this layer's name and type in front."""
        return f"layer '{self.name}' ({self.type}): {words}"

    # -- what the net uses -----------------------------------------------------------------

    @property
    def repeatable(self) -> bool:
        return not self.effects

    @property
    def key(self) -> Hashable:
        """What tells its learned blobs, in the shapes that it sees them in, from those of other layers."""
        return tuple((id(self.registered(index)), spec.shape) for index, spec in enumerate(self.specs))

    def check_shapes(self, *bottoms: Shape) -> None:
        self.top_shapes(*bottoms)

    def materialize(self) -> "Layer":
        """Allocate and fill the learned blobs of a layer used without a net."""
        for index, spec in enumerate(self.specs):
            value = torch.empty(spec.shape)
            spec.fill(value)
            self.register_parameter(attribute(index), nn.Parameter(value))
        return self

    def top_shapes(self, *bottoms: Shape) -> list[Shape]:
        """`reshape`, always as a list, checked against the blob limits; remembered for equal bottoms."""
        known = self._last_shapes
        if torch.compiler.is_compiling():  # nothing is left behind in a trace, where shapes may be symbols
            return self._checked_shapes(*bottoms)
        if known is None or known[0] != bottoms:
            self._last_shapes = known = bottoms, self._checked_shapes(*bottoms)
        return known[1]

    def _checked_shapes(self, *bottoms: Shape) -> list[Shape]:
        with of_kind(ShapeError if bottoms else FieldError):
            for index, bottom in enumerate(() if self.takes_empty else bottoms):
                if 0 in bottom:
                    self.fail(f"bottom {index} is empty, of shape {dims(bottom)}: there is nothing to compute")
            shapes = self.reshape(*bottoms)
            shapes = shapes if isinstance(shapes, list) else [shapes]
            for shape in shapes:  # sentences are made where they are said: in a trace sizes are symbols, which have no digits
                if any(size < 0 for size in shape):
                    self.fail(f"top would have shape {dims(shape)}: {EMPTY}")
                if math.prod(shape) > MAX_ELEMENTS:
                    self.fail(f"top would have shape {dims(shape)}: blob size exceeds INT_MAX")
                if not bottoms:
                    self.check_limit(ELEMENTS, math.prod(shape), f"top would have shape {dims(shape)}:")
        return shapes

    def check_counts(self) -> None:
        """The reference's checks on the number of bottoms and tops; GraphError where one fails."""
        with of_kind(GraphError):
            self._check_counts()

    def _check_counts(self) -> None:
        for kind, count, have in (
            ("bottom", self.bottoms, len(self.proto.bottom)),
            ("top", self.tops, self.num_tops),
        ):
            word = "as input" if kind == "bottom" else "as output"
            least, most = (count, count) if isinstance(count, int) else count
            if least == most and have != least:
                self.fail(f"{self.type} Layer takes {least} {kind} blob(s) {word}, but {have} are given")
            if have < least:
                self.fail(f"{self.type} Layer takes at least {least} {kind} blob(s) {word}, but {have} are given")
            if most is not None and have > most:
                self.fail(f"{self.type} Layer takes at most {most} {kind} blob(s) {word}, but {have} are given")
        if self.paired and len(self.proto.bottom) != self.num_tops:
            self.fail(
                f"{self.type} Layer produces one top blob as output for each bottom blob input, but "
                f"{len(self.proto.bottom)} bottoms and {self.num_tops} tops are given"
            )
        flags = len(self.proto.propagate_down)
        self.check(
            flags in (0, len(self.proto.bottom)),
            f"propagate_down param must be specified either 0 or bottom_size times: {flags} given, {len(self.proto.bottom)} bottoms",
        )

    # -- what PyTorch uses -----------------------------------------------------------------

    def _apply(self, *args: Any, **kwargs: Any) -> "Layer":
        """Statistics stay float32 when a net is made half: sums over many images leave the range of halves."""
        kept = {index: self.registered(index).data for index, spec in enumerate(self.specs) if spec.fixed}
        super()._apply(*args, **kwargs)
        for index, data in kept.items():
            moved = self.registered(index)
            if moved.dtype in (torch.float16, torch.bfloat16):
                moved.data = data.to(moved.device)
        return self

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """In a state_dict, as in weight files, a blob is called by its index: <layer>.<index>."""
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for index in range(len(self.specs)):
            if prefix + attribute(index) in destination:
                destination[f"{prefix}{index}"] = destination.pop(prefix + attribute(index))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for index in range(len(self.specs)):
            if f"{prefix}{index}" in state_dict:
                state_dict[prefix + attribute(index)] = state_dict.pop(f"{prefix}{index}")
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        return f"{self.name!r}, type={self.type!r}"


def attribute(index: int) -> str:
    """The name under which a layer has its learned blob `index` as a parameter."""
    return f"blob{index}"
