"""What a run does: which steps, in which order, when each value is freed, and for which shapes all this holds."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from segaware_caffe.errors import CaffeError
from segaware_caffe.layers import Shape
from segaware_caffe.net.backward import cut_bottoms
from segaware_caffe.net.graph import Graph, Node
from segaware_caffe.net.scope import Guard


@dataclass(frozen=True)
class Step:
    """One call: which values go in and come out, and which nobody reads after it."""

    name: str
    module: Any  # a Runnable
    bottoms: tuple[int, ...]
    tops: tuple[int, ...]
    #: bottoms through which no gradient may flow (`propagate_down: false`)
    cut: tuple[bool, ...]
    loss_weights: tuple[float, ...]
    dead: tuple[int, ...]
    #: names of the layers whose work it does
    layers: tuple[str, ...] = ()
    #: the shapes of its bottoms, or what its tops will be, are known only now: they are checked before it runs
    unsettled: bool = False
    #: steps without a module are several: the values between them are computed again for the backward pass
    inner: tuple["Step", ...] = ()
    type: str = ""

    @classmethod
    def of(cls, node: Node, losses: bool = False, dead: tuple[int, ...] = (), unsettled: bool = False) -> "Step":
        """The step that runs a node."""
        weights = node.loss_weights if losses and node.loss_weights else (0.0,) * len(node.tops)
        late = unsettled or node.module.unsettled
        return cls(node.name, node.module, node.bottoms, node.tops, cut_bottoms(node), weights, dead, node.layers, late, type=node.type)

    @property
    def label(self) -> str:
        """Its layers, for profilers and tables."""
        return "+".join(self.layers) or self.name


@dataclass(frozen=True)
class Plan:
    """The steps that make the `wanted` values from the fed ones, for all shapes for which the guards hold."""

    steps: tuple[Step, ...]
    wanted: Mapping[str, int]
    guards: Sequence[Guard] = ()
    #: what the passes did, and where they could not
    notes: tuple[str, ...] = ()

    def holds(self, shapes: Mapping[int, Shape]) -> bool:
        """Whether the passes would do the same for these shapes."""
        return all(guard.holds(shapes) for guard in self.guards)


class Plans:
    """The latest plans of a net, each for a request and for all shapes for which its guards hold."""

    LIMIT = 24

    def __init__(self) -> None:
        self._latest: list[tuple[Any, Plan, Mapping[int, Shape]]] = []

    def find(self, request: Any, shapes: Mapping[int, Shape]) -> Plan | None:
        """The plan for an equal request that holds for these shapes."""
        for index, (known, plan, seen) in enumerate(self._latest):
            if known == request and (seen is shapes or plan.holds(shapes)):
                if index or seen is not shapes:
                    del self._latest[index]
                    self.add(request, plan, shapes)
                return plan
        return None

    def add(self, request: Any, plan: Plan, shapes: Mapping[int, Shape]) -> None:
        """Keep a plan that holds for these shapes; the one that was not used for longest goes."""
        self._latest.insert(0, (request, plan, shapes))
        del self._latest[self.LIMIT :]

    def clear(self) -> None:
        """Forget all."""
        self._latest.clear()


def make_plan(graph: Graph, fed: Iterable[int], wanted: Mapping[str, int], losses: bool, unsettled: AbstractSet[int] = frozenset()) -> Plan:
    """Plan a run of `graph` that is fed the values `fed` and shall make the blobs `wanted`.

    A source whose top is fed does not run; its other tops are then absent. What reads an absent
    value is left out where nobody needs it (a Silence), and else a CaffeError that names what
    must be fed. With `losses`, nodes with loss weights are wanted too. `unsettled` are the values
    whose shapes only the run knows.
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
    return Plan(_schedule(live, wanted, losses, unsettled), wanted, notes=graph.notes)


def unsettled_values(graph: Graph) -> frozenset[int]:
    """The values whose shapes only a run knows: tops of layers that decide as they run, and all behind them.

    Not those of sources: these run before anything is planned.
    """
    found: set[int] = set()
    for node in graph.nodes:
        if node.bottoms and (node.module.unsettled or found.intersection(node.bottoms)):
            found.update(node.tops)
    return frozenset(found)


def _must_feed(graph: Graph, absent: set[int], what: str) -> CaffeError:
    missing = sorted({graph.names[v] for node in graph.sources() for v in node.tops if v in absent})
    return CaffeError(f"{what}: feed {', '.join(map(repr, missing))} too, as in net({missing[0]}=array)")


def _schedule(nodes: list[Node], wanted: Mapping[str, int], losses: bool, unsettled: AbstractSet[int]) -> tuple[Step, ...]:
    """Keep the nodes that something wanted needs; free each value after its last reader."""
    needed = set(wanted.values())
    steps: list[Step] = []
    alive = set(needed)
    for node in reversed(nodes):
        if not (needed & set(node.tops) or node.effects or (losses and any(node.loss_weights))):
            continue
        needed |= set(node.bottoms)
        dead = tuple(dict.fromkeys(v for v in (*node.tops, *node.bottoms) if v not in alive))
        alive |= set(node.bottoms) | set(node.tops)
        steps.append(Step.of(node, losses, dead, not unsettled.isdisjoint((*node.bottoms, *node.tops))))
    return tuple(reversed(steps))
