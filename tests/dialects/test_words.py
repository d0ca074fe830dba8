"""Every kind of foreign word, in nets whose numbers are known (tables.py, words.py), and what is skipped on request."""

import warnings

import pytest
from dialects.tables import Case, conv, data, layer
from dialects.words import HARMLESS, OWN, REFUSED, SAME

from segaware_caffe import Net, read_net


def flat(*tables: dict[str, Case]) -> dict[str, Case]:
    return {name: case for table in tables for name, case in table.items()}


@pytest.mark.parametrize("case", flat(SAME, OWN, HARMLESS, REFUSED).values(), ids=flat(SAME, OWN, HARMLESS, REFUSED))
def test_word(case, check):
    check(case)


def test_a_files_comment_may_be_of_any_bytes(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'# caf\xe9 "\n' + layer("ReLU", name="r").encode() + b"# \xff\n")
    assert read_net(path).layer[0].name == "r"


@pytest.mark.parametrize("name", ["ceil_mode: false", "hole", "torch_pooling", "label_smoothing"])
def test_known_words_that_change_numbers_are_never_skipped(name, check):
    check(flat(SAME, REFUSED)[name], allow_unknown_fields=True)


def test_unknown_enum_values_are_skipped_on_request():
    text = data(1, 2, 3, 3) + conv(more="kernel_size: 1 engine: WARP")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net = Net(text, allow_unknown_fields=True)
    assert 'Unknown enumeration value of "WARP" for field "engine"' in str(caught[0].message)
    assert str(caught[0].message).endswith("(skipped)")
    assert net()["top"].unique().tolist() == [1]
