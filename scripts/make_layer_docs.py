"""Write docs/layers.md, the table of supported layers, from the registry and the layers' docstrings.

python scripts/make_layer_docs.py [--output FILE]
"""

import argparse
import inspect
import re
from pathlib import Path

import segaware_caffe  # noqa: F401  (registers the data layers)
from segaware_caffe.export import onnx, source
from segaware_caffe.layers import Layer, registered
from segaware_caffe.schema import LayerParameter
from segaware_caffe.schema.dialects import Kind, foreign_field

TARGET = Path(__file__).resolve().parent.parent / "docs" / "layers.md"
HEADER = """\
# Layers

Written by `scripts/make_layer_docs.py` from the layers' own declarations; change those, not this file. CI checks that it is current.

*Source* names the section of the project's specification of the reference, or the fork of Caffe that a layer comes from.
*Gradient* "no" means that none flows from its tops to a bottom or a learned blob, as in the reference. What a layer does differently
from the reference, and why, stands at its end. Every other number is the reference's, proven by files that it wrote (`tests/golden`).
*Exports* names the formats of [`segaware-caffe export`](export.md) that have the layer; what is read from files becomes an input there.

"""


def document() -> str:
    """The whole page."""
    classes = registered()
    table = ["| type | bottoms | tops | gradient | source | exports |", "|---|---|---|---|---|---|", *map(_row, classes, classes.values())]
    return HEADER + "\n".join(table) + "\n\n" + "\n".join(_section(name, cls) for name, cls in classes.items())


def _row(name: str, cls: type[Layer]) -> str:
    gradient = "yes" if cls.differentiable else "no"
    counts = f"{_count(cls.bottoms)} | {_count(cls.tops, cls.paired)}"
    return f"| [{name}](#{name.lower()}) | {counts} | {gradient} | {cls.source} | {_exports(name)} |"


def _exports(name: str) -> str:
    """What a layer of a type can be exported to; a program of torch.export is made of the source."""
    if onnx.CONVERTERS.coverage()[name] == "input":
        return "as inputs"
    formats = ["ONNX"] * (onnx.CONVERTERS.coverage()[name] == "yes") + ["source", "pt2"] * (source.CONVERTERS.coverage()[name] == "yes")
    return ", ".join(formats) or "no"


def _refusals(name: str) -> list[str]:
    """Why a type has no form in what it cannot be exported to."""
    reasons = {"ONNX": onnx.CONVERTERS.coverage()[name], "source and pt2": source.CONVERTERS.coverage()[name]}
    refused = {target: reason for target, reason in reasons.items() if reason not in ("yes", "input")}
    return [f"Not exported to {target}: it {reason}." for target, reason in refused.items()]


def _section(name: str, cls: type[Layer]) -> str:
    parts = [f"## {name}", "", _prose(inspect.getdoc(cls) or "")]
    if cls.param_field:
        parts += ["", f"`{cls.param_field}`: {_fields(cls.param_field)}"]
    if _refusals(name):
        parts += ["", " ".join(_refusals(name))]
    return "\n".join(parts) + "\n"


def _prose(doc: str) -> str:
    """A docstring as Markdown: a paragraph for what the layer does differently."""
    text = re.sub(r"\n[ \t]*differs: ", "\n\n**Differs from the reference:** ", doc)
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _fields(param_field: str) -> str:
    """The fields of a layer's message with their defaults; of other forks' words, those that a layer reads (docs/dialects.md has all)."""
    message = LayerParameter.DESCRIPTOR.fields_by_name[param_field].message_type
    words = {field.name: foreign_field(message.name, field.name) for field in message.fields}
    read = [field for field in message.fields if words[field.name] is None or words[field.name].kind == Kind.OWN]
    return ", ".join(f"{field.name} {_default(field)}".rstrip() for field in read) or "no fields"


def _default(field) -> str:
    if getattr(field, "is_repeated", None) or (not hasattr(field, "is_repeated") and field.label == field.LABEL_REPEATED):
        return "(repeated)"
    if field.message_type is not None:
        return f"({field.message_type.name})"
    if not field.has_default_value:
        return ""
    if field.enum_type is not None:
        return f"`{field.enum_type.values_by_number[field.default_value].name}`"
    value = field.default_value
    return f"`{value:g}`" if isinstance(value, float) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _count(count: int | tuple[int, int | None], paired: bool = False) -> str:
    if paired:
        return "as bottoms"
    least, most = (count, count) if isinstance(count, int) else count
    return str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write docs/layers.md.")
    parser.add_argument("--output", type=Path, default=TARGET, metavar="FILE", help="default: docs/layers.md")
    path = parser.parse_args().output
    path.parent.mkdir(exist_ok=True)
    path.write_text(document())
