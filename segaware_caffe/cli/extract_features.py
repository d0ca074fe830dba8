"""`extract_features`: blobs of a net, for the images of its data layers, to databases."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from segaware_caffe.cli.convert_imageset import backend
from segaware_caffe.cli.gflags import Flags, run_tool
from segaware_caffe.errors import CaffeError

logger = logging.getLogger(__name__)

DESCRIPTION = """\
usage: extract_features pretrained_net_param feature_extraction_proto_file extract_feature_blob_name1[,name2,...]
       save_feature_dataset_name1[,name2,...] num_mini_batches db_type [CPU/GPU] [DEVICE_ID=0]

Run a net, in TEST, on what its data layers read, and write blobs of it to databases of float Datums, one for each blob, keys
`<number of the image>` with ten digits.

  segaware-caffe extract_features net.caffemodel net.prototxt fc7,pool5 fc7_lmdb,pool5_lmdb 10 lmdb"""
FLAGS: Flags = {"allow_path": ([], "folder that the prototxt may name files in too; may be given again")}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "extract_features", DESCRIPTION, FLAGS, range(6, 9), extract)


def extract(words: list[str], flags: dict[str, Any]) -> None:
    """Run the batches, and put each blob's items into its database."""
    import torch

    from segaware_caffe.data.database_writer import database_writer
    from segaware_caffe.data.imageset import feature_datums
    from segaware_caffe.net import Net

    weights, prototxt, blob_list, target_list, batch_count, db_type, *where = words
    blobs, targets = blob_list.split(","), target_list.split(",")
    if len(blobs) != len(targets):
        raise CaffeError("Check failed: num_features == dataset_names.size() the number of blob names and dataset names must be equal")
    if not batch_count.isdigit():
        raise CaffeError(f"num_mini_batches: '{batch_count}' is no number of batches")
    device = _device(*where)
    net = Net(prototxt, "TEST", weights=weights, allow_paths=flags["allow_path"]).to(device)
    for name in blobs:
        if name not in net.graph.names:
            raise CaffeError(f"Unknown feature blob name {name} in the network {prototxt}")
    logger.info("Extracting Features")
    with ExitStack() as stack, torch.no_grad():
        writers = [stack.enter_context(database_writer(target, backend(db_type))) for target in targets]
        for _ in range(int(batch_count)):
            values = net(keep=blobs)
            for name, writer in zip(blobs, writers, strict=True):
                for datum in feature_datums(values[name].cpu().numpy()):
                    writer.put(b"%010d" % writer.count, datum)
                    if writer.count % 1000 == 0:
                        logger.info("Extracted features of %d query images for feature blob %s", writer.count, name)
        for name, writer in zip(blobs, writers, strict=True):
            if writer.count % 1000:
                logger.info("Extracted features of %d query images for feature blob %s", writer.count, name)
    logger.info("Successfully extracted the features!")


def _device(mode: str = "CPU", number: str = "0") -> str:
    """Where to run: CPU, or GPU with its number, also as DEVICE_ID=0. CaffeError if it is not there."""
    from segaware_caffe.cli.running import check_gpus

    if mode.upper() == "CPU":
        logger.info("Using CPU")
        return "cpu"
    if mode.upper() != "GPU":
        raise CaffeError(f"'{mode}' is neither CPU nor GPU")
    index = check_gpus(number.rpartition("=")[2])[0]
    logger.info("Using Device_id=%d", index)
    return f"cuda:{index}"
