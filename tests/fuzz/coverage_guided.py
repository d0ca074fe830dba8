"""One target under atheris, which follows the lines that an input reaches. Needs `pip install -e '.[fuzz]'`.

    PYTHONPATH=tests:. python -m fuzz.coverage_guided png -max_total_time=60 [libFuzzer's other options and folders]

Starts from the committed seeds; what is new is kept in memory, or in a folder that is given first. Ends with status 77, and the
input in a file `crash-...`, at the first that raises something which is no CaffeError.
"""

import sys
import warnings

import atheris

with atheris.instrument_imports(include=["segaware_caffe", "PIL"]):
    from fuzz.targets import CORPUS, TARGETS

    from segaware_caffe.errors import CaffeError


def main(arguments: list[str]) -> None:
    name, *options = arguments
    read = TARGETS[name].read

    def one_input(data: bytes) -> None:
        try:
            read(data)
        except CaffeError:
            return

    warnings.simplefilter("ignore")
    atheris.Setup([sys.argv[0], *options, str(CORPUS / name), "-timeout=10", "-rss_limit_mb=4096"], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
