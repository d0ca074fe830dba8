"""What `make test-oldest` installs: the floor of every requirement in setup.py."""

import runpy
from pathlib import Path

import oldest_versions
import pytest
import setuptools
from packaging.requirements import Requirement

SETUP = Path(__file__).resolve().parents[1] / "setup.py"


def test_every_requirement_has_a_floor(monkeypatch):
    said = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: said.update(options))
    runpy.run_path(str(SETUP))
    requirements = [*said["install_requires"], *(each for extra in said["extras_require"].values() for each in extra)]
    assert "torch==2.13" in [oldest_versions.oldest(Requirement(each)) for each in requirements]


@pytest.mark.parametrize(("text", "expected"), [("numpy>=2.0", "numpy==2.0"), ('plyvel>=1.5,<2; python_version < "3.13"', "plyvel==1.5")])
def test_a_floor(text, expected):
    assert oldest_versions.oldest(Requirement(text)) == expected


@pytest.mark.parametrize("text", ["numpy", "numpy<3", "numpy==2.0"])
def test_none(text):
    with pytest.raises(SystemExit, match=r"^setup\.py: numpy needs one oldest version \(>=\), found: "):
        oldest_versions.oldest(Requirement(text))
