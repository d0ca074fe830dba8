"""Which layers of a net are there in a given phase, level and stage (spec/pipeline.md 2.1)."""

import logging
from collections.abc import Iterable, Iterator

from segaware_caffe.errors import CaffeError, FieldError
from segaware_caffe.schema.messages import LayerParameter, NetParameter, NetState, NetStateRule, enum

logger = logging.getLogger(__name__)


def filter_net(net: NetParameter, phase: str | int, level: int = 0, stages: Iterable[str] = ()) -> NetParameter:
    """A copy of `net` with the layers that its include and exclude rules keep in this state.

    `phase` is "TRAIN" or "TEST" in any case, or 0 or 1; it replaces the net's own. The net's own
    `state` supplies the level where `level` is 0, and its stages come before `stages`. The copy's
    `state` is the one that was used. Raises CaffeError for a layer with both kinds of rules.

    >>> from segaware_caffe.schema import read_net
    >>> net = read_net('layer { name: "a" type: "ReLU" } layer { name: "b" type: "Dropout" include { phase: TRAIN } }')
    >>> [layer.name for layer in filter_net(net, "TEST").layer], [layer.name for layer in filter_net(net, "TRAIN").layer]
    (['a'], ['a', 'b'])
    """
    if net.layers:
        raise CaffeError("The net holds V1 layers, which have to be upgraded first: get it from read_net")
    if isinstance(stages, str):
        raise CaffeError(f"stages is a list of names, not the single text {stages!r}")
    kept = NetParameter()
    kept.CopyFrom(net)
    state = kept.state
    state.phase = phase_number(phase)
    if level:
        state.level = level
    state.stage.extend(stage for stage in stages if stage not in net.state.stage)
    kept.ClearField("layer")
    kept.layer.extend(layer for layer in net.layer if _is_kept(layer, state))
    return kept


def phase_number(phase: str | int) -> int:
    """The number of a phase given by name, in any case, or by number."""
    phases = enum("Phase")
    if isinstance(phase, str) and phase.upper() in phases.values_by_name:
        return phases.values_by_name[phase.upper()].number
    if isinstance(phase, int) and phase in phases.values_by_number:
        return int(phase)
    raise CaffeError(f'Unknown phase {phase!r}: it is "TRAIN" (0) or "TEST" (1)')


def _is_kept(layer: LayerParameter, state: NetState) -> bool:
    if layer.include and layer.exclude:
        raise FieldError(f"Layer '{layer.name}': Specify either include rules or exclude rules; not both.")
    if layer.include:
        return any(_is_met(rule, state, layer.name) for rule in layer.include)
    return not any(_is_met(rule, state, layer.name) for rule in layer.exclude)


def _is_met(rule: NetStateRule, state: NetState, layer: str) -> bool:
    """Whether `state` meets every condition that the rule states; an empty rule is always met. Logs the first that it does not."""
    unmet = next(_unmet(rule, state), None)
    if unmet:
        logger.info("The NetState %s specified by a rule in layer %s", unmet, layer)
    return unmet is None


def _unmet(rule: NetStateRule, state: NetState) -> Iterator[str]:
    """What `state` lacks for the rule, in the reference's words and order."""
    if rule.HasField("phase") and rule.phase != state.phase:
        yield f"phase ({state.phase}) differed from the phase ({rule.phase})"
    if rule.HasField("min_level") and state.level < rule.min_level:
        yield f"level ({state.level}) is above the min_level ({rule.min_level})"
    if rule.HasField("max_level") and state.level > rule.max_level:
        yield f"level ({state.level}) is above the max_level ({rule.max_level})"
    for stage in rule.stage:
        if stage not in state.stage:
            yield f"did not contain stage '{stage}'"
    for stage in rule.not_stage:
        if stage in state.stage:
            yield f"contained a not_stage '{stage}'"
