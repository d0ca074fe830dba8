"""Nets of any dialect as text in today's words (`upgrade_net_proto_text`)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from segaware_caffe.schema.dialects import Kind, foreign_type
from segaware_caffe.schema.foreign import foreign_words
from segaware_caffe.schema.messages import NetParameter
from segaware_caffe.schema.read import read_net
from segaware_caffe.schema.templates import Value
from segaware_caffe.schema.text_writer import write_text


@dataclass(frozen=True)
class ModernText:
    """A net's prototxt in today's words, and what became of those of forks.

    Attributes:
        net: the net, and its text.
        dropped: words that changed nothing and are left out.
        kept: words, and layer types, that no other Caffe but their fork's has a word for; they stay in
            the text, and this package reads them (types that are not built excepted).
    """

    net: NetParameter
    dropped: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def text(self) -> str:
        """The net as prototxt, which this package reads as the same net."""
        return write_text(self.net)


def modern_text(
    path_or_text: str | os.PathLike[str] | NetParameter,
    variables: Mapping[str, Value] | None = None,
    allow_unknown_fields: bool = False,
) -> ModernText:
    """A net of any dialect in today's words; arguments and errors as for `read_net`.

    >>> modern = modern_text('layer { name: "p" type: "Pooling" pooling_param { ceil_mode: false engine: MKLDNN } }')
    >>> print(modern.text, modern.dropped, modern.kept)
    layer {
      name: "p"
      type: "Pooling"
      pooling_param {
        round_mode: FLOOR
      }
    }
     ('layer[0].pooling_param.engine: MKLDNN (Intel Caffe)',) ()
    """
    net = read_net(path_or_text, variables, allow_unknown_fields)
    dropped: list[str] = []
    kept: list[str] = []
    for found in list(foreign_words(net)):
        line = f"{found.path}: {found.value} ({found.word.owners})"
        if found.changes_nothing:
            found.owner.ClearField(found.field)
            dropped.append(line)
        elif found.word.kind == Kind.OWN and not found.in_unbuilt_layer:
            kept.append(line)
    for index, layer in enumerate(net.layer):
        foreign = foreign_type(layer.type)
        if foreign:
            kept.append(f"layer[{index}].type: {layer.type} ({foreign.owners}), which is not built")
    return ModernText(net, tuple(dropped), tuple(kept))
