"""Comparing our log with the reference's: line for line, numbers within a tolerance."""

import re
from collections.abc import Sequence

import numpy as np

NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.])"


def messages(log: str) -> list[str]:
    """The lines of a log without what glog puts in front, and without the speed, which upstream puts in."""
    lines = [re.sub(r"^[IWEF](?:\d{4}|MMDD) \S+ +\S+ \S+\] ", "", line).rstrip() for line in log.rstrip().splitlines()]
    return [re.sub(r"^(Iteration \d+) \(\S+ iter/s, \S+s/\d+ iters\)", r"\1", line) for line in lines]


def words(line: str) -> str:
    """A line with its numbers made alike."""
    return re.sub(NUMBER, "#", line)


def assert_same_lines(ours: Sequence[str], reference: Sequence[str], tolerance: float = 1e-3) -> None:
    """The same words in the same order, the same numbers within the relative tolerance."""
    assert [words(line) for line in ours] == [words(line) for line in reference]
    for line, expected in zip(ours, reference, strict=True):
        numbers = [[float(number) for number in re.findall(NUMBER, text)] for text in (line, expected)]
        np.testing.assert_allclose(*numbers, rtol=tolerance, err_msg=line)
