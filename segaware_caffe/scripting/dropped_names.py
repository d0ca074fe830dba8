"""Names that Python, NumPy, scikit-image, Pillow and others have dropped since Caffe's scripts were written.

They are put back into the modules of a process that runs such a script, and of no other. A name
that is still there stays what it is.
"""

import collections
import collections.abc
import fractions
import inspect
import io
import math
import string
import sys
import time
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segaware_caffe.scripting.hooks import after_import


def give_back() -> None:
    """Put the names back: now where a module is loaded, else when it is imported."""
    _put(np, _NUMPY, always=True)  # a NumPy that still has one warns at every call
    np.fromstring = _fromstring
    _put(Image, _IMAGE)
    _put(Image.Image, {"tostring": Image.Image.tobytes, "fromstring": Image.Image.frombytes, "offset": None})
    _put(ImageDraw.ImageDraw, {"textsize": _text_size, "multiline_textsize": _text_size})
    for font in (ImageFont.ImageFont, ImageFont.FreeTypeFont, ImageFont.TransposedFont):
        _put(font, {"getsize": _font_size})
    _put(collections, {name: getattr(collections.abc, name) for name in collections.abc.__all__})
    _put(time, {"clock": time.perf_counter})
    _put(fractions, {"gcd": math.gcd})
    _put(inspect, {"getargspec": _getargspec})
    _put(string, {"letters": string.ascii_letters, "lowercase": string.ascii_lowercase, "uppercase": string.ascii_uppercase})
    after_import(_REPAIRS, missing=("scipy.misc", "skimage.filter", "imp"))


def _put(owner: Any, names: dict[str, Any], always: bool = False) -> None:
    for name, value in names.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            there = hasattr(owner, name) and not always
        if not there and value is not None:
            setattr(owner, name, value)


# -- NumPy ---------------------------------------------------------------------------------

#: without `bool` and `long`, which NumPy has again, as types of its own that it uses itself
_NUMPY: dict[str, Any] = {
    "float": float,
    "int": int,
    "object": object,
    "complex": complex,
    "str": str,
    "unicode": str,
    "float_": np.float64,
    "complex_": np.complex128,
    "string_": np.bytes_,
    "unicode_": np.str_,
    "bool8": np.bool_,
    "int0": np.intp,
    "uint0": np.uintp,
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "sometrue": np.any,
    "alltrue": np.all,
    "in1d": lambda ar1, ar2, **options: np.isin(np.ravel(ar1), ar2, **options),
    "row_stack": np.vstack,
    "round_": np.round,
    "rank": np.ndim,
    "asscalar": lambda a: np.asarray(a).item(),
    "msort": lambda a: np.sort(a, axis=0),
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype),
    "trapz": getattr(np, "trapezoid", None),
    "typeDict": np.sctypeDict,
    "safe_eval": __import__("ast").literal_eval,
    "set_string_function": lambda *args, **options: None,
}


def _fromstring(string: str | bytes, dtype: Any = float, count: int = -1, sep: str = "", **options: Any) -> np.ndarray:
    """np.fromstring, whose way to read bytes is gone."""
    if sep == "":
        data = string.encode("latin-1") if isinstance(string, str) else string
        return np.frombuffer(data, dtype, count).copy()
    return _parse_numbers(string, dtype, count, sep=sep, **options)


_parse_numbers = np.fromstring


# -- Pillow, Python ------------------------------------------------------------------------

_IMAGE = {
    "ANTIALIAS": Image.Resampling.LANCZOS,
    "LINEAR": Image.Resampling.BILINEAR,
    "CUBIC": Image.Resampling.BICUBIC,
    "fromstring": Image.frombytes,
}


def _text_size(self: Any, text: str, font: Any = None, *args: Any, **options: Any) -> tuple[int, int]:
    left, top, right, bottom = self.textbbox((0, 0), text, font, *args, **options)
    return int(right - left), int(bottom - top)


def _font_size(self: Any, text: str, *args: Any, **options: Any) -> tuple[int, int]:
    left, top, right, bottom = self.getbbox(text, *args, **options)
    return int(right - left), int(bottom - top)


ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def _getargspec(function: Callable[..., Any]) -> ArgSpec:
    return ArgSpec(*inspect.getfullargspec(function)[:4])


# -- what is imported later ----------------------------------------------------------------


def _skimage_io(module: ModuleType) -> None:
    imread = module.imread

    def read(fname: Any, as_gray: bool = False, *args: Any, **options: Any) -> np.ndarray:
        return imread(fname, options.pop("as_grey", as_gray), *args, **options)

    module.imread = read


def _skimage_color(module: ModuleType) -> None:
    _put(module, {"rgb2grey": module.rgb2gray, "grey2rgb": module.gray2rgb})


def _skimage_measure(module: ModuleType) -> None:
    import skimage.metrics as metrics

    kinds = {"ssim": metrics.structural_similarity, "psnr": metrics.peak_signal_noise_ratio, "mse": metrics.mean_squared_error}
    _put(module, {f"compare_{name}": function for name, function in kinds.items()})


def _skimage_filter(module: ModuleType) -> None:
    import skimage.filters

    _put(module, vars(skimage.filters) | {name: getattr(skimage.filters, name) for name in skimage.filters.__all__})


def _scipy_misc(module: ModuleType) -> None:
    from scipy import special

    names = {"imread": _imread, "imsave": _imsave, "imresize": _imresize, "toimage": _toimage, "fromimage": np.asarray}
    _put(module, names | {name: getattr(special, name) for name in ("logsumexp", "comb", "factorial", "factorial2", "factorialk")})


def _imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    with Image.open(name) as image:
        if mode is None and image.mode == "P":
            mode = "RGBA" if "transparency" in image.info else "RGB"
        image = image.convert(mode) if mode else image
        return np.asarray(image.convert("F") if flatten else image).copy()


def _toimage(arr: np.ndarray, high: float = 255, low: float = 0, cmin: Any = None, cmax: Any = None) -> Image.Image:
    arr = np.asarray(arr)
    if arr.ndim == 3 and arr.shape[2] not in (3, 4) and arr.shape[0] in (3, 4):
        arr = arr.transpose(1, 2, 0)
    if arr.dtype != np.uint8:
        cmin, cmax = (arr.min() if cmin is None else cmin), (arr.max() if cmax is None else cmax)
        arr = ((arr - cmin) * ((high - low) / ((cmax - cmin) or 1)) + low + 0.5).clip(low, high).astype(np.uint8)
    return Image.fromarray(arr)


def _imsave(name: Any, arr: np.ndarray, format: str | None = None) -> None:
    _toimage(arr).save(name, format)


def _imresize(arr: np.ndarray, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    image = Image.fromarray(np.asarray(arr, np.float32)) if mode == "F" else _toimage(arr)
    if isinstance(size, (int, np.integer)):
        new = [int(length * (size / 100.0)) for length in image.size]
    elif isinstance(size, (float, np.floating)):
        new = [int(length * size) for length in image.size]
    else:
        new = [int(size[1]), int(size[0])]
    method = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "cubic": 3}[interp]
    return np.asarray(image.resize(new, method))


def _yaml(module: ModuleType) -> None:
    load = module.load
    module.load = lambda stream, Loader=module.SafeLoader: load(stream, Loader)


def _matplotlib_cm(module: ModuleType) -> None:
    import matplotlib

    _put(module, {"get_cmap": lambda name=None, lut=None: matplotlib.colormaps.get_cmap(name).resampled(lut) if lut else _map(name)})

    def _map(name: Any) -> Any:
        return matplotlib.colormaps.get_cmap(name)


def _pyplot(module: ModuleType) -> None:
    _put(module, {"hold": lambda *args, **options: None})


def _h5py(module: ModuleType) -> None:
    _put(module.Dataset, {"value": property(lambda self: self[()])})


def _cv2(module: ModuleType) -> None:
    colours = {"COLOR": module.IMREAD_COLOR, "GRAYSCALE": module.IMREAD_GRAYSCALE, "UNCHANGED": module.IMREAD_UNCHANGED}
    _put(module, {f"CV_LOAD_IMAGE_{name}": value for name, value in colours.items()} | {"CV_AA": module.LINE_AA})


def _imp(module: ModuleType) -> None:
    import importlib
    import importlib.util

    def load_source(name: str, pathname: str, file: io.IOBase | None = None) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, pathname)
        if spec is None or spec.loader is None:
            raise ImportError(f"{pathname}: no module can be loaded from it")
        made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made
        spec.loader.exec_module(made)
        return made

    _put(module, {"reload": importlib.reload, "load_source": load_source})


_REPAIRS = {
    "skimage.io": _skimage_io,
    "skimage.color": _skimage_color,
    "skimage.filter": _skimage_filter,
    "skimage.measure": _skimage_measure,
    "scipy.misc": _scipy_misc,
    "yaml": _yaml,
    "matplotlib.cm": _matplotlib_cm,
    "matplotlib.pyplot": _pyplot,
    "h5py": _h5py,
    "cv2": _cv2,
    "imp": _imp,
}
