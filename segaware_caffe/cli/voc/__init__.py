"""`segaware-caffe voc`: PASCAL VOC, from the dataset to the submission, one module for each step's commands."""

import argparse

from segaware_caffe.cli.voc import dataset, evaluation, prediction, refinement, reproduction

DESCRIPTION = """\
PASCAL VOC: check the dataset, predict, evaluate, submit; or all of it at once:

  segaware-caffe voc reproduce --voc VOC2012 --weights train_voc_trainval_aug_iter_5000.caffemodel
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's own subcommands."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (dataset, prediction, evaluation, refinement, reproduction):
        module.add_parsers(commands)


def run(args: argparse.Namespace) -> None:
    """Run the one that was named."""
    args.step(args)
