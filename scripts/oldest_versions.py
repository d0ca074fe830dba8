"""Print the oldest versions that setup.py allows, one `name==version` a line: what `make test-oldest` installs.

    pip install --no-deps --editable . && python scripts/oldest_versions.py

Read from the installed package's metadata, so that setup.py is the one place that says them. Every requirement must have a floor.
"""

import sys
from importlib.metadata import requires

from packaging.requirements import Requirement


def oldest(requirement: Requirement) -> str:
    """`name==version` of the floor of `requirement`. SystemExit if it has none."""
    floors = [each.version for each in requirement.specifier if each.operator == ">="]
    if len(floors) != 1:
        sys.exit(f"setup.py: {requirement.name} needs one oldest version (>=), found: {requirement.specifier or 'none'}")
    return f"{requirement.name}=={floors[0]}"


def oldest_of(package: str, extra: str) -> list[str]:
    """The floors of all that `package[extra]` requires here."""
    wanted = map(Requirement, requires(package) or ())
    return sorted({oldest(each) for each in wanted if each.marker is None or each.marker.evaluate({"extra": extra})})


if __name__ == "__main__":
    print("\n".join(oldest_of("segaware-caffe", "test")))
