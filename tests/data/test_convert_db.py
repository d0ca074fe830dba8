"""`convert-db`: every record of one kind of database in the other."""

import pytest
from data.test_database_layers import write_database

from segaware_caffe import CaffeError, cli
from segaware_caffe.data.convert_db import convert_database
from segaware_caffe.data.databases import BACKENDS
from segaware_caffe.data.databases import records as read_records

RECORDS = {f"{k:05d}".encode(): bytes([k % 256]) * (k % 7 + 1) for k in range(2500)}


def records(path, backend):
    return dict(read_records(str(path), BACKENDS[backend].number))


@pytest.mark.parametrize("backend", ["LMDB", "LEVELDB"])
def test_every_record_arrives(tmp_path, backend, capsys):
    other = "LEVELDB" if backend == "LMDB" else "LMDB"
    write_database(tmp_path / "source", other, RECORDS)
    assert cli.main(["convert-db", str(tmp_path / "source"), str(tmp_path / "target"), "--backend", backend]) == 0
    assert records(tmp_path / "target", backend) == RECORDS
    assert "2500 records" in capsys.readouterr().out


def test_an_existing_target_is_left_alone(tmp_path):
    write_database(tmp_path / "source", "LEVELDB", RECORDS)
    (tmp_path / "target").mkdir()
    with pytest.raises(CaffeError, match="target exists already"):
        list(convert_database(tmp_path / "source", tmp_path / "target"))


def test_an_interrupted_copy_leaves_nothing(tmp_path):
    write_database(tmp_path / "source", "LEVELDB", RECORDS)
    copying = convert_database(tmp_path / "source", tmp_path / "target")
    assert next(copying) == 1000
    copying.close()
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_is_no_database_is_named(tmp_path, capsys):
    assert cli.main(["convert-db", str(tmp_path / "nowhere"), str(tmp_path / "target")]) == 2
    assert "nowhere" in capsys.readouterr().err
