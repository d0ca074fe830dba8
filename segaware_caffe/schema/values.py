"""Scalar values of prototxt text: integers, floats, bools, enums and strings as proto2 spells them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from segaware_caffe.schema.tokens import TextProblem, Tokens, is_number, is_string, is_word, shown

_INTEGER = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*")
_DECIMAL = re.compile(r"(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?")
_BOOLS = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}
_FLOAT_WORDS = {"inf": float("inf"), "infinity": float("inf"), "nan": float("nan")}
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\?'\"])|(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9a-fA-F]{1,2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<wrong>.))"
)
_PLAIN = dict(zip("abfnrtv\\?'\"", b"\a\b\f\n\r\t\v\\?'\"", strict=True))


class UnknownValue(TextProblem):
    """A value that an enum does not declare; reading can go on after it."""


@dataclass(frozen=True)
class Scalar:
    """What a scalar field accepts: its name, a word for its type, and for integers and enums the values."""

    name: str
    type: str
    read: Callable[[Tokens, "Scalar"], Any]
    low: int = 0
    high: int = 0
    values: Mapping[str, int] = field(default_factory=dict)


def closest(word: str, known: Mapping[str, Any]) -> str:
    """` Did you mean "x"?` for the known word nearest to `word`, or nothing."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word[:100].lower(), by_lower, n=1)
    return f' Did you mean "{by_lower[near[0]]}"?' if near else ""


def read_integer(tokens: Tokens, field: Scalar) -> int:
    """A decimal, 0x hex or 0 octal integer within the field's range."""
    offset = tokens.offset
    negative = field.low < 0 and tokens.skip("-")
    if not _INTEGER.fullmatch(tokens.current):
        right = f"a whole number from {field.low} to {field.high}"
        if re.fullmatch(r"0[0-9]+", tokens.current):
            right = "numbers starting with leading zero must be in octal"
        raise tokens.problem(f"Expected integer, got: {shown(tokens.current)} ({right})")
    digits = tokens.current
    if digits[0] == "0":
        value = int(digits, 16 if digits[1:2] in ("x", "X") else 8)
    else:
        value = int(digits) if len(digits) <= 20 else field.high + 1
    value = -value if negative else value
    if not field.low <= value <= field.high:
        raise TextProblem(
            offset,
            f"Integer out of range ({'-' if negative else ''}{shown(digits)}): {field.type} goes from {field.low} to {field.high}",
        )
    tokens.advance()
    return value


def read_float(tokens: Tokens, field: Scalar) -> float:
    """A decimal number, `inf` or `nan`; what float32 cannot hold becomes an infinity."""
    sign = -1.0 if tokens.skip("-") else 1.0
    token = tokens.current
    if token.lower() in _FLOAT_WORDS:
        value = _FLOAT_WORDS[token.lower()]
    elif _DECIMAL.fullmatch(token):
        value = float(token.rstrip("fF"))
    else:
        raise tokens.problem(f"Expected double, got: {shown(token)} (a decimal number, inf or nan)")
    tokens.advance()
    return sign * value


def read_bool(tokens: Tokens, field: Scalar) -> bool:
    """true, false, and their few spellings."""
    value = _BOOLS.get(tokens.current)
    if value is None:
        raise tokens.problem(f'Invalid value for boolean field "{field.name}". Value: {shown(tokens.current)} (write true or false)')
    tokens.advance()
    return value


def read_enum(tokens: Tokens, field: Scalar) -> int:
    """A declared name, in its exact case, or a declared number. UnknownValue, past the token, for any other."""
    offset, written = tokens.offset, tokens.current
    if is_string(written):
        raise tokens.problem(f'Unknown enumeration value of {shown(written)} for field "{field.name}". {_unquoted(written, field)}')
    number = None
    if is_word(tokens.current):
        number = field.values.get(tokens.advance())
    elif is_number(tokens.current) or tokens.current == "-":
        number = read_integer(tokens, field)
        written = str(number)
    if number is None or number not in field.values.values():
        raise UnknownValue(
            offset,
            f'Unknown enumeration value of "{shown(written)}" for field "{field.name}".'
            f"{closest(written, field.values)} It takes {', '.join(field.values)}",
        )
    return number


def _unquoted(written: str, field: Scalar) -> str:
    name = written.strip("\"'")
    if name in field.values:
        return f"Leave out the quotation marks: {field.name}: {name}"
    return f"Leave out the quotation marks.{closest(name, field.values)} It takes {', '.join(field.values)}"


def read_bytes(tokens: Tokens, field: Scalar) -> bytes:
    """Quoted literals, one or several in a row, with C escapes."""
    if not is_string(tokens.current):
        found = shown(tokens.current)
        right = f'write "{found}"' if is_word(tokens.current) else "it stands in quotes"
        raise tokens.problem(f"Expected string, got: {found} ({right})")
    value = bytearray()
    while is_string(tokens.current):
        value += _unescaped(tokens)
        tokens.advance()
    return bytes(value)


def read_string(tokens: Tokens, field: Scalar) -> str:
    """As `read_bytes`, in UTF-8."""
    problem = tokens.problem(f"{field.name} is a string, and its bytes are not UTF-8")
    try:
        return read_bytes(tokens, field).decode()
    except UnicodeDecodeError:
        raise problem from None


def _unescaped(tokens: Tokens) -> bytes:
    """The bytes that the literal at hand stands for."""
    literal = tokens.current[1:-1]
    value, end = bytearray(), 0
    for escape in _ESCAPE.finditer(literal):
        value += literal[end : escape.start()].encode()
        end = escape.end()
        kind = escape.lastgroup or ""
        digits = escape[kind]
        try:
            if kind == "plain":
                value.append(_PLAIN[digits])
            elif kind == "octal":
                value.append(int(digits, 8))
            elif kind == "hex":
                value.append(int(digits, 16))
            elif kind in ("short", "long"):
                value += chr(int(digits, 16)).encode()
            else:
                raise ValueError
        except (ValueError, OverflowError):
            raise tokens.problem(f"Invalid escape sequence in string literal: {escape.group()}") from None
    return bytes(value + literal[end:].encode())
