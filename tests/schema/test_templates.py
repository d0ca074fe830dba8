"""`${NAME}` placeholders, the files and arguments that give them values (spec/pipeline.md 7.2)."""

import pytest

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import parse_assignment, read_variables, render

#: template, variables, text
RENDERED = {
    "a word": ("type: ${TYPE}", {"TYPE": "CPU"}, "type: CPU"),
    "in a string": ('source: "${DIR}/list/${SET}.txt"', {"DIR": "a/b", "SET": "val"}, 'source: "a/b/list/val.txt"'),
    "in single quotes": ("source: '${DIR}'", {"DIR": "x"}, "source: 'x'"),
    "several times": ("${A}${A} ${A}", {"A": "1"}, "11 1"),
    "names that begin alike": ("${EXP} ${EXP1}", {"EXP": "a", "EXP1": "b"}, "a b"),
    "integer": ("crop_size: ${N}", {"N": 513}, "crop_size: 513"),
    "float": ("base_lr: ${LR}", {"LR": 2.5e-4}, "base_lr: 0.00025"),
    "small float": ("base_lr: ${LR}", {"LR": 1e-8}, "base_lr: 1e-08"),
    "bool": ("mirror: ${M} shuffle: ${S}", {"M": True, "S": False}, "mirror: true shuffle: false"),
    "empty": ("name: '${A}'", {"A": ""}, "name: ''"),
    "unused variable": ("a", {"B": 1}, "a"),
    "value with characters that sed would mind": ("'${A}'", {"A": r"a,b&c\1"}, r"'a,b&c\1'"),
    "comments stay as they are": ("a # ${A} ${B}\n${A}", {"A": 1}, "a # ${A} ${B}\n1"),
    "comment sign inside a string": ("\"#${A}\" '#${A}'", {"A": 1}, "\"#1\" '#1'"),
    "quote inside a comment": ("# it's\n'${A}' # '\n${A}", {"A": 1}, "# it's\n'1' # '\n1"),
    "escaped quote": (r'"\"#${A}" # ${B}', {"A": 1}, r'"\"#1" # ${B}'),
    "the other quote in a string": ("""'"#${A}' # ${B}""", {"A": 1}, """'"#1' # ${B}"""),
    "string not closed ends with its line": ("'a\n# ${B}\n${A}", {"A": 1}, "'a\n# ${B}\n1"),
    "dollar alone": ("$A {A}", {}, "$A {A}"),
}


@pytest.mark.parametrize(("template", "variables", "text"), RENDERED.values(), ids=RENDERED)
def test_rendered(template, variables, text):
    assert render(template, variables) == text


def test_all_variables_without_a_value_are_listed_once_with_their_first_line():
    template = "# ${COMMENTED}\n'${A}' ${B}\n${GIVEN} ${C} ${A}\n${B}"
    with pytest.raises(CaffeError) as error:
        render(template, {"GIVEN": 1, "ALSO_GIVEN": 2}, source="net.prototxt")
    assert str(error.value) == (
        "net.prototxt: variables without a value (given: ALSO_GIVEN, GIVEN):\n"
        "  ${A} (first in line 2)\n  ${B} (first in line 2)\n  ${C} (first in line 3)"
    )


@pytest.mark.parametrize("name", ["", " A ", "A-B", "A.B"])
def test_odd_names_are_not_passed_over(name):
    with pytest.raises(CaffeError) as error:
        render(f"'${{{name}}}'", {"A": 1})
    assert str(error.value) == f"<text>: variables without a value (given: A):\n  ${{{name}}} (first in line 1)"


def test_nothing_given():
    with pytest.raises(CaffeError, match=r"\(given: none\)"):
        render("${A}", {})


def test_values_are_not_rendered_again():
    with pytest.raises(CaffeError, match=r"Variable A has the value '\$\{B\}': placeholders inside values are not replaced"):
        render("${A}", {"A": "${B}", "B": 1})


@pytest.mark.parametrize("value", [None, [1], b"x"])
def test_values_of_other_types(value):
    with pytest.raises(CaffeError, match="Variable A must be a str, int, float or bool, not "):
        render("${A}", {"A": value})


@pytest.mark.parametrize(
    ("assignment", "name", "value"),
    [("A=1", "A", "1"), ("A=", "A", ""), ("LR_2=a=b", "LR_2", "a=b"), (" A = x y ", "A", "x y"), ("A='x'", "A", "'x'")],
)
def test_assignment(assignment, name, value):
    assert parse_assignment(assignment) == (name, value)


@pytest.mark.parametrize("assignment", ["", "A", "=1", "1A=2", "A B=3", "A-B=3"])
def test_no_assignment(assignment):
    with pytest.raises(CaffeError) as error:
        parse_assignment(assignment)
    assert str(error.value) == f"Expected NAME=VALUE, got: {assignment!r}"


VARIABLES = r"""# values of the paper

  NET_ID = res
DATA_ROOT=/data/VOC 2012 # with a blank
URL=a#b
EMPTY=
EMPTY_TOO = # nothing
QUOTED="a # b"  # c
SINGLE=' x '
HALF="a" b
"""


def test_variables_file(tmp_path):
    path = tmp_path / "variables"
    path.write_text(VARIABLES)
    assert read_variables(path) == {
        "NET_ID": "res",
        "DATA_ROOT": "/data/VOC 2012",
        "URL": "a#b",
        "EMPTY": "",
        "EMPTY_TOO": "",
        "QUOTED": "a # b",
        "SINGLE": " x ",
        "HALF": '"a" b',
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"A=1\nNET_ID\n", ":2: Expected NAME=VALUE, got: 'NET_ID'"),
        (b"\n\n2=3 # x\n", ":3: Expected NAME=VALUE, got: '2=3 # x'"),
        (b"A=1\nB=2\nA=3\n", ":3: A is given a second time"),
        (b"A=\xff\n", ": not readable as a variables file: "),
    ],
)
def test_bad_variables_file(tmp_path, content, says):
    path = tmp_path / "variables"
    path.write_bytes(content)
    with pytest.raises(CaffeError) as error:
        read_variables(path)
    assert str(error.value).startswith(f"{path}{says}")


def test_no_variables_file(tmp_path):
    with pytest.raises(CaffeError, match=f"^File not found: {tmp_path}/none$"):
        read_variables(tmp_path / "none")
