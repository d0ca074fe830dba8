"""`caffe-segaware device_query`: what PyTorch knows of the GPUs."""

import argparse
import logging

import torch

from segaware_caffe.cli.glog import log_like_caffe
from segaware_caffe.cli.running import check_gpus

logger = logging.getLogger(__name__)


def run(args: argparse.Namespace) -> None:
    """Print what PyTorch knows of the GPUs."""
    with log_like_caffe():
        logger.info("Querying GPUs %s", args.gpu)
        if args.gpu in ("", "all") and not torch.cuda.device_count():
            logger.info(
                "No CUDA device that PyTorch %s can use: nets run on the CPU, on %d threads.", torch.__version__, torch.get_num_threads()
            )
            return
        for index in check_gpus(args.gpu or "all"):
            known = torch.cuda.get_device_properties(index)
            lines = {
                "Device id": index,
                "Major revision number": known.major,
                "Minor revision number": known.minor,
                "Name": known.name,
                "Total global memory": known.total_memory,
                "Number of multiprocessors": known.multi_processor_count,
            }
            for label, value in lines.items():
                logger.info("%-31s%s", f"{label}:", value)
