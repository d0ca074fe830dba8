"""Every reader on damaged files: it reads them or says what is wrong, in one CaffeError. `make fuzz SECONDS=n` does it for longer."""

from random import Random

import h5py
import pytest
from fuzz.mutations import MAX_SIZE, mutate
from fuzz.targets import CORPUS, TARGETS, seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaware_caffe.errors import CaffeError

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged files
#: these are read in a process of their own for each input
SLOWER = ("hdf5", "hdf5_data", "hdf5_state", "leveldb", "lmdb")
PACKED = b"\x1f\x8b"
QUICK = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def taken(name: str, data: bytes) -> bool:
    """Whether it is read. Whatever is raised but CaffeError fails the test."""
    try:
        TARGETS[name].read(data)
    except CaffeError as error:
        assert 0 < len(str(error)) < 20_000
        return False
    return True


def damaged(name: str) -> st.SearchStrategy[bytes]:
    """Seeds with a few edits, checksums made right again in half of them, and noise."""
    repair = TARGETS[name].repair or (lambda data: data)
    edited = st.randoms(use_true_random=False).map(lambda random: mutate(random, seeds(name)))
    return st.one_of(edited, edited.map(repair), st.binary(max_size=200))


def test_every_target_has_seeds() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_sound_files_are_read(name: str) -> None:
    for data in seeds(name):
        try:
            TARGETS[name].read(data)
        except CaffeError as error:  # pictures are read as labels too
            newer = h5py.version.hdf5_version_tuple < (2,) and "bad version number for layout message" in str(error)
            assert newer or "labels are wanted" in str(error) or data.startswith(PACKED)


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in SLOWER])
def test_damaged_files_are_read_or_refused(name: str) -> None:
    @QUICK
    @given(damaged(name))
    def check(data: bytes) -> None:
        taken(name, data)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_damaged_files_are_read_or_refused(name: str) -> None:
    @settings(QUICK, max_examples=40 if name in SLOWER else 200)
    @given(damaged(name))
    def check(data: bytes) -> None:
        taken(name, data)

    check()


def test_damage_is_drawn_from_its_source_alone() -> None:
    files = [mutate(Random(seed), seeds("png")) for seed in (1, 1, 2)]
    assert files[0] == files[1] != files[2]
    assert max(map(len, files)) <= MAX_SIZE
