"""Forward and backward passes of a net for the solver: where data is read, precision, compilation."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Context
from segaware_caffe.net import Net
from segaware_caffe.net.plan import Step
from segaware_caffe.net.run import Observer
from segaware_caffe.schema import NetParameter, SolverParameter

logger = logging.getLogger(__name__)
PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Options:
    """How a net is run; the numbers change by rounding alone.

    Attributes:
        device: where the nets live.
        autocast: "bfloat16" or "float16" for mixed precision: weights, updates and losses stay
            float32. Gradients of float16 are scaled so that small ones do not vanish.
        compile: run nets through `torch.compile`.
        recompute: in training keep few inner blobs, and compute the others again for the backward pass.
        literal: run the prototxt layer by layer, as debug_info needs it.
        allow_python_layers: let Python layers run the code that they name.
        context: which share of the data the net reads.
    """

    device: torch.device
    autocast: str | None = None
    compile: bool = False
    recompute: bool = False
    literal: bool = False
    allow_python_layers: bool = False
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        if self.autocast not in (None, *PRECISIONS):
            raise CaffeError(f"autocast must be {' or '.join(PRECISIONS)}, not {self.autocast!r}")
        if self.literal and (self.compile or self.recompute):
            raise CaffeError("debug_info needs every blob in its turn: leave out compile and recompute")


class Runner:
    """A net and its passes.

    Gradients add up in the learned blobs' `grad`; where there is none, it is zero, as Caffe's diffs are.
    """

    def __init__(self, proto: NetParameter, phase: str, options: Options):
        self.net = self.make_net(proto, phase, options).to(options.device)
        self.net.recompute = options.recompute
        self._options = options
        self._forward_loss = torch.compile(self.net.forward_loss) if options.compile else self.net.forward_loss
        self._batch: dict[str, torch.Tensor] = {}
        self.loss_scale = LossScale() if options.autocast == "float16" else None

    def make_net(self, proto: NetParameter, phase: str, options: Options) -> Net:
        """The net that is run, not on its device yet."""
        passes: list[str] | None = [] if options.literal else None
        return Net(proto, phase, passes=passes, allow_python_layers=options.allow_python_layers, context=options.context)

    @property
    def view(self) -> Any:
        """What users of the solver see of the net."""
        return self.net

    @property
    def gradients(self) -> list[torch.Tensor]:
        """The learned blobs' gradients, in their order."""
        return [learned.gradient for learned in self.net.learned]

    def share_with(self, other: "Runner") -> None:
        """Use the other net's weights."""
        self.net.share_with(other.net)

    def forward(self, inputs: Mapping[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The weighted loss and the outputs for the next batch; `inputs` are fed in place of what data layers read."""
        self._batch = self.net.next_batch(inputs)
        with self._precision():
            return self._forward_loss(**self._batch)

    def forward_backward(self, inputs: Mapping[str, Any]) -> tuple[float, dict[str, torch.Tensor]]:
        """As `forward`, adding to the gradients."""
        loss, outputs = self.forward(inputs)
        if loss.requires_grad:
            (loss * self.loss_scale.factor if self.loss_scale else loss).backward()
        return float(loss.detach()), {name: output.detach() for name, output in outputs.items()}

    def clear_gradients(self) -> None:
        """Let the gradients of all learned blobs begin anew: autograd's own tensors are taken over, not added to zeros."""
        for learned in self.net.learned:
            learned.tensor.grad = None

    @property
    def batch_size(self) -> int:
        """How many items the last batch had."""
        return next((value.shape[0] for value in self._batch.values() if value.ndim), 0)

    @torch.no_grad()
    def first_not_finite(self) -> str:
        """Which layer is the first to make NaN or infinity of the last batch, found by running it again, and from what."""
        bad_inputs = [name for name, value in self._batch.items() if not _is_finite(value)]
        if bad_inputs:
            return f"the data has NaN or infinity already, in blob {', '.join(map(repr, bad_inputs))}"
        search = _FirstNotFinite()
        with self._precision():
            self.net.run(self._batch, losses=True, passes=(), observers=[search])  # every layer by itself
        return search.found or "no layer makes NaN or infinity when the batch is run again"

    def _precision(self) -> AbstractContextManager[None]:
        if self._options.autocast is None:
            return nullcontext()
        return torch.autocast(self._options.device.type, PRECISIONS[self._options.autocast])


def default_device(param: Any, local_rank: int) -> torch.device:
    """Where a solver's fields say to train; the CPU, as the log then says, where there is no such GPU."""
    if param.solver_mode == SolverParameter.CPU:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", param.device_id + local_rank)
    logger.info("solver_mode is GPU (Caffe's default), but there is no CUDA device: using the CPU.")
    return torch.device("cpu")


class LossScale:
    """The factor that keeps float16 gradients from vanishing: halved when one overflows, doubled when none has for long."""

    PATIENCE = 2000

    def __init__(self) -> None:
        self.factor = 2.0**16
        self._good = 0

    def undo(self, gradients: list[torch.Tensor]) -> bool:
        """Divide the factor out of the gradients; False if they overflowed and the update must be left out."""
        for gradient in gradients:
            gradient.div_(self.factor)
        finite = all(map(_is_finite, gradients))
        self._good = self._good + 1 if finite else 0
        if not finite:
            self.factor /= 2
        elif self._good % self.PATIENCE == 0:
            self.factor *= 2
        return finite


class _FirstNotFinite(Observer):
    """Finds the first step that makes NaN or infinity."""

    def __init__(self) -> None:
        self.found = ""

    def after(self, step: Step, bottoms: list[torch.Tensor], tops: list[torch.Tensor]) -> None:
        if not self.found and not all(map(_is_finite, tops)):
            layer = step.module
            self.found = f"the first layer to make NaN or infinity is '{layer.name}' ({layer.type})" + _cause(layer, bottoms)


def _is_finite(value: torch.Tensor) -> bool:
    return bool(value.isfinite().all())


def _cause(layer: Any, bottoms: list[torch.Tensor]) -> str:
    bad = [index for index, blob in enumerate(layer.blobs) if not _is_finite(blob)]
    if bad:
        return (
            f", whose learned blob {bad[0]} holds some already: the update before made it"
            " (base_lr may be too high, clip_gradients may help)"
        )
    return "" if all(map(_is_finite, bottoms)) else ", from a bottom that holds some already"
