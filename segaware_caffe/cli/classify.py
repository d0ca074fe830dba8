"""`classify`: class scores of an image, of a folder of images, or of an array of them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segaware_caffe.cli.gflags import run_tool
from segaware_caffe.errors import CaffeError, FileError
from segaware_caffe.files import replacing

DESCRIPTION = """\
usage: classify [FLAGS] input_file output_file

Write the class scores (N, classes) of an image, of all images of a folder in the order of their names, or of an .npy array of
them, as an .npy array, as the mean of ten crops.

  segaware-caffe classify --model_def deploy.prototxt --pretrained_model net.caffemodel photos/ scores.npy"""
FLAGS = {
    "model_def": ("", "the net's definition"),
    "pretrained_model": ("", "its weights"),
    "center_only": (False, "the centre crop alone, in place of the mean of ten"),
    "images_dim": ("256,256", "height,width to which images are resized before they are cropped"),
    "mean_file": ("", ".npy or .binaryproto of the mean image, or of a value for each channel"),
    "input_scale": (1.0, "multiply by this last"),
    "raw_scale": (255.0, "multiply the image, in [0, 1], by this first"),
    "channel_swap": ("2,1,0", "order of the channels: RGB to BGR"),
    "ext": ("jpg", "suffix of the images of a folder"),
    "gpu": (False, "never: these nets run on the CPU"),
}


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    return run_tool(argv, "classify", DESCRIPTION, FLAGS, range(2, 3), classify)


def classify(words: list[str], flags: dict[str, Any]) -> None:
    """Load the images, run the net, write the scores."""
    import numpy as np

    from segaware_caffe.pycaffe import Classifier

    source, target = words
    classifier = Classifier(
        image_dims=[number("images_dim", text) for text in flags["images_dim"].split(",")],
        **net_arguments(flags),
    )
    inputs = _images(source, flags["ext"])
    print(f"Classifying {len(inputs)} inputs.")
    start = time.perf_counter()
    scores = classifier.predict(inputs, oversample=not flags["center_only"])
    print(f"Done in {time.perf_counter() - start:.2f} s.")
    print(f"Saving results into {target}")
    with replacing(target) as temporary, open(temporary, "wb") as file:
        np.save(file, scores)


def _images(source: str, suffix: str) -> list[Any]:
    import numpy as np

    from segaware_caffe.pycaffe import io

    if source.endswith(".npy"):
        print(f"Loading file: {source}")
        return list(load_array(source))
    if Path(source).is_dir():
        print(f"Loading folder: {source}")
        paths = sorted(Path(source).glob(f"*.{suffix}"))
        if not paths:
            raise FileError(f"{source}: holds no *.{suffix}; --ext names another suffix")
        return [io.load_image(path) for path in paths]
    print(f"Loading file: {source}")
    return [np.asarray(io.load_image(source))]


def net_arguments(flags: dict[str, Any]) -> dict[str, Any]:
    """What Classifier and Detector are made with."""
    for name in ("model_def", "pretrained_model"):
        if not flags[name]:
            raise CaffeError(f"--{name} is needed: {FLAGS[name][1]}")
    return {
        "model_file": flags["model_def"],
        "pretrained_file": flags["pretrained_model"],
        "mean": mean(flags["mean_file"]) if flags["mean_file"] else None,
        "input_scale": flags["input_scale"],
        "raw_scale": flags["raw_scale"],
        "channel_swap": [number("channel_swap", text) for text in flags["channel_swap"].split(",")] if flags["channel_swap"] else None,
    }


def mean(path: str) -> Any:
    """A mean image (channels, height, width) or a value for each channel."""
    from segaware_caffe.schema.blobproto import read_blobproto

    values = load_array(path) if path.endswith(".npy") else read_blobproto(path)
    return values[0] if values.ndim == 4 else values


def load_array(path: str) -> Any:
    """The array of an .npy file; no objects, which could run code. FileError if there is none in it."""
    from segaware_caffe.weights.npy import read_npy

    return read_npy(path)


def number(flag: str, text: str) -> int:
    """A whole number in a list of them. CaffeError names the flag."""
    if not text.strip().isdigit():
        raise CaffeError(f"--{flag}: '{text}' is no whole number")
    return int(text)
