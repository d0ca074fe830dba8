"""A solver's net whose blobs are filled when a script looks: until then the ordinary engine trains it.

The engine fuses layers and frees values, so after one of its passes most blobs of a net are not
there. Outputs and data are. What a script looks at beside them is made by running that pass
again, layer by layer, on the same data, weights and random numbers; in the passes that follow,
the engine keeps what was looked at since the pass before, and what the script holds a view of.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch

from segaware_caffe.net.graph import AUTOMATIC
from segaware_caffe.pycaffe.blobs import Blob
from segaware_caffe.pycaffe.gradients import agrees_with_autograd
from segaware_caffe.pycaffe.net import Net
from segaware_caffe.pycaffe.steps import Step

Tensor = torch.Tensor


@dataclass
class Pass:
    """What it takes to run a pass of the engine again."""

    #: source blobs and what they held
    batch: list[tuple[Blob, Tensor]]
    random: Tensor
    #: the statistics before the pass
    fixed: list[tuple[Blob, Tensor]]
    #: whether a backward followed
    backward: bool = False
    #: whether the weights were updated since, by their diffs
    updated: bool = False
    #: identities of the blobs that have their data
    present: set[int] = field(default_factory=set)


class Watch:
    """Knows which blobs of a net are up to date, and brings the others up to date when somebody looks."""

    def __init__(self, net: Net):
        self._net = net
        self._sources = [step for step in net._steps if not step.bottoms and not step.params]
        self._inner = [step for step in net._steps if step not in self._sources]
        self._last: Pass | None = None
        self._looked: set[int] = set()
        self._asleep = False
        #: whether the net has to run layer by layer for its numbers to be the reference's
        self.literal = not (agrees_with_autograd(net._steps) and all(map(_repeatable, self._inner)) and not _writes_shared(net._steps))
        net._watch = self
        for blob in net._blobs:
            blob.observer = self._looked_at

    # -- around a pass ---------------------------------------------------------------------

    def begin(self) -> list[str] | None:
        """Read the next batch into the source blobs; the names that the engine must keep, or None if it cannot run this pass."""
        net, steps = self._net, self._net._steps
        looked, self._looked, self._last = self._looked, set(), None
        wanted = [blob for blob in net._blobs if id(blob) in looked or blob.data_held]
        sources = {id(top) for step in self._sources for top in step.tops}
        if self.literal or any(net._hooks.values()) or not all(step.has_loss_diffs() for step in steps):
            return None
        if any(blob.diff_held and id(blob) not in sources for blob in net._blobs):
            return None
        names = self._names([blob for blob in wanted if id(blob) not in sources])
        if AUTOMATIC in names:
            return None
        self._asleep = True
        try:
            for step in self._sources:
                step.forward()
            for step in self._inner:
                step.reshape()
            fixed = [(blob, _copy(blob)) for step in steps for blob, spec in zip(step.params, step.module.specs, strict=True) if spec.fixed]
            batch = [(top, _copy(top)) for step in self._sources for top in step.tops]
            self._last = Pass(batch, torch.get_rng_state(), fixed)
        finally:
            self._asleep = False
        return names

    @property
    def batch(self) -> dict[str, Tensor]:
        """The source blobs of the pass that was begun."""
        names = {id(blob): name for name, blob in self._net.blobs.items()}
        assert self._last is not None
        return {names[id(blob)]: value for blob, value in self._last.batch if id(blob) in names}

    def fill(self, values: dict[str, Tensor]) -> None:
        """Write what the engine kept into the blobs."""
        assert self._last is not None
        self._asleep = True
        for name, value in values.items():
            self._net.blobs[name].assign(value)
        self._asleep = False
        memory = {id(self._net.blobs[name]._values) for name in values} | {id(blob._values) for blob, _ in self._last.batch}
        self._last.present = {id(blob) for blob in self._net._blobs if id(blob._values) in memory}

    def went_backward(self) -> None:
        """The pass had a backward."""
        if self._last:
            self._last.backward = True

    def updated(self) -> None:
        """The weights were updated by their diffs."""
        if self._last:
            self._last.updated = True

    # -- when somebody looks ---------------------------------------------------------------

    def settle(self) -> None:
        """Bring all blobs up to date: what comes next may change what they follow from."""
        last, self._last = self._last, None
        if last is None or self._asleep:
            return
        self._asleep = True
        try:
            self._run_again(last)
        finally:
            self._asleep = False

    def _looked_at(self, blob: Blob, diff: bool) -> None:
        if self._asleep:
            return
        if not diff:
            self._looked.add(id(blob))
        if self._last and (diff or id(blob) not in self._last.present):
            self.settle()

    def _run_again(self, last: Pass) -> None:
        net = self._net
        learned = list(net._wiring.learned.values())
        weights = [(blob, _copy(blob)) for blob in learned]
        diffs = [(blob, blob.diff.copy()) for blob in learned]
        now = [(blob, _copy(blob)) for blob, _ in last.batch]
        random = torch.get_rng_state()
        if last.updated:
            for blob in learned:
                blob.data[...] += blob.diff
        for blob, value in (*last.fixed, *last.batch):
            blob.assign(value)
        torch.set_rng_state(last.random)
        for step in self._inner:
            step.forward()
        if last.backward:
            for step in reversed(self._inner):
                step.backward()
        for step in self._inner:
            step.forget()
        torch.set_rng_state(random)
        for blob, value in (*weights, *now):
            blob.assign(value)
        for blob, diff in diffs:
            blob.diff[...] = diff

    def _names(self, blobs: Iterable[Blob]) -> list[str]:
        """A name for the memory of each of the blobs: that of its first user."""
        first: dict[int, str] = {}
        for name, blob in zip(self._net._blob_names, self._net._blobs, strict=True):
            first.setdefault(id(blob._values), name)
        return list(dict.fromkeys(first[id(blob._values)] for blob in blobs))


def _repeatable(step: Step) -> bool:
    """Whether a layer does the same again: all that its forward changes are statistics, which are put back."""
    return step.module.repeatable or any(spec.fixed for spec in step.module.specs)


def _writes_shared(steps: list[Step]) -> bool:
    """Whether an in-place layer writes into memory that several blobs share by then."""
    users: dict[int, set[int]] = {}
    for step in steps:
        for top in step.tops:
            blobs = users.setdefault(id(top._values), set())
            blobs.add(id(top))
            if step.in_place and len(blobs) > 1:
                return True
    return False


def _copy(blob: Blob) -> Tensor:
    return torch.from_numpy(blob.data).clone()
