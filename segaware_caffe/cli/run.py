"""`segaware-caffe run`: a script written for Caffe, as it is."""

import sys
from collections.abc import Sequence
from typing import Any

from segaware_caffe.errors import CaffeError

DESCRIPTION = """\
usage: segaware-caffe run [--allow-python-layers] [--allow-path FOLDER] [--python2] SCRIPT [ARGUMENTS ...]
       segaware-caffe run [OPTIONS] -m MODULE [ARGUMENTS ...]
       segaware-caffe run [OPTIONS] -c CODE [ARGUMENTS ...]

Run a Python program written for Caffe's Python module, unmodified: `import caffe` gives it segaware_caffe.pycaffe, wherever it
looks for Caffe, and names that NumPy, scikit-image, Pillow and others have dropped since (np.float, as_grey, Image.ANTIALIAS, ...)
are there for it. Everything else is as `python SCRIPT ARGUMENTS ...` does it; the exit status is the script's.

  --allow-python-layers  let nets run the code that their Python layers name; so does SEGAWARE_CAFFE_ALLOW_PYTHON_LAYERS=1
  --allow-path FOLDER    let prototxts name files there too, beside the current folder and their own; / allows everything;
                         may be given again; so does SEGAWARE_CAFFE_ALLOW_PATH=FOLDER:FOLDER
  --python2              the script, and the modules that it imports from its own folder, are Python 2: translate them in memory,
                         and say which lines were changed (needs the extra python2)

  segaware-caffe run classify_folder.py photos/
"""
_OPTIONS = {"--allow-python-layers": "allow_python_layers", "--python2": "translate"}
_ALLOW_PATH = "--allow-path"


def main(argv: Sequence[str]) -> int:
    """Run the program; the exit status is the program's. CaffeError for an option that is not there."""
    words = list(argv)
    options: dict[str, Any] = {"allow_paths": []}
    while words and (words[0] in _OPTIONS or words[0].partition("=")[0] == _ALLOW_PATH):
        option, given, value = words.pop(0).partition("=")
        if option in _OPTIONS:
            options[_OPTIONS[option]] = True
            continue
        if not given and not words:
            raise CaffeError(f"{_ALLOW_PATH} needs a folder after it; see segaware-caffe run --help")
        options["allow_paths"].append(value if given else words.pop(0))
    if not words or words[0] in ("-h", "--help"):
        print(DESCRIPTION, end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    from segaware_caffe import scripting

    kind = {"-m": scripting.run_module, "-c": scripting.run_code}.get(words[0], scripting.run_script)
    if kind is not scripting.run_script:
        option = words.pop(0)
        if not words:
            raise CaffeError(f"{option} needs what to run after it; see segaware-caffe run --help")
    elif words[0].startswith("-"):
        raise CaffeError(
            f"run has no option {words[0]}: it takes --allow-python-layers, --allow-path, --python2, -m MODULE or -c CODE before the script"
        )
    return kind(words[0], words[1:], **options)
