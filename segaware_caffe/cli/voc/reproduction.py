"""`segaware-caffe voc reproduce`: the paper's experiment in one command."""

import argparse
from pathlib import Path
from typing import Any

from segaware_caffe.cli.common import add_command, tracker
from segaware_caffe.cli.voc.prediction import process_device
from segaware_caffe.configs import FOLDER
from segaware_caffe.data.processes import Process
from segaware_caffe.voc.dataset import VocFolder
from segaware_caffe.voc.report import summary, write_report
from segaware_caffe.voc.reproduce import NETS, Task, reproduce, require

DESCRIPTION = """\
The paper's experiment: render the network's config, check the dataset, predict, evaluate (val) or pack for VOC's server
(test), and report the measured figure beside the published one (report.html and report.json). Without --voc or --weights it
says what to fetch from where. Stopped and started again it goes on; torchrun shares the work out:

  segaware-caffe voc reproduce --voc VOC2012 --weights train_voc_trainval_aug_iter_5000.caffemodel --subset test --gpu 0
  torchrun --nproc-per-node 4 -m segaware_caffe voc reproduce --gpu 0,1,2,3 --voc VOC2012 --weights res.caffemodel
"""


def add_parsers(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = add_command(subparsers, "reproduce", "the paper's experiment in one command", DESCRIPTION, run)
    parser.add_argument("--voc", type=Path, metavar="DIR", help="VOC2012's folder")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="the network's weights")
    parser.add_argument("--subset", choices=("val", "test"), default="test", help="set to predict (default %(default)s)")
    parser.add_argument("--net", choices=tuple(NETS), default="res", help="network (default %(default)s)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder for everything (default: reproduction_NET_SUBSET)")
    parser.add_argument(
        "--configs",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help="folder of other templates, NET/test.prototxt, to fill with the published values (default: the package's own)",
    )
    parser.add_argument("--gpu", default="", metavar="ID", help="GPU to run on, or one for each process, e.g. 0,1 (default: the CPU)")


def run(args: argparse.Namespace) -> None:
    """Reproduce; the first process prints and writes the report."""
    require(args.voc, args.weights, args.net, args.subset)
    output = args.output or Path(f"reproduction_{args.net}_{args.subset}")
    device = process_device(args.gpu, Process.this())
    task = Task(VocFolder(args.voc), args.weights, output, args.net, args.subset, args.configs, device)
    outcome = reproduce(task, tracker)
    if outcome is not None:
        write_report(outcome)
        print(summary(outcome))
