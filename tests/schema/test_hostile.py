"""Texts that were made to exhaust something: one clear error each, and not more memory or time than an honest text."""

import random
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter, parse_text, read_net, render, text

#: what it attacks: text, the end of the error
ATTACKS = {
    "10,000 braces": ("{" * 10_000, "1:1: Expected a field name, found {"),
    "10,000 nested layers": ("layer { " * 10_000, "Messages are nested deeper than 100"),
    "10,000 nested unknown messages": ("x { " * 10_000, "Messages are nested deeper than 100"),
    "10,000 nested angle brackets": ("x < " * 10_000, "Messages are nested deeper than 100"),
    "10,000 nested messages in lists": ("x: [ { " * 10_000, "Messages are nested deeper than 100"),
    "10,000 nested lists": ("input: " + "[" * 10_000, "input: Expected string, got: [ (it stands in quotes)"),
    "10,000 nested unknown lists": ("x: " + "[" * 10_000, "Expected a value, found ["),
    "string without an end": (
        "name: '" + "a" * 1_000_000,
        "1:7: name: String is not closed before the end of its line",
    ),
    "escapes without an end": (
        'name: "' + r"\"" * 1_000_000,
        "1:7: name: String is not closed before the end of its line",
    ),
    "quotes": ('"' * 1_000_001, 'Expected a field name, found ""'),
    "NUL bytes": ("\0" * 1_000_000, r"1:1: Expected a field name, found '\x00'"),
    "decimal digits": (
        "input_dim: " + "9" * 1_000_000,
        "(1000000 characters)): int32 goes from -2147483648 to 2147483647",
    ),
    "octal digits": (
        "input_dim: 0" + "7" * 1_000_000,
        "(1000001 characters)): int32 goes from -2147483648 to 2147483647",
    ),
    "hex digits": (
        "input_dim: 0x" + "f" * 1_000_000,
        "(1000002 characters)): int32 goes from -2147483648 to 2147483647",
    ),
    "number with everything": ("layer { loss_weight: " + "1e+" * 1_000_000, "(a decimal number, inf or nan)"),
    "long word": ("a" * 1_000_000, "found the end of the text"),
    "long word for a string": ("name: " + "a" * 1_000_000, '(1000000 characters)")'),
    "long string for a number": (
        "input_dim: '" + "a" * 1_000_000 + "'",
        "(a whole number from -2147483648 to 2147483647)",
    ),
    "long string for an enum": ("state { phase: '" + "a" * 1_000_000 + "'", "It takes TRAIN, TEST"),
    "half a character": ("name: '\ud800'", "1:8: The text is not valid Unicode"),
}


@pytest.mark.parametrize(("attack", "says"), ATTACKS.values(), ids=ATTACKS)
def test_attack(attack, says):
    with pytest.raises(CaffeError) as error:
        parse_text(attack, "NetParameter")
    assert str(error.value).endswith(says)
    assert len(str(error.value)) < 1000


@pytest.mark.slow
def test_a_million_unknown_fields():
    with pytest.raises(CaffeError) as error:
        parse_text("x: 1\n" * 1_000_000, "NetParameter")
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + 100 + 1
    assert lines[100].startswith("  <text>:100:1: x: ")
    assert lines[-1] == "  and 999900 more unknown fields"


def test_a_million_variables():
    with pytest.raises(CaffeError) as error:
        render("".join(f"${{V{number}}}\n" for number in range(1_000_000)), {})
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + 100 + 1
    assert lines[-2:] == ["  ${V99} (first in line 100)", "  and 999900 more"]


def test_warnings_are_bounded_too():
    with pytest.warns(UserWarning) as caught:
        parse_text("x: 1\n" * 1000, "NetParameter", allow_unknown_fields=True)
    assert len(caught) == 101
    assert str(caught[-1].message) == "and 900 more unknown fields (skipped)"


def test_messages_are_counted(monkeypatch):
    monkeypatch.setattr(text, "MAX_MESSAGES", 1000)
    assert len(parse_text("layer { } " * 1000, "NetParameter").layer) == 1000
    with pytest.raises(CaffeError, match=r"1:10006: layer: The text holds more than 1000 messages$"):
        parse_text("layer{ }  " * 1001, "NetParameter")


def test_depth_up_to_the_bound_is_skipped():
    with pytest.warns(UserWarning, match="x: "):
        parsed = parse_text("x { " * 100 + "} " * 100 + "name: 'n'", "NetParameter", allow_unknown_fields=True)
    assert parsed == NetParameter(name="n")


def test_file_that_is_too_long(tmp_path):
    path = tmp_path / "net.prototxt"
    with open(path, "wb") as file:
        file.truncate(text.MAX_TEXT_SIZE + 1)
    with pytest.raises(CaffeError, match=f"longer than the {text.MAX_TEXT_SIZE} bytes that a prototxt may have"):
        read_net(path)


def test_file_without_an_end():
    with pytest.raises(CaffeError, match=r"^/dev/zero: cannot be read: not a regular file$"):
        read_net("/dev/zero")


def test_text_that_is_too_long(monkeypatch):
    monkeypatch.setattr(text, "MAX_TEXT_SIZE", 10)
    assert parse_text("name: 'ab'", "NetParameter").name == "ab"
    with pytest.raises(CaffeError, match=r"1:1: The text is longer than 10 characters$"):
        parse_text("name: 'abc'", "NetParameter")


@pytest.mark.parametrize(
    "attack",
    [
        "# comment\n" * 20_000,
        r"name: '" + r"\a" * 100_000 + "'",
        "x: 1 " * 40_000,
        "name: " + "''" * 100_000,
        " " * 200_000,
    ],
    ids=["comments", "escapes", "unknown fields", "literals in a row", "blanks"],
)
def test_reading_costs_no_more_memory_than_the_text(attack):
    tracemalloc.start()
    try:
        parse_text(attack, "NetParameter")
    except CaffeError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * len(attack)


NAMES = [
    "name",
    "layer",
    "layers",
    "type",
    "param",
    "state",
    "phase",
    "top",
    "input_dim",
    "convolution_param",
    "include",
    "x",
]
VALUES = ["true", "TEST", "1", "-1", "0x", "1.", "1e", "inf", "nan", "'a'", '"b"', "${A}"]
SYMBOLS = ":{}<>[],;\"'\\#$-+\n\t\0é\ufeff\ud800"
WORDS = st.sampled_from([*NAMES, *VALUES, *SYMBOLS])


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=60))
@example("name: '\\")
@example("layer { param [ { } , ")
def test_random_text_is_read_or_refused(text):
    try:
        read_net(f"{text}\n")
    except CaffeError:
        return


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_random_files_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("random") / "net.prototxt"
    path.write_bytes(data)
    try:
        read_net(path)
    except CaffeError:
        return


HONEST = """
name: "n" # a comment
input: "data" input_shape { dim: 1 dim: [3, 0x10] }
layer { name: 'c' type: "Convolution" bottom: "data" top: "c" param { lr_mult: 1. } param < lr_mult: 2e0 >
  convolution_param { num_output: 010 kernel_size: [3, 5];
    weight_filler { type: "gaussian" std: .01 } } include: { phase: TRAIN } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c"
  relu_param { negative_slope: -inf engine: CAFFE } propagate_down: true }
"""


def test_one_damaged_character_is_read_or_refused():
    assert len(read_net(HONEST).layer) == 3
    source = random.Random(0)
    for position in range(len(HONEST)):
        other = source.choice("{}[]:;'\"#0a.-\n")
        for damaged in (HONEST[:position] + HONEST[position + 1 :], HONEST[:position] + other + HONEST[position + 1 :]):
            try:
                read_net(damaged)
            except CaffeError as error:
                assert "<text>" in str(error)
