"""What `--json FILE` writes, whichever subcommand it is."""

import json

import pytest

from segaware_caffe import CaffeError
from segaware_caffe.cli.common import write_json


def test_a_file_is_written_whole_and_what_is_no_number_is_null(tmp_path):
    write_json(str(tmp_path / "a.json"), {"iou": [0.5, float("nan")], "name": "val"})
    assert json.loads((tmp_path / "a.json").read_text()) == {"iou": [0.5, None], "name": "val"}


def test_a_dash_prints_it(capsys):
    write_json("-", [1, 2])
    assert json.loads(capsys.readouterr().out) == [1, 2]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(CaffeError, match="cannot be written"):
        write_json(str(tmp_path / "missing" / "a.json"), {})
