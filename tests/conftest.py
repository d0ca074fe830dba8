"""What the tests of every room may use."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The reference's own files, where they lie beside the repository.

    Only for tests that repeat on the originals what another test shows without them.
    """
    if not SHARED.is_dir():
        pytest.skip(f"the reference's files are not at {SHARED}")
    return SHARED
