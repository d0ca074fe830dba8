"""The commonest files of each family of networks make the blobs that they should, or say why not (families.py)."""

import pytest
from dialects.families import FAMILIES
from dialects.words import HARMLESS, OWN, REFUSED, SAME


@pytest.mark.parametrize("case", FAMILIES.values(), ids=FAMILIES)
def test_family(case, check):
    check(case)


def test_the_tables_are_large_enough_to_mean_something():
    assert sum(map(len, (FAMILIES, SAME, OWN, HARMLESS, REFUSED))) >= 120
