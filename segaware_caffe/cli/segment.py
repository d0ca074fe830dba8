"""`segaware-caffe segment`: photographs to label images."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from segaware_caffe.cli.common import add_net_arguments, finite, not_negative, positive, progress, variables
from segaware_caffe.cli.running import layer_progress, make_net
from segaware_caffe.errors import CaffeError
from segaware_caffe.models import MODELS
from segaware_caffe.schema import read_net
from segaware_caffe.segmentation import MEAN, Segmenter, class_names, without_sinks
from segaware_caffe.segmentation.label_images import image_size
from segaware_caffe.segmentation.photographs import Photograph, find_photographs
from segaware_caffe.segmentation.results import Results, Written, segment_photographs
from segaware_caffe.segmentation.workers import THREADS

DEFAULT = next(iter(MODELS))
DESCRIPTION = f"""\
Segment photographs: files in any format that Pillow reads, patterns, and folders, the frames of a video too. For each NAME.jpg this
writes NAME.png, whose pixels are the labels under a palette, and NAME_overlay.png, the labels over the photograph with the classes'
names; with --mat also NAME_blob_0.mat, the scores as MatWrite stores them. A photograph that its EXIF entry says was taken sideways is
turned upright first.

Any size will do. What is smaller than the network's input is laid at its top left and padded, as the reference's scripts do; what is
larger is seen in tiles that overlap. Proportions stay as they are. --side makes large photographs smaller for the network: objects
should be about as large as those that it learned from.

Without --model a segmentation-aware network for street scenes runs that comes with the package ({", ".join(MODELS)}; the first is the
default; segaware_caffe/models/README.md says what they are worth). Of folders, what has results already is not made again.

  segaware-caffe segment street.jpg
  segaware-caffe segment frames/ --output labels/
  segaware-caffe segment --model vgg/deploy.prototxt --weights vgg.caffemodel photo.jpg --output out/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a photograph, a pattern such as 'frames/*.png', or a folder of them")
    add_net_arguments(parser, model_required=False, model_help=f"the net's definition, or {' or '.join(MODELS)} (default: {DEFAULT})")
    parser.add_argument("--output", default=".", metavar="DIR", help="folder for the results (default: here)")
    parser.add_argument("--overwrite", action="store_true", help="of folders too, make again what has results")
    parser.add_argument("--no-names", action="store_true", help="overlays without the classes' names and the legend")
    parser.add_argument("--mat", action="store_true", help="write the scores as .mat too")
    parser.add_argument(
        "--side",
        type=not_negative,
        metavar="N",
        help="make photographs smaller whose shorter side has more than N pixels; 0: none"
        " (default: what the package's own networks were trained with, and 0 for yours)",
    )
    parser.add_argument("--input-blob", metavar="NAME", help="blob that takes the photograph (default: the first of 3 channels)")
    parser.add_argument("--scores", metavar="NAME", help="output blob with a channel per class (default: the only one there is)")
    parser.add_argument(
        "--mean", type=finite, nargs=3, default=MEAN, metavar=("B", "G", "R"), help="mean colour to subtract (default: VOC's)"
    )
    parser.add_argument(
        "--batch",
        type=positive,
        default=1,
        metavar="N",
        help="photographs, or tiles, that a GPU takes at once; a processor is faster with one after the other (default %(default)s)",
    )
    parser.add_argument("--readers", type=positive, default=THREADS, help="threads that read photographs (default %(default)s)")
    parser.add_argument("--writers", type=positive, default=THREADS, help="threads that write results (default %(default)s)")


def run(args: argparse.Namespace) -> None:
    """Segment every image, in turn."""
    photographs = find_photographs(args.images)
    segmenter, look = _segmenter(args)
    results = Results(args.output, look.classes, look.colours, args.mat, not args.no_names)
    results.check(photographs)
    resumable = [] if args.overwrite else [photograph for photograph in photographs if photograph.listed]
    left = set(results.unfinished(resumable))
    there = len(resumable) - len(left)
    todo = [photograph for photograph in photographs if photograph not in resumable or photograph in left]
    failures: list[CaffeError] = []
    with _progress(segmenter, todo) as (bar, each):
        for done in segment_photographs(segmenter, todo, results, failures.append, args.batch, args.readers, args.writers):
            if not done.photograph.listed:
                bar.write(f"{done.photograph.path}: {done.labels}  {_summary(done, look.classes)}")
            bar.update(each)
    made = len(todo) - len(failures)
    if any(photograph.listed for photograph in photographs):
        print(f"{args.output}: {made} photographs segmented, {there} were there")
    if failures:
        raise CaffeError("\n".join(map(str, failures)) + (f"\n{made} others are segmented" if made else ""))


class _Look(NamedTuple):
    """What classes are called and shown in."""

    classes: Sequence[str]
    colours: Sequence[int]


def _segmenter(args: argparse.Namespace) -> tuple[Segmenter, _Look]:
    """The network that the arguments name, ready for photographs, and how its classes look."""
    if args.model is None and args.weights:
        raise CaffeError(f"--weights {args.weights} needs --model, the net's definition")
    model = MODELS.get(args.model or DEFAULT)
    if model is not None:
        args.model, args.weights = str(model.prototxt), args.weights or str(model.weights)
    proto = read_net(args.model, variables=variables(args, args.model), allow_unknown_fields=args.allow_unknown_fields)
    side = args.side if args.side is not None or model is None else model.side
    net = make_net(args, "TEST", without_sinks(proto))
    segmenter = Segmenter(net, args.input_blob, args.scores, args.mean, side or None, model.stride if model else None)
    return segmenter, _Look(*((model.classes, model.colours) if model else (class_names(segmenter.classes), ())))


@contextmanager
def _progress(segmenter: Segmenter, photographs: Sequence[Photograph]) -> Iterator[tuple[Any, int]]:
    """A progress bar, and by how much to move it on with every photograph; with a single one it moves by itself, with every layer."""
    if len(photographs) == 1:
        tiles = segmenter.count(*image_size(photographs[0].path))
        with layer_progress(segmenter.net, tiles, photographs[0].path.name) as bar:
            yield bar, 0
    else:
        with progress(len(photographs), "segmenting", " images") as bar:
            yield bar, 1


def _summary(done: Written, classes: Sequence[str]) -> str:
    """The classes by their share of the pixels, the largest first."""
    return ", ".join(f"{classes[label]} {share:.1%}" for label, share in done.shares.items())
