"""`segaware-caffe render`: a template with its placeholders filled in."""

import argparse
import os
import re
import sys
from pathlib import Path

from segaware_caffe.cli.common import add_variable_arguments, variables
from segaware_caffe.errors import CaffeError
from segaware_caffe.files import replacing
from segaware_caffe.schema import render

DESCRIPTION = """\
Fill in the ${NAME} placeholders of a template, such as those under configs/: from --set, else from --variables, else with
--environment from the environment. One without a value is an error that lists them all; nothing is ever filled in empty.

  export NET_ID=res DATA_ROOT=~/datasets/VOC2012
  segaware-caffe render configs/res/test.prototxt --environment -o test_voc_test.prototxt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("template", help="prototxt with placeholders")
    add_variable_arguments(parser)
    parser.add_argument("--environment", action="store_true", help="take what is not given from environment variables")
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> None:
    """Write the filled-in template."""
    try:
        template = Path(args.template).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CaffeError(f"{args.template}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    values = variables(args)
    if args.environment:
        named = set(re.findall(r"\$\{(\w+)\}", template))
        values = {name: os.environ[name] for name in sorted(named & set(os.environ))} | values
    text = render(template, values, args.template)
    if args.output is None:
        sys.stdout.write(text)
        return
    with replacing(args.output) as temporary:
        temporary.write_text(text)
