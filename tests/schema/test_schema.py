"""proto/caffe.proto holds both dialects of Caffe, number for number, and the package reads its compiled form."""

import ast
import hashlib
import re
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet

from segaware_caffe import schema

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "proto" / "caffe.proto"
COMPILED = ROOT / "segaware_caffe" / "schema" / "caffe.binpb"
#: Of the rows below whose dialect is one of DIALECTS; made when they were equal to the reference's table.
FINGERPRINT = "b7fe738650ebd3dccfb6bac1515ac0177c5a4259e3096285cce3f134aee1c482"
DIALECTS = ("both", "segaware", "bvlc")

#: kind, message or enum, name, dialect, number, label, type, default, flags
Row = tuple[str, ...]


def rows_of_schema() -> set[Row]:
    """All that the compiled schema holds, with the dialect that the comments of its source name."""
    rows: set[Row] = set()
    marks = marks_of_source()
    for file in FileDescriptorSet.FromString(COMPILED.read_bytes()).file:
        for enum in file.enum_type:
            rows |= enum_rows(enum, enum.name, marks.get(enum.name, "both"), marks)
        for message in file.message_type:
            rows |= message_rows(message, marks)
    return rows


def message_rows(message: DescriptorProto, marks: dict[str, str]) -> set[Row]:
    assert not (message.nested_type or message.extension or message.oneof_decl)
    dialect = marks.get(message.name, "both")
    rows = {field_row(message.name, field, dialect, marks) for field in message.field}
    return rows.union(*(enum_rows(enum, f"{message.name}.{enum.name}", dialect, marks) for enum in message.enum_type))


def enum_rows(enum: EnumDescriptorProto, name: str, dialect: str, marks: dict[str, str]) -> set[Row]:
    return {
        ("enum", name, value.name, marks.get(f"{name}.{value.name}", dialect), str(value.number), "", "", "", "") for value in enum.value
    }


def field_row(message: str, field: FieldDescriptorProto, dialect: str, marks: dict[str, str]) -> Row:
    label = FieldDescriptorProto.Label.Name(field.label).removeprefix("LABEL_").lower()
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    kind = field.type_name.removeprefix(".caffe.") or kind
    dialect = marks.get(f"{message}.{field.name}", dialect)
    flags = "packed" if field.options.packed else ""
    return ("field", message, field.name, dialect, str(field.number), label, kind, field.default_value, flags)


def marks_of_source() -> dict[str, str]:
    """What stands in `// [...]` over a message, or after a field or an enum value, by their full names."""
    marks: dict[str, str] = {}
    scope: list[str] = []
    above = None
    for line in SOURCE.read_text().splitlines():
        code, _, comment = line.partition("//")
        mark = re.match(r" \[([^]]+)\]", comment)
        if opening := re.match(r"\s*(?:message|enum) (\w+) {", code):
            scope.append(opening[1])
            mark = mark or above
            if mark:
                marks[".".join(scope)] = mark[1]
        elif code.strip() == "}":
            scope.pop()
        elif mark and code.strip():
            name = re.search(r"(\w+) = \d+", code)[1]
            marks[".".join([*scope, name])] = mark[1]
        above = None if code.strip() else mark
    return marks


def rows_of_table(path: Path) -> set[Row]:
    """The reference's table as the one schema should hold it."""
    rows: set[Row] = set()
    for line in path.read_text().splitlines()[1:]:
        kind, message, name, dialect, number, label, type_, default, flags = line.split("\t")
        if (message, name) == ("SolverParameter", "rms_decay"):
            if dialect == "segaware":  # without a default there
                continue
            dialect = "both"
        if message == "LayerParameter" and dialect == "bvlc" and 143 <= int(number) <= 148:
            number = str(20000 + int(number))
        rows.add((kind, message, name, dialect, number, label, type_, default, flags))
    return rows


def test_schema_is_the_one_that_was_compared_with_the_reference():
    rows = sorted(row for row in rows_of_schema() if row[3] in DIALECTS)
    canonical = "\n".join("\t".join(row) for row in rows)
    assert hashlib.sha256(canonical.encode()).hexdigest() == FINGERPRINT


def test_schema_holds_the_rows_of_both_dialects_and_what_is_marked_as_of_other_forks(shared):
    assert {row for row in rows_of_schema() if row[3] in DIALECTS} == rows_of_table(shared / "reference" / "schema.tsv")


def test_what_is_ours():
    assert {row[1:5] for row in rows_of_schema() if row[3] == "ours"} == {
        ("LayerParameter", "two_image_data_param", "ours", "20001"),
        ("TwoImageDataParameter", "first_is_color", "ours", "1"),
        ("TwoImageDataParameter", "second_is_color", "ours", "2"),
    }


def test_compiled_form_is_current(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    from make_schema import compile_schema, write_stubs

    monkeypatch.delitem(sys.modules, "make_schema")
    compile_schema(tmp_path / "caffe.binpb")
    write_stubs(tmp_path / "caffe_types.pyi")
    fresh = FileDescriptorSet.FromString((tmp_path / "caffe.binpb").read_bytes())
    assert fresh == FileDescriptorSet.FromString(COMPILED.read_bytes()), "run scripts/make_schema.py"
    stubs = [COMPILED.with_name("caffe_types.pyi"), tmp_path / "caffe_types.pyi"]
    assert attributes(stubs[0]) == attributes(stubs[1]), "run scripts/make_schema.py"


def attributes(stubs: Path) -> list[tuple[str, dict[str, str]]]:
    """The classes and their attributes' types; protoc's releases differ in the rest."""
    classes = [node for node in ast.walk(ast.parse(stubs.read_text())) if isinstance(node, ast.ClassDef)]
    assert len(classes) > 100
    return [
        (cls.name, {ast.unparse(line.target): ast.unparse(line.annotation) for line in cls.body if isinstance(line, ast.AnnAssign)})
        for cls in classes
    ]


def test_everything_public_is_listed():
    assert all(hasattr(schema, name) for name in schema.__all__)
    assert list(schema.__all__) == sorted(schema.__all__)


def test_a_message_that_caffe_has_not():
    with pytest.raises(KeyError):
        schema.message_class("Nothing")
