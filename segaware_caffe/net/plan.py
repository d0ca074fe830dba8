"""Running a graph: which nodes, in which order, and when each value is freed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from segaware_caffe.errors import CaffeError
from segaware_caffe.net.graph import Graph, Node


@dataclass(frozen=True)
class Step:
    """One call: which values go in and come out, and which nobody reads after it."""

    name: str
    module: nn.Module
    bottoms: tuple[int, ...]
    tops: tuple[int, ...]
    #: bottoms through which no gradient may flow (`propagate_down: false`)
    cut: tuple[bool, ...]
    loss_weights: tuple[float, ...]
    dead: tuple[int, ...]

    def tops_of(self, values: Mapping[int, torch.Tensor]) -> list[torch.Tensor]:
        """Run the module on its bottoms among `values`; a tensor for each top."""
        tops = self.module(*(values[v].detach() if cut else values[v] for v, cut in zip(self.bottoms, self.cut, strict=True)))
        return [tops] if isinstance(tops, torch.Tensor) else list(tops or ())


@dataclass(frozen=True)
class Plan:
    """The steps that make the `wanted` values from the fed ones."""

    steps: tuple[Step, ...]
    wanted: Mapping[str, int]

    def run(
        self, values: dict[int, torch.Tensor], place: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """Run the steps on the fed `values` (consumed); return the wanted blobs and the weighted loss.

        `place` moves what data layers make to the net's device and type.
        """
        loss = None
        for step in self.steps:
            tops = step.tops_of(values)
            if not step.bottoms:
                tops = [place(top) for top in tops]
            values.update(zip(step.tops, tops, strict=True))
            for weight, top in zip(step.loss_weights, tops, strict=True):
                if weight:
                    term = weight * top.sum()
                    loss = term if loss is None else loss + term
            del tops
            for value in step.dead:
                del values[value]
        return {name: values[value] for name, value in self.wanted.items()}, loss


def make_plan(graph: Graph, fed: Iterable[int], wanted: Mapping[str, int], losses: bool, cut: Callable[[Node], tuple[bool, ...]]) -> Plan:
    """Plan a run of `graph` that is fed the values `fed` and shall make the blobs `wanted`.

    A source whose top is fed does not run; its other tops are then absent. What reads an absent
    value is left out where nobody needs it (a Silence), and else a CaffeError that names what
    must be fed. With `losses`, nodes with loss weights are wanted too.
    """
    fed = set(fed)
    absent: set[int] = set()
    live: list[Node] = []
    for node in graph.nodes:
        if not node.bottoms and node.tops and (fed & set(node.tops) or node.type == "Input"):
            absent |= set(node.tops) - fed
        elif absent & set(node.bottoms):
            absent |= set(node.tops)
            if node.effects or (losses and any(node.loss_weights)):
                raise _must_feed(graph, absent, f"layer '{node.name}' ({node.type}) cannot run")
        else:
            live.append(node)
    sources = {value for node in graph.sources() for value in node.tops}
    for name, value in list(wanted.items()):
        if value in absent and value not in sources:
            raise _must_feed(graph, absent, f"blob '{name}' cannot be computed")
    wanted = {name: value for name, value in wanted.items() if value not in absent}
    return Plan(_schedule(graph, live, wanted, losses, cut), wanted)


def _must_feed(graph: Graph, absent: set[int], what: str) -> CaffeError:
    missing = sorted({graph.names[v] for node in graph.sources() for v in node.tops if v in absent})
    return CaffeError(f"{what}: feed {', '.join(map(repr, missing))} too, as in net({missing[0]}=array)")


def _schedule(
    graph: Graph, nodes: list[Node], wanted: Mapping[str, int], losses: bool, cut: Callable[[Node], tuple[bool, ...]]
) -> tuple[Step, ...]:
    """Keep the nodes that something wanted needs; free each value after its last reader."""
    needed = set(wanted.values())
    steps: list[Step] = []
    alive = set(needed)
    for node in reversed(nodes):
        weights = node.loss_weights if losses else ()
        if not (needed & set(node.tops) or node.effects or any(weights)):
            continue
        needed |= set(node.bottoms)
        dead = tuple(dict.fromkeys(v for v in (*node.tops, *node.bottoms) if v not in alive))
        alive |= set(node.bottoms) | set(node.tops)
        weights = weights or (0.0,) * len(node.tops)
        steps.append(Step(node.name, node.module, node.bottoms, node.tops, cut(node), weights, dead))
    return tuple(reversed(steps))
