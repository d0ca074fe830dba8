"""Which nets a solver trains and tests (spec/pipeline.md 4.1)."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from segaware_caffe.allowed_paths import AllowedPaths
from segaware_caffe.configs import resolve
from segaware_caffe.errors import FieldError
from segaware_caffe.schema import NetParameter, read_net

TRAIN_NET_FIELDS = ("net", "net_param", "train_net", "train_net_param")


class NetSource(NamedTuple):
    """A net as a solver names it: the words of the log for where it stands, its path or message, and what its state adds."""

    words: str
    net: Any
    state: Any = None

    def read(self, paths: AllowedPaths, variables: Mapping[str, Any] | None = None, allow_unknown_fields: bool = False) -> NetParameter:
        """The net; its own `state` with the solver's merged in, whose stages are appended. FileError for a file not among `paths`."""
        if isinstance(self.net, str) and resolve(self.net) == self.net:
            paths.check(self.net, "net")
        net = read_net(self.net, variables, allow_unknown_fields)
        if self.state is not None:
            net.state.MergeFrom(self.state)
        return net


def train_source(param: Any, level: int | None = None, stages: Iterable[str] = ()) -> NetSource:
    """The net to train; `level` and `stages` go into its state after `train_state`."""
    given = [field for field in TRAIN_NET_FIELDS if param.HasField(field)]
    fields = f"of these fields specifying a train_net: {', '.join(TRAIN_NET_FIELDS)}"
    if not given:
        raise FieldError(f"SolverParameter must specify a train net using one {fields}")
    if len(given) > 1:
        raise FieldError(f"SolverParameter must not contain more than one {fields}; it has {', '.join(given)}")
    field = given[0]
    state = type(param.train_state)()
    state.CopyFrom(param.train_state)
    state.stage.extend(stages)
    if level is not None:
        state.level = level
    words = f"specified in {field}." if field.endswith("param") else f"from {_file(param, field)}"
    return NetSource(words, getattr(param, field), state)


def test_sources(param: Any) -> list[NetSource]:
    """The test nets: each test_net_param, each test_net, then the generic net as often as test_iter has entries left."""
    sources = [("test_net_param", net) for net in param.test_net_param]
    sources += [(f"test_net file: {path}", path) for path in param.test_net]
    generic = next((field for field in ("net_param", "net") if param.HasField(field)), None)
    wanted = len(param.test_iter)
    if wanted < len(sources) or (generic is None and wanted != len(sources)):
        raise FieldError(f"test_iter must be specified for each test network: {wanted} given, {len(sources)} test networks")
    if generic:
        words = generic if generic == "net_param" else _file(param, generic)
        sources += [(words, getattr(param, generic))] * (wanted - len(sources))
    states = list(param.test_state)
    if states and len(states) != len(sources):
        raise FieldError(f"test_state must be unspecified or specified once per test net: {len(states)} given, {len(sources)} test nets")
    if sources and param.test_interval <= 0:
        raise FieldError(f"a solver with test nets needs test_interval > 0, not {param.test_interval}")
    states = states or [None] * len(sources)
    return [NetSource(f"specified by {words}", net, state) for (words, net), state in zip(sources, states, strict=True)]


def _file(param: Any, field: str) -> str:
    return f"{field} file: {getattr(param, field)}"
