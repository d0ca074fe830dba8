"""What the tests of the data layers share: layers from text, files made on the spot, Caffe's generator restated."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from segaware_caffe import Layer, Net, set_random_seed

MEAN = (104.008, 116.669, 122.675)
MEAN_VALUES = " ".join(f"mean_value: {value}" for value in MEAN)
SEED = 1701


def data_layer(kind: str, fields: str, tops: int = 2, train: bool = False, seed: int = SEED) -> Layer:
    """A layer of a net of its own, set up after `set_random_seed(seed)`."""
    set_random_seed(seed)
    names = " ".join(f'top: "{name}"' for name in ("data", "label", "dim")[:tops])
    return Net(f'name: "test" layer {{ name: "it" type: "{kind}" {names} {fields} }}', "TRAIN" if train else "TEST").layers[0]


def next_batch(layer: Layer) -> list[np.ndarray]:
    """The tops of one forward."""
    return [top.numpy() for top in layer()]


def words(seed: int) -> Iterator[int]:
    """Caffe's random words: NumPy's legacy generator is the same MT19937 with the same seeding."""
    state = np.random.RandomState(seed)
    while True:
        yield int(state.randint(0, 2**32, dtype=np.uint64))


def noise(seed: int, *shape: int) -> np.ndarray:
    """Random uint8 pixels."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_image(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W) grey or (H, W, 3) blue green red pixels, in the format of the suffix."""
    Image.fromarray(pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])).save(path)


def write_pairs(folder: Path, sizes: list[tuple[int, int]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images i<k>.png with labels l<k>.png and list.txt that pairs them; their pixels."""
    pairs = []
    for k, size in enumerate(sizes):
        pairs.append((noise(k, *size, 3), noise(100 + k, *size) % 21))
        write_image(folder / f"i{k}.png", pairs[-1][0])
        write_image(folder / f"l{k}.png", pairs[-1][1])
    (folder / "list.txt").write_text("".join(f"/i{k}.png /l{k}.png\n" for k in range(len(sizes))))
    return pairs
