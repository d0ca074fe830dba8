"""Tokens of prototxt text: one compiled pattern, walked lazily; lines are counted only for errors."""

import re

#: Of more mistakes of one kind than these, an error only counts the rest.
MAX_REPORTED = 100

#: Every character but white space belongs to a token, so that nothing is passed over. The quantifiers
#: inside strings are possessive: backtracking would cost a hostile text's reader its memory.
_TOKEN = re.compile(
    r"""[A-Za-z_][A-Za-z0-9_]*                                          # a word
      | [:{}]
      | "[^"\\\n\0]*+(?:\\[^\n\0][^"\\\n\0]*+)*+"
      | '[^'\\\n\0]*+(?:\\[^\n\0][^'\\\n\0]*+)*+'
      | \.?[0-9][A-Za-z0-9_.]*(?:(?<=[eE])[+-][A-Za-z0-9_.]*)?          # a number, right or wrong
      | \#[^\n]*                                                        # a comment
      | [^ \t\r\n\v\f]                                                  # any other character
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"[A-Za-z_]")
_NUMBER = re.compile(r"\.?[0-9]")
_QUOTES = ('"', "'")


class TextProblem(Exception):
    """Something wrong at one place of a text; `path` is the field it was met in, once known."""

    def __init__(self, offset: int, message: str, path: str | None = None):
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.path = path


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and column of `offset`, counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def is_word(token: str) -> bool:
    """Whether `token` can name a field or an enum value."""
    return _WORD.match(token) is not None


def is_number(token: str) -> bool:
    """Whether `token` is meant as a number."""
    return _NUMBER.match(token) is not None


def is_string(token: str) -> bool:
    """Whether `token` is a quoted literal."""
    return token[:1] in _QUOTES


def shown(token: str) -> str:
    """`token` as an error message shows it: short, printable, and naming the end of the text."""
    if not token:
        return "the end of the text"
    if len(token) > 60:
        return f"{token[:50]}... ({len(token)} characters)"
    return token if token.isprintable() else ascii(token)


class Tokens:
    """A walk over the tokens of a text: `current` is the one at hand ("" at the end), `offset` its place."""

    def __init__(self, text: str):
        self.text = text
        self.current = ""
        self.offset = 0
        self._matches = _TOKEN.finditer(text)
        self.advance()

    def advance(self) -> str:
        """Step to the next token, over comments, and return the one stepped over."""
        taken = self.current
        for match in self._matches:
            token = match.group()
            if token[0] == "#":
                continue
            self.current, self.offset = token, match.start()
            if token in _QUOTES:
                raise self.problem("String is not closed before the end of its line")
            return taken
        self.current, self.offset = "", len(self.text)
        return taken

    def skip(self, token: str) -> bool:
        """Step over `token` if it is the current one."""
        if self.current != token:
            return False
        self.advance()
        return True

    def problem(self, message: str) -> TextProblem:
        """A problem at the current token."""
        return TextProblem(self.offset, message)
