"""Prototxt text, row by row of spec/pipeline.md 1.1."""

import warnings
from math import inf, isnan, nan

import pytest
from hypothesis import given, settings
from schema_messages import messages

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import (
    Datum,
    LayerParameter,
    NetParameter,
    SolverParameter,
    parse_text,
    write_text,
)


def net(text: str, **options) -> NetParameter:
    return parse_text(text, "NetParameter", source="net.prototxt", **options)


def layer(text: str) -> LayerParameter:
    return parse_text(text, "LayerParameter")


CONV = "convolution_param"

#: text of a layer, the fields it means
ACCEPTED = {
    "comment between tokens": ("name # a comment with } and \"\n: 'x' # another", {"name": "x"}),
    "no white space": ('name:"x"type:"y"', {"name": "x", "type": "y"}),
    "several fields on a line": (
        "convolution_param{kernel_size: 3 pad: 1\tdilation: 12}",
        {CONV: {"kernel_size": [3], "pad": [1], "dilation": [12]}},
    ),
    "message with a colon": ("include: { phase: TRAIN }", {"include": [{"phase": 0}]}),
    "message in angle brackets": ("include < phase: TEST >", {"include": [{"phase": 1}]}),
    "angle brackets inside braces": ("convolution_param { weight_filler < > }", {CONV: {"weight_filler": {}}}),
    "one separator, either kind": (
        'name: "x"; type: "y", include {}; include {},',
        {"name": "x", "type": "y", "include": [{}, {}]},
    ),
    "the other quote inside": ("""name: 'a"b' type: "it's" """, {"name": 'a"b', "type": "it's"}),
    "escapes": (r"""name: "\n\t\\\"\'\x41\x7\101\0601\a\b\f\r\v\?" """, {"name": "\n\t\\\"'A\x07A01\a\b\f\r\v?"}),
    "escapes beyond ASCII": (r'name: "\u00e9\U0001F600\xc3\xa9"', {"name": "é😀é"}),
    "text beyond ASCII": ('name: "é😀" # é😀', {"name": "é😀"}),
    "adjacent literals": ("""name: "a" 'b'\n "c" """, {"name": "abc"}),
    "comment sign in a string": ('name: "a#b"', {"name": "a#b"}),
    "decimal integers": ("convolution_param { pad: 0 pad: 10 axis: -1 }", {CONV: {"pad": [0, 10], "axis": -1}}),
    "octal integer": ("convolution_param { pad: 010 }", {CONV: {"pad": [8]}}),
    "hex integer": ("convolution_param { pad: 0x1F axis: -0XA }", {CONV: {"pad": [31], "axis": -10}}),
    "minus apart from its number": ("convolution_param { axis: - 1 }", {CONV: {"axis": -1}}),
    "ends of the 32-bit ranges": (
        "convolution_param { pad: 4294967295 } loss_param { ignore_label: -2147483648 }",
        {CONV: {"pad": [2**32 - 1]}, "loss_param": {"ignore_label": -(2**31)}},
    ),
    "ends of the 64-bit range": (
        "reshape_param { shape { dim: 9223372036854775807 dim: -9223372036854775808 } }",
        {"reshape_param": {"shape": {"dim": [2**63 - 1, -(2**63)]}}},
    ),
    "floats": (
        "loss_weight: [1, .5, 1., 1e3, 1.5E-2, 1e+2, 2f, 2F, 0.5f, 0]",
        {"loss_weight": [1, 0.5, 1, 1e3, 1.5e-2, 100, 2, 2, 0.5, 0]},
    ),
    "negative floats": ("loss_weight: [-1, -.5, - 2]", {"loss_weight": [-1, -0.5, -2]}),
    "infinities": (
        "loss_weight: [inf, -inf, Infinity, -infinity, 1e39, -1e400]",
        {"loss_weight": [inf, -inf, inf, -inf, inf, -inf]},
    ),
    "integer wider than 64 bits in a float field": ("loss_weight: 100000000000000000000000", {"loss_weight": [1e23]}),
    "bools": (
        "propagate_down: [true, false, True, False, t, f, 1, 0]",
        {"propagate_down": [True, False, True, False, True, False, True, False]},
    ),
    "enum by name and by number": (
        "include { phase: TRAIN } include { phase: 1 }",
        {"include": [{"phase": 0}, {"phase": 1}]},
    ),
    "list of scalars": ('top: ["a", "b" "c"]', {"top": ["a", "bc"]}),
    "list of messages": ("param [{ lr_mult: 1 }, < lr_mult: 2 >]", {"param": [{"lr_mult": 1}, {"lr_mult": 2}]}),
    "list of messages after a colon": ("param: [{}, {}]", {"param": [{}, {}]}),
    "list and repetition": ('top: "a" top: ["b", "c"] top: [] top: "d"', {"top": ["a", "b", "c", "d"]}),
    "empty list of messages": ("param []", {}),
    "fields named like types": ('bottom: "name" top: "type"', {"bottom": ["name"], "top": ["type"]}),
}


@pytest.mark.parametrize(("text", "fields"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(text, fields):
    assert layer(text) == LayerParameter(**fields)


@pytest.mark.parametrize("text", ["nan", "-nan", "NaN"])
def test_not_a_number(text):
    assert isnan(layer(f"loss_weight: {text}").loss_weight[0])


def test_an_empty_text_is_an_empty_message():
    assert net("") == net(" \t\r\n\v\f# nothing") == NetParameter()


def test_presence_is_kept():
    unset, set_to_default = layer("param {}"), layer("param { lr_mult: 1 }")
    assert unset.param[0].lr_mult == set_to_default.param[0].lr_mult == 1
    assert not unset.param[0].HasField("lr_mult")
    assert set_to_default.param[0].HasField("lr_mult")
    assert layer("convolution_param {}").HasField("convolution_param")


def test_worked_numbers_of_the_specification():
    assert net("state{phase:0}").state.phase == 0
    assert list(layer('top:["a","b"]').top) == ["a", "b"]
    assert layer("convolution_param { pad: 010 }").convolution_param.pad == [8]


def test_bytes_need_not_be_text():
    assert parse_text(r'data: "\377\x00é"', "Datum") == Datum(data=b"\xff\x00\xc3\xa9")


#: text of a net, the line and column, what the error says
REFUSED = {
    "no colon before a scalar": ('name "x"', "1:6", 'name: Expected ":" after name, found "x"'),
    "no brace after a message": ("layer: 3", "1:8", 'layer: Expected "{", found 3'),
    "brace of the other kind": ("layer { > }", "1:9", 'layer[0]: Expected a field name or "}", found >'),
    "brace not closed": (
        'layer {\n  name: "a"\n',
        "3:1",
        'layer[0]: Expected a field name or "}", found the end of the text (the message opened at 1:7 is not closed)',
    ),
    "closing brace too many": ("layer { } }", "1:11", "Expected a field name, found }"),
    "two separators": ('name: "x";; ', "1:11", "Expected a field name, found ;"),
    "separator first": ('; name: "x"', "1:1", "Expected a field name, found ;"),
    "value missing": ("name: ", "1:7", "name: Expected string, got: the end of the text"),
    "raw line break in a string": ('name: "a\nb"', "1:7", "name: String is not closed before the end of its line"),
    "string not closed": (
        "layer {\n name: 'abc }",
        "2:8",
        "layer[0].name: String is not closed before the end of its line",
    ),
    "NUL in a string": ('name: "a\0b"', "1:7", "name: String is not closed"),
    "unknown escape": (r'name: "a\q"', "1:7", r"name: Invalid escape sequence in string literal: \q"),
    "octal escape above a byte": (r'name: "\400"', "1:7", r"Invalid escape sequence in string literal: \400"),
    "escape of half a character": (r'name: "\ud800"', "1:7", r"Invalid escape sequence in string literal: \ud800"),
    "escape beyond Unicode": (r'name: "\UFFFFFFFF"', "1:7", r"Invalid escape sequence in string literal: \UFFFFFFFF"),
    "string of bytes that are no text": (r'name: "\xff"', "1:7", "name: name is a string, and its bytes are not UTF-8"),
    "word for a string": (
        "layer { type: Convolution }",
        "1:15",
        'layer[0].type: Expected string, got: Convolution (write "Convolution")',
    ),
    "number for a string": ("name: 3", "1:7", "name: Expected string, got: 3 (it stands in quotes)"),
    "TRUE": (
        "force_backward: TRUE",
        "1:17",
        'Invalid value for boolean field "force_backward". Value: TRUE (write true or false)',
    ),
    "yes": ("force_backward: yes", "1:17", "Value: yes"),
    "2 as a bool": ("force_backward: 2", "1:17", "Value: 2"),
    "bool in quotes": ('force_backward: "true"', "1:17", 'Value: "true"'),
    "enum in the wrong case": (
        "state { phase: test }",
        "1:16",
        'state.phase: Unknown enumeration value of "test" for field "phase". Did you mean "TEST"? It takes TRAIN, TEST',
    ),
    "enum number not declared": (
        "state { phase: 2 }",
        "1:16",
        'Unknown enumeration value of "2" for field "phase". It takes TRAIN',
    ),
    "negative enum number": ("state { phase: -1 }", "1:16", 'Unknown enumeration value of "-1" for field "phase".'),
    "enum in quotes": (
        'layers { type: "Convolution" }',
        "1:16",
        'value of "Convolution" for field "type". Leave out the quotation marks. Did you mean "CONVOLUTION"?',
    ),
    "float for an integer": (
        "input_dim: 5.0",
        "1:12",
        "input_dim: Expected integer, got: 5.0 (a whole number from -2147483648 to 2147483647)",
    ),
    "minus on an unsigned field": (
        "layer { convolution_param { pad: -1 } }",
        "1:34",
        "layer[0].convolution_param.pad: Expected integer, got: - (a whole number from 0 to 4294967295)",
    ),
    "octal with an 8": (
        "input_dim: 08",
        "1:12",
        "Expected integer, got: 08 (numbers starting with leading zero must be in octal)",
    ),
    "hex without digits": ("input_dim: 0x", "1:12", "Expected integer, got: 0x"),
    "number grown together with a word": ("input_dim: 3name", "1:12", "Expected integer, got: 3name"),
    "underscore in a number": ("input_dim: 1_000", "1:12", "Expected integer, got: 1_000"),
    "plus": ("input_dim: +1", "1:12", "Expected integer, got: +"),
    "int32 too large": (
        "input_dim: 2147483648",
        "1:12",
        "Integer out of range (2147483648): int32 goes from -2147483648 to 2147483647",
    ),
    "int32 too small": ("input_dim: -2147483649", "1:12", "Integer out of range (-2147483649)"),
    "uint32 too large": (
        "layer { convolution_param { pad: 4294967296 } }",
        "1:34",
        "Integer out of range (4294967296): uint32 goes from 0",
    ),
    "int64 too large": ("input_shape { dim: 9223372036854775808 }", "1:20", "input_shape[0].dim: Integer out of range"),
    "hex for a float": (
        "layer { loss_weight: 0x10 }",
        "1:22",
        "Expected double, got: 0x10 (a decimal number, inf or nan)",
    ),
    "octal for a float": ("layer { loss_weight: 010 }", "1:22", "Expected double, got: 010"),
    "two decimal points": ("layer { loss_weight: 1.2.3 }", "1:22", "Expected double, got: 1.2.3"),
    "exponent missing": ("layer { loss_weight: 1e }", "1:22", "Expected double, got: 1e"),
    "word for a float": ("layer { loss_weight: one }", "1:22", "Expected double, got: one"),
    "list for a singular field": ('name: ["x"]', "1:7", "name: Expected string, got: ["),
    "list for a singular message": ("state [{ }]", "1:7", 'state: Expected "{", found ['),
    "comma missing in a list": ('input: ["a" 3]', "1:13", 'input: Expected "," or "]" in a list, found 3'),
    "comma too many in a list": ('input: ["a",]', "1:13", "input: Expected string, got: ]"),
    "list not closed": ('input: ["a"', "1:12", "found the end of the text"),
    "list in a list": ('input: [["a"]]', "1:9", "Expected string, got: ["),
    "singular scalar twice": (
        'name:"a" name:"b"',
        "1:10",
        'name: Non-repeated field "name" is specified multiple times.',
    ),
    "singular message twice": (
        "state {} state {}",
        "1:10",
        'state: Non-repeated field "state" is specified multiple times.',
    ),
    "third layer": ("layer{}layer{}\nlayer{ name: 1 }", "2:14", "layer[2].name: Expected string"),
    "symbol": ("name = 'x'", "1:6", 'Expected ":" after name, found ='),
    "placeholder": ("input_dim: ${X}", "1:12", "Expected integer, got: $"),
    "number for a field name": ("3: 4", "1:1", "Expected a field name, found 3"),
    "string for a field name": ('"name": "x"', "1:1", 'Expected a field name, found "name"'),
    "character beyond ASCII": ("naïve: 1", "1:3", 'na: Expected ":" or "{" after a field name, found ï'),
    "no-break space": ("name:\u00a0'x'", "1:6", r"Expected string, got: '\xa0'"),
    "control character": ("\x01", "1:1", r"Expected a field name, found '\x01'"),
}


@pytest.mark.parametrize(("text", "place", "says"), REFUSED.values(), ids=REFUSED)
def test_refused(text, place, says):
    with pytest.raises(CaffeError) as error:
        net(text)
    first, *lines = str(error.value).splitlines()
    assert first == "Failed to parse NetParameter file: net.prototxt"
    assert lines[-1].startswith(f"  net.prototxt:{place}: ")
    assert says in lines[-1]


#: message type, text without its required fields, those fields
REQUIRED = [
    ("DistLossParameter", "", "alpha, beta"),
    ("DistLossParameter", "alpha: 1", "beta"),
    ("MatReadParameter", "strip: 1", "prefix"),
    ("MatWriteParameter", "", "prefix"),
    ("UniqueLabelParameter", "ignore_label: 0", "max_labels"),
    ("NormConvMeanfieldParameter", "", "num_iterations"),
    ("ClipParameter", "min: 0", "max"),
]


@pytest.mark.parametrize(("name", "text", "missing"), REQUIRED)
def test_required_field_missing(name, text, missing):
    with pytest.raises(CaffeError) as error:
        parse_text(text, name)
    assert f'<text>:1:1: Message type "caffe.{name}" is missing required fields: {missing}' in str(error.value)


def test_required_field_missing_names_where_its_message_opens():
    with pytest.raises(CaffeError, match=r"<text>:2:20: layer\[0\].dist_loss_param: Message type .* required fields: beta"):
        parse_text("layer {\n  dist_loss_param: { alpha: 1 }\n}", "NetParameter")


def test_error_of_a_text_without_a_file():
    with pytest.raises(
        CaffeError, match=r"^Failed to parse SolverParameter text\n  <text>:1:1: bas_lr: .* Did you mean \"base_lr\"\? A field"
    ):
        parse_text("bas_lr: 1", "SolverParameter")


UNKNOWN = """
layer {
  name: "conv"
  tipe: "Convolution"
  convolution_param { kernal_size: 3 num_output: 4; bogus { a { b: [1, -2.5, x] } c: "s" 't' } }
  other [ { x: inf }, < > ]
}
"""


def test_all_unknown_fields_are_listed():
    with pytest.raises(CaffeError) as error:
        net(UNKNOWN)
    assert str(error.value).splitlines() == [
        "Failed to parse NetParameter file: net.prototxt",
        '  net.prototxt:4:3: layer[0].tipe: Message type "caffe.LayerParameter" has no field named "tipe". Did you mean "type"?'
        " A field of your own is declared with segaware_caffe.extend_schema (on the command line: --schema FILE)",
        "  net.prototxt:5:23: layer[0].convolution_param.kernal_size: "
        'Message type "caffe.ConvolutionParameter" has no field named "kernal_size". Did you mean "kernel_size"?',
        '  net.prototxt:5:53: layer[0].convolution_param.bogus: Message type "caffe.ConvolutionParameter" has no field named "bogus".',
        '  net.prototxt:6:3: layer[0].other: Message type "caffe.LayerParameter" has no field named "other".',
    ]


def test_unknown_fields_before_another_mistake_are_listed_too():
    with pytest.raises(CaffeError) as error:
        net("nam: 'x' input_dim: many")
    assert [line.split(":")[2] for line in str(error.value).splitlines()[1:]] == ["1", "21"]


def test_unknown_fields_are_warnings_on_request():
    with pytest.warns(UserWarning) as caught:
        read = net(UNKNOWN, allow_unknown_fields=True)
    assert read == net('layer { name: "conv" convolution_param { num_output: 4 } }')
    assert [str(one.message).split(" ")[0] for one in caught] == [
        "net.prototxt:4:3:",
        "net.prototxt:5:23:",
        "net.prototxt:5:53:",
        "net.prototxt:6:3:",
    ]
    assert str(caught[0].message).endswith("--schema FILE) (skipped)")


@pytest.mark.parametrize("text", ["x 3", "x: }", "x: [1", "x: [[1]]", "x { 1: 2 }", "x { y: 1", "x: -'s'", "x: {]", "x [1]"])
def test_unknown_fields_must_be_well_formed_to_be_skipped(text):
    with warnings.catch_warnings(), pytest.raises(CaffeError):
        warnings.simplefilter("ignore")
        net(text, allow_unknown_fields=True)


#: message, text as the reference prints it
WRITTEN = {
    "nesting": (
        NetParameter(name="n", layer=[LayerParameter(name="a", type="ReLU", bottom=["x"], top=["x"])]),
        'name: "n"\nlayer {\n  name: "a"\n  type: "ReLU"\n  bottom: "x"\n  top: "x"\n}\n',
    ),
    "empty message": (LayerParameter(param=[{}]), "param {\n}\n"),
    "whole numbers without a point": (
        LayerParameter(loss_weight=[1, -2, 1e6]),
        "loss_weight: 1\nloss_weight: -2\nloss_weight: 1e+06\n",
    ),
    "six digits where they suffice": (
        LayerParameter(loss_weight=[0.1, 1e-05, 104.008]),
        "loss_weight: 0.1\nloss_weight: 1e-05\nloss_weight: 104.008\n",
    ),
    "up to nine where they do not": (
        LayerParameter(loss_weight=[1 / 3, 16777217]),
        "loss_weight: 0.33333334\nloss_weight: 16777216\n",
    ),
    "no number": (
        LayerParameter(loss_weight=[inf, -inf, nan]),
        "loss_weight: inf\nloss_weight: -inf\nloss_weight: nan\n",
    ),
    "enum, bool, integer": (
        SolverParameter(solver_mode=0, snapshot_diff=True, max_iter=-5),
        "max_iter: -5\nsnapshot_diff: true\nsolver_mode: CPU\n",
    ),
    "escapes": (LayerParameter(name="\"'\\\n\t\x00\x7fé"), r"""name: "\"\'\\\n\t\000\177é" """.rstrip() + "\n"),
    "bytes": (Datum(data=b'\x00\xff"a'), r'data: "\000\377\"a"' + "\n"),
}


@pytest.mark.parametrize(("message", "text"), WRITTEN.values(), ids=WRITTEN)
def test_written(message, text):
    assert write_text(message) == text


@pytest.mark.parametrize("name", ["NetParameter", "SolverParameter", "Datum", "SolverState"])
def test_every_message_survives_writing_and_reading(name):
    @settings(max_examples=60, deadline=None)
    @given(messages(name))
    def round_trip(message):
        assert parse_text(write_text(message), name) == message

    round_trip()
