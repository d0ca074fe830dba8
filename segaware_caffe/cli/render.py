"""`segaware-caffe render`: a template with its placeholders filled in."""

import argparse
import os
import re
import sys

from segaware_caffe.cli.common import add_variable_arguments, variables
from segaware_caffe.files import replacing
from segaware_caffe.schema import file_text, render

DESCRIPTION = """\
Fill in the ${NAME} placeholders of a template, such as those under configs/: from --set, else from --variables, else with
--environment from the environment. One without a value is an error that lists them all; nothing is ever filled in empty.

  segaware-caffe render configs/res/test.prototxt --variables configs/res/voc_test.vars --set DATA_ROOT=VOC2012 -o test_voc_test.prototxt

`configs/...` is one of the project's own templates or variables files, in any folder that has no such file of its own.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("template", help="prototxt with placeholders")
    add_variable_arguments(parser)
    parser.add_argument("--environment", action="store_true", help="take what is not given from environment variables")
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> None:
    """Write the filled-in template."""
    template = file_text(args.template)
    values = variables(args, args.template)
    if args.environment:
        named = set(re.findall(r"\$\{(\w+)\}", template))
        values = {name: os.environ[name] for name in sorted(named & set(os.environ))} | values
    text = render(template, values, args.template)
    if args.output is None:
        sys.stdout.write(text)
        return
    with replacing(args.output) as temporary:
        temporary.write_text(text)
