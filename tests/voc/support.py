"""What the tests of the VOC room share: a small VOC folder, a small network, and the command line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from segaware_caffe import Net, cli
from segaware_caffe.segmentation import colormap, write_label_png
from segaware_caffe.segmentation.label_images import write_raw_png
from segaware_caffe.voc import VocFolder

GOLDEN_VOC = Path(__file__).resolve().parents[1] / "golden" / "voc"
NAMES = ("a_1", "a_2", "a_3", "a_4", "a_5")
COLOURS = colormap()[:21].astype(np.int64)

#: scores a pixel by how near its colour is to each of VOC's 21 colours, at twice the stride and back
NETWORK = """
name: "${NET_ID}"
layer {
  name: "data" type: "ImageSegData" top: "data" top: "label" top: "data_dim"
  image_data_param { root_folder: "${DATA_ROOT}" source: "${EXP}/list/${TEST_SET}.txt" batch_size: ${BATCH_SIZE} label_type: NONE }
  transform_param { mean_value: 104.008 mean_value: 116.669 mean_value: 122.675 crop_size: 65 mirror: false }
}
layer { name: "colours" type: "Convolution" bottom: "data" top: "scores" convolution_param { num_output: 21 kernel_size: 1 } }
layer { name: "coarse" type: "Pooling" bottom: "scores" top: "coarse" pooling_param { pool: AVE kernel_size: 3 pad: 1 stride: 2 } }
layer { name: "fine" type: "Interp" bottom: "coarse" top: "fine" interp_param { zoom_factor: 2 } }
layer {
  name: "mat" type: "MatWrite" bottom: "fine"
  mat_write_param { prefix: "${FEATURE_DIR}/${TEST_SET}/mycrf/" source: "${EXP}/list/${TEST_SET}_id.txt" }
}
layer { name: "silence" type: "Silence" bottom: "label" bottom: "data_dim" }
"""


def run(*args: object) -> int:
    """The command line's exit status."""
    return cli.main([str(arg) for arg in args])


def values(folder: Path, voc: Path, subset: str = "val") -> dict[str, str]:
    """What NETWORK's placeholders are."""
    return {
        "NET_ID": "small",
        "DATA_ROOT": str(voc),
        "EXP": str(folder),
        "TEST_SET": f"voc_{subset}",
        "BATCH_SIZE": "1",
        "FEATURE_DIR": str(folder / "features"),
    }


def write_network(folder: Path, voc: Path, subset: str = "val") -> tuple[Path, Path]:
    """NETWORK, rendered, and its weights; a score is -|colour - VOC's colour|^2 but for what all classes have in common."""
    model = folder / "net.prototxt"
    text = NETWORK
    for name, value in values(folder, voc, subset).items():
        text = text.replace(f"${{{name}}}", value)
    model.write_text(text)
    return model, write_weights(folder / "net.caffemodel", model)


def write_weights(path: Path, model: Path) -> Path:
    """The weights for NETWORK."""
    net = Net(model)
    blue_green_red = COLOURS[:, ::-1] - np.array([104.008, 116.669, 122.675])
    net.params["colours"][0].copy_(net._anchor.new_tensor(2 * blue_green_red)[:, :, None, None])
    net.params["colours"][1].copy_(net._anchor.new_tensor(-(blue_green_red**2).sum(1)))
    net.save(path)
    return path


def labels_of(seed: int, height: int, width: int) -> np.ndarray:
    """Made-up labels: a few rectangles with void outlines on background."""
    random = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.uint8)
    for _ in range(3):
        top, left = random.integers(0, height - 8), random.integers(0, width - 8)
        bottom, right = random.integers(top + 6, height), random.integers(left + 6, width)
        labels[top:bottom, left:right] = 255
        labels[top + 1 : bottom - 1, left + 1 : right - 1] = random.integers(1, 21)
    return labels


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write_voc(root: Path, names: Sequence[str] = NAMES, test: Sequence[str] = ("t_1", "t_2"), augmented: bool = True) -> VocFolder:
    """A VOC folder: photographs are their labels' colours with noise, of many sizes; the last two of `names` are val."""
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationClassAug", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for index, name in enumerate([*names, *test]):
        labels = labels_of(index, 40 + 4 * index, 65 - 3 * index)
        noise = np.random.default_rng(index).integers(-6, 7, (*labels.shape, 3))
        rgb = (colormap()[labels].astype(np.int64) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(root / "JPEGImages" / f"{name}.jpg", quality=95, subsampling=0)
        if name in names:
            write_label_png(root / "SegmentationClass" / f"{name}.png", labels)
            if augmented:
                write_raw_png(root / "SegmentationClassAug" / f"{name}.png", labels)
    for subset, ids in {"train": names[:-2], "val": names[-2:], "trainval": names, "test": test}.items():
        (root / "ImageSets" / "Segmentation" / f"{subset}.txt").write_text("".join(f"{name}\n" for name in ids))
    return VocFolder(root)
