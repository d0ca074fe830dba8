"""What of a net is exported: the wanted blobs, the nodes that they need, and which of these are inputs."""

from collections.abc import Iterable

from segaware_caffe.errors import CaffeError
from segaware_caffe.net import Net
from segaware_caffe.net.graph import Node

#: types without bottoms whose tops are computed, not fed
COMPUTED = ("DummyData", "Parameter", "Python")


def is_input_type(name: str, bottoms: object) -> bool:
    """Whether the tops of layers of a type, which take so many bottoms, are inputs of what is exported."""
    return bottoms == 0 and name not in COMPUTED


def is_input(node: Node) -> bool:
    """Whether the node's tops are fed."""
    return not node.bottoms and node.type not in COMPUTED


def wanted_values(net: Net, outputs: Iterable[str] | None) -> dict[str, int]:
    """Names of the blobs that are exported, all outputs if None, and their values.

    An input that no layer reads is an output of the net, but of nothing that is exported.
    """
    if outputs is None:
        fed = {value for node in net.graph.nodes if is_input(node) for value in node.tops}
        return {net.graph.names[v]: v for v in net.graph.outputs if v not in fed}
    blobs, outputs = net.graph.blobs(), list(outputs)
    unknown = [name for name in outputs if name not in blobs]
    if unknown:
        raise CaffeError(f"net '{net.name}' has no blob {', '.join(map(repr, unknown))} to export")
    return {name: blobs[name] for name in outputs}


def needed(nodes: Iterable[Node], wanted: Iterable[int]) -> list[Node]:
    """The nodes that the values depend on, in order."""
    values, kept = set(wanted), []
    for node in reversed(tuple(nodes)):
        if values & set(node.tops):
            values |= set(node.bottoms)
            kept.append(node)
    return kept[::-1]
