"""No call of a compiled kernel reaches C++ with a tensor that is not as declared: every function, every way to be wrong.

The address-sanitised build (`make test-asan`) runs these too, and so shows that what is accepted stays inside its tensors.
"""

import _ctypes
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segaware_caffe.errors import CaffeError, ShapeError
from segaware_caffe.ops import native
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.native import door, loading
from segaware_caffe.ops.native.door import FUNCTIONS, Sizes, call

pytestmark = pytest.mark.skipif(native.library() is None, reason="the kernels were not built: no C++ compiler")

GEOMETRY = Geometry((3, 3), (1, 1), (2, 1), (1, 1))
SIZES = {"N": 2, "C": 3, "H": 6, "W": 5, "O": 4, "D": 7, "G": 1}

#: numbers that the geometry and the sizes do not give
NUMBERS = {
    "masked_convolution": {"relu": 1},
    "distances": {"l1": 1},
    "distance_gradients": {"l1": 0},
    "max_pool": {"kernel": (2, 2), "stride": (2, 2), "pad": (0, 0)},
    "winograd": {"block": 4, "blocks": 1, "ranges": 1},
    "pool": {"kernel": (2, 2), "stride": (2, 2), "pad": (0, 0), "mean": 0},
}
#: symbols that no tensor binds
KNOWN = {"max_pool": {"H'": 3, "W'": 3}, "masked_convolution": {"O": 4}, "winograd": {"O": 4}}
KNOWN |= {"grouped": {"G": 3}, "pool": {"H'": 3, "W'": 3}}


def has_windows(name):
    return name not in ("pack_weights", "max_pool", "pool")


def arguments(name):
    """The tensors of a right call, and its geometry and sizes."""
    geometry = GEOMETRY if has_windows(name) else door.PIXEL
    sizes = Sizes(native.library(), native.best_set(), geometry, {**SIZES, **KNOWN.get(name, {})})
    torch.manual_seed(0)
    function = FUNCTIONS[name]
    shapes = function.tensors if function.fills_in else function.inputs
    return {key: torch.rand(sizes.shape(symbols)) for key, symbols in shapes.items()}


def run(name, tensors, geometry=GEOMETRY, **changes):
    """The outputs of a call."""
    known, numbers = {**KNOWN.get(name, {}), **changes.pop("sizes", {})}, {**NUMBERS.get(name, {}), **changes}
    return call(native.library(), name, native.best_set(), tensors, geometry if has_windows(name) else door.PIXEL, known, **numbers)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_right_call_is_taken(name):
    outputs = run(name, arguments(name))
    assert all(output.isfinite().all() for output in outputs)


def resized(tensor, axis, by):
    """As `tensor`, with an axis longer or shorter."""
    shape = list(tensor.shape)
    shape[axis] += by
    return torch.rand(shape)


def freed(tensor):
    """A tensor whose memory was given back, as some training libraries do."""
    tensor = tensor.clone()
    tensor.untyped_storage().resize_(0)
    return tensor


WRONG = {
    "one axis fewer": lambda tensor: tensor[0],
    "one axis more": lambda tensor: tensor[None],
    "float64": torch.Tensor.double,
    "float16": torch.Tensor.half,
    "integers": torch.Tensor.int,
    "on another device": lambda tensor: tensor.to("meta"),
    "sparse": torch.Tensor.to_sparse,
    "an array": torch.Tensor.numpy,
    "freed": freed,
    "empty": lambda tensor: tensor[..., :0],
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize(("name", "key"), [(name, key) for name in FUNCTIONS for key in arguments(name)] if native.library() else [])
def test_a_wrong_tensor_is_refused(name, key, how):
    tensors = arguments(name)
    tensors[key] = WRONG[how](tensors[key])
    with pytest.raises(CaffeError, match=f"{name}: "):
        run(name, tensors)


def shared_axes():
    """The axes of all tensors whose sizes something else says too."""
    for name, function in FUNCTIONS.items():
        tensors = arguments(name)
        for key in tensors:
            for axis, symbol in enumerate(function.tensors[key].split()):
                others = [shape for other, shape in function.tensors.items() if other in tensors and other != key]
                if (
                    any(symbol in shape.split() for shape in others)
                    or symbol in KNOWN.get(name, {})
                    or symbol in {**door.DERIVED, "36": 0, "2": 0}
                ):
                    yield name, key, axis


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize(("name", "key", "axis"), list(shared_axes()) if native.library() else [])
def test_a_size_that_another_tensor_contradicts_is_refused(name, key, axis, by):
    tensors = arguments(name)
    tensors[key] = resized(tensors[key], axis, by)
    with pytest.raises(ShapeError, match=f"{name}: "):
        run(name, tensors)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in FUNCTIONS for key in arguments(name)] if native.library() else [])
def test_none_stands_only_for_what_is_optional(name, key):
    tensors = {**arguments(name), key: None}
    if key in FUNCTIONS[name].optional:
        run(name, tensors)
    else:
        with pytest.raises(CaffeError, match=f"{name}: {key} is NoneType"):
            run(name, tensors)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in FUNCTIONS for key in FUNCTIONS[name].inputs])
def test_an_input_that_is_not_contiguous_is_copied(name, key):
    tensors = arguments(name)
    spread = {**tensors, key: torch.stack([tensors[key], -tensors[key]], -1)[..., 0]}
    for output, expected in zip(run(name, spread), run(name, tensors), strict=True):
        assert torch.equal(output, expected)


def test_what_is_filled_in_must_be_contiguous():
    tensors = arguments("distances")
    tensors["y"] = tensors["y"].transpose(2, 3).contiguous().transpose(2, 3)
    with pytest.raises(CaffeError, match="must be contiguous"):
        run("distances", tensors)


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((3, 3), (0, 0), (2, 1), (1, 1)),
        Geometry((3, 0), (1, 1), (2, 1), (1, 1)),
        Geometry((3, 3), (1, 1), (2, 1), (-1, 1)),
        Geometry((3,), (1,), (1,), (1,)),
        Geometry((3, 3, 3), (1,) * 3, (1,) * 3, (1,) * 3),
        Geometry((3, 3), (1, 1), (2**40, 1), (1, 1)),
        Geometry((3, 3), (1, 1), (1, 1), (2**31, 2**31)),
        Geometry((3.5, 3), (1, 1), (2, 1), (1, 1)),
        Geometry((9, 9), (1, 1), (0, 0), (1, 1)),
    ],
)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if has_windows(name)])
def test_a_geometry_that_the_kernels_do_not_have_is_refused(name, geometry):
    with pytest.raises(ShapeError):
        run(name, arguments(name), geometry)


def channels_of_a_wider_image(shape):
    """A tensor (N, H, W, C) whose pixels lie three channels further apart than it has them."""
    return torch.rand(*shape[:3], shape[3] + 3)[..., 2:-1]


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, function in FUNCTIONS.items() for key in function.apart])
def test_pixels_may_lie_apart_and_nothing_between_them_is_written(name, key):
    tensors, (expected,) = arguments(name), run(name, arguments(name))
    wide = channels_of_a_wider_image(expected.shape if key == "y" else tensors[key].shape)
    if key == "y":
        whole, before = wide._base, wide._base.clone()
        (output,) = run(name, {**tensors, key: wide})
        assert output is wide and torch.equal(wide, expected)
        assert torch.equal(whole[..., :2], before[..., :2]) and torch.equal(whole[..., -1:], before[..., -1:])
    else:
        wide.copy_(tensors[key])
        assert torch.equal(run(name, {**tensors, key: wide})[0], expected)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, function in FUNCTIONS.items() for key in function.apart])
def test_pixels_that_lie_apart_must_all_be_in_memory(name, key):
    tensors = arguments(name)
    shape = run(name, tensors)[0].shape if key == "y" else tensors[key].shape
    wide = channels_of_a_wider_image(shape)
    wide.untyped_storage().resize_(wide.untyped_storage().nbytes() - 8)
    with pytest.raises(CaffeError, match=f"{name}: {key} of shape .* has no memory"):
        run(name, {**tensors, key: wide})


def test_what_is_written_may_not_overlap_itself():
    tensors = arguments("grouped")
    with pytest.raises(CaffeError, match="must be contiguous"):
        run("grouped", {**tensors, "y": torch.rand(1, 1, 1, 3).expand(run("grouped", tensors)[0].shape)})


@pytest.mark.parametrize(("name", "changes"), [("grouped", {"C": 6, "G": 2}), ("grouped", {"C": 6, "G": 4})])
def test_groups_must_divide_channels_and_vectors(name, changes):
    sizes = Sizes(native.library(), native.best_set(), GEOMETRY, {**SIZES, **changes})
    tensors = {key: torch.rand(sizes.shape(symbols)) for key, symbols in FUNCTIONS[name].inputs.items()}
    with pytest.raises(ShapeError, match="does not divide"):
        run(name, tensors, sizes=changes)


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if has_windows(name) and not function.strided])
def test_strides_are_refused_where_a_kernel_has_none(name):
    with pytest.raises(ShapeError, match="has stride 1"):
        run(name, arguments(name), Geometry((3, 3), (2, 1), (2, 1), (1, 1)))


def test_winograd_has_one_kernel_and_the_others_at_most_49_taps():
    with pytest.raises(ShapeError, match="no windows of"):
        run("winograd", arguments("winograd"), Geometry((3, 2), (1, 1), (2, 1), (1, 1)))
    with pytest.raises(ShapeError, match="no empty windows"):
        run("winograd", arguments("winograd"), Geometry((3, 3), (1, 1), (2, 1), (0, 1)))
    with pytest.raises(ShapeError, match="no windows of"):
        run("masked_convolution", arguments("masked_convolution"), Geometry((8, 8), (1, 1), (8, 8), (1, 1)))


@pytest.mark.parametrize("number", [-1, 3, 99])
def test_an_instruction_set_that_is_not_there_is_refused(number):
    with pytest.raises(CaffeError, match="no instruction set"):
        native.masked_sum(torch.rand(1, 1, 3, 3), torch.rand(1, 9, 5, 3), GEOMETRY, number)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": (2, 2, 2)}, {"stride": (2**31, 1)}, {"pad": (0.5, 0)}, {"sizes": {"H'": 0, "W'": 3}}, {"sizes": {"H'": 2**28, "W'": 1}},
    ],
)  # fmt: skip
def test_numbers_that_the_kernels_cannot_take_are_refused(changes):
    with pytest.raises(ShapeError, match="max_pool: "):
        run("max_pool", arguments("max_pool"), **changes)


dims = st.integers(0, 7)
geometries = st.builds(
    Geometry,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1)]),
    st.tuples(st.integers(-2, 4), st.integers(-2, 4)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
)


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_random_shapes_are_refused_or_give_what_is_declared(name, data):
    """Tensors whose sizes are drawn one by one, mostly from the same few, so that some fit by accident."""
    function, tensors = FUNCTIONS[name], arguments(name)
    geometry = data.draw(geometries) if has_windows(name) else door.PIXEL
    common = Sizes(native.library(), native.best_set(), geometry, {key: data.draw(dims) for key in SIZES} | KNOWN.get(name, {}))
    for key in tensors:
        shape = [max(0, common[symbol]) for symbol in function.tensors[key].split()]
        if len(tensors) > 1 and data.draw(st.integers(0, 9)) == 0:
            shape[data.draw(st.integers(0, len(shape) - 1))] = data.draw(dims)
        tensors[key] = torch.rand(shape)
    try:
        outputs = run(name, tensors, geometry)
    except CaffeError:
        return
    sizes = Sizes(native.library(), native.best_set(), geometry, KNOWN.get(name, {}))
    for key, tensor in tensors.items():
        for symbol, size in zip(function.tensors[key].split(), tensor.shape, strict=True):
            sizes.bind(symbol, size)
    assert [output.shape for output in outputs] == [sizes.shape(symbols) for symbols in function.outputs.values()]


class TestLibrary:
    def load(self, monkeypatch, path=None):
        if path is not None:
            monkeypatch.setenv(loading.VARIABLE, str(path))
        return loading.load.__wrapped__()

    def test_one_built_from_other_sources_is_refused(self, monkeypatch):
        monkeypatch.setattr(loading, "fingerprint", lambda: "0123456789abcdef")
        with pytest.warns(RuntimeWarning, match="built from other sources .* build it anew by `python setup.py build_ext --inplace`"):
            assert "refused" in self.load(monkeypatch)

    def test_one_whose_structs_have_other_sizes_is_refused(self, monkeypatch):
        changed = door.Function({**FUNCTIONS["masked_sum"].inputs, "bias": "C"}, {"y": "N C H' W'"}, {"channels": "C"}, windows="inside")
        monkeypatch.setitem(loading.FUNCTIONS, "masked_sum", changed)
        with pytest.warns(RuntimeWarning, match="its masked_sum takes 56 bytes where Python's takes 64"):
            assert "refused" in self.load(monkeypatch)

    @pytest.mark.parametrize(("path", "reason"), [(__file__, "cannot be used"), (_ctypes.__file__, "cannot be used"), ("/absent.so", "")])
    def test_what_is_no_such_library_is_refused(self, monkeypatch, path, reason):
        with pytest.warns(RuntimeWarning, match=f"{path} is refused.*{reason}"):
            assert "refused" in self.load(monkeypatch, path)

    def test_0_forbids_it_without_a_warning(self, monkeypatch):
        assert "forbids" in self.load(monkeypatch, "0")

    def test_pytorch_does_the_work_of_a_refused_one_and_says_why(self):
        code = (
            "import torch\nfrom segaware_caffe.ops import native\nfrom segaware_caffe.ops.geometry import Geometry\n"
            "from segaware_caffe.ops.masked import masked_sum\ng = Geometry((3, 3), (1, 1), (1, 1), (1, 1))\n"
            "x = torch.ones(1, 1, 3, 3)\nmasked_sum(x, torch.ones(1, 9, 3, 3), g)\n"
            "print(masked_sum(x, torch.ones(1, 9, 3, 3), g).sum().item(), native.why_not(g, x))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env={"PATH": "", loading.VARIABLE: _ctypes.__file__, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.startswith("49.0 the compiled kernels were refused: it cannot be used")
        assert done.stderr.count("RuntimeWarning") == 1
