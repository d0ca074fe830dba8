"""A user's own words: `extend_schema` makes text and binary files read them, and says what is wrong with a piece of .proto.

The schema is the process's, so each test declares its own names.
"""

import pytest

from segaware_caffe import CaffeError, Layer, Net, extend_schema, read_net, register
from segaware_caffe.errors import FileError, ParseError
from segaware_caffe.schema import LayerParameter, parse_text, read_binary, write_binary, write_text

PIECE = """
// comments of both kinds
syntax = "proto2"; /* are passed over */
package caffe;
import "caffe.proto";

message HardSwishParameter {
  enum Mode { SOFT = 0; HARD = 1 [deprecated = true]; }
  message Knee { required float at = 1; }
  optional float scale = 1 [default = 6.];
  optional Mode mode = 2 [default = HARD];
  repeated Knee knee = 3;
  optional caffe.ConvolutionParameter.Engine engine = 4;
  repeated uint32 sizes = 5 [packed = true];
  optional string word = 6 [default = "a\\"b"];
  extensions 100 to max;
}
extend LayerParameter { optional HardSwishParameter hard_swish_param = 5001; repeated int32 hard_swish_sides = 5002; }
message ReLUParameter {  // the schema's: what is new is added
  optional float negative_slope = 1;
  optional bool hard_swish_too = 50 [default = true];
}
"""
TEXT = """layer {
  name: "h"
  type: "HardSwish"
  hard_swish_param { scale: 3 mode: SOFT knee { at: 1 } knee { at: 2.5 } sizes: [1, 2] engine: CUDNN }
  hard_swish_sides: 7
  relu_param { hard_swish_too: false }
}
"""


@pytest.fixture
def extended():
    """The schema with PIECE, twice."""
    extend_schema(PIECE)
    extend_schema(PIECE)


def test_text_and_binary_files_read_own_words(extended):
    net = read_net(TEXT)
    layer = net.layer[0]
    assert (layer.hard_swish_param.scale, layer.hard_swish_param.mode, layer.hard_swish_param.engine) == (3, 0, 2)
    assert [knee.at for knee in layer.hard_swish_param.knee] == [1, 2.5]
    assert list(layer.hard_swish_sides) == [7]
    assert layer.relu_param.HasField("hard_swish_too") and not layer.relu_param.hard_swish_too
    assert read_binary(write_binary(net), "NetParameter") == net
    assert read_net(write_text(net)) == net


def test_a_number_of_ones_own_may_be_some_forks():
    read_binary(b"", "NetParameter")
    extend_schema("message Own10001 { optional string a = 1; } extend LayerParameter { optional Own10001 own_10001 = 10001; }")
    net = read_net("layer { name: 'x' type: 'PSROIPooling' own_10001 { a: 'b' } }")
    assert read_binary(write_binary(net), "NetParameter") == net


def test_own_fields_are_like_any_other(extended):
    layer = LayerParameter()
    assert not layer.HasField("hard_swish_param")
    assert (layer.hard_swish_param.scale, layer.hard_swish_param.mode, layer.hard_swish_param.word) == (6, 1, 'a"b')
    layer.hard_swish_param.scale = 2
    assert layer.HasField("hard_swish_param")
    layer.relu_param.hard_swish_too = False
    assert layer.relu_param.HasField("hard_swish_too")
    layer.ClearField("hard_swish_param")
    assert not layer.HasField("hard_swish_param")
    with pytest.raises(AttributeError):
        layer.hard_swish = 1


def test_mistakes_in_own_words_are_found(extended):
    for text, says in {
        "layer { hard_swish_param { knee { } } }": "missing required fields: at",
        "layer { hard_swish_param { mode: X } }": "It takes SOFT, HARD",
        "layer { hard_swish_param { scal: 1 } }": 'Did you mean "scale"?',
    }.items():
        with pytest.raises(ParseError, match=r"layer\[0\]\.hard_swish_param") as error:
            read_net(text)
        assert says in str(error.value)


def test_a_layer_reads_its_own_field():
    extend_schema(
        "message HalveParameter { optional float by = 1 [default = 2]; }\n"
        "extend LayerParameter { optional HalveParameter halve_param = 5010; }"
    )

    @register("HalveOfTest")
    class Halve(Layer):
        """x / by."""

        param_field = "halve_param"

        def reshape(self, bottom):
            return bottom

        def forward(self, bottom):
            return bottom / self.options.by

    net = Net(
        "layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 2 } data_filler { value: 8 } } }"
        "layer { name: 'h' type: 'HalveOfTest' bottom: 'x' top: 'y' halve_param { by: 4 } }"
        "layer { name: 'd' type: 'HalveOfTest' bottom: 'y' top: 'z' }"
    )
    assert net()["z"].tolist() == [1, 1]


def test_a_file_may_hold_the_piece(tmp_path):
    path = tmp_path / "own.proto"
    path.write_text("extend NetParameter { optional string of_a_file = 5020; }")
    extend_schema(path)
    extend_schema(str(path))
    assert parse_text("of_a_file: 'x'", "NetParameter").of_a_file == "x"
    with pytest.raises(FileError, match="File not found"):
        extend_schema(tmp_path / "none.proto")


def test_an_unknown_field_names_the_call():
    with pytest.raises(ParseError, match=r"segaware_caffe\.extend_schema \(on the command line: --schema FILE\)"):
        read_net("layer { own_word: 1 }")


WRONG = {
    "no proto": ("hello {", "1:1: Expected message, enum or extend, found hello"),
    "not closed": ("message W1 { optional int32 a = 1;", '2:1: Expected "}", found the end of the text (the block opened at 1:12)'),
    "no number": ("message W1 { optional int32 a; }", '1:30: Expected "=", found ;'),
    "no such type": ("message W1 { optional Foo f = 1; }", "1:27: there is no type Foo, in the piece or in the schema"),
    "oneof": ("message W1 { oneof a { int32 b = 1; } }", "1:14: oneof is not read here"),
    "sint32": ("message W1 { optional sint32 b = 1; }", "fields of type sint32 are not read here; use int32"),
    "twice": ("message W1 {\n optional int32 a = 1;\n optional int32 a = 2; }", "3:17: W1.a is declared a second time"),
    "number twice": ("message W1 { optional int32 a = 1; optional int32 b = 1; }", "1:51: the number 1 is a's"),
    "number reserved": ("message W1 { optional int32 a = 19001; }", "19001 cannot be a field's number"),
    "default": ("message W1 { optional int32 a = 1 [default = x]; }", "x is no default for a field of type int32"),
    "enum default": ("message W1 { optional Phase a = 1 [default = NO]; }", "NO"),
    "bool default": ("message W1 { optional bool a = 1 [default = 1]; }", "1 is no default for a field of type bool"),
    "no such message": ("extend W2 { optional int32 a = 1; }", "there is no message W2 in the schema to extend"),
    "own message": ("message W1 { } extend W1 { optional int32 a = 1; }", "write the field in the message itself"),
    "number taken": ("extend LayerParameter { optional int32 w1 = 1; }", "1:40: the number 1 is name's: take another"),
    "required": ("extend LayerParameter { required int32 w1 = 5030; }", "its new fields are optional or repeated"),
    "other type": ("message ReLUParameter { optional int32 negative_slope = 1; }", "ReLUParameter has a field negative_slope already"),
    "other number": (
        "extend LayerParameter { optional ReorgParameter reorg_param = 5031; }",
        "LayerParameter has a field reorg_param already",
    ),
    "enum value": ("message ReLUParameter { enum Engine { NEW = 9; } }", "ReLUParameter.Engine (DEFAULT = 0, CAFFE = 1"),
    "type in the schema's": ("message ReLUParameter { enum Own { NEW = 9; } }", "ReLUParameter is the schema's: declare Own outside of it"),
}


@pytest.mark.parametrize(("piece", "says"), WRONG.values(), ids=WRONG)
def test_wrong_pieces_add_nothing(piece, says):
    with pytest.raises(ParseError) as error:
        extend_schema(f"{piece}\n")
    assert says in str(error.value)
    with pytest.raises(CaffeError):
        extend_schema("message HoldsIt { optional W1 w = 1; }")  # W1 was not added


def test_a_contradiction_to_an_own_word_is_an_error():
    extend_schema("message Said { optional int32 a = 1; } extend LayerParameter { optional Said said_param = 5040; }")
    extend_schema("extend LayerParameter { optional Said said_param = 5040; }")
    extend_schema("message Said { optional int32 a = 1; optional int32 b = 2; }")  # it may grow
    assert parse_text("said_param { a: 1 b: 2 }", "LayerParameter").said_param.b == 2
    for piece in ("message Said { optional float a = 1; }", "extend LayerParameter { optional Said said_param = 5041; }"):
        with pytest.raises(ParseError, match="already, of another type or number"):
            extend_schema(piece)
