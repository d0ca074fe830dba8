"""`segaware-caffe render`: placeholders from three places, and never an empty one."""

import pytest

from segaware_caffe import cli

TEMPLATE = 'name: "${NET_ID}"  # ${COMMENT}\nlayer { name: "${LAYER}" top: "${LAYER}" num: ${NUMBER} }\n'


def render(*args: object) -> int:
    return cli.main(["render", *map(str, args)])


@pytest.fixture
def template(tmp_path, monkeypatch):
    for name in ("NET_ID", "LAYER", "NUMBER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "t.prototxt").write_text(TEMPLATE)
    (tmp_path / "values").write_text("NET_ID=file\nLAYER=file\n")
    return tmp_path / "t.prototxt"


def test_given_values_win_over_the_file_and_that_over_the_environment(template, monkeypatch):
    for name in ("NET_ID", "LAYER", "NUMBER"):
        monkeypatch.setenv(name, "7")
    values = template.with_name("values")
    assert render(template, "--set", "NET_ID=given", "--variables", values, "--environment", "-o", template.with_name("out")) == 0
    assert template.with_name("out").read_text() == 'name: "given"  # ${COMMENT}\nlayer { name: "file" top: "file" num: 7 }\n'


def test_to_standard_output(template, capsys):
    assert render(template, "--set", "NET_ID=a", "--set", "LAYER=b", "--set", "NUMBER=1") == 0
    assert capsys.readouterr().out.startswith('name: "a"')


def test_what_has_no_value_is_listed_and_nothing_is_written(template, capsys, monkeypatch):
    monkeypatch.setenv("NUMBER", "1")
    assert render(template, "--environment", "--output", template.with_name("out")) == 2
    error = capsys.readouterr().err
    assert "${NET_ID} (first in line 1)" in error and "${LAYER} (first in line 2)" in error and "${NUMBER}" not in error
    assert "given: NUMBER" in error  # and not the rest of the environment
    assert not template.with_name("out").exists()


def test_the_environment_is_looked_at_only_if_asked(template, capsys, monkeypatch):
    monkeypatch.setenv("NUMBER", "1")
    assert render(template) == 2
    assert "${NUMBER}" in capsys.readouterr().err


def test_a_template_that_is_not_there(tmp_path, capsys):
    assert render(tmp_path / "nowhere.prototxt") == 2
    assert capsys.readouterr().err == f"segaware-caffe: File not found: {tmp_path}/nowhere.prototxt\n"
