"""`segaware-caffe voc predict` and `gen-preds`: label images from a network, or from what MatWrite and densecrf wrote."""

import argparse
from pathlib import Path
from typing import Any

from segaware_caffe.cli.common import add_command, add_net_arguments, allowed_places, positive, stages, tracker, variables
from segaware_caffe.cli.running import check_gpus
from segaware_caffe.data.processes import Process
from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import read_net
from segaware_caffe.segmentation.predict import Predictor, mat_files, predict, predict_from_mats, read_entries, unfinished
from segaware_caffe.segmentation.refine import pngs_from_bins
from segaware_caffe.segmentation.workers import THREADS, untracked
from segaware_caffe.voc.dataset import VocFolder

PREDICT = """\
Predict every photograph of a list: scores, cropped to the photograph, and of each pixel the best class, as PNGs with VOC's
palette. The network reads photographs as its own data layer says; nothing else is written.

Run it again after it was stopped, and it goes on with what is not finished. Under torchrun each process takes its share:

  segaware-caffe voc predict --model test_voc_test.prototxt --weights res.caffemodel
  torchrun --nproc-per-node 4 -m segaware_caffe voc predict --gpu 0,1,2,3 --model test_voc_test.prototxt --weights res.caffemodel
"""
GEN_PREDS = """\
What the release's gen_preds.sh does: a PNG with VOC's palette for each score map NAME_blob_0.mat that MatWrite wrote
(those that are there stay), or for each label map NAME.bin of the densecrf tool (all are written again).

  segaware-caffe voc gen-preds segaware/features/res/voc_test/mycrf --voc VOC2012 --output comp6_test_cls
"""


def add_parsers(subparsers: Any) -> None:
    """Declare the subcommands."""
    parser = add_command(subparsers, "predict", "label images of a list of photographs, from a network", PREDICT, run_predict)
    add_net_arguments(parser, weights_required=True)
    parser.add_argument("--list", metavar="FILE", help="list of photographs, or of ids (default: the data layer's source)")
    parser.add_argument("--root", metavar="DIR", help="folder that the list's names are under (default: the data layer's root_folder)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the PNGs (default: as the list voc_SET.txt says, results/VOC2012/Segmentation/comp6_SET_cls)",
    )
    parser.add_argument("--scores", metavar="BLOB", help="blob with a channel per class (default: what the net's MatWrite layer reads)")
    parser.add_argument(
        "--batch",
        type=positive,
        default=1,
        metavar="N",
        help="photographs that a GPU takes at once; a processor is faster with one after the other (default %(default)s)",
    )
    parser.add_argument("--readers", type=positive, default=THREADS, help="threads that read photographs (default %(default)s)")
    parser.add_argument("--writers", type=positive, default=THREADS, help="threads that write PNGs (default %(default)s)")

    parser = add_command(subparsers, "gen-preds", "label images from stored score maps or label maps", GEN_PREDS, run_gen_preds)
    parser.add_argument("features", type=Path, metavar="FEATURES", help="folder of .mat or .bin files")
    parser.add_argument("--voc", type=VocFolder, metavar="DIR", help="VOC folder, for the photographs' sizes (for .mat files)")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder for the PNGs")
    parser.add_argument("--threads", type=positive, default=THREADS, help="threads that read, and that write (default %(default)s)")


def default_output(source: str) -> Path:
    """Where predictions for a list go: voc_test.txt -> results/VOC2012/Segmentation/comp6_test_cls."""
    subset = Path(source).stem.removeprefix("voc_").removesuffix("_id")
    return Path("results") / "VOC2012" / "Segmentation" / f"comp6_{subset}_cls"


def process_device(gpu: str, process: Process) -> str:
    """The device of this process, of those that --gpu lists."""
    ids = check_gpus(gpu) if gpu else []
    return f"cuda:{ids[process.local_rank % len(ids)]}" if ids else "cpu"


def run_predict(args: argparse.Namespace) -> None:
    """Predict this process' share of the list."""
    process = Process.this()
    proto = read_net(args.model, variables=variables(args, args.model), allow_unknown_fields=args.allow_unknown_fields)
    predictor = Predictor(
        proto,
        args.root,
        args.scores,
        weights=args.weights,
        level=args.level,
        stages=stages(args),
        allow_python_layers=args.allow_python_layers,
        allow_paths=[*allowed_places(args, args.model), *variables(args, args.model).values()],
    )
    predictor.net.to(process_device(args.gpu, process))
    source = args.list or predictor.source
    if not source:
        raise CaffeError(f"{args.model}: the net names no list of photographs; give one with --list")
    output = args.output or default_output(source)
    entries = list(process.of(read_entries(source)))
    track = untracked if process.rank else tracker("predicting", " images")
    todo = unfinished(entries, output)
    for _ in track(predict(predictor, todo, output, args.readers, args.writers, args.batch), len(todo)):
        pass
    mine = f" ({len(entries)} of process {process.rank} of {process.size})" if process.size > 1 else ""
    print(f"{output}: {len(todo)} label images written, {len(entries) - len(todo)} were there{mine}")


def run_gen_preds(args: argparse.Namespace) -> None:
    """Write the label images of a folder."""
    if any(args.features.glob("[!.]*.bin")):
        names, total = pngs_from_bins(args.features, args.output, args.threads), len(list(args.features.glob("[!.]*.bin")))
    else:
        files = mat_files(args.features)
        if args.voc is None:
            raise CaffeError(f"{args.features}: to crop these score maps the photographs' sizes are needed; give --voc")
        todo = unfinished(files, args.output)
        names, total = predict_from_mats({name: files[name] for name in todo}, args.voc.image, args.output, args.threads), len(todo)
    count = sum(1 for _ in tracker("writing", " images")(names, total))
    print(f"{args.output}: {count} label images written")
