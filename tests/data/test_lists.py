"""List files: every kind of line, good and bad."""

from pathlib import Path

import pytest

from segaware_caffe import CaffeError
from segaware_caffe.data.lists import cycle, read_files, read_labelled, read_names, read_pairs

SECOND = "a label"


def write(folder: Path, text: str) -> str:
    path = folder / "list.txt"
    path.write_bytes(text.encode("latin-1"))
    return str(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg 3\nb.jpg 0\n", [("a.jpg", 3), ("b.jpg", 0)]),
        ("a.jpg 3", [("a.jpg", 3)]),
        ("a.jpg 3\r\n\r\n\n  \nb.jpg -1\r\n", [("a.jpg", 3), ("b.jpg", -1)]),
        ("my holiday.jpg 12\n", [("my holiday.jpg", 12)]),
        ("  a.jpg \t 3  \n", [("a.jpg", 3)]),
        ("\xef\xbb\xbfa.jpg 3\nb.jpg 0\n", [("a.jpg", 3), ("b.jpg", 0)]),
    ],
)
def test_labelled_lines(tmp_path: Path, text: str, expected: list) -> None:
    assert [(entry.name, entry.label) for entry in read_labelled(write(tmp_path, text))] == expected


@pytest.mark.parametrize(
    ("text", "second", "expected"),
    [
        ("/a.jpg /a.png\n\n/b.jpg /b.png more\n", SECOND, [("/a.jpg", "/a.png"), ("/b.jpg", "/b.png")]),
        ("/a.jpg\n/b.jpg 0\n", None, [("/a.jpg", ""), ("/b.jpg", "")]),
    ],
)
def test_pairs(tmp_path: Path, text: str, second: str | None, expected: list) -> None:
    assert [(entry.name, entry.second) for entry in read_pairs(write(tmp_path, text), second)] == expected


def test_every_word_is_a_file(tmp_path: Path) -> None:
    entries = read_files(write(tmp_path, "a.flo b.flo\n\nc.flo"))
    assert [entry.name for entry in entries] == ["a.flo", "b.flo", "c.flo"]
    assert [entry.where.rsplit(":")[-1] for entry in entries] == ["1", "1", "3"]


def test_names_are_stripped(tmp_path: Path) -> None:
    assert read_names(write(tmp_path, "2008_1.jpg x\n\n2008_2.jpg\n"), 4) == ["2008_1", "2008_2"]


def test_names_need_not_be_utf8(tmp_path: Path) -> None:
    (name,) = read_names(write(tmp_path, "caf\xe9"), 0)
    (tmp_path / name).write_text("found")
    assert b"caf\xe9" in [path.name.encode(errors="surrogateescape") for path in tmp_path.iterdir()]


def pairs(source: str) -> list:
    return read_pairs(source, SECOND)


@pytest.mark.parametrize(
    ("read", "text", "fragment"),
    [
        (read_labelled, "a.jpg 1\n\nb.jpg x.png\n", "list.txt:3: 'x.png' is no label"),
        (read_labelled, "a.jpg 1\nb.jpg 1.5\n", "list.txt:2: '1.5' is no label"),
        (read_labelled, "a.jpg\n", "list.txt:1: 'a.jpg' has no label"),
        (read_labelled, "\n \n", "list.txt' is empty"),
        (pairs, "/a.jpg /a.png\n/b.jpg\n", "list.txt:2: '/b.jpg' stands alone; the line must be a file name and a label"),
        (pairs, "", "list.txt' is empty"),
        (read_files, "", "list.txt' is empty"),
        (lambda source: read_names(source, 4), "12345\n1234\n", "list.txt:2: Too much stripping: '1234'"),
    ],
)
def test_bad_lists_are_named_with_the_line(tmp_path: Path, read, text: str, fragment: str) -> None:
    with pytest.raises(CaffeError) as error:
        read(write(tmp_path, text))
    assert fragment in str(error.value)


@pytest.mark.parametrize("read", [read_labelled, read_files, pairs, lambda source: read_names(source, 0)])
def test_a_missing_list_is_named(read) -> None:
    with pytest.raises(CaffeError, match=r"^source: Could not open 'no/list\.txt': No such file or directory$"):
        read("no/list.txt")


def take(count: int, *arguments) -> list:
    served = cycle(*arguments)
    return [next(served) for _ in range(count)]


def test_items_are_served_again_and_again() -> None:
    assert take(7, [1, 2, 3], None) == [1, 2, 3, 1, 2, 3, 1]
    assert take(5, [1, 2, 3], None, 2) == [3, 1, 2, 3, 1]


def test_every_pass_is_shuffled_anew() -> None:
    served = take(24, list(range(8)), 1701)
    assert served[:8] == [6, 5, 1, 2, 4, 7, 3, 0]
    assert sorted(served[8:16]) == sorted(served[16:]) == list(range(8))
    assert served[:8] != served[8:16] != served[16:]


def test_the_skip_comes_after_the_first_shuffle() -> None:
    assert take(5, list(range(8)), 1701, 3) == [2, 4, 7, 3, 0]


def test_not_everything_can_be_skipped() -> None:
    with pytest.raises(CaffeError, match="Not enough points to skip"):
        take(1, [1, 2], None, 2)
