"""Where pycaffe's nets run."""

import warnings


def set_mode_cpu() -> None:
    """Run on the CPU: what these nets always do, since their blobs are numpy memory."""


def set_mode_gpu() -> None:
    """Warn: these nets stay on the CPU."""
    warnings.warn("segaware_caffe.pycaffe runs on the CPU; for a GPU use segaware_caffe.Net(...).to('cuda')", stacklevel=2)


def set_device(device: int) -> None:
    """Warn: these nets stay on the CPU, so GPU `device` is not used."""
    set_mode_gpu()
