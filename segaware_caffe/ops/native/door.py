"""The one door to the compiled kernels: no pointer leaves Python unless all that it leads to was checked here.

Every C function is declared once, in `FUNCTIONS`: the tensors that it reads and makes, each with its
shape in symbols, and the numbers beside them. A symbol means one size throughout a call: tensors
bind most of them, those of `DERIVED` follow from these, from the geometry and from the instruction
set. `call` compares every tensor with its declaration, makes the tensors that the function returns,
and fills in its job, the struct that it reads. What taps read is worked out here too, so that a
caller has nothing to say that could lead outside a tensor.
"""

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from numbers import Integral
from typing import Any

import torch

from segaware_caffe.errors import CaffeError, ShapeError
from segaware_caffe.ops.geometry import Geometry, pairs, taps

#: the most taps of a masked convolution (MAX_TAPS of native.cpp)
MAX_TAPS = 49

#: the largest size of an axis, offset or the like: the kernels add up a few of them as int
MAX_SIZE = 2**27
#: the most elements of an image plane, whose positions the kernels count as int
MAX_PLANE = 2**31 - 1

#: how a call ends, other than well (Status of native.cpp)
NO_MEMORY, NOT_FINITE = 1, 2

#: numbers that are one for each spatial axis
PAIRS = ("kernel", "stride", "pad", "dilation", "centre")
#: numbers that the geometry says
OF_GEOMETRY: dict[str, Callable[[Geometry], tuple[int, ...]]] = {
    "kernel": lambda geometry: geometry.kernel,
    "stride": lambda geometry: geometry.stride,
    "pad": lambda geometry: geometry.pad,
    "dilation": lambda geometry: geometry.dilation,
    "centre": lambda geometry: geometry.offset(geometry.centre),
}


class Plane(ctypes.Structure):
    _fields_ = [("height", ctypes.c_int), ("width", ctypes.c_int)]


class Tap(ctypes.Structure):
    """Output rows and columns for which a tap reads inside the image, and how far away that pixel is."""

    _fields_ = [(name, ctypes.c_int) for name in ("index", "first_row", "end_row", "first_column", "end_column", "down", "right")]


@dataclass(frozen=True)
class Function:
    """A C function: what its job holds, in the order of the C++ struct.

    `inputs` and `outputs` are pointers to float32, with their shapes. `numbers` are ints (or pairs),
    with the symbol that gives them; a number without a symbol is the geometry's or the caller's.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    numbers: Mapping[str, str | None]
    #: which windows the job lists: those of `every` tap, of taps that are `inside` the image anywhere, `pairs` of tap and centre
    windows: str = ""
    #: a job holds all samples; else one, and the function is called for each
    whole: bool = False
    #: inputs that may be None
    optional: tuple[str, ...] = ()
    #: outputs begin as zeros, to which the function adds
    adds: bool = False
    #: outputs are the caller's; else a caller may give them
    fills_in: bool = False
    most_taps: int = MAX_SIZE
    #: tensors (N, H, W, C) whose pixels may lie further apart, as some channels of a wider image; the job says how far, as `<name>_step`
    apart: tuple[str, ...] = ()
    #: it takes strides other than 1
    strided: bool = False
    #: pairs of symbols of which the first must divide the second
    divides: tuple[tuple[str, str], ...] = ()
    #: the only kernel that it has
    kernel: tuple[int, int] | None = None
    least_dilation: int = 0

    @cached_property
    def tensors(self) -> dict[str, str]:
        """All shapes."""
        return {**self.inputs, **self.outputs}

    @cached_property
    def all_numbers(self) -> dict[str, str | None]:
        """The numbers and, between those of sizes and pairs, the steps from pixel to pixel."""
        steps: dict[str, str | None] = {f"{key}_step": None for key in self.apart}
        singles = {key: symbol for key, symbol in self.numbers.items() if symbol is not None}
        return {**singles, **steps, **self.numbers}

    @property
    def planes(self) -> dict[str, tuple[str, str]]:
        """The image planes at the end of the job: the bottom's and the top's."""
        has_images = any("H" in shape.split() for shape in self.inputs.values())
        return {"in_plane": ("H", "W"), "out_plane": ("H'", "W'")} if has_images else {}

    @cached_property
    def job(self) -> type[ctypes.Structure]:
        """The C++ struct."""
        fields: list[tuple[str, Any]] = [(name, ctypes.c_void_p) for name in self.tensors]
        fields += [("taps", ctypes.POINTER(Tap)), ("tap_count", ctypes.c_int)] if self.windows else []
        fields += [(name, ctypes.c_int * 2 if name in PAIRS else ctypes.c_int) for name in self.all_numbers]
        fields += [(name, Plane) for name in self.planes]
        return type("Job", (ctypes.Structure,), {"_fields_": fields})


#: what stands for the geometry of a function that has none
PIXEL = Geometry((1, 1), (1, 1), (0, 0), (1, 1))

MASKED = {"x": "N C H W", "mask": "N K H' W'"}

#: what a sum of a convolution gets before it is written (Finish of convolution.inl)
FINISH = {"bias": "O", "slopes": "O", "bounds": "2", "shortcut": "N H' W' O"}
FINISH_OF_CHANNELS = {key: symbols.replace("O", "C") for key, symbols in FINISH.items()}

FUNCTIONS = {
    "pack_weights": Function({"weights": "O D"}, {"packed": "O/R D R"}, {"outputs": "O", "depth": "D"}, whole=True),
    "masked_convolution": Function(
        {**MASKED, "packed": "O/R C K R", "bias": "O"},
        {"y": "N O H' W'"},
        {"channels": "C", "outputs": "O", "relu": None},
        windows="every",
        optional=("bias",),
        most_taps=MAX_TAPS,
    ),
    "masked_gradients": Function(
        {**MASKED, "packed": "C/R K O R", "gradient": "N O H' W'"},
        {"x_gradient": "N C H W", "mask_gradient": "N K H' W'"},
        {"channels": "C", "outputs": "O"},
        windows="every",
        adds=True,
        most_taps=MAX_TAPS,
    ),
    "weight_gradients": Function(
        {**MASKED, "gradient": "N O H' W'"},
        {"weight_gradient": "O C K"},
        {"channels": "C", "outputs": "O"},
        windows="every",
        adds=True,
        most_taps=MAX_TAPS,
    ),
    "masked_sum": Function(MASKED, {"y": "N C H' W'"}, {"channels": "C"}, windows="inside"),
    "distances": Function(
        {"x": "N C H W"}, {"y": "N K H' W'"}, {"channels": "C", "l1": None, "centre": None}, windows="pairs", fills_in=True
    ),
    "distance_gradients": Function(
        {"x": "N C H W", "gradient": "N K H' W'"},
        {"x_gradient": "N C H W"},
        {"channels": "C", "l1": None, "centre": None},
        windows="pairs",
        adds=True,
    ),
    "max_pool": Function({"x": "N C H W"}, {"y": "N C H' W'"}, {"planes": "N*C", "kernel": None, "stride": None, "pad": None}, whole=True),
    "winograd": Function(
        {"x": "N H W C", "weights": "O/P 36 C P", **FINISH},
        {"y": "N H' W' O"},
        {"samples": "N", "channels": "C", "outputs": "O", "pad": None, "dilation": None, "block": None, "blocks": None, "ranges": None},
        whole=True,
        optional=("bias", "slopes", "shortcut"),
        apart=("x", "shortcut", "y"),
        kernel=(3, 3),
        least_dilation=1,
    ),
    "grouped": Function(
        {"x": "N H W C", "weights": "K C/G C/L L", **FINISH_OF_CHANNELS},
        {"y": "N H' W' C"},
        {"samples": "N", "channels": "C", "groups": "G", "kernel": None, "stride": None, "pad": None, "dilation": None},
        whole=True,
        optional=("bias", "slopes", "shortcut"),
        apart=("x", "shortcut", "y"),
        strided=True,
        divides=(("G", "C"), ("C/G", "L")),
        least_dilation=1,
    ),
    "pool": Function(
        {"x": "N H W C"},
        {"y": "N H' W' C"},
        {"samples": "N", "channels": "C", "mean": None, "kernel": None, "stride": None, "pad": None},
        whole=True,
        apart=("x", "y"),
    ),
}


class Sizes(dict[str, int]):
    """What the symbols of a call mean: bound by tensors, or derived when they are first asked for."""

    def __init__(self, library: ctypes.CDLL, instruction_set: int, geometry: Geometry, known: Mapping[str, int]):
        super().__init__(known)
        self.library, self.set, self.geometry = library, instruction_set, geometry

    def __missing__(self, symbol: str) -> int:
        self[symbol] = size = int(symbol) if symbol.isdecimal() else DERIVED[symbol](self)
        return size

    def bind(self, symbol: str, size: int) -> None:
        """Let a tensor say what a symbol means, if nothing else does."""
        if symbol not in DERIVED and not symbol.isdecimal():
            self.setdefault(symbol, size)

    def shape(self, symbols: str) -> tuple[int, ...]:
        """A shape in numbers."""
        return tuple(self[symbol] for symbol in symbols.split())


#: the top's rows and columns, the kernel's taps, rows of a tile of weights, outputs of a tile of `winograd`, how many tiles, all planes
DERIVED: dict[str, Callable[[Sizes], int]] = {
    "H'": lambda sizes: sizes.geometry.output((sizes["H"], sizes["W"]))[0],
    "W'": lambda sizes: sizes.geometry.output((sizes["H"], sizes["W"]))[1],
    "K": lambda sizes: sizes.geometry.taps,
    "R": lambda sizes: sizes.library.set_rows(sizes.set),
    "P": lambda sizes: sizes.library.set_outputs(sizes.set),
    "O/R": lambda sizes: -(-sizes["O"] // sizes["R"]),
    "C/R": lambda sizes: -(-sizes["C"] // sizes["R"]),
    "O/P": lambda sizes: -(-sizes["O"] // sizes["P"]),
    "N*C": lambda sizes: sizes["N"] * sizes["C"],
    "L": lambda sizes: sizes.library.set_lanes(sizes.set),
    "C/G": lambda sizes: sizes["C"] // max(1, sizes["G"]),
    "C/L": lambda sizes: -(-sizes["C"] // sizes["L"]),
}


def call(
    library: ctypes.CDLL,
    name: str,
    instruction_set: int,
    tensors: Mapping[str, torch.Tensor | None],
    geometry: Geometry = PIXEL,
    sizes: Mapping[str, int] | None = None,
    plan: Callable[[Sizes, int], Mapping[str, int]] | None = None,
    **numbers: int | tuple[int, int],
) -> list[torch.Tensor]:
    """Run the C function `name`; returns its outputs.

    `tensors` are its inputs, and what it is to fill in. `sizes` binds symbols that no tensor binds.
    `numbers` are those without a symbol; `plan` gives more of them, from the sizes and the number of
    threads. Raises ShapeError for shapes and geometries, and CaffeError for other tensors, that the
    kernels do not take; FloatingPointError where a function would spread what is not finite.
    """
    function, threads = FUNCTIONS[name], torch.get_num_threads()
    given = {key: _checked(name, function, key, tensor) for key, tensor in tensors.items()}
    shapes = tuple((key, tuple(tensor.shape)) for key, tensor in given.items() if tensor is not None)
    known = tuple((sizes or {}).items())
    numbers.update({f"{key}_step": _step(given[key]) or 0 for key in function.apart if given.get(key) is not None})
    prepared = _prepare(library, name, instruction_set, threads, shapes, geometry, known, plan, tuple(numbers.items()))
    if not function.fills_in:
        make = torch.zeros if function.adds else torch.empty
        given.update({key: make(shape, dtype=torch.float32, device="cpu") for key, shape in prepared.outputs.items() if key not in given})
    job = function.job.from_buffer_copy(prepared.job)
    run = getattr(library, name)
    for sample in range(prepared.samples):
        for key, tensor in given.items():
            if tensor is not None:
                one = tensor[sample] if not function.whole and function.tensors[key].startswith("N ") else tensor
                setattr(job, key, one.data_ptr())
        status = run(instruction_set, threads, ctypes.byref(job))
        if status == NO_MEMORY:
            raise MemoryError(f"{name}: no memory for the compiled kernel's workspace")
        if status == NOT_FINITE:
            raise FloatingPointError(f"{name}: a value is infinite or NaN")
    return [tensor for key in function.outputs if (tensor := given[key]) is not None]


@dataclass(frozen=True)
class Prepared:
    """All of a call but its tensors."""

    #: without its tensors
    job: ctypes.Structure
    #: what the job points to
    windows: ctypes.Array[Tap] | None
    outputs: Mapping[str, tuple[int, ...]]
    #: how often the function is called
    samples: int


@lru_cache(maxsize=1024)
def _prepare(
    library: ctypes.CDLL,
    name: str,
    instruction_set: int,
    threads: int,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    geometry: Geometry,
    known: tuple[tuple[str, int], ...],
    plan: Callable[[Sizes, int], Mapping[str, int]] | None,
    numbers: tuple[tuple[str, int | tuple[int, int]], ...],
) -> Prepared:
    """The checks that need no tensor, remembered: a net makes the same calls again and again."""
    function = FUNCTIONS[name]
    if not (0 <= instruction_set < library.sets() and library.set_runs(instruction_set)):
        raise CaffeError(f"this processor has no instruction set {instruction_set} of the compiled kernels")
    _check_geometry(name, function, geometry)
    sizes = Sizes(library, instruction_set, geometry, dict(known))
    _compare(name, function, dict(shapes), sizes)
    of_geometry = {key: of(geometry) for key, of in OF_GEOMETRY.items()}
    steps = {f"{key}_step": sizes.shape(function.tensors[key])[-1] for key in function.apart}  # of what the call makes, or is not given
    job = _job(name, function, sizes, of_geometry | steps | dict(numbers) | (dict(plan(sizes, threads)) if plan else {}))
    windows = _windows(function, geometry, sizes) if function.windows else None
    if windows is not None:
        job.taps, job.tap_count = windows, len(windows)
    outputs = {key: sizes.shape(symbols) for key, symbols in function.outputs.items()}
    return Prepared(job, windows, outputs, 1 if function.whole else sizes["N"])


def _check_geometry(name: str, function: Function, geometry: Geometry) -> None:
    parts = (geometry.kernel, geometry.stride, geometry.pad, geometry.dilation)
    if any(len(part) != 2 or not all(isinstance(value, Integral) and abs(value) <= MAX_SIZE for value in part) for part in parts):
        raise ShapeError(f"{name}: the compiled kernels slide along two axes by whole numbers up to {MAX_SIZE}, not by {geometry}")
    if not (min(geometry.stride) >= 1 if function.strided else tuple(geometry.stride) == (1, 1)):
        raise ShapeError(f"{name}: the compiled kernel has {'no stride below' if function.strided else 'stride'} 1, not {geometry}")
    if min(geometry.kernel) < 1 or min(geometry.dilation) < function.least_dilation:
        raise ShapeError(f"{name}: the compiled kernel has no empty windows, not {geometry}")
    if function.kernel not in (None, tuple(geometry.kernel)) or geometry.taps > function.most_taps:
        raise ShapeError(f"{name}: the compiled kernel has no windows of {geometry.kernel}")


def _checked(name: str, function: Function, key: str, tensor: torch.Tensor | None) -> torch.Tensor | None:
    """The tensor, whose memory the kernels can take as it lies; a copy of an input whose memory they cannot."""
    if tensor is None and key in function.optional:
        return None
    if not isinstance(tensor, torch.Tensor):
        raise CaffeError(f"{name}: {key} is {type(tensor).__name__}, not a tensor")
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype != torch.float32:
        raise CaffeError(f"{name}: {key} is {tensor.dtype} on {tensor.device} ({tensor.layout}), not strided float32 on the CPU")
    last = tensor.numel() - 1
    if not tensor.is_contiguous():
        if key in function.apart and _step(tensor):
            last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
        elif key in function.outputs:
            raise CaffeError(f"{name}: {key} is filled in where it lies, so it must be contiguous; its strides are {tensor.stride()}")
        else:
            tensor = tensor.contiguous()
    end = (tensor.storage_offset() + last + 1) * tensor.element_size()
    if tensor.numel() and (end > tensor.untyped_storage().nbytes() or tensor.data_ptr() == 0):
        raise CaffeError(f"{name}: {key} of shape {tuple(tensor.shape)} has no memory for its values")
    return tensor


def _step(tensor: torch.Tensor | None) -> int | None:
    """Elements from one pixel of (N, H, W, C) to the next, where all pixels are that far apart and their channels lie together."""
    if tensor is None or tensor.ndim != 4:
        return None
    (samples, height, width, channels), strides = tensor.shape, tensor.stride()
    step = strides[2] if width > 1 else strides[1] if height > 1 else strides[0] if samples > 1 else channels
    wanted = (height * width * step, width * step, step, 1)
    fits = all(size <= 1 or stride == want for size, stride, want in zip(tensor.shape, strides, wanted, strict=True))
    return step if fits and step >= channels else None


def _compare(name: str, function: Function, shapes: Mapping[str, tuple[int, ...]], sizes: Sizes) -> None:
    """Bind the symbols, and compare every shape with its declaration."""
    for key, shape in shapes.items():
        words = function.tensors[key].split()
        if len(shape) != len(words):
            raise ShapeError(f"{name}: {key} has shape {shape}, not ({', '.join(words)})")
        for symbol, size in zip(words, shape, strict=True):
            sizes.bind(symbol, size)
    for key, shape in shapes.items():
        symbols = function.tensors[key]
        if shape != sizes.shape(symbols):
            raise ShapeError(f"{name}: {key} has shape {shape}, not ({', '.join(symbols.split())}) = {sizes.shape(symbols)}")
    for symbols in [*function.tensors.values(), *map(" ".join, function.planes.values())]:
        sizes.shape(symbols)
    empty = [symbol for symbol, size in sizes.items() if size < (0 if symbol in ("N", "N*C") else 1)]
    planes = [sizes[height] * sizes[width] for height, width in function.planes.values()]
    if empty or max(sizes.values()) > MAX_SIZE or max(planes, default=0) > MAX_PLANE:
        raise ShapeError(
            f"{name}: the compiled kernels have axes of 1 to {MAX_SIZE} elements and planes of up to {MAX_PLANE}, not {dict(sizes)}"
        )
    for divisor, symbol in function.divides:
        if sizes[symbol] % sizes[divisor]:
            raise ShapeError(f"{name}: {divisor} = {sizes[divisor]} does not divide {symbol} = {sizes[symbol]}")


def _job(name: str, function: Function, sizes: Sizes, others: Mapping[str, Any]) -> ctypes.Structure:
    """The job without its pointers."""
    values: dict[str, Any] = {key: others[key] if symbol is None else sizes[symbol] for key, symbol in function.all_numbers.items()}
    for key, value in values.items():
        ints: tuple[Any, ...] = tuple(value) if key in PAIRS else (value,)
        if len(ints) != (2 if key in PAIRS else 1) or not all(isinstance(part, Integral) and abs(int(part)) <= MAX_SIZE for part in ints):
            raise ShapeError(f"{name}: the compiled kernels take whole numbers up to {MAX_SIZE}, not {key} {value}")
    return function.job(**values, **{key: Plane(*map(sizes.__getitem__, plane)) for key, plane in function.planes.items()})


def _windows(function: Function, geometry: Geometry, sizes: Sizes) -> ctypes.Array[Tap]:
    """What the taps read, as the kernels have it: in an image of stride 1."""
    read = pairs if function.windows == "pairs" else taps
    found = [
        Tap(index, rows.start, rows.stop, columns.start, columns.stop, down.start - rows.start, right.start - columns.start)
        for index, (_, rows, columns), (_, down, right), *_ in read(geometry, (sizes["H"], sizes["W"]))
    ]
    if function.windows == "every":  # as many as the weights have; one that is never inside the image reads nothing
        inside = {tap.index: tap for tap in found}
        found = [inside.get(index, Tap(index)) for index in range(geometry.taps)]
    return (Tap * len(found))(*found)
