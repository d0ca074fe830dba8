"""The project's own networks, wherever the package is: `configs/...` names them from any folder.

In a checkout the files are in the folder `configs` beside the package; an installed package has them here, beside this module.
"""

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent

#: the folder of the templates and of their variables files, a subfolder for each family of networks
FOLDER = _HERE if (_HERE / "res").is_dir() else _HERE.parents[1] / "configs"


def resolve(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """`path` as it is, or the project's own file where `path` reads `configs/...` and the present folder has no such file."""
    first, *rest = Path(path).parts or ("",)
    own = FOLDER.joinpath(*rest)
    return own if first == "configs" and ".." not in rest and not os.path.exists(path) and own.is_file() else path
